"""What wraps every command, once, in this order."""

from __future__ import annotations

from tests.engine.alive import APPRENTI, Bot, Place


async def test_a_command_is_answered(bot: Bot) -> None:
    said = await bot.ask("!ping")

    assert said.plain == "pong"


async def test_a_guest_is_moved(bot: Bot, place: Place) -> None:
    said = await bot.ask("!migrate vm fz")

    assert "vm runs on fz, and only there" in said.plain
    assert place.where("vm") == ["fz"]


async def test_denied(bot: Bot, place: Place) -> None:
    said = await bot.ask("!migrate vm fz", APPRENTI)

    assert "domu.migrate" in said.plain
    assert place.migrations() == []
