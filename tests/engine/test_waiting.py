"""Waiting for locks, cancelling, and ends that nobody knows."""

from __future__ import annotations

import pytest

from bot.core.jobs import State
from bot.core.render import Reply
from bot.engine import jobs
from bot.engine.context import Context
from bot.errors import Failed, OutcomeUnknown, Refused, Unreachable
from tests.engine.alive import APPRENTI, NOUNOU2, Bot, Place
from tests.engine.toys import Toys
from tests.fakes import Said

SAME = frozenset({"the key"})


@pytest.fixture
def toys() -> Toys:
    toys = Toys()
    toys.keys = dict.fromkeys(("one", "two", "three"), SAME)
    toys.gate("one")
    return toys


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def begun(bot: Bot, toys: Toys, name: str = "one") -> str:
    """A job that holds the key and waits at its gate."""
    asked = bot.chat.say(f"!change {name}")
    await toys.until(f"begin {name}")
    return asked


async def shown(bot: Bot, asked: str, text: str) -> Said:
    """The message about *asked*, once it shows *text*."""
    await bot.chat.until(lambda: any(text in said.plain for said in bot.chat.about(asked)))
    return bot.chat.about(asked)[0]


async def lost(ctx: Context) -> None:
    async with ctx.step("turn the screw", changes=True):
        await ctx.no_return()
        raise OutcomeUnknown("the link was lost")


class TestWaiting:
    async def test_who_waits_is_told_for_whom_and_which_place_they_have(
        self, bot: Bot, toys: Toys
    ) -> None:
        await begun(bot, toys)
        second, third = bot.chat.say("!change two"), bot.chat.say("!change three", NOUNOU2)

        said = await shown(bot, second, "waiting for job 1; you are 1st in the queue")
        assert said.status is not None
        assert (said.status.state, said.status.waits) == ("awaiting locks", "lock")
        assert not said.status.final
        assert said.post.threaded
        await shown(bot, third, "waiting for job 1, 2; you are 2nd in the queue")

        toys.gate("one").set()
        assert state(await bot.chat.answer(third)) == "succeeded"

    async def test_the_place_moves_up(self, bot: Bot, toys: Toys) -> None:
        await begun(bot, toys)
        toys.gate("two")
        bot.chat.say("!change two")
        third = bot.chat.say("!change three")
        await shown(bot, third, "you are 2nd")

        toys.gate("one").set()

        await shown(bot, third, "waiting for job 2; you are 1st")
        toys.gate("two").set()
        await bot.chat.answer(third)

    async def test_jobs_run_in_the_order_in_which_they_asked(self, bot: Bot, toys: Toys) -> None:
        await begun(bot, toys)
        waiting = [bot.chat.say(f"!change {name}") for name in ("two", "three")]
        await shown(bot, waiting[1], "2nd")

        toys.gate("one").set()
        await bot.chat.answer(waiting[1])

        order = [each for each in toys.done if each.startswith(("begin", "end"))]
        assert order == [
            f"{what} {n}" for n in ("one", "two", "three") for what in ("begin", "end")
        ]

    async def test_other_keys_are_not_waited_for(self, bot: Bot, toys: Toys) -> None:
        await begun(bot, toys)
        await shown(bot, bot.chat.say("!change two"), "1st")

        assert state(await bot.ask("!change elsewhere")) == "succeeded"
        assert state(await bot.ask("!ping")) == "succeeded"

        toys.gate("one").set()

    async def test_who_waits_can_be_cancelled_and_lets_the_next_one_up(
        self, bot: Bot, toys: Toys
    ) -> None:
        await begun(bot, toys)
        second, third = bot.chat.say("!change two"), bot.chat.say("!change three")
        await shown(bot, third, "2nd")

        assert "being cancelled" in (await bot.ask("!job cancel 2")).plain

        assert state(await bot.chat.answer(second)) == "cancelled"
        await shown(bot, third, "waiting for job 1; you are 1st")
        toys.gate("one").set()
        await bot.chat.answer(third)
        assert "begin two" not in toys.done


class TestCancelling:
    async def test_a_running_job_stops_before_its_next_step(self, bot: Bot, toys: Toys) -> None:
        async def work(ctx: Context) -> None:
            async with ctx.step("never begun"):
                raise AssertionError

        toys.work["one"] = work
        asked = await begun(bot, toys)
        await bot.ask("!job cancel 1")

        toys.gate("one").set()

        said = await bot.chat.answer(asked)
        assert state(said) == "cancelled"
        assert "no further step was begun" in said.plain
        assert bot.engine.locks.table.keys(1) == frozenset()

    async def test_past_its_point_of_no_return_it_cannot_be_cancelled(
        self, bot: Bot, toys: Toys
    ) -> None:
        async def work(ctx: Context) -> None:
            await ctx.no_return()
            toys._did("past")
            await toys.gate("later").wait()

        toys.work["one"] = work
        toys.gate("one").set()
        asked = bot.chat.say("!change one")
        await toys.until("past")

        said = await bot.ask("!job cancel 1")

        assert state(said) == "refused"
        assert "past its point of no return" in said.plain
        toys.gate("later").set()
        assert state(await bot.chat.answer(asked)) == "succeeded"

    async def test_the_point_of_no_return_is_not_passed_once_it_is_cancelled(
        self, bot: Bot, toys: Toys
    ) -> None:
        async def work(ctx: Context) -> None:
            await ctx.no_return()
            toys._did("past")

        toys.work["one"] = work
        asked = await begun(bot, toys)
        await bot.ask("!job cancel 1")

        toys.gate("one").set()

        assert state(await bot.chat.answer(asked)) == "cancelled"
        assert "past" not in toys.done

    async def test_a_cancelled_job_stays_cancelled_over_a_crash(
        self, place: Place, toys: Toys
    ) -> None:
        async with place.bot() as bot:
            asked = await begun(bot, toys)
            await bot.ask("!job cancel 1")
            await bot.killed()
        toys.gate("one").set()

        async with place.bot() as bot:
            said = await bot.chat.answer(asked)

        assert state(said) == "cancelled"
        assert "end one" not in toys.done

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("!job cancel 1", "has ended already (succeeded)"),
            ("!job cancel 99", "There is no job 99"),
            ("!job cancel 2", "cannot cancel itself"),
            ("!job cancel x", "is not the number of a job"),
        ],
    )
    async def test_what_cannot_be_cancelled_is_said(self, bot: Bot, line: str, says: str) -> None:
        await bot.ask("!change elsewhere")

        assert says in (await bot.ask(line)).plain

    async def test_the_apprentice_cancels_nothing(self, bot: Bot, toys: Toys) -> None:
        asked = await begun(bot, toys)

        assert state(await bot.ask("!job cancel 1", APPRENTI)) == "denied"

        toys.gate("one").set()
        assert state(await bot.chat.answer(asked)) == "succeeded"


class TestUndetermined:
    @pytest.fixture
    def toys(self) -> Toys:
        toys = Toys()
        toys.keys = dict.fromkeys(("one", "two"), SAME)
        toys.work["one"] = lost
        self.found: Exception | Reply = Reply("it was done")

        async def settle(ctx: Context) -> Reply:
            if isinstance(self.found, Exception):
                raise self.found
            return self.found

        toys.settles = settle
        return toys

    async def test_its_locks_stay_and_others_are_refused_and_not_left_waiting(
        self, bot: Bot
    ) -> None:
        said = await bot.ask("!change one")
        assert said.plain.startswith("⚠ the link was lost")
        assert state(said) == "undetermined"

        refused = await bot.ask("!change two")

        assert state(refused) == "refused"
        assert "Job 1 ended undetermined and keeps its locks" in refused.plain
        assert "!job settle 1" in refused.plain

    async def test_who_already_waited_for_it_is_refused_then(self, bot: Bot, toys: Toys) -> None:
        toys.gate("one")
        await begun(bot, toys)
        second = bot.chat.say("!change two")
        await shown(bot, second, "1st")

        toys.gate("one").set()

        assert state(await bot.chat.answer(second)) == "refused"

    async def test_its_locks_stay_over_restarts(self, place: Place) -> None:
        async with place.bot() as bot:
            await bot.ask("!change one")
        for _life in range(2):
            async with place.bot() as bot:
                assert state(await bot.ask("!change two")) == "refused"

    async def test_settling_looks_writes_it_down_and_frees_the_locks(self, bot: Bot) -> None:
        await bot.ask("!change one")

        said = await bot.ask("!job settle 1", NOUNOU2)

        assert state(said) == "succeeded"
        assert "Job 1 is settled, its locks are free. it was done" in said.plain
        async with bot.store.read() as tx:
            job = await jobs.get(tx, 1)
            assert await jobs.lock_keys(tx, 1) == frozenset()
        assert job is not None
        assert job.state is State.SUCCEEDED
        assert state(await bot.ask("!change two")) == "succeeded"

    async def test_what_is_settled_already_is_said_to_be_so(self, bot: Bot) -> None:
        await bot.ask("!change one")
        await bot.ask("!job settle 1")

        said = await bot.ask("!job settle 1")

        assert "Job 1 is not undetermined: it is succeeded." in said.plain
        assert state(said) == "refused"

    async def test_settling_may_find_that_it_did_not_happen(self, bot: Bot) -> None:
        await bot.ask("!change one")
        self.found = Failed("it was not done")

        said = await bot.ask("!job settle 1")

        assert "it was not done" in said.plain
        assert "is failed" in (await bot.ask("!job show 1")).plain
        assert state(await bot.ask("!change two")) == "succeeded"

    @pytest.mark.parametrize(
        "found",
        [Unreachable("fz is silent"), OutcomeUnknown("still not clear"), Refused("it still runs")],
    )
    async def test_what_still_cannot_be_said_settles_nothing(
        self, bot: Bot, found: Exception
    ) -> None:
        await bot.ask("!change one")
        self.found = found

        said = await bot.ask("!job settle 1")

        assert state(said) in ("refused", "failed")
        assert str(found) in said.plain
        assert state(await bot.ask("!change two")) == "refused"
        assert "is undetermined" in (await bot.ask("!job show 1")).plain

        self.found = Reply("clear now")
        assert state(await bot.ask("!job settle 1")) == "succeeded"

    async def test_only_what_is_undetermined_can_be_settled(self, bot: Bot) -> None:
        await bot.ask("!change elsewhere")

        said = await bot.ask("!job settle 1")

        assert state(said) == "refused"
        assert "not undetermined: it is succeeded" in said.plain

    async def test_without_a_way_to_recover_it_ends_undetermined_and_loudly(
        self, place: Place, toys: Toys
    ) -> None:
        async def work(ctx: Context) -> None:
            async with ctx.step("turn the screw", changes=True):
                toys._did("turning")
                await toys.gate("never").wait()

        toys.work["one"] = work
        async with place.bot() as bot:
            asked = bot.chat.say("!change one")
            await toys.until("turning")
            await bot.killed()

        async with place.bot() as bot:
            said = await bot.chat.answer(asked)

            assert said.plain.startswith("⚠ The bot was stopped while this ran")
            assert state(said) == "undetermined"
            assert state(await bot.ask("!change two")) == "refused"

    async def test_the_apprentice_settles_nothing(self, bot: Bot) -> None:
        await bot.ask("!change one")

        assert state(await bot.ask("!job settle 1", APPRENTI)) == "denied"
        assert state(await bot.ask("!change two")) == "refused"
