"""Jobs and the audit record as commands see them: to read, to cancel, to release, to settle."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.core.audit import Entry, Verdict
from bot.core.audit_query import Query, parse
from bot.core.events import Asking
from bot.core.jobs import ENDED, Event, State, in_words
from bot.core.render import Reply
from bot.core.witness import Hearing
from bot.engine import audit_log, audit_search, jobs, snapshots, witness
from bot.engine.audit_search import Export, Found
from bot.engine.cancelling import ASKED, cancel
from bot.engine.engine import Engine
from bot.engine.jobs import Job
from bot.engine.snapshots import Snapshot
from bot.errors import Refused, StoreError, UsageError
from bot.i18n import _


class Records:
    """The desk at which commands ask about other jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def job(self, number: int) -> jobs.Job:
        """The job with this *number*; raises `UsageError` where there is none."""
        async with self._engine.store.read() as tx:
            job = await jobs.get(tx, number)
        if job is None:
            raise UsageError(_("There is no job {number}.").format(number=number))
        return job

    async def steps(self, number: int) -> list[jobs.StepRow]:
        async with self._engine.store.read() as tx:
            return await jobs.steps(tx, number)

    async def snapshots(self, number: int) -> list[Snapshot]:
        """What consoles showed before and after what the job did, as long as it is kept."""
        async with self._engine.store.read() as tx:
            return await snapshots.of_jobs(tx, [number])

    async def open_jobs(self) -> list[jobs.Job]:
        """Jobs that wait, run, or whose end is not known; oldest first."""
        states = [state for state in State if state not in ENDED or state is State.UNDETERMINED]
        async with self._engine.store.read() as tx:
            return await jobs.in_states(tx, states)

    async def recent(self, count: int) -> list[jobs.Job]:
        """The last *count* jobs that may have changed something, newest first."""
        async with self._engine.store.read() as tx:
            return await jobs.recent(tx, count, changing=True)

    def asking(self, number: int) -> Asking | None:
        """What the job asks of people now, before it can begin; None where that is nothing."""
        run = self._engine.running.get(number)
        return run.asking if run is not None else None

    def called(self, asking: Asking) -> list[str]:
        """The persons whom *asking* calls."""
        persons = self._engine.policy.persons
        return sorted({persons[chat_id] for chat_id in asking.whom if chat_id in persons})

    async def locks(self, number: int) -> frozenset[str]:
        async with self._engine.store.read() as tx:
            return await jobs.lock_keys(tx, number)

    async def audit_tail(self, count: int) -> list[Entry]:
        async with self._engine.store.read() as tx:
            return await audit_log.tail(tx, count)

    async def audit_verify(self) -> Verdict:
        """Whether the whole record follows from its start; takes a while where it is long."""
        return await audit_log.verify_all(self._engine.store)

    async def audit_verify_end(self, count: int) -> Verdict:
        """As `audit_verify`, of the last *count* entries alone."""
        async with self._engine.store.read() as tx:
            return await audit_log.verify_end(tx, count)

    def audit_query(self, words: Sequence[str], first: int) -> Query:
        """What *words* ask for now; raises `UsageError` that counts them from *first*."""
        return parse(words, self._engine.clock(), first)

    async def audit_search(self, query: Query, most: int, own: int) -> Found:
        """The newest entries that *query* wants, at most *most*, but none of the job *own*."""
        return await audit_search.search(self._engine.store, query, most, own)

    async def audit_of_job(self, number: int, most: int) -> Found:
        """What the record says of the job *number*, newest first, at most *most* entries."""
        return await audit_search.of_job(self._engine.store, number, most)

    async def audit_export(self, query: Query, own: int) -> Export:
        """The newest entries that *query* wants as JSON Lines, oldest first, as far as they fit.

        There are none of the job *own* among them.
        """
        return await audit_search.export(self._engine.store, query, own)

    async def audit_heard(self) -> Hearing:
        """Whether the record agrees with what was said of it in the audit room."""
        return await witness.hear(self._engine)

    async def cancel(self, number: int, *, by: int) -> Reply:
        """Cancel the job until its point of no return; raises `Refused` after it.

        *by*: the job that asks for it.
        """
        job = await self.job(number)
        if job.state is State.CANCELLED:
            return Reply(_("Job {number} is cancelled.").format(number=number))
        job = _open(job)
        run = self._engine.running.get(number)
        if run is not None:
            if run.job.no_return:
                raise Refused(
                    _(
                        "Job {number} is past its point of no return and cannot be cancelled."
                    ).format(number=number),
                    hint=_("Follow it with !job show {number}.").format(number=number),
                )
            # at once: while this waits for the store, the job may come to its next step
            run.cancel(ASKED)
        elif job.state is State.RUNNING:
            raise Refused(
                _("Job {number} is being looked after; try again in a moment.").format(
                    number=number
                )
            )
        sentence = await self._cancel(number, by)
        self._engine.outbox.wake()
        return Reply(sentence)

    async def _cancel(self, number: int, by: int) -> str:
        """Write it down; returns what came of it."""
        try:
            async with self._engine.store.write() as tx:
                job = await jobs.get(tx, number)
                sentence = _("Job {number} is being cancelled.")
                if job is not None and await cancel(self._engine, tx, _open(job), ASKED):
                    sentence = _("Job {number} is cancelled; it had not begun.")
                sentence = sentence.format(number=number)
                await jobs.done(tx, by, sentence)
                return sentence
        except StoreError:
            if number not in self._engine.running:
                self._engine.begun.discard(number)
                self._engine.look_for_jobs()
            raise

    async def release(self, numbers: Collection[int], *, by: Job, sentence: str) -> None:
        """Let held jobs begin, all of *numbers* or none; *by* asks, and says so with *sentence*.

        Raises `Refused` where one of them is not held.
        """
        engine = self._engine
        async with engine.store.write() as tx:
            for number in numbers:
                job = await jobs.get(tx, number)
                if job is None or job.state is not State.HELD:
                    raise Refused(_not_held(number, job))
                await jobs.move(tx, number, Event.RELEASE, engine.clock())
            data = {"job": by.id, "person": by.person, "released": list(numbers)}
            await audit_log.append(tx, "released", data, engine.clock())
            await jobs.done(tx, by.id, sentence)
        engine.look_for_jobs()

    async def settled(self, number: int, *, succeeded: bool, by: int, sentence: str) -> None:
        """The end of an undetermined job is known now: write it down and free its locks.

        Job *by* found that out, and says it with *sentence*.
        Raises `Refused` where somebody else was faster.
        """
        async with self._engine.store.write() as tx:
            job = await jobs.get(tx, number)
            if job is None or job.state is not State.UNDETERMINED:
                raise Refused(_("Job {number} was settled meanwhile.").format(number=number))
            event = Event.SUCCEED if succeeded else Event.FAIL
            line = self._engine.shown(job.line)
            await jobs.move(tx, number, event, self._engine.clock(), code="settled", line=line)
            await jobs.done(tx, by, sentence)
        self._engine.locks.release(number)


def _open(job: jobs.Job) -> jobs.Job:
    """*job*, which has not ended; raises `Refused` where it has."""
    if job.state in ENDED:
        raise Refused(
            _("Job {number} has ended already ({state}).").format(
                number=job.id, state=in_words(job.state)
            )
        )
    return job


def _not_held(number: int, job: jobs.Job | None) -> str:
    if job is None:
        return _("There is no job {number}.").format(number=number)
    return _("Job {number} is not held, it is {state}; nothing was released.").format(
        number=number, state=in_words(job.state)
    )
