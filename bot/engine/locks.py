"""Waiting for locks: the pure table of `bot.core.locks`, with somebody to wake the waiters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from bot.core.locks import LockTable
from bot.errors import Refused
from bot.i18n import _

Told = Callable[[tuple[int, ...], int], Awaitable[None]]


@dataclass
class Locks:
    """Who holds what in this bot; what is held over a restart is put in before anything starts."""

    table: LockTable = field(default_factory=LockTable)
    #: jobs whose end is not known: their locks stay until a person settles them
    undetermined: set[int] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def hold(self, job: int, keys: Iterable[str], *, undetermined: bool = False) -> None:
        """Put in what *job* held when the bot stopped."""
        self.table.request(job, keys)
        if undetermined:
            self.undetermined.add(job)

    async def acquire(
        self, job: int, keys: Iterable[str], told: Told, give_up: Callable[[], None]
    ) -> None:
        """Return once *job* holds all of *keys*.

        *told* hears of each change of the queue before it; *give_up* raises to leave the queue.
        Raises `Refused` where a job whose end is not known is in the way.
        """
        self.table.request(job, keys)
        try:
            await self._wait(job, told, give_up)
        except BaseException:
            self.release(job)
            raise

    async def _wait(self, job: int, told: Told, give_up: Callable[[], None]) -> None:
        last: tuple[tuple[int, ...], int] | None = None
        while blockers := tuple(self.table.blockers(job)):
            give_up()
            self._refuse_undetermined(blockers)
            changed = self._changed
            if last != (blockers, self.table.place(job)):
                last = (blockers, self.table.place(job))
                await told(*last)
            await changed.wait()

    def _refuse_undetermined(self, blockers: Iterable[int]) -> None:
        for other in blockers:
            if other in self.undetermined:
                raise Refused(
                    _("Job {job} ended undetermined and keeps its locks.").format(job=other),
                    hint=_("Look at it with !job show {job}, then !job settle {job}.").format(
                        job=other
                    ),
                )

    @property
    def at_work(self) -> frozenset[str]:
        """The keys of all jobs that go on, or will once they hold them."""
        working = (job for job in self.table.jobs if job not in self.undetermined)
        return frozenset().union(*map(self.table.keys, working))

    def lose(self, job: int) -> None:
        """The end of *job* is not known: keep its locks, and let nobody wait for them."""
        self.undetermined.add(job)
        self.poke()

    def release(self, job: int) -> None:
        self.table.release(job)
        self.undetermined.discard(job)
        self.poke()

    def poke(self) -> None:
        """Let every waiter look again."""
        self._changed.set()
        self._changed = asyncio.Event()
