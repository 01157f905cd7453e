"""Who holds what.  A job asks for all its keys at once, so no deadlock can form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class LockTable:
    """Exclusive locks by key, granted first come, first served.

    A later job passes a waiting one only where the two share no key.
    """

    _queue: dict[int, frozenset[str]] = field(default_factory=dict)

    def request(self, job: int, keys: Iterable[str]) -> None:
        """Put *job* at the end of the queue, wanting all of *keys*."""
        if job in self._queue:
            raise RuntimeError(f"job {job} asked for locks twice")
        self._queue[job] = frozenset(keys)

    def blockers(self, job: int) -> list[int]:
        """The earlier jobs that *job* must wait for; empty when the keys are its own."""
        blocking: list[int] = []
        for other, keys in self._queue.items():
            if other == job:
                break
            if keys & self._queue[job]:
                blocking.append(other)
        return blocking

    def place(self, job: int) -> int:
        """The place of *job* among those that wait, counted from 1; 0 when it waits for nobody."""
        blocking = self.blockers(job)
        return sum(bool(self.blockers(other)) for other in blocking) + 1 if blocking else 0

    @property
    def jobs(self) -> tuple[int, ...]:
        """Every job that holds keys or waits for them, in order."""
        return tuple(self._queue)

    def keys(self, job: int) -> frozenset[str]:
        return self._queue.get(job, frozenset())

    def release(self, job: int) -> None:
        """Take *job* out, whether it held its keys or waited for them."""
        self._queue.pop(job, None)
