"""One job while it lives in this process: its state, journal, progress and record, kept together.

Whatever happens to a job is told once, here, in one transaction: the row, the audit entry and the
message that people see.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.audit import Entry
from bot.core.chat import Post, Status
from bot.core.events import (
    Asking,
    Checking,
    Ended,
    Held,
    JobEvent,
    Progressed,
    Resumed,
    Started,
    StepEnded,
    StepStarted,
    Waiting,
)
from bot.core.holds import Aim
from bot.core.jobs import Event, State
from bot.core.masking import masked
from bot.core.plan import Plan
from bot.core.render import Reply
from bot.core.risk import Risk
from bot.core.text import clean, mask
from bot.core.witness import line_of
from bot.devices.host import Detached
from bot.engine import approvals, audit_log, denials, jobs, outbox
from bot.engine.approvals import Request
from bot.engine.engine import Engine
from bot.engine.progress import Progress, final_status, hidden
from bot.errors import StoreError
from bot.i18n import _

log = structlog.get_logger()

_EVENTS = {
    State.SUCCEEDED: Event.SUCCEED,
    State.FAILED: Event.FAIL,
    State.CANCELLED: Event.CANCEL,
    State.UNDETERMINED: Event.LOSE,
}


class Run:
    """A job, run; `parked` is set once it no longer holds up the commands behind it.

    *fresh*: it came in just now, so that nothing was ever begun or said of it.
    """

    def __init__(self, engine: Engine, job: jobs.Job, *, fresh: bool = False) -> None:
        self.engine = engine
        self.job = job
        self.plan: Plan | None = None
        #: what it would touch, as far as that is known, and has not been kept from
        self.aim = Aim()
        #: the right that the command needs, and the objects that it names, once they are known
        self.verb = ""
        self.objects: tuple[str, ...] = ()
        self.parked = asyncio.Event()
        #: persons who may not approve it, since they gain by it
        self.parties: frozenset[str] = frozenset()
        #: why the job was cancelled, as `bot.engine.cancelling` has it; empty while it was not
        self.cancel_requested = ""
        #: a step ended and could not be written down
        self.record_incomplete = False
        #: the devices that could not be asked
        self.silent: set[str] = set()
        #: words of the command that nobody may read
        self._secrets = masked(engine.registry, job.line, engine.prefix).secrets
        self._progress = Progress(engine, job, fresh=fresh, secrets=self._secrets)

    @property
    def about(self) -> dict[str, object]:
        """Whose doing it is, for the record."""
        known: dict[str, object] = {"job": self.job.id, "person": self.job.person}
        if self.verb:
            known["verb"] = self.verb
        if self.objects:
            known["objects"] = list(self.objects)
        return known

    @property
    def asking(self) -> Asking | None:
        """What is asked of people now, before it can begin."""
        return self._progress.asking

    def hide(self, text: str) -> str:
        """*text* without the words of the command that nobody may read."""
        return mask(text, self._secrets)

    async def risky(self, risk: Risk) -> None:
        """Write down what the command may do at worst."""
        if risk is not self.job.risk:
            self.job = self._progress.job = replace(self.job, risk=risk)
            async with self.engine.store.write() as tx:
                await jobs.mark(tx, self.job.id, risk=int(risk))

    def cancel(self, why: str) -> None:
        """Let the job end before its next step; *why* as `bot.engine.cancelling` has it."""
        self.cancel_requested = why
        self.engine.locks.poke()
        self.engine.requests.poke()

    def frees(self, event_id: str) -> None:
        """The command *event_id* waits for no person any more, on account of this job."""
        self._progress.frees = (*self._progress.frees, event_id)

    async def tell(self, tx: AsyncConnection, event: JobEvent) -> None:
        """Show *event* in the job's message, in *tx*."""
        await self._progress.tell(tx, event)

    async def checking(self) -> None:
        """Say that the world is being looked at; for a command that takes its time."""
        async with self.telling() as tx:
            await self._progress.tell(tx, Checking())

    async def waiting(self, blockers: tuple[int, ...], place: int) -> None:
        """The locks are held by others: say by whom, and let other commands pass."""
        self.parked.set()
        self.engine.typing.end(self.job.room, self.job.id)
        async with self.telling() as tx:
            if self.job.state is not State.AWAITING_LOCKS:
                await self.move(tx, Event.WAIT)
            await self._progress.tell(tx, Waiting(blockers, place))

    async def started(
        self, plan: Plan, record: dict[str, Any] | None, request: Request | None
    ) -> None:
        """The locks are held: from here on the job is running, and says so after a crash.

        An approval is used up by the same stroke; raises `Refused` where it was used before.
        """
        self.parked.set()
        self.engine.typing.begin(self.job.room, self.job.id)
        async with self.telling() as tx:
            if request is not None:
                await approvals.use(tx, request)
            if record is not None:
                await audit_log.append(tx, "plan", record, self.engine.clock())
            await self.move(tx, Event.START)
            await jobs.take_locks(tx, self.job.id, plan.keys)
            await self._progress.tell(tx, Started())

    async def resumed(self) -> None:
        """The bot came back and finds this job running."""
        self.parked.set()
        try:
            async with self.telling() as tx:
                await audit_log.append(tx, "resumed", self.about, self.engine.clock())
                await self._progress.tell(tx, Resumed())
        except StoreError:
            self.record_incomplete = True

    async def requeued(self) -> None:
        """Nothing was changed: the job begins anew, in its old place."""
        async with self.telling() as tx:
            if await self.is_written(tx, State.RUNNING):
                await self.move(tx, Event.REQUEUE, no_return=False)
        self.engine.locks.release(self.job.id)

    async def hold(self, tx: AsyncConnection) -> None:
        """In *tx*: the queued job waits from here on until a person releases it."""
        await self.move(tx, Event.HOLD)
        await self._progress.tell(tx, Held())

    async def start_step(self, title: str, changes: bool) -> int | None:
        """Journal a step; one that changes something begins only when that is on disk."""
        title = self.hide(title)
        try:
            async with self.telling() as tx:
                now = self.engine.clock()
                entry = await jobs.start_step(tx, self.job.id, title, changes, now)
                if changes:
                    await audit_log.append(tx, "step", self.about | {"step": title}, now)
                await self._progress.tell(tx, StepStarted(title, changes))
                return entry
        except StoreError:
            if changes:
                raise
            self.record_incomplete = True
            return None

    async def end_step(self, entry: int | None, title: str, seconds: float, *, ok: bool) -> None:
        """Journal the end of a step; where that fails, the final answer says so."""
        try:
            async with self.telling() as tx:
                if entry is not None:
                    await jobs.end_step(tx, entry, ok, self.engine.clock())
                await self._progress.tell(tx, StepEnded(title, seconds, ok))
        except StoreError:
            self.record_incomplete = True

    async def progressed(self, text: str, details: str = "") -> None:
        try:
            async with self.telling() as tx:
                await self._progress.tell(tx, Progressed(text, details))
        except StoreError:
            self.record_incomplete = True

    async def returned(self, where: str, attempt: str, state: Detached) -> None:
        """Record how a detached command ended; where that fails, the final answer says so."""
        data: dict[str, object] = {"where": where, "attempt": attempt, "phase": state.phase.value}
        if state.exit is not None:
            data |= {"exit": state.exit}
        await self.record("returned", data)

    async def record(self, kind: str, data: dict[str, object]) -> None:
        """Record what was found; where that fails, the final answer says so."""
        try:
            async with self.engine.store.write() as tx:
                await audit_log.append(tx, kind, self.about | data, self.engine.clock())
        except StoreError:
            self.record_incomplete = True

    async def note(self, key: str, value: Any) -> None:
        async with self.engine.store.write() as tx:
            await jobs.note(tx, self.job.id, key, value)

    async def notes(self) -> dict[str, Any]:
        async with self.engine.store.read() as tx:
            return await jobs.notes(tx, self.job.id)

    async def no_return(self) -> None:
        async with self.engine.store.write() as tx:
            await jobs.mark(tx, self.job.id, no_return=True)
        self.job = replace(self.job, no_return=True)

    async def end(self, event: Ended) -> None:
        """The one final answer, the record of it, and the locks, all at once.

        While that cannot be written the end is tried again, and the locks are kept.
        """
        if self.record_incomplete:
            event = _incomplete(event)
        told = False
        while True:
            try:
                async with self.telling() as tx:
                    if not (told and await self.is_written(tx, event.state)):
                        await self.end_within(tx, event)
                break
            except StoreError as error:
                if not told:
                    await self._say_unrecorded(event, error)
                told = True
            await asyncio.sleep(self.engine.timing.follow_every)
        if event.state is State.UNDETERMINED:
            self.engine.locks.lose(self.job.id)
        else:
            self.engine.locks.release(self.job.id)

    async def end_within(self, tx: AsyncConnection, event: Ended) -> None:
        """The one final answer and its record, in *tx*; for a job that holds no locks."""
        now = self.engine.clock()
        # only denials are counted, and every command's end comes by here
        at_the_door = event.code == "denied" and await self._is_at_the_door(tx)
        await approvals.close(tx, self.job.id, approvals.Standing.WITHDRAWN)
        result = clean(self.hide(event.reply.result), 500)
        kept = {"code": event.code, "result": result}
        if event.state is not State.UNDETERMINED:
            kept["line"] = self.engine.shown(self.job.line)
        await self.move(tx, _EVENTS[event.state], **kept)
        entry = await self._record(tx, event, now, at_the_door=at_the_door)
        await self._progress.tell(tx, event)
        seconds = max(0.0, now - self.job.created)
        self.engine.store.once_written(partial(self._count, event.state, seconds))
        if entry is not None and (event.code == "denied" or await self._changed(tx, event)):
            await outbox.put(tx, self._audit_line(entry, event))

    def _count(self, state: State, seconds: float) -> None:
        self.engine.tally.ended(self.verb or "none", state.value, seconds)

    async def _is_at_the_door(self, tx: AsyncConnection) -> bool:
        """Whether nothing was ever asked or begun for the job: such denials are counted."""
        return self.job.state is State.QUEUED and not await approvals.had_any(tx, self.job.id)

    async def _changed(self, tx: AsyncConnection, event: Ended) -> bool:
        """Whether the job may have changed something, in this life of the bot or before."""
        if self.job.risk is Risk.READS or self.job.started is None:
            return False
        done = event.state is State.SUCCEEDED
        return done or self.job.no_return or await jobs.touched(tx, self.job.id)

    async def _record(
        self, tx: AsyncConnection, event: Ended, now: float, *, at_the_door: bool
    ) -> Entry | None:
        data = self.about | {
            "line": self.engine.shown(self.job.line),
            "state": event.state.value,
            "code": event.code,
            "result": clean(self.hide(event.reply.result), 500),
        }
        if event.code == "denied":
            data["sender"] = self.job.sender
            if event.rule:
                data["rule"] = event.rule
            if at_the_door:
                return await denials.record(tx, self.job.sender, data, now)
            return await audit_log.append(tx, "denied", data, now)
        return await audit_log.append(tx, "ended", data, now)

    def _audit_line(self, entry: Entry, event: Ended) -> Post:
        line = _("{record} · job {job} · {person}: {line} → {state}").format(
            record=line_of(entry),
            job=self.job.id,
            person=self.job.person,
            line=clean(self.engine.shown(self.job.line), 120),
            state=final_status(self.job, event).state,
        )
        room = self.engine.audit_room or self.job.room
        return Post(room, self.engine.txn(f"{self.job.id}-audit"), Reply(line).text())

    async def _say_unrecorded(self, event: Ended, error: StoreError) -> None:
        """The store failed at the very end: say the truth all the same, and that it is not kept.

        Final is only what a bot that dies now would say again: a read, or what was found past the
        point of no return.  Anything else would begin anew.
        """
        log.error("end not recorded", job=self.job.id, why=str(error))
        name, message = "unrecorded", None
        status = Status(self.job.event_id, self.job.id, self.job.state.value, False)
        if self.job.no_return or self.job.risk is Risk.READS:
            text = _incomplete(event).reply.text("⚠")
            # where there is a message, the recorded end edits it and has to arrive as well; where
            # there is none, it is this post
            message = await self._progress.message()
            if message is not None:
                status = final_status(self.job, event)
                name = "unrecorded" if message else "final"
        else:
            hint = _("It is answered when the record can be written again.")
            text = Reply(str(error), hint=hint).text("✘")
        txn = self.engine.txn(f"{self.job.id}-{name}")
        text = hidden(text, self._secrets)
        post = Post(
            self.job.room, txn, text, self.job.event_id, edits=message or None, status=status
        )
        await outbox.say_once(self.engine.chat, post)

    async def is_written(self, tx: AsyncConnection, state: State) -> bool:
        """Whether the store has the job in *state*: a commit that failed may have happened."""
        job = await jobs.get(tx, self.job.id)
        return job is not None and job.state is state

    async def move(self, tx: AsyncConnection, event: Event, **values: Any) -> None:
        """Let *event* happen to the job, in *tx*."""
        now = self.engine.clock()
        state = await jobs.move(tx, self.job.id, event, now, **values)
        started = now if state is State.RUNNING else self.job.started
        self.job = replace(self.job, state=state, started=started, **values)

    def telling(self) -> _Telling:
        """A transaction in which something is said of the job."""
        return _Telling(self.engine, self.job.room, self.engine.audit_room)


class _Telling:
    """A transaction after which the outbox has news of *rooms*."""

    def __init__(self, engine: Engine, *rooms: str | None) -> None:
        self._engine = engine
        self._rooms = [room for room in rooms if room is not None]
        self._block = engine.store.write()

    async def __aenter__(self) -> AsyncConnection:
        return await self._block.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._block.__aexit__(*error)
        self._engine.outbox.wake(*self._rooms)


def _incomplete(event: Ended) -> Ended:
    hint = _("The record of this job is incomplete: it could not be written at the end.")
    reply = replace(event.reply, hint=f"{event.reply.hint}\n{hint}".strip())
    return replace(event, reply=reply)
