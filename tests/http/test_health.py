"""Whether the bot lives and can work, for whoever restarts it or sends work to it."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.pulse import Pulse
from bot.engine.engine import Engine
from bot.lab.blueprint import lab_world
from tests.engine.alive import Bot, Place
from tests.http.asked import get


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    """A bot that runs, and that was heard just now."""
    lab = lab_world()
    async with Place(tmp_path / "state", lab).bot() as bot:
        await bot.ask("!ping")
        yield bot
    await lab.close()


async def ask(engine: Engine, path: str) -> tuple[int, Any]:
    answer = await get(engine, path)
    assert isinstance(answer.text, str)
    return answer.status, json.loads(answer.text)


async def test_a_bot_that_works_is_alive_and_ready(bot: Bot) -> None:
    assert await ask(bot.engine, "/healthz") == (200, {"ok": True, "checks": {"listening": "ok"}})
    checks = {"chat": "ok", "store": "ok", "jobs": "ok"}
    assert await ask(bot.engine, "/readyz") == (200, {"ok": True, "checks": checks})


async def test_a_loop_that_breaks_its_promise_is_not_alive(bot: Bot) -> None:
    clock = Clock()
    bot.engine.pulse = Pulse(clock)
    bot.engine.pulse.back_within(90)
    assert (await ask(bot.engine, "/healthz"))[0] == 200

    clock.now += 91

    status, said = await ask(bot.engine, "/healthz")
    assert (status, said["ok"]) == (503, False)
    assert said["checks"]["listening"] == "the loop that listens to the chat hangs"


async def test_who_cannot_hear_is_alive_and_not_ready(bot: Bot) -> None:
    clock = Clock()
    bot.engine.pulse = pulse = Pulse(clock)
    assert (await ask(bot.engine, "/readyz"))[1]["checks"]["chat"] == "not heard yet"

    pulse.heard()
    assert (await ask(bot.engine, "/readyz"))[0] == 200

    clock.now += 300
    pulse.back_within(90)
    status, said = await ask(bot.engine, "/readyz")
    assert (status, said["checks"]["chat"]) == (503, "not heard for 300 s")
    assert (await ask(bot.engine, "/healthz"))[0] == 200


async def test_a_chat_without_a_homeserver_is_never_silent(bot: Bot) -> None:
    clock = Clock()
    bot.engine.pulse = pulse = Pulse(clock)
    pulse.heard()
    pulse.back_within(math.inf)

    clock.now += 1e6

    assert (await ask(bot.engine, "/readyz"))[0] == 200


async def test_who_cannot_write_is_not_ready_until_it_can_again(bot: Bot) -> None:
    await bot.store.breaks("audit")
    bot.chat.say("!ping")
    await bot.chat.until(lambda: bot.store.failing)

    status, said = await ask(bot.engine, "/readyz")
    assert (status, said["checks"]["store"]) == (503, "cannot be written")

    await bot.store.mend()
    async with bot.store.write():
        pass
    assert (await ask(bot.engine, "/readyz"))[0] == 200


async def test_who_has_not_looked_after_its_jobs_is_not_ready(bot: Bot) -> None:
    bot.engine.recovered = False

    status, said = await ask(bot.engine, "/readyz")

    assert status == 503
    assert said["checks"]["jobs"] != "ok"
