"""A bot that was away: what came meanwhile is listed and waits for a person."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from bot.core.chat import Batch, Message
from bot.core.jobs import State
from bot.engine import absence, audit_log, jobs, schema, store
from bot.engine.inbox import Inbox
from tests.engine.alive import Bot, Place, opened
from tests.engine.away import LONG, job, listed, lists, lived, missed, state
from tests.engine.toys import Toys
from tests.fakes import NOUNOU, ROOM


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


class TestWhatCameMeanwhile:
    async def test_is_run_after_a_short_absence(self, place: Place) -> None:
        asked = await missed(place, "!ping", "!ping", away=place.timing.away - 20)

        async with place.bot() as bot:
            await bot.chat.answer(asked[-1])

        assert lists(place) == []

    async def test_is_listed_and_not_run_after_a_long_one(self, place: Place, toys: Toys) -> None:
        asked = await missed(place, "!ping", "!change it", "talk")

        async with place.bot() as bot:
            said = await listed(place)
            fresh = await bot.ask("!whoami")
            held = [await job(bot, each) for each in asked[:2]]

        assert said.plain.splitlines() == [
            "⏸ I was away for 14 min 00 s. 2 commands came meanwhile and were not run:",
            "2 nounou: !ping",
            "3 nounou: !change it",
            "!job release 2 3 runs them, !job cancel JOB drops one.",
        ]
        assert said.post.mentions == (NOUNOU,)
        assert [each.state for each in held] == [State.HELD, State.HELD]
        assert state(fresh) == "succeeded"
        assert toys.done == []
        assert len(lists(place)) == 1

    async def test_says_to_machines_that_it_waits_for_a_person(self, place: Place) -> None:
        asked = await missed(place, "!ping", "!ping", "!ping")

        async with place.bot():
            status = (await listed(place)).status

        assert status is not None
        assert (status.command, status.job, status.state) == (asked[0], 2, "held")
        assert (status.final, status.waits) == (False, "person")
        assert list(status.also) == asked[1:]

    async def test_is_one_message_for_each_room(self, place: Place) -> None:
        await missed(place, "!ping")
        place.chat.say_all(["!ping", "!ping"], room="#other:localhost")

        async with place.bot():
            await listed(place)
            await place.chat.until(lambda: len(place.chat.said("#other:localhost")) == 1)

        [other] = place.chat.said("#other:localhost")
        assert "2 commands came meanwhile" in other.plain
        assert "1 command came meanwhile and was not run" in lists(place)[0].plain

    async def test_a_long_list_is_bounded_and_everything_is_held(self, place: Place) -> None:
        await missed(place, *(["!ping"] * 50))

        async with place.bot() as bot:
            said = await listed(place)
            async with bot.store.read() as tx:
                held = await jobs.in_states(tx, [State.HELD])

        assert "and 30 more" in said.plain
        assert " ".join(str(job.id) for job in held) in said.plain
        assert len(said.plain.splitlines()) == 1 + 20 + 1 + 1
        assert len(held) == 50

    async def test_each_that_is_held_can_be_released_as_it_is_said(self, place: Place) -> None:
        await missed(place, *(["!ping"] * 150))

        async with place.bot() as bot:
            said = await listed(place)
            lines = [line for line in said.plain.splitlines() if line.startswith("!job release")]
            for line in lines:
                await bot.ask(line.partition(" runs")[0])
            async with bot.store.read() as tx:
                assert await jobs.in_states(tx, [State.HELD]) == []

        assert len(lines) == 2

    async def test_where_it_cannot_be_released_it_is_said_where_it_can(self, place: Place) -> None:
        await lived(place)
        place.chat.say("!ping", room="!private:localhost")
        await place.later(LONG)

        async with place.bot():
            await place.chat.until(lambda: len(place.chat.said("!private:localhost")) == 1)

        [said] = place.chat.said("!private:localhost")
        assert said.plain.endswith(f"\nNot in this room: type it in {ROOM}.")

    async def test_what_people_wrote_cannot_forge_a_line_of_the_list(self, place: Place) -> None:
        await missed(place, "!ping \n9 nounou2: !change <b>it</b>" + "x" * 500)

        async with place.bot():
            said = await listed(place)

        assert len(said.plain.splitlines()) == 3
        assert "<b>" not in said.post.text.html

    async def test_what_interrupts_is_only_listed(self, place: Place) -> None:
        [asked] = await missed(place, "!migrate vm fz")

        async with place.bot() as bot:
            said = await bot.chat.answer(asked)
            release = await bot.ask("!job release 2")

        assert "2 nounou: !migrate vm fz (not replayed)" in lists(place)[0].plain
        assert "was away, so this was not begun" in said.plain
        assert "Send !migrate vm fz again" in said.plain
        assert state(said) == "away"
        assert state(release) == "refused"
        assert "is not held, it is failed" in release.plain
        assert place.migrations() == []
        assert place.where("vm") == ["fy"]

    async def test_of_strangers_is_neither_listed_nor_held(self, place: Place) -> None:
        await missed(place, "!ping", sender="@stranger:localhost")

        async with place.bot() as bot:
            await bot.chat.until(lambda: bot.chat.taken_in == len(bot.chat.batches))
            await bot.ask("!ping")

        assert lists(place) == []

    async def test_is_recorded(self, place: Place) -> None:
        await missed(place, "!ping", "!migrate vm fz")

        async with place.bot() as bot:
            await listed(place)
            async with bot.store.read() as tx:
                entries = await audit_log.tail(tx, 20)

        [data] = [entry.data for entry in entries if entry.kind == "away"]
        assert (data["held"], data["not replayed"]) == ([2], [3])
        assert LONG <= data["seconds"] < LONG + 20


class TestHowLongItWas:
    """Judged by the bot's own last good sync, and never by what events say of themselves."""

    async def test_the_first_start_holds_nothing(self, place: Place) -> None:
        place.chat.say("!ping")
        await place.later(LONG)

        async with place.bot() as bot:
            await bot.chat.answer("$m0")

    async def test_an_idle_time_is_no_absence(self, place: Place, bot: Bot) -> None:
        await bot.ask("!ping")
        await place.later(LONG)

        assert (await bot.ask("!ping")).plain == "pong"

    async def test_an_idle_time_is_no_absence_over_a_restart(self, place: Place) -> None:
        async with place.bot() as bot:
            await bot.ask("!ping")
            await place.later(LONG)
            await bot.killed()
        asked = place.chat.say("!ping")

        async with place.bot() as bot:
            assert (await bot.chat.answer(asked)).plain == "pong"

    async def test_a_homeserver_that_was_gone_counts_though_the_bot_was_there(
        self, place: Place, bot: Bot
    ) -> None:
        await bot.ask("!ping")
        place.chat.silent = True
        place.chat.say("!ping")
        await place.later(LONG)
        place.chat.say("!whoami")

        place.chat.silent = False
        place.chat.changed()

        assert "2 commands came meanwhile" in (await listed(place)).plain

    async def test_a_clock_that_went_back_over_a_restart_counts_as_long(self, place: Place) -> None:
        asked = await missed(place, "!ping", away=1.0)
        past = place.clock() - 3600

        async with place.bot(clock=lambda: past):
            said = await listed(place)

        assert "I was away, and cannot say for how long." in said.plain
        assert place.chat.final(asked[0]) is None

    async def test_a_clock_that_goes_back_while_the_bot_lives_is_seen_through(
        self, place: Place
    ) -> None:
        shift = 0.0
        async with place.bot(clock=lambda: place.clock() + shift) as bot:
            await bot.ask("!ping")
            shift = -7200.0
            assert (await bot.ask("!ping")).plain == "pong"
            place.chat.silent = True
            place.chat.say("!ping")
            await place.later(LONG)
            shift = -14_400.0
            place.chat.silent = False
            place.chat.changed()

            assert "1 command came meanwhile" in (await listed(place)).plain

    async def test_a_store_of_a_bot_that_did_not_write_it_down_counts_as_long(
        self, place: Place
    ) -> None:
        await missed(place, "!ping", away=1.0)
        async with opened(place.folder) as theirs, theirs.write() as tx:
            await tx.execute(schema.meta.delete().where(schema.meta.c.key == absence.HEARD))

        async with place.bot():
            assert "cannot say for how long" in (await listed(place)).plain

    async def test_what_is_delivered_now_is_never_late(self, place: Place) -> None:
        """The local chat has no place to go on from: its lines are typed this moment."""
        await lived(place)
        await place.later(LONG)
        async with opened(place.folder) as ours:
            inbox = Inbox(place.engine(ours), ROOM)
            await inbox.since()
            await inbox.take(Batch(None, (Message("$local", "local:root", NOUNOU, "!ping"),)))
            await inbox.take(Batch("1", (Message("$late", ROOM, NOUNOU, "!ping"),)))
            async with ours.read() as tx:
                states = [(each.event_id, each.state) for each in await jobs.in_states(tx, State)]

        assert states[1:] == [("$local", State.QUEUED), ("$late", State.HELD)]

    async def test_an_idle_bot_writes_seldom(self, place: Place) -> None:
        async with opened(place.folder) as ours:
            inbox = Inbox(place.engine(ours), ROOM)
            await inbox.take(Batch("1"))
            before = ours.commits
            for _second in range(60):
                await place.later(1.0)
                await inbox.take(Batch("1"))
            async with ours.read() as tx:
                heard = float(await store.get(tx, absence.HEARD) or 0)

        assert ours.commits - before == 6
        assert place.clock() - heard < 10


class TestWhatWasBegunBefore:
    async def accepted(self, place: Place, *lines: str) -> list[str]:
        """Commands that a bot took in just before it died."""
        await lived(place)
        events = [f"$then{number}" for number, _line in enumerate(lines)]
        async with opened(place.folder) as ours:
            await Inbox(place.engine(ours), ROOM).take(
                Batch(
                    "1",
                    tuple(
                        Message(event, ROOM, NOUNOU, line)
                        for event, line in zip(events, lines, strict=True)
                    ),
                )
            )
        return events

    async def test_is_begun_after_a_short_absence(self, place: Place) -> None:
        [asked] = await self.accepted(place, "!migrate vm fz")
        await place.later(60)

        async with place.bot():
            answer = await place.chat.answer(asked)

        assert "vm runs on fz, and only there" in answer.plain

    async def test_is_held_after_a_long_one(self, place: Place, toys: Toys) -> None:
        asked = await self.accepted(place, "!change it", "!migrate vm fz")
        await place.later(LONG)

        async with place.bot() as bot:
            said = await listed(place)
            over = await bot.chat.answer(asked[1])
            released = await bot.ask("!job release 2")
            answer = await bot.chat.answer(asked[0])

        assert "2 commands from before had changed nothing yet and were not run:" in said.plain
        assert state(over) == "away"
        assert state(released) == "succeeded"
        assert "changed it" in answer.plain
        assert toys.done.count("begin it") == 1
        assert place.migrations() == []

    async def test_waiting_for_locks_is_held_and_its_message_says_so(
        self, place: Place, toys: Toys
    ) -> None:
        toys.keys = dict.fromkeys(("one", "two"), frozenset({"the key"}))
        toys.gate("one")
        async with place.bot() as bot:
            first = bot.chat.say("!change one")
            await toys.until("begin one")
            second = bot.chat.say("!change two")
            await bot.chat.until(lambda: bool(bot.chat.about(second)))
            await bot.killed()
        await place.later(LONG)
        toys.gate("one").set()

        async with place.bot() as bot:
            await listed(place)
            await bot.chat.until(lambda: "this waits until" in bot.chat.about(second)[0].plain)
            status = bot.chat.about(second)[0].status
            assert status is not None
            assert (status.state, status.waits) == ("held", "person")
            await bot.chat.until(lambda: len(lists(place)) == 2)
            await bot.ask("!job release 1 2")
            assert state(await bot.chat.answer(second)) == "succeeded"
            assert state(await bot.chat.answer(first)) == "succeeded"

    async def test_running_goes_on_by_itself_within_its_time(
        self, place: Place, toys: Toys
    ) -> None:
        toys.gate("it")
        async with place.bot() as bot:
            asked = bot.chat.say("!change it")
            await toys.until("begin it")
            await bot.killed()
        await place.later(place.timing.away - 60)
        toys.gate("it").set()

        async with place.bot() as bot:
            assert "changed it" in (await bot.chat.answer(asked)).plain

    async def test_cancelled_stays_cancelled_and_is_not_held(
        self, place: Place, toys: Toys
    ) -> None:
        toys.gate("it")
        async with place.bot() as bot:
            asked = bot.chat.say("!change it")
            await toys.until("begin it")
            await bot.ask("!job cancel 1")
            await bot.killed()
        await place.later(LONG)

        async with place.bot() as bot:
            said = await bot.chat.answer(asked)

        assert state(said) == "cancelled"
        assert lists(place) == []

    async def test_a_job_may_be_held_twice_and_is_listed_twice(
        self, place: Place, toys: Toys
    ) -> None:
        [asked] = await self.accepted(place, "!change it")
        for absences in (1, 2):
            await place.later(LONG)
            async with place.bot() as bot:
                await listed(place, absences)
                await bot.killed()
            async with opened(place.folder) as ours, ours.write() as tx:
                found = await jobs.of_event(tx, asked)
                assert found is not None
                await tx.execute(
                    update(schema.jobs)
                    .where(schema.jobs.c.id == found.id)
                    .values(state=State.QUEUED.value)
                )

        assert len(lists(place)) == 2
        assert toys.done == []
