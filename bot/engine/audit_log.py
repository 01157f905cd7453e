"""The audit record in the store: appended within the transaction of what it records."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.audit import Entry, Verdict, seal, verify
from bot.engine import schema, store
from bot.errors import StoreError
from bot.i18n import _

_last = select(schema.meta.c.value).where(schema.meta.c.key == "audit").with_for_update()
_add = insert(schema.audit)


async def append(tx: AsyncConnection, kind: str, data: dict[str, Any], now: float) -> Entry:
    """Add an entry at the head of the chain, which is read and advanced in this transaction."""
    head = await tx.scalar(_last)
    number, previous = _head(str(head))
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    entry = seal(number + 1, at, kind, data, previous)
    await tx.execute(
        _add,
        {
            "number": entry.number,
            "at": entry.at,
            "kind": entry.kind,
            "data": json.dumps(entry.data, sort_keys=True),
            "previous": entry.previous,
            "hash": entry.hash,
        },
    )
    await store.put(tx, "audit", f"{entry.number} {entry.hash}")
    return entry


async def head(tx: AsyncConnection) -> tuple[int, str]:
    """The number and the hash of the last entry, as it was written."""
    return _head(await store.get(tx, "audit") or "")


async def tail(tx: AsyncConnection, count: int) -> list[Entry]:
    """The last *count* entries, oldest first."""
    query = select(schema.audit).order_by(schema.audit.c.number.desc()).limit(count)
    return [_entry(row) for row in await tx.execute(query)][::-1]


async def verify_all(tx: AsyncConnection) -> Verdict:
    """Read the whole record and say whether it still follows from its start."""
    rows = await tx.execute(select(schema.audit).order_by(schema.audit.c.number))
    head = await store.get(tx, "audit")
    return verify((_entry(row) for row in rows), _head(head or ""))


def verify_file(folder: Path) -> Verdict:
    """As `verify_all`, for the command line: reads the store in *folder* and changes nothing.

    Raises `StoreError` where there is no store, or it cannot be read.
    """
    path = folder / store.FILE
    if not path.is_file():
        raise StoreError(_("There is no store in {folder}.").format(folder=folder))
    try:
        uri = f"file:{path}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            # rows and head of one moment: a bot may be writing
            connection.execute("BEGIN")
            rows = connection.execute("SELECT * FROM audit ORDER BY number").fetchall()
            head = connection.execute("SELECT value FROM meta WHERE key = 'audit'").fetchone()
    except sqlite3.Error as error:
        raise StoreError(_("The record cannot be read ({why}).").format(why=error)) from error
    return verify((_entry_of(dict(row)) for row in rows), _head(head[0] if head else ""))


def _entry(row: Any) -> Entry:
    return _entry_of(row._asdict())


def _entry_of(row: dict[str, Any]) -> Entry:
    try:
        data = json.loads(row["data"])
    except ValueError:
        data = {"unreadable": row["data"]}
    return Entry(row["number"], row["at"], row["kind"], data, row["previous"], row["hash"])


def _head(text: str) -> tuple[int, str]:
    number, _space, digest = text.partition(" ")
    return (int(number), digest) if number.isdigit() else (0, "")
