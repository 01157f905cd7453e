"""Jobs in the store: the rows, their journal, and the locks that they hold."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Message, Proof
from bot.core.jobs import ENDED, HOLDING, Event, State, after
from bot.core.risk import Risk
from bot.engine import schema

#: the key under which a job's notes have what it did, as a sentence
DONE = "done"

# built once, for every command needs them: that costs more than running them
_number: BindParameter[int] = bindparam("number")
_add = insert(schema.jobs)
_get = select(schema.jobs).where(schema.jobs.c.id == _number)
_of_event = select(schema.jobs).where(schema.jobs.c.event_id == bindparam("event"))
_state = select(schema.jobs.c.state).where(schema.jobs.c.id == _number)
_change = update(schema.jobs).where(schema.jobs.c.id == _number)
_in_states = (
    select(schema.jobs)
    .where(schema.jobs.c.state.in_(bindparam("wanted", expanding=True)))
    .order_by(schema.jobs.c.id)
)
_keep_locks = (
    update(schema.locks).where(schema.locks.c.job == _number).values(state=bindparam("held"))
)
_drop_locks = delete(schema.locks).where(schema.locks.c.job == _number)
_steps = select(schema.steps).where(schema.steps.c.job == _number).order_by(schema.steps.c.id)


@dataclass(frozen=True)
class Job:
    """One accepted command, as the store knows it; times are seconds since 1970."""

    id: int
    event_id: str
    room: str
    sender: str
    person: str
    line: str
    #: the line was longer than the limit and is not whole
    cut: bool
    state: State
    #: how it ended, in one word; empty before
    code: str
    #: the first line of the final answer; empty before
    result: str
    risk: Risk
    no_return: bool
    created: float
    started: float | None
    touched: float
    ended: float | None
    proof: Proof = Proof.PLAIN
    #: as `bot.core.chat.Message` has them
    thread: str = ""
    answers: str = ""


@dataclass(frozen=True)
class StepRow:
    """One journalled step; `ok` is None while it runs, or where the bot died in it."""

    title: str
    changes: bool
    started: float
    ended: float | None
    ok: bool | None

    @property
    def seconds(self) -> float | None:
        return None if self.ended is None else self.ended - self.started


async def add(tx: AsyncConnection, message: Message, person: str, line: str, now: float) -> Job:
    """Make *message* of *person* a job; its number is its place in the order of arrival."""
    job = Job(
        id=0,
        event_id=message.event_id,
        room=message.room,
        sender=message.sender,
        person=person,
        line=line,
        cut=len(line) < len(message.body.strip()),
        state=State.QUEUED,
        code="",
        result="",
        risk=Risk.READS,
        no_return=False,
        created=now,
        started=None,
        touched=now,
        ended=None,
        proof=message.proof,
        thread=message.thread,
        answers=message.answers,
    )
    values = vars(job) | {
        "state": job.state.value,
        "risk": int(job.risk),
        "proof": job.proof.value,
    }
    del values["id"]
    result = await tx.execute(_add, values)
    return replace(job, id=int((result.inserted_primary_key or (0,))[0]))


async def get(tx: AsyncConnection, number: int) -> Job | None:
    """The job with this *number*, or None."""
    row = (await tx.execute(_get, {"number": number})).first()
    return _job(row) if row is not None else None


async def last(tx: AsyncConnection) -> int:
    """The number of the last job; 0 where there is none."""
    return await tx.scalar(select(func.max(schema.jobs.c.id))) or 0


async def of_event(tx: AsyncConnection, event_id: str) -> Job | None:
    """The job that the message *event_id* asked for, or None."""
    row = (await tx.execute(_of_event, {"event": event_id})).first()
    return _job(row) if row is not None else None


async def in_states(tx: AsyncConnection, states: Iterable[State]) -> list[Job]:
    """The jobs in any of *states*, oldest first."""
    wanted = {"wanted": [state.value for state in states]}
    return [_job(row) for row in await tx.execute(_in_states, wanted)]


async def recent(tx: AsyncConnection, count: int, *, changing: bool) -> list[Job]:
    """The last *count* jobs, newest first; where *changing*, without those that only read."""
    query = select(schema.jobs).order_by(schema.jobs.c.id.desc()).limit(count)
    if changing:
        query = query.where(schema.jobs.c.risk > 0)
    return [_job(row) for row in await tx.execute(query)]


async def move(tx: AsyncConnection, number: int, event: Event, now: float, **values: Any) -> State:
    """Let *event* happen to the job, by the table; its locks follow its state."""
    before = State(await tx.scalar(_state, {"number": number}))
    state = after(before, event)
    values |= {"state": state.value, "touched": now}
    if state is State.RUNNING:
        values["started"] = now
    if state in ENDED:
        values["ended"] = now
    await mark(tx, number, **values)
    if state in HOLDING:
        await tx.execute(_keep_locks, {"number": number, "held": state.value})
    elif before in HOLDING:
        await tx.execute(_drop_locks, {"number": number})
    return state


async def mark(tx: AsyncConnection, number: int, **values: Any) -> None:
    """Write columns of the job that are no state."""
    await tx.execute(_change, {"number": number, **values})


async def take_locks(tx: AsyncConnection, number: int, keys: Iterable[str]) -> None:
    """Write down *keys* as the job's own; the store itself refuses a second holder."""
    await tx.execute(_drop_locks, {"number": number})
    rows = [{"job": number, "key": key, "state": State.RUNNING.value} for key in sorted(set(keys))]
    if rows:
        await tx.execute(insert(schema.locks), rows)


async def lock_keys(tx: AsyncConnection, number: int) -> frozenset[str]:
    """The keys that the job holds."""
    query = select(schema.locks.c.key).where(schema.locks.c.job == number)
    return frozenset(await tx.scalars(query))


async def start_step(
    tx: AsyncConnection, number: int, title: str, changes: bool, now: float
) -> int:
    """Journal that a step begins; returns the number of the entry."""
    result = await tx.execute(
        insert(schema.steps).values(job=number, title=title, changes=changes, started=now)
    )
    await mark(tx, number, touched=now)
    return int((result.inserted_primary_key or (0,))[0])


async def end_step(tx: AsyncConnection, entry: int, ok: bool, now: float) -> None:
    """Journal that the step under *entry* ended."""
    query = update(schema.steps).where(schema.steps.c.id == entry)
    await tx.execute(query.values(ended=now, ok=ok))


async def steps(tx: AsyncConnection, number: int) -> list[StepRow]:
    """The job's journal, in order."""
    return [
        StepRow(row.title, row.changes, row.started, row.ended, row.ok)
        for row in await tx.execute(_steps, {"number": number})
    ]


async def touched(tx: AsyncConnection, number: int) -> bool:
    """Whether a step of the job that changes something was ever begun."""
    return any(step.changes for step in await steps(tx, number))


async def note(tx: AsyncConnection, number: int, key: str, value: Any) -> None:
    """Keep *value* (JSON) for the job's recovery."""
    match = (schema.notes.c.job == number) & (schema.notes.c.key == key)
    await tx.execute(delete(schema.notes).where(match))
    await tx.execute(insert(schema.notes).values(job=number, key=key, value=json.dumps(value)))


async def done(tx: AsyncConnection, number: int, sentence: str) -> None:
    """Note in the transaction of a change that the job did it, as *sentence* says.

    Such a job never begins anew: where the bot dies before it answers, *sentence* is the answer.
    """
    await note(tx, number, DONE, sentence)


async def noted(tx: AsyncConnection, key: str, states: Iterable[State]) -> dict[int, Any]:
    """What was noted under *key* for each job in any of *states*."""
    wanted = [state.value for state in states]
    rows = await tx.execute(
        select(schema.notes.c.job, schema.notes.c.value)
        .join(schema.jobs, schema.jobs.c.id == schema.notes.c.job)
        .where((schema.notes.c.key == key) & schema.jobs.c.state.in_(wanted))
    )
    return {row.job: json.loads(row.value) for row in rows}


async def notes(tx: AsyncConnection, number: int) -> dict[str, Any]:
    """Everything that was noted for the job."""
    rows = await tx.execute(select(schema.notes).where(schema.notes.c.job == number))
    return {row.key: json.loads(row.value) for row in rows}


def _job(row: Any) -> Job:
    values = row._asdict()
    values["state"] = State(values["state"])
    values["risk"] = Risk(values["risk"])
    values["proof"] = Proof(values["proof"])
    return Job(**values)
