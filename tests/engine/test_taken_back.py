"""A message that is taken back: what it asked for is cancelled while it waits, and says so."""

from __future__ import annotations

import pytest

from bot.core.chat import Batch, Kind, Message
from bot.core.jobs import State
from bot.engine import audit_log, jobs
from bot.engine.context import Context, Requeue
from bot.engine.inbox import Inbox
from bot.engine.records import Records
from bot.errors import BotError, StoreError
from tests.engine.alive import STRANGER, Bot, Place, opened
from tests.engine.toys import Toys
from tests.fakes import NOUNOU, ROOM, Said

BEFORE = "■ Cancelled before it began, since its message was taken back."
AFTER = "■ Cancelled, since its message was taken back; no further step was begun."


@pytest.fixture
def toys() -> Toys:
    toys = Toys()
    toys.keys = dict.fromkeys(("one", "two", "three"), frozenset({"the key"}))
    toys.gate("one")
    return toys


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


def line(event_id: str, body: str) -> Message:
    return Message(event_id, ROOM, NOUNOU, body)


def removal(target: str, sender: str = NOUNOU, room: str = ROOM) -> Message:
    return Message(f"$r{target[1:]}", room, sender, kind=Kind.REMOVAL, target=target)


async def begun(bot: Bot, toys: Toys) -> str:
    """A job that holds the key and waits at its gate."""
    asked = bot.chat.say("!change one")
    await toys.until("begin one")
    return asked


async def taken_in(bot: Bot) -> None:
    await bot.chat.until(lambda: bot.chat.taken_in == len(bot.chat.batches))


def first_line(said: Said) -> str:
    return said.plain.splitlines()[0]


async def test_before_it_was_begun_it_never_is(bot: Bot, toys: Toys) -> None:
    """The dispatcher has read the queue already, and is busy with the command before it."""
    bot.chat.deliver([line("$1", "!wait long"), line("$2", "!change it")])
    await toys.until("begin long")

    bot.chat.deliver([removal("$2")])
    said = await bot.chat.answer("$2")
    toys.gate("long").set()
    await bot.chat.answer("$1")

    assert first_line(said) == BEFORE
    assert said.status is not None
    assert said.status.state == "cancelled"
    assert "begin it" not in toys.done


async def test_in_the_batch_of_its_command_it_never_runs(bot: Bot, toys: Toys) -> None:
    bot.chat.deliver([line("$1", "!change it"), removal("$1"), line("$2", "!ping")])
    await bot.chat.answer("$2")

    assert first_line(await bot.chat.answer("$1")) == BEFORE
    assert toys.done == []


async def test_right_behind_its_command_there_is_one_answer_and_one_run_at_most(
    bot: Bot, toys: Toys
) -> None:
    for number in range(20):
        bot.chat.deliver([line(f"${number}", f"!change n{number}")])
        bot.chat.deliver([removal(f"${number}")])
    said = [await bot.chat.answer(f"${number}") for number in range(20)]

    for number, answer in enumerate(said):
        ran = toys.done.count(f"end n{number}")
        assert answer.status is not None
        assert ran == (1 if answer.status.state == "succeeded" else 0)


async def test_while_it_waits_for_locks_it_gives_up_its_place(bot: Bot, toys: Toys) -> None:
    first = await begun(bot, toys)
    second, third = bot.chat.say("!change two"), bot.chat.say("!change three")
    await bot.chat.until(lambda: bool(bot.chat.about(third)))

    bot.chat.deliver([removal(second)])

    assert first_line(await bot.chat.answer(second)) == BEFORE
    toys.gate("one").set()
    await bot.chat.answer(first)
    await bot.chat.answer(third)
    assert "begin two" not in toys.done


async def test_while_it_runs_nothing_happens(bot: Bot, toys: Toys) -> None:
    first = await begun(bot, toys)

    bot.chat.deliver([removal(first)])
    await taken_in(bot)
    toys.gate("one").set()

    assert "changed one" in (await bot.chat.answer(first)).plain


async def test_while_the_bot_looks_what_became_of_it_it_does_not_begin_anew(
    place: Place, toys: Toys
) -> None:
    await _dies_in_a_step(place, toys, Requeue())

    async with place.bot() as bot:
        await toys.until("look")
        bot.chat.deliver([removal("$m0")])
        await taken_in(bot)
        toys.gate("look").set()
        said = await bot.chat.answer("$m0")

    assert first_line(said) == AFTER
    assert toys.done.count("begin it") == 1


async def test_while_the_bot_looks_what_became_of_it_its_end_stays_what_it_is(
    place: Place, toys: Toys
) -> None:
    await _dies_in_a_step(place, toys, None)

    async with place.bot() as bot:
        await toys.until("look")
        bot.chat.deliver([removal("$m0")])
        await taken_in(bot)
        toys.gate("look").set()

        assert first_line(await bot.chat.answer("$m0")) == "✔ looked after it"


async def _dies_in_a_step(place: Place, toys: Toys, found: BotError | None) -> None:
    """A bot dies in a step; the next waits at a gate, and then has *found* what became of it."""

    async def turn(ctx: Context) -> None:
        async with ctx.step("turn the screw", changes=True):
            toys._did("turn")
            await toys.gate("turn").wait()

    async def look(ctx: Context) -> None:
        toys._did("look")
        await toys.gate("look").wait()
        async with ctx.step("look at the screw"):
            if found is not None:
                raise found

    toys.work, toys.recovers = {"it": turn}, look
    place.registry = toys.registry()
    async with place.bot() as bot:
        bot.chat.say("!change it")
        await toys.until("turn")
        await bot.killed()
    toys.gate("turn").set()


async def test_after_its_end_nothing_happens(bot: Bot) -> None:
    asked = bot.chat.say("!ping")
    await bot.chat.answer(asked)

    bot.chat.deliver([removal(asked)])
    await bot.ask("!ping")

    assert len(bot.chat.said()) == 2


@pytest.mark.parametrize("target", ["$1", "$nothing", ""])
async def test_of_talk_nothing_happens(bot: Bot, target: str) -> None:
    bot.chat.deliver([line("$1", "hello"), removal(target)])
    await bot.ask("!ping")

    assert len(bot.chat.said()) == 1


async def test_in_another_room_it_takes_back_nothing(bot: Bot, toys: Toys) -> None:
    first = await begun(bot, toys)
    second = bot.chat.say("!change two")
    await bot.chat.until(lambda: bool(bot.chat.about(second)))

    bot.chat.deliver([removal(second, room="#other:localhost")])
    await taken_in(bot)
    toys.gate("one").set()
    await bot.chat.answer(first)

    assert "changed two" in (await bot.chat.answer(second)).plain


async def test_it_is_recorded_who_took_it_back(bot: Bot, toys: Toys) -> None:
    """Who may remove a message is the room's to say: a moderator need not be known here."""
    bot.chat.deliver([line("$1", "!change it"), removal("$1", STRANGER)])
    await bot.chat.answer("$1")

    async with bot.store.read() as tx:
        entries = await audit_log.tail(tx, 9)
    [data] = [entry.data for entry in entries if entry.kind == "taken back"]
    assert data == {"job": 1, "sender": STRANGER, "event": "$r1"}


async def test_what_is_held_is_cancelled(place: Place, toys: Toys) -> None:
    async with place.bot() as bot:
        await bot.ask("!ping")
    asked = place.chat.say("!change it")
    await place.later(900)

    async with place.bot() as bot:
        await taken_in(bot)
        bot.chat.deliver([removal(asked)])
        said = await bot.chat.answer(asked)
        refused = await bot.ask("!job release 2")

    assert first_line(said) == BEFORE
    assert "is not held, it is cancelled" in refused.plain
    assert toys.done == []


async def test_it_stays_cancelled_over_a_crash(place: Place, toys: Toys) -> None:
    async with place.bot() as bot:
        first = await begun(bot, toys)
        second = bot.chat.say("!change two")
        await bot.chat.until(lambda: bool(bot.chat.about(second)))
        async with bot.store.write() as tx:
            await jobs.note(tx, 2, "cancelled", "taken back")
        await bot.killed()
    toys.gate("one").set()

    async with place.bot() as bot:
        said = await bot.chat.answer(second)
        await bot.chat.answer(first)

    assert first_line(said) == BEFORE
    assert "begin two" not in toys.done


async def test_a_question_that_had_not_begun_stays_cancelled_over_a_crash(
    place: Place, toys: Toys
) -> None:
    async with opened(place.folder) as store:
        await Inbox(place.engine(store), ROOM).take(Batch("1", (line("$1", "!wait it"),)))
        async with store.write() as tx:
            await jobs.note(tx, 1, "cancelled", "taken back")

    async with place.bot() as bot:
        said = await bot.chat.answer("$1")

    assert first_line(said) == BEFORE
    assert toys.done == []


async def test_a_store_that_is_broken_then_hears_of_it_again(place: Place, toys: Toys) -> None:
    """A removal is no command, and yet it may not be lost: the job would run."""
    async with opened(place.folder) as store:
        inbox = Inbox(place.engine(store), ROOM)
        await inbox.take(Batch("1", (line("$1", "!change it"),)))
        await store.breaks("jobs")
        with pytest.raises(StoreError):
            await inbox.take(Batch("2", (removal("$1"),)))
        await store.mend()
        await inbox.take(Batch("2", (removal("$1"),)))
        async with store.read() as tx:
            job = await jobs.get(tx, 1)

    assert job is not None
    assert job.state is State.CANCELLED


class TestJobCancel:
    async def test_what_has_not_begun_is_cancelled_at_once(self, bot: Bot, toys: Toys) -> None:
        bot.chat.deliver([line("$1", "!wait long"), line("$2", "!change it")])
        await toys.until("begin long")

        reply = await Records(bot.engine).cancel(2, by=1)
        said = await bot.chat.answer("$2")
        toys.gate("long").set()
        await bot.chat.answer("$1")

        assert reply.result == "Job 2 is cancelled; it had not begun."
        assert first_line(said) == "■ Cancelled before it began."
        assert "begin it" not in toys.done

    async def test_what_is_cancelled_already_is_said_to_be_so(self, bot: Bot, toys: Toys) -> None:
        bot.chat.deliver([line("$1", "!wait long"), line("$2", "!change it")])
        await toys.until("begin long")
        await Records(bot.engine).cancel(2, by=1)

        assert (await Records(bot.engine).cancel(2, by=1)).result == "Job 2 is cancelled."
        toys.gate("long").set()

    async def test_what_could_not_be_written_down_is_begun_after_all(
        self, bot: Bot, toys: Toys
    ) -> None:
        bot.chat.deliver([line("$1", "!wait long"), line("$2", "!ping")])
        await toys.until("begin long")
        await bot.store.breaks("outbox")
        with pytest.raises(StoreError):
            await Records(bot.engine).cancel(2, by=1)
        await bot.store.mend()
        toys.gate("long").set()

        assert (await bot.chat.answer("$2")).plain == "pong"
