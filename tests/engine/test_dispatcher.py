"""Every stored job is begun once, in the order of arrival, and a slow one holds up nobody."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.chat import Batch, Message
from bot.core.jobs import State
from bot.engine import jobs
from bot.engine.inbox import Inbox
from bot.engine.jobs import Job
from bot.engine.store import Store
from tests.engine.alive import NOUNOU2, Bot, Place, opened
from tests.engine.toys import Toys
from tests.fakes import NOUNOU, ROOM


async def job(store: Store, number: int) -> Job:
    async with store.read() as tx:
        found = await jobs.get(tx, number)
    assert found is not None
    return found


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


async def test_three_hundred_commands_are_answered_once_and_in_order(bot: Bot) -> None:
    """Posted eight at a time, as a script would; each a read that needs no device."""
    lines = [f"!help {'ping' if number % 2 else 'whoami'}" for number in range(300)]
    asked = [
        event_id
        for start in range(0, 300, 8)
        for event_id in bot.chat.say_all(lines[start : start + 8])
    ]

    await bot.chat.answer(asked[-1])

    answered = [said.status.command for said in bot.chat.said() if said.status]
    assert answered == asked


async def test_what_was_asked_while_the_bot_was_away_is_answered_once_and_in_order(
    place: Place,
) -> None:
    async with place.bot() as bot:
        await bot.ask("!ping")
    asked = place.chat.say_all(["!ping"] * 60)

    async with place.bot() as bot:
        await bot.chat.answer(asked[-1])

    answered = [said.status.command for said in place.chat.said() if said.status]
    assert answered[1:] == asked


async def test_a_slow_command_lets_others_pass(bot: Bot, toys: Toys) -> None:
    slow = bot.chat.say("!wait long")

    quick = await bot.ask("!ping")
    assert quick.plain == "pong"
    assert bot.chat.final(slow) is None

    toys.gate("long").set()
    assert (await bot.chat.answer(slow)).plain == "waited for long"


async def test_a_command_that_is_a_little_slow_keeps_its_place(bot: Bot, toys: Toys) -> None:
    asyncio.get_running_loop().call_later(1.0, toys.gate("short").set)

    first, second = bot.chat.say_all(["!wait short", "!ping"])
    await bot.chat.answer(second)

    assert [said.status.command for said in bot.chat.said() if said.status] == [first, second]


async def test_a_job_that_was_stored_and_not_begun_runs_once_after_a_restart(
    place: Place, toys: Toys
) -> None:
    async with opened(place.folder) as store:
        await Inbox(place.engine(store), ROOM).take(
            Batch("0", (Message("$1", ROOM, NOUNOU, "!change it"),))
        )

    for _life in range(3):
        async with place.bot() as bot:
            await bot.chat.answer("$1")
    assert toys.done.count("begin it") == 1
    assert len(place.chat.about("$1")) == 1


async def test_a_job_that_waited_for_locks_keeps_its_place_over_a_restart(
    place: Place, toys: Toys
) -> None:
    toys.keys = dict.fromkeys(("one", "two", "three"), frozenset({"the key"}))
    toys.gate("one")
    async with place.bot() as bot:
        first = bot.chat.say("!change one")
        await toys.until("begin one")
        waiting = [bot.chat.say(f"!change {name}") for name in ("two", "three")]
        await bot.chat.until(lambda: len(bot.chat.about(waiting[1])) == 1)
        await bot.killed()
    toys.done.clear()
    toys.gate("one").set()

    async with place.bot() as bot:
        final = [await bot.chat.answer(each) for each in (first, *waiting)]

    assert [said.plain.splitlines()[0] for said in final] == [
        "✔ changed one",
        "✔ changed two",
        "✔ changed three",
    ]
    begun = [each for each in toys.done if each.startswith("begin")]
    assert begun == ["begin one", "begin two", "begin three"]


async def test_a_change_that_died_before_its_first_step_begins_anew(
    place: Place, toys: Toys
) -> None:
    toys.gate("it")
    async with place.bot() as bot:
        asked = bot.chat.say("!change it")
        await toys.until("begin it")
        await bot.killed()
    toys.gate("it").set()

    async with place.bot() as bot:
        said = await bot.chat.answer(asked)

    assert "changed it" in said.plain
    assert toys.done.count("begin it") == 2
    assert toys.done.count("end it") == 1


async def test_a_read_that_died_begins_anew(place: Place, toys: Toys) -> None:
    async with place.bot() as bot:
        asked = bot.chat.say("!wait it")
        await toys.until("begin it")
        await bot.killed()
    toys.gate("it").set()

    async with place.bot() as bot:
        said = await bot.chat.answer(asked)

    assert said.plain == "waited for it"


async def test_jobs_of_several_persons_are_begun_in_their_order(bot: Bot) -> None:
    asked = [bot.chat.say("!whoami", sender) for sender in (NOUNOU, NOUNOU2) * 5]

    await bot.chat.answer(asked[-1])

    said = [each.plain.split()[2] for each in bot.chat.said()]
    assert said == ["nounou", "nounou2"] * 5


async def test_an_answered_job_is_ended_in_the_store(bot: Bot) -> None:
    await bot.ask("!ping")

    found = await job(bot.store, 1)

    assert (found.state, found.code, found.result) == (State.SUCCEEDED, "ok", "pong")
    assert found.ended is not None
