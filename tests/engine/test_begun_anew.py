"""A job that was running when the bot died: whether it begins anew, and what is said where not."""

from __future__ import annotations

import pytest

from bot.engine.context import Context, Requeue
from bot.errors import Failed
from tests.engine.alive import Place
from tests.engine.away import listed, lists, state
from tests.engine.toys import Toys

AUDIT = "#audit:localhost"


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    place.audit_room = AUDIT
    return place


async def dies_at_its_gate(place: Place, toys: Toys) -> str:
    """A bot dies in a job that has changed nothing; returns what asked for it."""
    toys.gate("it")
    async with place.bot() as bot:
        asked = bot.chat.say("!change it")
        await toys.until("begin it")
        await bot.killed()
    toys.gate("it").set()
    return asked


async def dies_in_its_step(place: Place, toys: Toys, found: Exception) -> str:
    """A bot dies in a step; the next has *found* what became of it."""

    async def turn(ctx: Context) -> None:
        async with ctx.step("turn the screw", changes=True):
            toys._did("turn")
            await toys.gate("turn").wait()

    async def look(ctx: Context) -> None:
        raise found

    toys.work, toys.recovers = {"it": turn}, look
    place.registry = toys.registry()
    async with place.bot() as bot:
        asked = bot.chat.say("!change it")
        await toys.until("turn")
        await bot.killed()
    toys.gate("turn").set()
    return asked


async def test_what_failed_after_a_step_of_an_earlier_life_is_told_in_the_audit_room(
    place: Place, toys: Toys
) -> None:
    asked = await dies_in_its_step(place, toys, Failed("The screw is broken."))

    async with place.bot() as bot:
        said = await bot.chat.answer(asked)
        await bot.engine.outbox.drained()

    assert state(said) == "failed"
    assert "!change it → failed" in place.chat.said(AUDIT)[-1].plain


class TestHowLongAgo:
    async def test_one_that_had_begun_a_step_begins_anew_within_its_time(
        self, place: Place, toys: Toys
    ) -> None:
        asked = await dies_in_its_step(place, toys, Requeue())
        await place.later(place.timing.resume_within - 60)

        async with place.bot() as bot:
            assert "changed it" in (await bot.chat.answer(asked)).plain

    async def test_one_that_had_begun_nothing_is_as_late_as_one_that_waited(
        self, place: Place, toys: Toys
    ) -> None:
        asked = await dies_at_its_gate(place, toys)
        await place.later(place.timing.away + 60)

        async with place.bot():
            said = await listed(place)

        assert "1 command from before had changed nothing yet" in said.plain
        assert place.chat.final(asked) is None
        assert toys.done.count("begin it") == 1

    async def test_a_clock_that_went_back_counts_as_long(self, place: Place, toys: Toys) -> None:
        await dies_at_its_gate(place, toys)
        past = place.clock() - 3 * 86400

        async with place.bot(clock=lambda: past):
            assert "cannot say for how long" in (await listed(place)).plain

        assert toys.done.count("begin it") == 1

    async def test_one_that_had_begun_a_step_long_ago_ends_and_says_so(
        self, place: Place, toys: Toys
    ) -> None:
        asked = await dies_in_its_step(place, toys, Requeue())
        await place.later(place.timing.resume_within + 60)

        async with place.bot() as bot:
            said = await bot.chat.answer(asked)
            await bot.engine.outbox.drained()

        assert "The bot was stopped while this ran, too long ago" in said.plain
        assert "!job show 1 says which steps were begun. Send !change it again." in said.plain
        assert state(said) == "failed"
        assert "!change it → failed" in place.chat.said(AUDIT)[-1].plain
        assert lists(place) == []
        assert toys.done.count("begin it") == 1
