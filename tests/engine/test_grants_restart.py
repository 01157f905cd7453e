"""Grants that outlive the bot, and a bot that dies while it gives one."""

from __future__ import annotations

import asyncio

import pytest

from tests.engine.alive import APPRENTI, NOUNOU2, Bot, Place
from tests.engine.granted import GRANT, approved, entries, noticed, state
from tests.engine.test_crashes import died
from tests.engine.toys import Toys


@pytest.fixture
async def place(place: Place) -> Place:
    place.registry = Toys().registry()
    return place


async def test_a_grant_survives_a_restart(place: Place) -> None:
    async with place.bot() as bot:
        await approved(bot)
    async with place.bot() as bot:
        assert state(await bot.ask("!change it", APPRENTI)) == "succeeded"

        await noticed(bot, "Grant 1 has ended")
        assert state(await bot.ask("!change it", APPRENTI)) == "denied"


async def test_what_ended_meanwhile_ends_at_once(place: Place) -> None:
    async with place.bot() as bot:
        await approved(bot)
    await place.later(20_000)
    async with place.bot() as bot:
        start = place.clock()
        await noticed(bot, "Grant 1 has ended")

        assert place.clock() - start < 1
        assert state(await bot.ask("!change it", APPRENTI)) == "denied"


@pytest.mark.parametrize("commit", range(2, 19))
async def test_a_crash_after_any_commit_grants_once(place: Place, commit: int) -> None:
    async with place.bot(die_after=commit) as bot:
        asked = bot.chat.say(GRANT)
        approving = asyncio.create_task(_approve(bot, asked))
        await died(bot.store, place, asked)
        approving.cancel()
        await bot.killed()

    async with place.bot() as bot:
        approving = asyncio.create_task(_approve(bot, asked))
        said = await bot.chat.answer(asked)
        approving.cancel()

        assert state(said) == "succeeded", said.plain
        assert len(await entries(bot, "granted")) == 1
        assert [grant.id for grant in bot.engine.grants.active(place.clock())] == [1]
        assert "whole" in (await bot.ask("!audit verify")).plain


async def _approve(bot: Bot, asked: str) -> None:
    """Type the code of the request, whenever there is another one."""
    typed: set[str] = set()
    while True:
        await bot.chat.until(lambda: bool(_codes(bot, asked) - typed))
        for code in _codes(bot, asked) - typed:
            bot.chat.say(f"!approve {code}", NOUNOU2)
            typed.add(code)


def _codes(bot: Bot, asked: str) -> set[str]:
    return {each.status.code for each in bot.chat.about(asked) if each.status} - {""}
