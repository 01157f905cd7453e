"""What is due ends at its time: not before, not much later, and for all that goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.engine.timekeeper import LONGEST, Timekeeper
from bot.errors import StoreError


class Eggs:
    """What the tests let boil: each is taken out when its time has come."""

    def __init__(self) -> None:
        #: added to the loop's time, as by somebody who sets the clock
        self.shift = 0.0
        self.times: list[float] = []
        #: when each was taken out, in the loop's time
        self.taken: list[float] = []
        self.failures = 0
        self.stuck = False
        self.tries = 0
        self._news = asyncio.Event()

    def clock(self) -> float:
        return asyncio.get_running_loop().time() + self.shift

    def next_due(self) -> float | None:
        return min(self.times, default=None)

    async def take_out(self, now: float) -> None:
        self.tries += 1
        if self.tries <= self.failures:
            raise StoreError
        if not self.stuck:
            self.taken += [asyncio.get_running_loop().time() for each in self.times if each <= now]
            self.times = [each for each in self.times if each > now]
            self._news.set()

    async def until_taken(self, count: int) -> None:
        async with asyncio.timeout(10_000):
            while len(self.taken) < count:
                self._news.clear()
                await self._news.wait()


@pytest.fixture
async def eggs() -> Eggs:
    return Eggs()


@pytest.fixture
async def keeper(eggs: Eggs) -> AsyncIterator[Timekeeper]:
    keeper = Timekeeper(eggs.clock, again=2.0)
    keeper.due("eggs", eggs.next_due, eggs.take_out)
    running = asyncio.create_task(keeper.run())
    yield keeper
    running.cancel()
    await asyncio.wait([running])


async def later(seconds: float) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


async def test_what_is_due_ends_at_its_time(keeper: Timekeeper, eggs: Eggs) -> None:
    start = eggs.clock()
    eggs.times = [start + 300, start + 7]
    keeper.poke()

    await eggs.until_taken(2)

    assert [round(each - start, 1) for each in eggs.taken] == [7, 300]


async def test_what_ended_while_nobody_looked_ends_at_once(eggs: Eggs) -> None:
    start = eggs.clock()
    eggs.times = [start - 1000, start + 5]
    keeper = Timekeeper(eggs.clock, again=2.0)
    keeper.due("eggs", eggs.next_due, eggs.take_out)
    running = asyncio.create_task(keeper.run())

    await eggs.until_taken(2)

    assert [round(each - start, 1) for each in eggs.taken] == [0, 5]
    running.cancel()
    await asyncio.wait([running])


async def test_a_new_thing_that_ends_first_pokes(keeper: Timekeeper, eggs: Eggs) -> None:
    start = eggs.clock()
    eggs.times = [start + 25]
    keeper.poke()
    await later(1)
    eggs.times.append(start + 3)
    keeper.poke()

    await eggs.until_taken(1)

    assert round(eggs.taken[0] - start, 1) == 3


async def test_a_store_that_fails_is_tried_again(keeper: Timekeeper, eggs: Eggs) -> None:
    start = eggs.clock()
    eggs.failures = 3
    eggs.times = [start + 1]
    keeper.poke()

    await eggs.until_taken(1)

    assert round(eggs.taken[0] - start, 1) == 7


async def test_one_that_fails_holds_up_no_other(keeper: Timekeeper, eggs: Eggs) -> None:
    eggs.failures = 1_000_000
    eggs.times = [eggs.clock()]
    others = Eggs()
    others.times = [start := others.clock()]
    keeper.due("others", others.next_due, others.take_out)
    keeper.poke()

    await others.until_taken(1)

    assert others.taken[0] - start < 1


async def test_an_end_that_changes_nothing_is_not_tried_without_a_pause(
    keeper: Timekeeper, eggs: Eggs
) -> None:
    eggs.stuck = True
    eggs.times = [eggs.clock()]
    keeper.poke()

    await later(20)

    assert 9 <= eggs.tries <= 12


async def test_a_clock_that_was_set_on_is_noticed(keeper: Timekeeper, eggs: Eggs) -> None:
    start = asyncio.get_running_loop().time()
    eggs.times = [eggs.clock() + 10_000]
    keeper.poke()
    await later(1)
    eggs.shift = 20_000

    await eggs.until_taken(1)

    assert eggs.taken[0] - start <= LONGEST + 1


async def test_where_nothing_is_due_it_sleeps(keeper: Timekeeper, eggs: Eggs) -> None:
    await later(1000)

    assert eggs.tries == 0
