"""``kill -9`` of the bot at every moment of a move: the truth is said once, and no second copy is.

The bot dies after its n-th commit, or with its n-th call under way: before the call arrived, or
after, with the answer lost.  The world goes on without it, and then it comes back.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.engine.alive import Place, TestedStore
from tests.fakes import Said

LINE = "!migrate vm fz"


def sample(moments: range, stride: int) -> list[tuple[int, float]]:
    """Some of *moments*, each followed by another absence of the bot, in seconds."""
    absences = (0.0, 60.0, 3.0)
    return [(moment, absences[n % 3]) for n, moment in enumerate(moments[::stride])]


async def died(store: TestedStore, place: Place, asked: str) -> bool:
    """Wait until the bot died, or answered before it could."""
    dead = asyncio.ensure_future(store.dead.wait())
    answered = asyncio.ensure_future(place.chat.answer(asked))
    await asyncio.wait([dead, answered], return_when=asyncio.FIRST_COMPLETED)
    for each in (dead, answered):
        each.cancel()
    await asyncio.wait([dead, answered])
    return store.dead.is_set()


async def comes_back(place: Place, asked: str, after: float) -> Said:
    """Let the world go on for a while without the bot, start it again, and hear it out."""
    await place.later(after)
    place.die_at_passage = None
    async with place.bot() as bot:
        said = await place.chat.answer(asked)
        await bot.engine.outbox.drained()
        assert "whole" in (await bot.ask("!audit verify")).plain
    return said


async def dies_and_comes_back(place: Place, after: float, *, die_after: int | None = None) -> None:
    """The bot dies where the test said, while it moves a guest, and is started again."""
    place.guests = ("vm",)
    async with place.bot(die_after=die_after) as bot:
        asked = place.chat.say(LINE)
        if await died(bot.store, place, asked):
            await bot.killed()

    said = await comes_back(place, asked, after)

    await told_the_truth(place, asked, said)


async def told_the_truth(place: Place, asked: str, said: Said) -> None:
    """One final answer, which says what is so; one guest; one attempt at a time."""
    assert [each for each in place.chat.about(asked) if each.status and each.status.final] == [said]
    assert said.status is not None
    [home] = place.where("vm")
    if said.status.state == "succeeded":
        assert home == "fz"
        assert "vm runs on fz, and only there" in said.plain
    else:
        assert said.status.state == "failed", said.plain
        assert "never started" in said.plain
        assert home == "fy"
    names = [line.split()[4] for line in place.migrations()]
    assert len(names) == len(set(names))
    assert len(names) <= 2
    assert place.lab.watch.seen == []


@pytest.mark.parametrize(("commit", "after"), [*sample(range(3, 39), 4), (14, 0.0)])
async def test_after_any_commit(place: Place, commit: int, after: float) -> None:
    await dies_and_comes_back(place, after, die_after=commit)


@pytest.mark.parametrize(("passage", "after"), sample(range(5, 393), 31))
async def test_with_any_call_under_way(place: Place, passage: int, after: float) -> None:
    place.die_at_passage = passage
    await dies_and_comes_back(place, after)


@pytest.mark.campaign
@pytest.mark.parametrize("after", [0.0, 3.0, 60.0])
@pytest.mark.parametrize("commit", range(3, 39))
async def test_after_every_commit(place: Place, commit: int, after: float) -> None:
    await dies_and_comes_back(place, after, die_after=commit)


@pytest.mark.campaign
@pytest.mark.parametrize("after", [0.0, 3.0, 60.0])
@pytest.mark.parametrize("passage", range(1, 393))
async def test_with_every_call_under_way(place: Place, passage: int, after: float) -> None:
    place.die_at_passage = passage
    await dies_and_comes_back(place, after)
