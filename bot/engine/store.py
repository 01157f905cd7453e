"""The bot's memory on disk: one file, one owner, everything written before it is acted on."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Error as SqliteError
from typing import Any, Self

from sqlalchemy import URL, bindparam, event, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.core.audit import GENESIS
from bot.engine import sqlite
from bot.engine.schema import meta
from bot.engine.schema_clocks import metadata
from bot.engine.upgrades import UPGRADES, VERSION
from bot.errors import ConfigError, StoreError
from bot.i18n import _

FILE = "nounou.sqlite3"
#: what a transaction that adds to the record has in its `info`
RECORDED = "recorded"
#: what the bot keeps in a state folder, of which not all else need be its own
_OURS = (f"{FILE}*", "lock", "matrix-*.json", "local", "local/*", "crypto", "crypto/*")

# statements that each command needs are built once: that costs more than running them
_value = select(meta.c.value).where(meta.c.key == bindparam("k"))
_change = update(meta).where(meta.c.key == bindparam("k")).values(value=bindparam("v"))
_add = insert(meta)


@dataclass(frozen=True)
class _Link:
    """An open connection: where statements go, and the driver that begins and ends with them."""

    connection: AsyncConnection
    driver: sqlite.Connection

    @classmethod
    async def of(cls, engine: AsyncEngine) -> Self:
        connection = await engine.connect()
        raw = await connection.get_raw_connection()
        assert isinstance(raw.driver_connection, sqlite.Connection)
        return cls(connection, raw.driver_connection)

    @asynccontextmanager
    async def transaction(self, begin: str) -> AsyncIterator[AsyncConnection]:
        try:
            await self.driver.execute(begin)
            yield self.connection
            if begin == sqlite.BEGIN_WRITE:
                await self.driver.commit()
        finally:
            await self.driver.rollback()  # of what was not committed


class Store:
    """The tables, reached through `read` and `write`; one process owns a state folder."""

    def __init__(self, folder: Path, *, busy_timeout: float = 10.0) -> None:
        self.folder = folder
        self.site_id = ""
        #: statements under way now: a loop on virtual time waits for them
        self.in_flight = 0
        #: set when something came to the record: whoever reads on clears it
        self.recorded = asyncio.Event()
        #: whether the last attempt to write failed
        self.failing = False
        self._then: list[Callable[[], None]] = []
        self._lock = asyncio.Lock()
        #: open and not in use; to take one from the engine's pool costs as much as a transaction
        self._idle: list[_Link] = []
        self._owner: int | None = None
        self._engine = _engine(folder / FILE, busy_timeout)

    async def open(self) -> None:
        """Take the folder and make or check the tables.

        Raises `ConfigError` where another bot has the folder or the store is of another version,
        `StoreError` where it cannot be written.
        """
        self._take_folder()
        async with self.write() as tx:
            await tx.run_sync(metadata.create_all)
            self.site_id = await _initialise(tx)

    async def close(self) -> None:
        self.in_flight += 1
        try:
            await self._disconnect()
        finally:
            self.in_flight -= 1
        if self._owner is not None:
            os.close(self._owner)
            self._owner = None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: all of it is on disk when the block ends, or none of it.

        Raises `StoreError` where the store is full, read-only or broken.
        """
        self.in_flight += 1
        try:
            async with self._lock:
                self._then = []
                async with self._transaction(sqlite.BEGIN_WRITE) as tx:
                    tx.info.pop(RECORDED, None)
                    yield tx
                    recorded = tx.info.pop(RECORDED, False)
                self.failing = False
                if recorded:
                    self.recorded.set()
                for then in self._then:
                    then()
        except (SQLAlchemyError, SqliteError, OSError) as error:
            self.failing = True
            raise StoreError(
                _("The record cannot be written ({why}), so nothing is changed.").format(
                    why=_cause(error)
                )
            ) from error
        finally:
            self.in_flight -= 1

    def once_written(self, then: Callable[[], None]) -> None:
        """Call *then* once the transaction of `write` that is under way is on disk, if ever."""
        self._then.append(then)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent look; raises `StoreError` where the store cannot be read."""
        self.in_flight += 1
        try:
            async with self._transaction(sqlite.BEGIN_READ) as tx:
                yield tx
        except (SQLAlchemyError, SqliteError, OSError) as error:
            raise StoreError(
                _("The record cannot be read ({why}).").format(why=_cause(error))
            ) from error
        finally:
            self.in_flight -= 1

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[AsyncConnection]:
        link = self._idle.pop() if self._idle else await _Link.of(self._engine)
        try:
            async with link.transaction(begin) as tx:
                yield tx
        finally:
            # one that could not even be rolled back is of no use any more
            if link.driver.in_transaction:
                await link.connection.close()
            else:
                self._idle.append(link)

    async def _disconnect(self) -> None:
        while self._idle:
            await self._idle.pop().connection.close()
        await self._engine.dispose()

    def _take_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._owner = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            # what SQLite puts beside the file has the same mode as the file
            (self.folder / FILE).touch(mode=0o600)
            _shut(self.folder)
        except OSError as error:
            raise StoreError(
                _("The state folder {folder} cannot be written ({why}).").format(
                    folder=self.folder, why=error.strerror
                )
            ) from error
        try:
            fcntl.flock(self._owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                _("Another bot runs on the state folder {folder}.").format(folder=self.folder)
            ) from None


def _shut(folder: Path) -> None:
    """Close to everybody else what the bot keeps in *folder*, however open it was left."""
    for path in (path for pattern in _OURS for path in folder.glob(pattern)):
        found = path.lstat()
        plain = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
        if plain and found.st_uid == os.geteuid() and found.st_mode & 0o077:
            path.chmod(found.st_mode & 0o700)


async def get(tx: AsyncConnection, key: str) -> str | None:
    """The value under *key*, or None."""
    value: str | None = await tx.scalar(_value, {"k": key})
    return value


async def put(tx: AsyncConnection, key: str, value: str) -> None:
    """Keep *value* under *key*."""
    if not (await tx.execute(_change, {"k": key, "v": value})).rowcount:
        await tx.execute(_add, {"key": key, "value": value})


async def _initialise(tx: AsyncConnection) -> str:
    version = await get(tx, "schema")
    if version is None:
        await put(tx, "schema", str(VERSION))
        await put(tx, "site", uuid.uuid4().hex)
        await put(tx, "audit", f"0 {GENESIS}")
    else:
        await _upgrade(tx, version)
    return await get(tx, "site") or ""


async def _upgrade(tx: AsyncConnection, version: str) -> None:
    """Bring a store of an older *version* to ours; jobs, locks and the record stay as they are."""
    if not version.isdecimal() or not 0 < int(version) <= VERSION:
        raise ConfigError(
            _("The store is of version {found}, this bot needs {wanted}.").format(
                found=version, wanted=VERSION
            )
        )
    for number in range(int(version) + 1, VERSION + 1):
        for statement in UPGRADES[number]:
            await tx.exec_driver_sql(statement)
        await put(tx, "schema", str(number))


def _engine(path: Path, busy_timeout: float) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        async_creator=sqlite.connecting(path, busy_timeout),
        # transactions are the store's own
        isolation_level="AUTOCOMMIT",
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine


def _cause(error: Exception) -> str:
    origin = getattr(error, "orig", None) or error
    return str(origin)[:120]
