"""A signal ends the demonstration, also where something on the stage does not want to end."""

from __future__ import annotations

import asyncio
import os
import signal
from types import SimpleNamespace
from typing import cast

import pytest

from bot.demo import run
from bot.demo.stage import Stage


async def test_a_prompt_that_catches_the_first_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "CAUGHT", 0.01)
    begun, never = asyncio.Event(), asyncio.Event()
    stage = SimpleNamespace(ending=False, say=lambda sentence: None)

    async def perform() -> int:
        begun.set()
        try:
            await never.wait()
        finally:
            await never.wait()
        return 0

    ending = asyncio.create_task(run._until_struck(cast(Stage, stage), perform))
    await begun.wait()
    os.kill(os.getpid(), signal.SIGTERM)

    await asyncio.wait([ending], timeout=5)

    assert ending.done()
    assert await ending == 128 + signal.SIGTERM
    stage.ending = True
