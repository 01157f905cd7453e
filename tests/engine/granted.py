"""Asking for what a second person approves, as the tests of grants and of the glass do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.engine import audit_log
from tests.engine.alive import NOUNOU2, Bot
from tests.fakes import NOUNOU, Said

GRANT = "!grant apprenti toy.change for 1h reason power work"


async def code_of(bot: Bot, asked: str) -> str:
    """The code that the command *asked* waits for."""

    def code() -> str:
        return next((s.status.code for s in bot.chat.about(asked) if s.status), "")

    await bot.chat.until(lambda: bool(code()))
    return code()


async def approved(bot: Bot, line: str = GRANT, by: str = NOUNOU, second: str = NOUNOU2) -> Said:
    """Type *line*, let the *second* person approve it, and wait for its final answer."""
    asked = bot.chat.say(line, by)
    code = await code_of(bot, asked)
    said = await bot.ask(f"!approve {code}", second)
    assert state(said) == "succeeded", said.plain
    return await bot.chat.answer(asked)


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def entries(bot: Bot, *kinds: str) -> list[Mapping[str, Any]]:
    """What the record has of these *kinds*, oldest first."""
    async with bot.store.read() as tx:
        found = await audit_log.tail(tx, 1000)
    return [each.data for each in found if each.kind in kinds]


def notices(bot: Bot, text: str) -> list[Said]:
    """What the bot said by itself in the room, and that has *text*."""
    return [each for each in bot.chat.said() if each.status is None and text in each.plain]


async def noticed(bot: Bot, text: str) -> Said:
    """The one notice with *text*, once it is there."""
    await bot.chat.until(lambda: bool(notices(bot, text)))
    [said] = notices(bot, text)
    return said
