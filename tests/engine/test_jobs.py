"""Jobs in the store: their rows, their journal, and locks that can have one holder only."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from bot.core.chat import Message
from bot.core.jobs import Event, State
from bot.core.risk import Risk
from bot.engine import jobs, schema
from bot.engine.store import Store
from bot.errors import StoreError
from tests.fakes import NOUNOU, ROOM


async def accepted(store: Store, event_id: str = "$1", line: str = "!migrate vm fz") -> int:
    async with store.write() as tx:
        message = Message(event_id, ROOM, NOUNOU, f"  {line}  ")
        return (await jobs.add(tx, message, "nounou", line, 100.0)).id


async def found(store: Store, number: int) -> jobs.Job:
    async with store.read() as tx:
        job = await jobs.get(tx, number)
    assert job is not None
    return job


async def happen(store: Store, number: int, *events: Event, now: float = 101.0) -> State:
    async with store.write() as tx:
        for each in events:
            state = await jobs.move(tx, number, each, now)
    return state


async def lock(store: Store, number: int, *keys: str) -> None:
    async with store.write() as tx:
        await jobs.take_locks(tx, number, keys)


async def held(store: Store, number: int) -> frozenset[str]:
    async with store.read() as tx:
        return await jobs.lock_keys(tx, number)


async def test_a_command_is_a_job_from_the_moment_that_it_is_stored(store: Store) -> None:
    number = await accepted(store)

    job = await found(store, number)

    assert (job.id, job.event_id, job.person, job.line) == (1, "$1", "nounou", "!migrate vm fz")
    assert (job.state, job.risk, job.no_return, job.cut) == (State.QUEUED, Risk.READS, False, False)
    assert (job.created, job.touched, job.started, job.ended) == (100.0, 100.0, None, None)


async def test_one_event_makes_one_job(store: Store) -> None:
    await accepted(store, "$1")

    with pytest.raises(StoreError):
        await accepted(store, "$1")


async def test_a_number_is_never_given_twice(store: Store) -> None:
    await accepted(store, "$1")
    async with store.write() as tx:
        await tx.execute(schema.jobs.delete())

    assert await accepted(store, "$2") == 2


async def test_times_follow_the_states(store: Store) -> None:
    number = await accepted(store)

    await happen(store, number, Event.START, now=110.0)
    await happen(store, number, Event.SUCCEED, now=120.0)

    job = await found(store, number)
    assert (job.started, job.touched, job.ended) == (110.0, 120.0, 120.0)


async def test_an_illegal_event_changes_nothing(store: Store) -> None:
    number = await accepted(store)
    await happen(store, number, Event.START, Event.FAIL)

    with pytest.raises(RuntimeError, match="cannot start"):
        await happen(store, number, Event.START)

    assert (await found(store, number)).state is State.FAILED


async def test_two_jobs_cannot_hold_one_lock(store: Store) -> None:
    one, two = await accepted(store, "$1"), await accepted(store, "$2")
    await happen(store, one, Event.START)
    await happen(store, two, Event.START)
    await lock(store, one, "domu/vm", "links/fy")

    with pytest.raises(StoreError, match="UNIQUE"):
        await lock(store, two, "domu/owl", "links/fy")

    assert await held(store, two) == frozenset()


@pytest.mark.parametrize("state", ["running", "undetermined"])
async def test_not_even_a_wrong_program_makes_a_second_holder(store: Store, state: str) -> None:
    one, two = await accepted(store, "$1"), await accepted(store, "$2")
    await happen(store, one, Event.START)
    await lock(store, one, "domu/vm")

    async def intrude() -> None:
        async with store.write() as tx:
            await tx.execute(insert(schema.locks).values(job=two, key="domu/vm", state=state))

    with pytest.raises(StoreError, match="UNIQUE"):
        await intrude()


async def test_a_row_that_holds_nothing_may_share_a_key(store: Store) -> None:
    """The index is partial: it is about holders, not about who waits."""
    one, two = await accepted(store, "$1"), await accepted(store, "$2")
    await happen(store, one, Event.START)
    await lock(store, one, "domu/vm")

    async with store.write() as tx:
        row = {"job": two, "key": "domu/vm", "state": "awaiting locks"}
        await tx.execute(insert(schema.locks).values(row))

    async def promote() -> None:
        async with store.write() as tx:
            mine = update(schema.locks).where(schema.locks.c.job == two)
            await tx.execute(mine.values(state="running"))

    with pytest.raises(StoreError, match="UNIQUE"):
        await promote()


@pytest.mark.parametrize("end", [Event.SUCCEED, Event.FAIL, Event.CANCEL, Event.REQUEUE])
async def test_an_end_frees_the_locks(store: Store, end: Event) -> None:
    number = await accepted(store)
    await happen(store, number, Event.START)
    await lock(store, number, "domu/vm")

    await happen(store, number, end)

    assert await held(store, number) == frozenset()


async def test_an_end_that_is_not_known_keeps_them_until_it_is(store: Store) -> None:
    number = await accepted(store)
    await happen(store, number, Event.START)
    await lock(store, number, "domu/vm")

    await happen(store, number, Event.LOSE)

    assert await held(store, number) == {"domu/vm"}
    async with store.read() as tx:
        assert await tx.scalar(select(schema.locks.c.state)) == "undetermined"

    await happen(store, number, Event.FAIL)

    assert await held(store, number) == frozenset()


async def test_a_lock_belongs_to_a_job_that_exists(store: Store) -> None:
    with pytest.raises(StoreError, match="FOREIGN"):
        await lock(store, 99, "domu/vm")


async def test_a_step_is_journalled_before_it_starts_and_after_it_ends(store: Store) -> None:
    number = await accepted(store)
    async with store.write() as tx:
        entry = await jobs.start_step(tx, number, "resync", True, 110.0)
        await jobs.start_step(tx, number, "verify", False, 112.0)
        await jobs.end_step(tx, entry, True, 112.5)

    async with store.read() as tx:
        first, second = await jobs.steps(tx, number)

    assert (first.title, first.changes, first.ok, first.seconds) == ("resync", True, True, 2.5)
    assert (second.title, second.changes, second.ok, second.seconds) == (
        "verify",
        False,
        None,
        None,
    )
    assert (await found(store, number)).touched == 112.0


async def test_the_last_note_under_a_key_is_kept(store: Store) -> None:
    number = await accepted(store)
    async with store.write() as tx:
        await jobs.note(tx, number, "move", {"number": 1})
        await jobs.note(tx, number, "move", {"number": 2})
        await jobs.note(tx, number, "other", ["a", None])

    async with store.read() as tx:
        assert await jobs.notes(tx, number) == {"move": {"number": 2}, "other": ["a", None]}
        assert await jobs.notes(tx, 99) == {}


async def test_jobs_are_listed_by_state_in_their_order(store: Store) -> None:
    numbers = [await accepted(store, f"${each}") for each in range(4)]
    await happen(store, numbers[1], Event.START)
    await happen(store, numbers[3], Event.START, Event.LOSE)
    async with store.write() as tx:
        await jobs.mark(tx, numbers[3], risk=int(Risk.INTERRUPTS))

    async with store.read() as tx:
        assert [job.id for job in await jobs.in_states(tx, [State.QUEUED])] == [1, 3]
        wanted = [State.UNDETERMINED, State.RUNNING]
        assert [job.id for job in await jobs.in_states(tx, wanted)] == [2, 4]
        assert [job.id for job in await jobs.recent(tx, 2, changing=False)] == [4, 3]
        assert [job.id for job in await jobs.recent(tx, 9, changing=True)] == [4]
