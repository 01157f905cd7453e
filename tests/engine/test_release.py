"""`!job release`: who may let run what came while the bot was away, and what it runs."""

from __future__ import annotations

import pytest

from bot.core.chat import Message, Proof
from bot.core.jobs import State
from bot.engine import audit_log
from tests.engine.alive import APPRENTI, NOUNOU2, Place
from tests.engine.away import LONG, job, listed, lived, missed, state
from tests.engine.toys import Toys
from tests.fakes import NOUNOU, ROOM


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


async def test_release_runs_what_was_held_in_its_order(place: Place, toys: Toys) -> None:
    asked = await missed(place, "!change one", "!change two", "!change three")

    async with place.bot() as bot:
        await listed(place)
        said = await bot.ask("!job release 4 2")
        await bot.chat.answer(asked[0])
        await bot.chat.answer(asked[2])
        left = await job(bot, asked[1])

    assert said.plain == "✔ Jobs 4, 2 are released."
    assert [each for each in toys.done if "begin" in each] == ["begin one", "begin three"]
    assert left.state is State.HELD


async def test_release_is_recorded_with_who_did_it(place: Place) -> None:
    await missed(place, "!ping", sender=APPRENTI)

    async with place.bot() as bot:
        await listed(place)
        await bot.ask("!job release 2", NOUNOU2)
        async with bot.store.read() as tx:
            entries = await audit_log.tail(tx, 20)

    [data] = [entry.data for entry in entries if entry.kind == "released"]
    assert data == {"job": 3, "person": "nounou2", "released": [2]}


async def test_release_of_ones_own_job_is_allowed(place: Place) -> None:
    [asked] = await missed(place, "!ping", sender=APPRENTI)

    async with place.bot() as bot:
        await listed(place)
        await bot.ask("!job release 2", APPRENTI)
        assert (await bot.chat.answer(asked)).plain == "pong"


async def test_release_of_what_one_may_not_run_is_denied(place: Place, toys: Toys) -> None:
    await missed(place, "!change it")

    async with place.bot() as bot:
        await listed(place)
        said = await bot.ask("!job release 2", APPRENTI)
        await bot.ask("!ping")

    assert state(said) == "denied"
    assert toys.done == []


async def test_release_of_anothers_job_that_one_may_run_is_allowed(place: Place) -> None:
    [asked] = await missed(place, "!ping")

    async with place.bot() as bot:
        await listed(place)
        await bot.ask("!job release 2", APPRENTI)
        assert (await bot.chat.answer(asked)).plain == "pong"


@pytest.mark.parametrize(
    ("held", "release", "runs"),
    [
        (Proof.SIGNED, Proof.PLAIN, False),
        (Proof.LOCAL, Proof.PLAIN, False),
        (Proof.TERMINAL, Proof.PLAIN, False),
        (Proof.SIGNED, Proof.SIGNED, True),
        (Proof.SIGNED, Proof.LOCAL, True),
        (Proof.LOCAL, Proof.TERMINAL, True),
        (Proof.PLAIN, Proof.PLAIN, True),
    ],
)
async def test_release_needs_a_proof_where_what_is_held_has_one(
    place: Place, toys: Toys, held: Proof, release: Proof, runs: bool
) -> None:
    await lived(place)
    place.chat.deliver([Message("$held", ROOM, NOUNOU, "!change it", proof=held)])
    await place.later(LONG)

    async with place.bot() as bot:
        await listed(place)
        bot.chat.deliver([Message("$release", ROOM, NOUNOU, "!job release 2", proof=release)])
        said = await bot.chat.answer("$release")
        if runs:
            await bot.chat.answer("$held")
        left = await job(bot, "$held")

    assert state(said) == ("succeeded" if runs else "denied")
    assert left.state is (State.SUCCEEDED if runs else State.HELD)
    assert (toys.done != []) is runs


@pytest.mark.parametrize("line", ['!change "it', "!no such command", "!change"])
async def test_release_of_anothers_line_that_nobody_understands_is_allowed(
    place: Place, line: str
) -> None:
    [asked] = await missed(place, line)

    async with place.bot() as bot:
        await listed(place)
        await bot.ask("!job release 2", NOUNOU2)
        assert state(await bot.chat.answer(asked)) == "usage"


async def test_release_of_anothers_job_in_a_room_that_does_not_take_it_is_denied(
    place: Place, toys: Toys
) -> None:
    place.commands = {ROOM: ("job.*", "bot.*")}
    await missed(place, "!change it")

    async with place.bot() as bot:
        await listed(place)
        assert state(await bot.ask("!job release 2", NOUNOU2)) == "denied"

    assert toys.done == []


async def test_release_checks_the_rights_of_who_asked_as_they_are_now(
    place: Place, toys: Toys
) -> None:
    [asked] = await missed(place, "!change it", sender=APPRENTI)

    async with place.bot() as bot:
        await listed(place)
        await bot.ask("!job release 2", NOUNOU)
        said = await bot.chat.answer(asked)

    assert state(said) == "denied"
    assert toys.done == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("!job release", "JOB is missing"),
        ("!job release 99", "There is no job 99"),
        ("!job release 1", "Job 1 is not held, it is succeeded"),
        ("!job release 2 1", "nothing was released"),
    ],
)
async def test_release_of_what_is_not_held_is_refused_and_releases_nothing(
    place: Place, line: str, says: str
) -> None:
    [asked] = await missed(place, "!ping")

    async with place.bot() as bot:
        await listed(place)
        said = await bot.ask(line)
        held = await job(bot, asked)

    assert says in said.plain
    assert held.state is State.HELD


async def test_release_twice_is_refused_and_runs_once(place: Place, toys: Toys) -> None:
    [asked] = await missed(place, "!change it")

    async with place.bot() as bot:
        await listed(place)
        await bot.ask("!job release 2 2")
        await bot.chat.answer(asked)
        said = await bot.ask("!job release 2")

    assert state(said) == "refused"
    assert toys.done.count("begin it") == 1


async def test_what_is_held_is_shown_and_can_be_cancelled(place: Place, toys: Toys) -> None:
    [asked] = await missed(place, "!change it")

    async with place.bot() as bot:
        await listed(place)
        shown = await bot.ask("!job list")
        cancelled = await bot.ask("!job cancel 2")
        said = await bot.chat.answer(asked)

    assert "held" in shown.plain
    assert "Job 2 is cancelled; it had not begun." in cancelled.plain
    assert state(said) == "cancelled"
    assert toys.done == []


async def test_what_was_released_is_not_released_again(place: Place) -> None:
    await missed(place, "!ping", "!ping")

    async with place.bot() as bot:
        await listed(place)
        said = [await bot.ask("!job release 2 3"), await bot.ask("!job release 2 3")]
        async with bot.store.read() as tx:
            entries = await audit_log.tail(tx, 20)

    assert [state(each) for each in said] == ["succeeded", "refused"]

    assert [entry.kind for entry in entries].count("released") == 1
