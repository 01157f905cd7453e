"""The record on disk, read from outside of the bot and beside it; nothing is changed there.

What is read comes in chunks, each in a transaction of its own: neither the memory nor a bot that
writes meanwhile knows how long the record is, or how slowly somebody takes it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from bot.core.audit import Chain, Entry, Verdict
from bot.engine import store
from bot.engine.audit_log import entry_of, head_of
from bot.errors import StoreError
from bot.i18n import _

CHUNK = 1000

_COLUMNS = "SELECT number, at, kind, data, previous, hash FROM audit"
_FROM_START = f"{_COLUMNS} ORDER BY number LIMIT ?"
_AFTER = f"{_COLUMNS} WHERE number > ? ORDER BY number LIMIT ?"

#: the entries of one chunk, and the head of the chain at that moment
_Chunk = tuple[list[Entry], tuple[int, str]]


def verify(folder: Path) -> Verdict:
    """Whether the record in *folder* follows from its start.

    Raises `StoreError` where there is no store, or it cannot be read.
    """
    chain, head = Chain(), (0, "")
    for entries, last in _chunks(folder, None):
        head = last
        if not chain.read(entries):
            break
    return chain.end(head)


def entries_after(folder: Path, number: int | None) -> Iterator[Entry]:
    """The entries of the record in *folder* that come after *number*, or all of them.

    Raises `StoreError` as `verify` does.
    """
    for entries, _last in _chunks(folder, number):
        yield from entries


def hashes(folder: Path, numbers: Iterable[int]) -> dict[int, str]:
    """The hashes of the entries with these *numbers*, as far as they are there.

    Raises `StoreError` as `verify` does.
    """
    query = "SELECT hash FROM audit WHERE number = ?"
    found = {}
    with closing(_open(folder)) as connection:
        try:
            for number in numbers:
                for (digest,) in connection.execute(query, (number,)):
                    found[number] = str(digest)
        except sqlite3.Error as error:
            raise _unreadable(error) from error
    return found


def _chunks(folder: Path, after: int | None) -> Iterator[_Chunk]:
    """At least one chunk; the last comes with the head that it ends at, or should."""
    with closing(_open(folder)) as connection:
        while True:
            chunk = _read(connection, after)
            yield chunk
            if len(chunk[0]) < CHUNK:
                return
            after = chunk[0][-1].number


def _open(folder: Path) -> sqlite3.Connection:
    path = folder / store.FILE
    if not path.is_file():
        raise StoreError(_("There is no store in {folder}.").format(folder=folder))
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise _unreadable(error) from error
    # a text that is none is read all the same, and is not what was written
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    return connection


def _read(connection: sqlite3.Connection, after: int | None) -> _Chunk:
    try:
        connection.execute("BEGIN")  # rows and head of one moment
        if after is None:
            rows = connection.execute(_FROM_START, (CHUNK,)).fetchall()
        else:
            rows = connection.execute(_AFTER, (after, CHUNK)).fetchall()
        last = connection.execute("SELECT value FROM meta WHERE key = 'audit'").fetchone()
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise _unreadable(error) from error
    return [*map(entry_of, rows)], head_of(last[0] if last else "")


def _unreadable(error: sqlite3.Error) -> StoreError:
    return StoreError(_("The record cannot be read ({why}).").format(why=error))
