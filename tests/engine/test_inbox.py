"""Taking in lines: each command becomes a job exactly once, or nothing of its batch happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, func, select, text

from bot.core.audit import Entry
from bot.core.chat import Batch, Message
from bot.core.jobs import State
from bot.engine import audit_log, jobs, schema
from bot.engine.inbox import Inbox
from bot.engine.jobs import Job
from bot.engine.store import Store
from bot.errors import StoreError
from bot.lab import virtual
from tests.engine.alive import NOUNOU2, STRANGER, Bot, Place, TestedStore, at_work, opened
from tests.engine.away import listed, missed
from tests.fakes import NOUNOU, ROOM, FakeChat


def message(event_id: str, body: str = "!ping", sender: str = NOUNOU) -> Message:
    return Message(event_id, ROOM, sender, body)


async def queued(store: Store) -> list[Job]:
    async with store.read() as tx:
        return await jobs.in_states(tx, State)


async def record(store: Store) -> list[Entry]:
    async with store.read() as tx:
        return await audit_log.tail(tx, 1000)


async def count(store: Store, query: Select[Any]) -> int:
    async with store.read() as tx:
        return int(await tx.scalar(query) or 0)


@pytest.fixture
async def inbox(place: Place, store: TestedStore) -> Inbox:
    return Inbox(place.engine(store), ROOM)


async def test_a_command_is_a_job_and_an_entry_of_the_record(
    inbox: Inbox, store: TestedStore
) -> None:
    await inbox.take(Batch("t1", (message("$1", "  !migrate vm fz  "),)))

    [job] = await queued(store)
    [entry] = await record(store)
    assert (job.line, job.person, job.sender, job.cut) == (
        "!migrate vm fz",
        "nounou",
        NOUNOU,
        False,
    )
    assert entry.kind == "asked"
    assert entry.data == {
        "job": 1,
        "person": "nounou",
        "sender": NOUNOU,
        "room": ROOM,
        "event": "$1",
        "line": "!migrate vm fz",
        "via": "plain",
        "verb": "domu.migrate",
    }
    assert inbox._engine.arrived.is_set()
    assert await inbox.since() == "t1"


async def test_before_the_first_batch_there_is_no_token(inbox: Inbox) -> None:
    assert await inbox.since() is None


@pytest.mark.parametrize("body", ["hello", "", "!", "! ping", "ping", "!!!"])
async def test_talk_among_people_is_no_job_and_no_record(
    inbox: Inbox, store: TestedStore, body: str
) -> None:
    await inbox.take(Batch("t1", (message("$1", body),)))

    assert await queued(store) == []
    assert await record(store) == []


async def test_commands_are_numbered_in_the_order_of_the_batch(
    inbox: Inbox, store: TestedStore
) -> None:
    lines = [f"!help {number}" for number in range(30)]

    await inbox.take(Batch("t1", tuple(message(f"${line}", line) for line in lines)))

    assert [job.line for job in await queued(store)] == lines


async def test_the_same_event_twice_in_one_batch_is_one_job(
    inbox: Inbox, store: TestedStore
) -> None:
    await inbox.take(Batch("t1", (message("$1"), message("$1"), message("$2"))))

    assert [job.event_id for job in await queued(store)] == ["$1", "$2"]


async def test_the_same_event_in_a_later_batch_is_one_job(inbox: Inbox, store: TestedStore) -> None:
    await inbox.take(Batch("t1", (message("$1"),)))
    await inbox.take(Batch("t2", (message("$1"), message("$2"))))

    assert [job.event_id for job in await queued(store)] == ["$1", "$2"]
    assert len(await record(store)) == 2


async def test_the_same_event_after_a_restart_is_one_job(place: Place) -> None:
    for _life in range(3):
        async with opened(place.folder) as store:
            await Inbox(place.engine(store), ROOM).take(Batch("t1", (message("$1"),)))

    async with opened(place.folder) as store:
        assert len(await queued(store)) == 1


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 9), max_size=5), st.booleans()), min_size=1, max_size=8
    )
)
def test_however_often_events_come_and_the_bot_restarts_each_is_one_job_in_its_first_order(
    tmp_path_factory: pytest.TempPathFactory, story: Sequence[tuple[list[int], bool]]
) -> None:
    folder = tmp_path_factory.mktemp("state")
    expected = list(dict.fromkeys(number for numbers, _restart in story for number in numbers))

    async def live() -> list[str]:
        chat = FakeChat()
        place = Place(folder, _no_lab(), chat)
        lives: list[list[list[int]]] = [[]]
        for numbers, restart in story:
            lives[-1].append(numbers)
            if restart:
                lives.append([])
        for life in lives:
            async with opened(folder) as store:
                inbox = Inbox(place.engine(store), ROOM)
                for numbers in life:
                    await inbox.take(Batch("t", tuple(message(f"${each}") for each in numbers)))
        async with opened(folder) as store:
            return [job.event_id for job in await queued(store)]

    assert virtual.run(live(), busy=at_work) == [f"${number}" for number in expected]


def _no_lab() -> Any:
    from bot.lab.blueprint import lab_world

    return lab_world()


@pytest.mark.parametrize("table", ["jobs", "handled", "audit", "meta"])
async def test_a_failure_in_the_middle_leaves_neither_token_nor_job_nor_record(
    inbox: Inbox, store: TestedStore, table: str
) -> None:
    """Whichever of the tables cannot be written, the batch as a whole did not happen."""
    await inbox.take(Batch("t1", (message("$1"),)))
    verb = "UPDATE" if table == "meta" else "INSERT"
    async with store.write() as tx:
        await tx.execute(
            text(
                f"CREATE TRIGGER broken BEFORE {verb} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END"
            )
        )

    with pytest.raises(StoreError, match="on fire"):
        await inbox.take(Batch("t2", (message("$2"), message("$3"))))

    assert await inbox.since() == "t1"
    assert [job.event_id for job in await queued(store)] == ["$1"]
    assert len(await record(store)) == 1
    assert await count(store, select(func.count()).select_from(schema.handled)) == 1

    async with store.write() as tx:
        await tx.execute(text("DROP TRIGGER broken"))
    await inbox.take(Batch("t2", (message("$2"), message("$3"))))

    assert [job.event_id for job in await queued(store)] == ["$1", "$2", "$3"]


async def test_a_batch_without_messages_keeps_its_token(inbox: Inbox) -> None:
    await inbox.take(Batch("t7"))

    assert await inbox.since() == "t7"
    assert not inbox._engine.arrived.is_set()


async def test_a_stranger_gets_no_job_and_no_answer_and_one_record(bot: Bot) -> None:
    bot.chat.say("!ping", STRANGER)
    await bot.ask("!ping")

    assert [job.person for job in await queued(bot.store)] == ["nounou"]
    assert len(bot.chat.said()) == 1
    denied = [entry for entry in await record(bot.store) if entry.kind == "denied"]
    assert [entry.data["sender"] for entry in denied] == [STRANGER]
    assert denied[0].data["line"] == "!ping"


async def test_more_of_a_stranger_are_counted_once_a_minute(place: Place, bot: Bot) -> None:
    for _command in range(40):
        bot.chat.say("!ping", STRANGER)
    bot.chat.say("!ping", "@another:localhost")
    await bot.ask("!ping")

    said = [(e.kind, e.data["sender"]) for e in await record(bot.store) if "denied" in e.kind]
    assert said == [("denied", STRANGER), ("denied", "@another:localhost")]

    # housekeeping counts once the minute is over
    await place.later(100)
    counts = [entry for entry in await record(bot.store) if entry.kind == "denied again"]
    assert [entry.data for entry in counts] == [{"sender": STRANGER, "more": 39, "seconds": 60}]


async def test_two_strangers_do_not_hide_behind_one_another(bot: Bot) -> None:
    bot.chat.say_all(["!ping"] * 5, STRANGER)
    bot.chat.say_all(["!ping"] * 5, "@another:localhost")
    await bot.ask("!ping", NOUNOU2)

    senders = [e.data["sender"] for e in await record(bot.store) if e.kind == "denied"]
    assert senders == [STRANGER, "@another:localhost"]


@pytest.mark.parametrize("sign", ["x", "é", "日"])
async def test_a_command_that_is_too_long_is_kept_cut_and_refused(bot: Bot, sign: str) -> None:
    said = await bot.ask(f"!help {sign * 10_000}")

    [job] = await queued(bot.store)
    assert "longer than 2048 bytes" in said.plain
    assert len(said.plain) < 300
    assert job.cut
    assert 2040 < len(job.line.encode()) <= 2048
    [asked] = [entry for entry in await record(bot.store) if entry.kind == "asked"]
    assert asked.data["line"] == job.line


async def test_the_longest_command_is_taken_whole(bot: Bot) -> None:
    said = await bot.ask("!help " + "x" * (2048 - len("!help ")))

    assert "longer" not in said.plain


async def test_a_stranger_cannot_fill_the_record(bot: Bot) -> None:
    bot.chat.say("!" + "x" * 100_000, STRANGER)
    await bot.ask("!ping")

    assert max(len(str(entry.data)) for entry in await record(bot.store)) < 3000


async def test_a_store_that_breaks_is_told_once_an_outage_and_loses_nothing(
    place: Place,
) -> None:
    async with place.bot() as bot:
        await bot.ask("!ping")
        async with bot.store.write() as tx:
            await tx.execute(
                text(
                    "CREATE TRIGGER broken BEFORE INSERT ON jobs "
                    "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
                )
            )
        first = bot.chat.say("!ping")
        second = bot.chat.say("!whoami")
        await bot.chat.until(lambda: bot.chat.raised >= 3)

        told = [said for said in bot.chat.said() if "cannot be written" in said.plain]
        assert len(told) == 1
        assert "Commands wait" in told[0].plain
        assert told[0].post.about == first

        async with bot.store.write() as tx:
            await tx.execute(text("DROP TRIGGER broken"))
        assert (await bot.chat.answer(first)).plain == "pong"
        assert "You are nounou" in (await bot.chat.answer(second)).plain


async def test_each_room_is_told_once_an_outage(
    place: Place, inbox: Inbox, store: TestedStore
) -> None:
    await inbox.take(Batch("1", (message("$1"),)))
    await store.breaks("jobs")
    elsewhere = Message("$3", "#other:localhost", NOUNOU, "!ping")
    for batch in ((message("$2"),), (message("$2"), elsewhere), (message("$2"), elsewhere)):
        with pytest.raises(StoreError):
            await inbox.take(Batch("2", batch))

    for room in (ROOM, "#other:localhost"):
        assert sum("Commands wait" in said.plain for said in place.chat.said(room)) == 1


async def test_commands_that_waited_for_the_store_are_run_however_long_that_was(
    place: Place,
) -> None:
    """They were told so, and the homeserver was there all the time."""
    async with place.bot() as bot:
        await bot.ask("!ping")
        await bot.store.breaks("jobs")
        asked = bot.chat.say("!ping")
        await place.later(5 * place.timing.away)
        await bot.store.mend()

        assert (await bot.chat.answer(asked)).plain == "pong"


async def test_an_absence_is_not_forgotten_while_the_store_is_broken(place: Place) -> None:
    await missed(place, "!ping")
    async with place.bot() as bot:
        await bot.store.breaks("jobs")
        await bot.chat.until(lambda: bot.chat.raised >= 3)
        await bot.store.mend()

        assert "1 command came meanwhile" in (await listed(place)).plain


async def test_strangers_hear_nothing_of_a_broken_store(place: Place) -> None:
    async with place.bot() as bot:
        async with bot.store.write() as tx:
            await tx.execute(
                text(
                    "CREATE TRIGGER broken BEFORE UPDATE ON meta "
                    "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
                )
            )
        bot.chat.say("!ping", STRANGER)
        bot.chat.say("hello")
        await bot.chat.until(lambda: bot.chat.raised >= 2)

        assert bot.chat.said() == []
