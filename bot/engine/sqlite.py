"""SQLite for an event loop: statements run where they are asked, what may wait runs in a thread.

A statement of the store takes some ten microseconds, the way to aiosqlite's thread and back ten
times as long, and one command makes dozens of them.  What waits, for another process or for the
disk, still goes there, so that the loop goes on meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosqlite

#: begins a transaction that writes; waits while another process is in one
BEGIN_WRITE = "BEGIN IMMEDIATE"
BEGIN_READ = "BEGIN"
_ROWS_AT_A_TIME = 64


class Connection(aiosqlite.Connection):
    """As aiosqlite's, with a shorter way for statements that do not wait."""

    #: calls that were sent to the thread, and those that it has done; each has one writer
    _sent = _done = 0

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # where a caller was cancelled the thread may still be at work: what follows queues there
        if self._sent == self._done and self._connection and not _may_wait(fn, args):
            return fn(*args, **kwargs)
        self._sent += 1
        return await super()._execute(  # type: ignore[no-untyped-call]
            self._counted(fn), *args, **kwargs
        )

    def _counted(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        def work(*args: Any, **kwargs: Any) -> Any:
            try:
                return fn(*args, **kwargs)
            finally:
                self._done += 1

        return work


def _may_wait(fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """A commit and the last close write to the disk; the close of a cursor does not."""
    of_connection = isinstance(getattr(fn, "__self__", None), sqlite3.Connection)
    return (of_connection and fn.__name__ in ("commit", "close")) or args[:1] == (BEGIN_WRITE,)


def connecting(path: Path, busy_timeout: float) -> Callable[[], Connection]:
    """What makes connections to the file at *path*; each opens when it is awaited."""

    def connect() -> sqlite3.Connection:
        # SQLite's driver would begin transactions by itself, and too late
        return sqlite3.connect(
            path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
        )

    def create() -> Connection:
        connection = Connection(connect, _ROWS_AT_A_TIME)
        # a loop that was stopped in a hurry leaves nobody who would end the thread
        connection._thread.daemon = True
        return connection

    return create
