"""Hearing that a program is ready."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from bot.demo.readiness import Readiness
from bot.notify import Systemd

PATIENCE = 10.0


@pytest.fixture
async def readiness() -> AsyncIterator[Readiness]:
    readiness = Readiness()
    readiness.open()
    yield readiness
    readiness.close()


def program(readiness: Readiness) -> Systemd:
    """What the bot makes of its environment."""
    systemd = Systemd.of({**os.environ, **readiness.environment})
    assert systemd is not None
    return systemd


async def test_a_program_says_that_it_is_ready(readiness: Readiness) -> None:
    program(readiness).tell("STATUS=here", "READY=1", "WATCHDOG=1")

    await asyncio.wait_for(readiness.ready.wait(), PATIENCE)


async def test_a_program_that_says_something_else_is_not_ready(readiness: Readiness) -> None:
    for _ in range(50):  # more than a socket keeps for one that does not read
        program(readiness).tell("STATUS=READY=1", "READY=10")
        await asyncio.sleep(0)

    assert not readiness.ready.is_set()


async def test_nothing_is_heard_in_two_places() -> None:
    assert Readiness().environment != Readiness().environment
