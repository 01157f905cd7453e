"""Jobs and the audit record as commands see them: to read, to cancel, to settle."""

from __future__ import annotations

from bot.core.audit import Entry, Verdict
from bot.core.jobs import ENDED, Event, State, in_words
from bot.core.render import Reply
from bot.engine import audit_log, jobs
from bot.engine.engine import Engine
from bot.errors import Refused, UsageError
from bot.i18n import _

#: noted for a job that somebody cancelled, so that it stays cancelled after a crash
CANCELLED = "cancelled"


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

    async def open_jobs(self) -> list[jobs.Job]:
        """Jobs that wait, run, or whose end is not known; oldest first."""
        states = [state for state in State if state not in ENDED or state is State.UNDETERMINED]
        async with self._engine.store.read() as tx:
            return await jobs.in_states(tx, states)

    async def recent(self, count: int) -> list[jobs.Job]:
        """The last *count* jobs that may have changed something, newest first."""
        async with self._engine.store.read() as tx:
            return await jobs.recent(tx, count, changing=True)

    async def locks(self, number: int) -> frozenset[str]:
        async with self._engine.store.read() as tx:
            return await jobs.lock_keys(tx, number)

    async def audit_tail(self, count: int) -> list[Entry]:
        async with self._engine.store.read() as tx:
            return await audit_log.tail(tx, count)

    async def audit_verify(self) -> Verdict:
        async with self._engine.store.read() as tx:
            return await audit_log.verify_all(tx)

    async def cancel(self, number: int) -> Reply:
        """Cancel the job until its point of no return; raises `Refused` after it."""
        job = await self.job(number)
        if job.state in ENDED:
            raise Refused(
                _("Job {number} has ended already ({state}).").format(
                    number=number, state=in_words(job.state)
                )
            )
        run = self._engine.running.get(number)
        if run is None:
            raise Refused(
                _("Job {number} has not begun yet; try again in a moment.").format(number=number)
            )
        if run.job.no_return:
            raise Refused(
                _("Job {number} is past its point of no return and cannot be cancelled.").format(
                    number=number
                ),
                hint=_("Follow it with !job show {number}.").format(number=number),
            )
        run.cancel_requested = True
        self._engine.locks.poke()
        async with self._engine.store.write() as tx:
            await jobs.note(tx, number, CANCELLED, True)
        return Reply(_("Job {number} is being cancelled.").format(number=number))

    async def settled(self, number: int, *, succeeded: bool) -> None:
        """The end of an undetermined job is known now: write it down and free its locks.

        Raises `Refused` where somebody else was faster.
        """
        async with self._engine.store.write() as tx:
            job = await jobs.get(tx, number)
            if job is None or job.state is not State.UNDETERMINED:
                raise Refused(_("Job {number} was settled meanwhile.").format(number=number))
            event = Event.SUCCEED if succeeded else Event.FAIL
            await jobs.move(tx, number, event, self._engine.clock(), code="settled")
        self._engine.locks.release(number)
