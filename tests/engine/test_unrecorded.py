"""The end of a job that cannot be written down: told at once, and in the end told once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.jobs import Event
from bot.engine import jobs
from bot.engine.context import Context
from tests.engine.alive import Bot, Place
from tests.engine.toys import Toys

INCOMPLETE = "The record of this job is incomplete"


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


@pytest.fixture
def stuck(toys: Toys) -> Toys:
    """`!change it` shows progress, passes its point of no return and stops there."""
    gate, turned = toys.gate("at the end"), toys.gate("turned")

    async def work(ctx: Context) -> None:
        async with ctx.step("turn the screw", changes=True):
            await ctx.no_return()
            turned.set()
            await gate.wait()

    toys.work["it"] = work
    return toys


async def test_the_message_that_showed_progress_is_the_final_answer_before_and_after(
    bot: Bot, stuck: Toys
) -> None:
    asked = bot.chat.say("!change it")
    await bot.chat.until(lambda: bool(bot.chat.about(asked)))
    [message] = bot.chat.about(asked)
    await stuck.gate("turned").wait()
    await bot.store.breaks("jobs")
    stuck.gate("at the end").set()

    told = await bot.chat.answer(asked)
    assert INCOMPLETE in told.plain
    assert [said.event_id for said in bot.chat.about(asked)] == [message.event_id]

    await bot.store.mend()
    await bot.chat.until(lambda: len(finals(bot, asked)) == 2)
    await bot.engine.outbox.drained()

    [said] = bot.chat.about(asked)
    assert said.status is not None
    assert (said.status.final, said.status.state) == (True, "succeeded")
    assert "⏳" not in said.plain


class TestACommitThatHappenedAndReportedThatItDidNot:
    async def test_at_the_end_of_a_job_is_no_second_end(self, bot: Bot, toys: Toys) -> None:
        asked = bot.chat.say("!wait it")
        await toys.until("begin it")

        bot.store.doubts = 1
        toys.gate("it").set()
        await bot.chat.answer(asked)

        assert (await bot.ask("!ping")).plain == "pong"
        assert bot.store.doubts == 0
        assert [said.event_id for said in bot.chat.about(asked)] == [*{final(bot, asked)}]

    @pytest.mark.parametrize("away", [1.0, 100_000.0], ids=["begun anew", "held"])
    async def test_after_a_restart_does_not_end_the_bot(
        self, place: Place, toys: Toys, away: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        doubted: list[Event] = []

        async def move(
            tx: AsyncConnection, number: int, event: Event, *more: Any, **to: Any
        ) -> Any:
            if event is Event.REQUEUE and not doubted:
                doubted.append(event)
                bot.store.doubts = 1
            return await jobs_move(tx, number, event, *more, **to)

        jobs_move = jobs.move
        monkeypatch.setattr(jobs, "move", move)

        async def work(ctx: Context) -> None:
            async with ctx.step("look first"):
                await toys.gate("look").wait()

        toys.work["it"] = work
        async with place.bot() as bot:
            asked = bot.chat.say("!change it")
            await bot.chat.until(lambda: bool(bot.chat.about(asked)))
            await bot.killed()
        await place.later(away)
        toys.gate("look").set()

        async with place.bot() as bot:
            if away > place.timing.resume_within:
                await bot.chat.until(lambda: any("I was away" in s.plain for s in bot.chat.said()))
                await bot.ask("!job release 1")
            said = await bot.chat.answer(asked)

        assert doubted
        assert said.status is not None
        assert said.status.state == "succeeded"


def final(bot: Bot, asked: str) -> str:
    said = bot.chat.final(asked)
    assert said is not None
    return said.event_id


def finals(bot: Bot, asked: str) -> set[str]:
    """The transactions under which a final answer to *asked* was said."""
    return {
        post.txn
        for post in bot.chat.attempts
        if post.status and post.status.final and post.status.command == asked
    }
