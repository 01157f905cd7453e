"""A request outlives the bot: it is asked once more where the plan changed, and used once."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.chat import Proof
from bot.core.plan import Thing
from tests.engine.alive import NOUNOU2, Bot, Place
from tests.engine.asking import burn, state
from tests.engine.toys import Toys


@pytest.fixture
def toys() -> Toys:
    toys = Toys()
    toys.touches = {(Thing.HOST, "oven"), (Thing.WWN, "600c0ff0")}
    return toys


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


async def test_a_request_survives_a_restart_with_its_code(place: Place, toys: Toys) -> None:
    async with place.bot() as bot:
        code = await bot.code(asked := burn(bot))
        await bot.killed()
    # longer than what counts as away: what waits for somebody's word waits on
    await place.later(300)

    async with place.bot() as bot:
        await place.later(60)
        await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)

        assert state(await bot.chat.answer(asked)) == "succeeded"
        assert toys.done == ["burn barn"]


async def test_a_plan_that_is_another_one_after_a_restart_gets_another_code(
    place: Place, toys: Toys
) -> None:
    async with place.bot() as bot:
        code = await bot.code(asked := burn(bot))
        await bot.killed()
    toys.steps = ["burn it twice"]

    async with place.bot() as bot:
        await bot.chat.until(lambda: "burn it twice" in bot.chat.about(asked)[0].plain)
        answer = await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)
        fresh = await bot.code(asked)

        assert "The plan of job 1 is another one now, with another code." in answer.plain
        assert fresh != code
        await bot.ask(f"!approve {fresh}", NOUNOU2, Proof.SIGNED)
        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_a_request_that_expired_while_the_bot_was_away_is_not_used(
    place: Place, toys: Toys
) -> None:
    async with place.bot() as bot:
        asked = burn(bot)
        await bot.code(asked)
        await bot.killed()
    await place.later(1000)

    async with place.bot() as bot:
        assert state(await bot.chat.answer(asked)) == "refused"
        assert toys.done == []


async def test_whatever_dies_in_between_it_runs_once_and_only_approved(
    place: Place, toys: Toys
) -> None:
    """Die after each commit in turn, from the question to the end; another life goes on."""
    for die_after in range(5, 40):
        toys.done.clear()
        # one that ends undetermined keeps its lock
        toys.keys["barn"] = frozenset({f"toy/{die_after}"})
        asked, lived = await _burn_with_a_death(place, die_after)
        final = place.chat.final(asked)

        assert final is not None
        assert toys.done.count("burn barn") <= 1
        assert state(final) in ("succeeded", "undetermined"), (die_after, final.plain)
        if lived:
            return
    pytest.fail("the bot dies at each commit")


async def _burn_with_a_death(place: Place, die_after: int) -> tuple[str, bool]:
    """One burning in which the first bot dies after so many commits, unless it ends before."""
    approved: set[str] = set()
    async with place.bot(die_after=die_after) as bot:
        asked = burn(bot)
        await _approve_until_the_end(bot, asked, approved)
        lived = not bot.store.dead.is_set()
        await bot.killed()
    if not lived:
        async with place.bot() as bot:
            await _approve_until_the_end(bot, asked, approved)
    return asked, lived


async def _approve_until_the_end(bot: Bot, asked: str, approved: set[str]) -> None:
    """Approve each code that shows, once, as a person would, until the end or the bot's death."""

    def codes() -> set[str]:
        shown = [said.status.code for said in bot.chat.about(asked) if said.status]
        return {code for code in shown if code} - approved

    def ended() -> bool:
        return bot.chat.final(asked) is not None or bot.store.dead.is_set()

    while not ended():
        news = asyncio.create_task(bot.chat.until(lambda: bool(codes()) or ended()))
        death = asyncio.create_task(bot.store.dead.wait())
        await asyncio.wait([news, death], return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        death.cancel()
        for code in codes():
            approved.add(code)
            bot.chat.say(f"!approve {code}", NOUNOU2, proof=Proof.SIGNED)
