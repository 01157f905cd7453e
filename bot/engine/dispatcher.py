"""Starting jobs in the order of their arrival, and after a crash finding out about the old ones."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

import structlog

from bot.core.chat import Post
from bot.core.events import Ended
from bot.core.jobs import HOLDING, Event, State
from bot.core.render import Reply
from bot.core.risk import Risk
from bot.core.text import clean
from bot.engine import jobs, outbox, pipeline
from bot.engine.absence import hold
from bot.engine.alert_posts import keep_telling
from bot.engine.breaking import end_glass
from bot.engine.cancelling import CANCELLED, cancelled
from bot.engine.context import Requeue
from bot.engine.engine import Engine
from bot.engine.housekeeping import keep_house
from bot.engine.inbox import Inbox
from bot.engine.incident_posts import Reminders, keep_pinned
from bot.engine.lapse import end_grants
from bot.engine.run import Run
from bot.engine.timeline import keep_timelines
from bot.engine.watching import keep_watching
from bot.errors import DeviceError, OutcomeUnknown, StoreError
from bot.i18n import _

log = structlog.get_logger()

T = TypeVar("T")


class Dispatcher:
    """Starts every stored job once."""

    def __init__(self, engine: Engine, inbox: Inbox, main_room: str) -> None:
        self._engine = engine
        self._inbox = inbox
        self._main_room = main_room
        keeper = engine.timekeeper
        keeper.due("grants", engine.grants.next_due, partial(end_grants, engine))
        keeper.due("glass", engine.glass.next_due, partial(end_glass, engine))
        reminders = Reminders(engine)
        keeper.due("updates", reminders.next_due, reminders.remind)

    async def run(self) -> None:
        """Recover, then start jobs for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._claim_hosts())
            group.create_task(keep_house(self._engine))
            await self._recover(group)
            group.create_task(keep_watching(self._engine))
            self._engine.recovered = True
            self._engine.look_for_jobs()
            while True:
                await self._engine.arrived.wait()
                self._engine.arrived.clear()
                await self._start_new(group)

    async def _start_new(self, group: asyncio.TaskGroup) -> None:
        """Start what came in just now, or where there may be more, all that is in the store."""
        engine = self._engine
        fresh, engine.fresh = engine.fresh, []
        if not engine.look:
            return await self._start(group, fresh, fresh=True)
        engine.look = False
        await self._start(group, await self._patiently(self._queued), fresh=False)

    async def _queued(self) -> list[jobs.Job]:
        async with self._engine.store.read() as tx:
            return await jobs.in_states(tx, [State.QUEUED])

    async def _start(
        self, group: asyncio.TaskGroup, queued: Iterable[jobs.Job], *, fresh: bool
    ) -> None:
        """Start what is queued: one after the other, so that quick answers keep their order.

        A command that waits for locks, has begun to work or just takes long lets the next one pass.
        """
        for job in queued:
            if job.id in self._engine.begun:
                continue
            self._engine.begun.add(job.id)
            self._engine.running[job.id] = run = Run(self._engine, job, fresh=fresh)
            task = group.create_task(pipeline.execute(run))
            parked = asyncio.create_task(run.parked.wait())
            await asyncio.wait(
                [task, parked],
                timeout=self._engine.timing.patience,
                return_when=asyncio.FIRST_COMPLETED,
            )
            parked.cancel()

    async def _recover(self, group: asyncio.TaskGroup) -> None:
        """Put back the locks first, all of them; then look at each job that was running."""
        await self._patiently(self._engine.holds.load)
        held = await self._patiently(self._held)
        await self._patiently(self._engine.grants.load)
        await self._patiently(self._engine.glass.load)
        await self._patiently(self._engine.incidents.load)
        await self._patiently(self._engine.alerts.load)
        for job, keys in held:
            undetermined = job.state is State.UNDETERMINED
            self._engine.locks.hold(job.id, keys, undetermined=undetermined)
        await self._patiently(self._look_back)
        # what ended while no bot ran: before anything begins that relied on it
        await self._engine.timekeeper.end_what_is_due()
        group.create_task(self._engine.timekeeper.run())
        group.create_task(keep_telling(self._engine))
        group.create_task(keep_pinned(self._engine))
        group.create_task(keep_timelines(self._engine))
        for job, _keys in held:
            if job.state is State.RUNNING:
                self._engine.begun.add(job.id)
                await self._recover_job(group, job)

    async def _held(self) -> list[tuple[jobs.Job, frozenset[str]]]:
        """The jobs whose locks outlived the bot, with their keys."""
        async with self._engine.store.read() as tx:
            held = await jobs.in_states(tx, HOLDING)
            return [(job, await jobs.lock_keys(tx, job.id)) for job in held]

    async def _look_back(self) -> None:
        """Sort out the jobs that had not begun: they begin anew, are held, or stay cancelled."""
        async with self._engine.store.write() as tx:
            await self._inbox.look_back(tx)
        self._inbox.looked_back = True
        self._engine.outbox.wake()

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Try *work* again until the store is no longer broken."""
        while True:
            try:
                return await work()
            except StoreError as error:
                log.error("store broken", why=str(error))
            await asyncio.sleep(self._engine.timing.follow_every)

    async def _recover_job(self, group: asyncio.TaskGroup, job: jobs.Job) -> None:
        """Look what became of *job*; where it did nothing yet, it goes back to its place first."""
        run = Run(self._engine, job)
        if job.risk is Risk.READS or not await self._patiently(lambda: self._touched(job)):
            await self._patiently(lambda: self._begin_anew(run))
        else:
            group.create_task(self._look_after(run))

    async def _look_after(self, run: Run) -> None:
        try:
            await pipeline.recover(run)
        except Requeue:
            await self._patiently(lambda: self._begin_anew(run))

    async def _touched(self, job: jobs.Job) -> bool:
        """Whether a step that changes something was ever begun."""
        async with self._engine.store.read() as tx:
            return job.no_return or await jobs.touched(tx, job.id)

    async def _begin_anew(self, run: Run) -> None:
        """Run the job again from its start, unless it is so old that nobody expects it.

        What it did in one stroke with a note of that is only told.
        """
        engine, job = self._engine, run.job
        silent = engine.clock() - job.touched
        if silent < 0:
            silent = math.inf  # the clock went back, so nobody can say
        touched = await self._touched(job)
        notes = await run.notes()
        if did := notes.get(jobs.DONE):
            await run.end(Ended(State.SUCCEEDED, "ok", Reply(did)))
        elif why := notes.get(CANCELLED):
            await run.end(cancelled(why, begun=True))
        elif job.risk is Risk.READS or silent <= self._goes_on_within(touched=touched):
            await run.requeued()
        elif touched:
            await run.end(_stopped(run))
        else:
            await self._hold_begun(run, silent)
        engine.begun.discard(job.id)
        engine.look_for_jobs()

    def _goes_on_within(self, *, touched: bool) -> float:
        """For how many seconds a job may stand still and yet go on without asking.

        One that had begun nothing is as late as a command that waited.
        """
        timing = self._engine.timing
        return timing.resume_within if touched else min(timing.away, timing.resume_within)

    async def _hold_begun(self, run: Run, silent: float) -> None:
        """Let a person decide about a job that was begun long ago and has changed nothing."""
        engine = self._engine
        async with engine.store.write() as tx:
            if await run.is_written(tx, State.RUNNING):
                await jobs.move(tx, run.job.id, Event.REQUEUE, engine.clock(), no_return=False)
                if (job := await jobs.get(tx, run.job.id)) is not None:
                    await hold(engine, tx, [job], silent, new=False)
        engine.locks.release(run.job.id)
        engine.outbox.wake()

    async def _claim_hosts(self) -> None:
        """Put our id on each host; say so in the room where another bot's stands there."""
        for host in self._engine.world.hosts.values():
            try:
                owner = await self._engine.owners.foreign(host)
            except (DeviceError, OutcomeUnknown, StoreError) as error:
                log.warning("host not claimed yet", host=host.name, why=str(error))
                continue
            if owner:
                await self._announce(
                    f"foreign-{host.name}-{int(self._engine.started)}",
                    _("⚠ {host} belongs to another bot (its id is {owner}): reads only.").format(
                        host=host.name, owner=owner
                    ),
                )

    async def _announce(self, name: str, sentence: str) -> None:
        post = Post(self._main_room, self._engine.txn(name), Reply(sentence).text())
        await self._patiently(lambda: self._queue(post))
        self._engine.outbox.wake()

    async def _queue(self, post: Post) -> None:
        async with self._engine.store.write() as tx:
            await outbox.put(tx, post)


def _stopped(run: Run) -> Ended:
    """The end of a job that had begun something, and that is too old to begin anew."""
    engine, job = run.engine, run.job
    reply = Reply(
        _("The bot was stopped while this ran, too long ago to go on without asking."),
        hint=_("{prefix}job show {job} says which steps were begun. Send {line} again.").format(
            prefix=engine.prefix, job=job.id, line=clean(engine.shown(job.line), 120)
        ),
    )
    return Ended(State.FAILED, "stopped", reply)
