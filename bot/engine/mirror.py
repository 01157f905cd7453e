"""What lasts for a time, in memory as the store has it: deciding by it costs no look there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Table, case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.engine.store import Store
from bot.errors import StoreError


@dataclass(frozen=True)
class Lasting:
    """Something of a person that lasts from *since* until *until*, both in seconds since 1970."""

    id: int
    person: str
    reason: str
    #: the job that made it
    job: int
    since: float
    until: float
    #: "active" until it ended in one way or another
    state: str

    def lasts(self, now: float) -> bool:
        """Whether it counts; a clock that went back before its birth must not prolong it."""
        return self.since <= now < self.until


class Row(Protocol):
    """A row of the store that may last for a time only."""

    @property
    def until(self) -> float | None:
        """When it is over, in seconds since 1970; None where only a person ends it."""

    def lasts(self, now: float) -> bool:
        """Whether it counts at *now*, unless somebody ended it."""


R = TypeVar("R", bound=Row)


class Mirror(Generic[R]):
    """The active rows of *table*, which `write` alone changes."""

    def __init__(self, store: Store, table: Table, row: Callable[..., R]) -> None:
        self._store = store
        self._table = table
        self._row = row
        self._rows: tuple[R, ...] = ()
        #: nobody knows whether the last change is on disk
        self._doubtful = False

    async def load(self) -> None:
        """Learn what the store has; raises `StoreError`."""
        async with self._store.read() as tx:
            rows = await self._active(tx)
        self._rows, self._doubtful = rows, False

    def active(self, now: float) -> list[R]:
        """All that lasts at *now*: what is over does not, though nobody has written that down."""
        return [row for row in self._rows if row.lasts(now)]

    def over(self, now: float) -> list[R]:
        """All that should have ended by *now*, and that the store has as active."""
        return [row for row in self._rows if row.until is not None and row.until <= now]

    def next_due(self) -> float | None:
        """When the next one ends; at once where the store has to be looked at again."""
        if self._doubtful:
            return 0.0
        return min((row.until for row in self._rows if row.until is not None), default=None)

    async def settle(self) -> None:
        """Learn what became of a change that perhaps was not written; raises `StoreError`."""
        if self._doubtful:
            await self.load()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes the rows; what it did counts once it is on disk."""
        try:
            async with self._store.write() as tx:
                yield tx
                rows = await self._active(tx)
        except StoreError:
            self._doubtful = True
            raise
        self._rows, self._doubtful = rows, False

    async def add(self, tx: AsyncConnection, **values: Any) -> R:
        """Make a row of *values* within a `write`."""
        result = await tx.execute(insert(self._table).values(state="active", **values))
        number = int((result.inserted_primary_key or (0,))[0])
        return self._row(id=number, state="active", **values)

    async def end(self, tx: AsyncConnection, number: int, state: str, now: float) -> bool:
        """Write within a `write` how and when the row ended; False where it had ended before."""
        table = self._table
        active = (table.c.id == number) & (table.c.state == "active")
        early = case((table.c.until > now, now), else_=table.c.until)
        change = update(table).where(active).values(state=state, until=early)
        return bool((await tx.execute(change)).rowcount)

    async def numbered(self, number: int) -> R | None:
        """The row *number*, whether or not it lasts still."""
        query = select(self._table).where(self._table.c.id == number)
        async with self._store.read() as tx:
            found = (await tx.execute(query)).one_or_none()
        return self._row(**found._asdict()) if found is not None else None

    async def latest(self, count: int) -> list[R]:
        """The last *count* rows, newest first."""
        query = select(self._table).order_by(self._table.c.id.desc()).limit(count)
        async with self._store.read() as tx:
            return [self._row(**row._asdict()) for row in await tx.execute(query)]

    async def _active(self, tx: AsyncConnection) -> tuple[R, ...]:
        query = select(self._table).where(self._table.c.state == "active")
        rows = await tx.execute(query.order_by(self._table.c.id))
        return tuple(self._row(**row._asdict()) for row in rows)
