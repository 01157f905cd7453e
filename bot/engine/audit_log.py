"""The audit record in the store: appended within the transaction of what it records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.audit import Chain, Entry, Verdict, data_of, seal, text_of
from bot.engine import schema, store
from bot.engine.store import Store
from bot.i18n import _

#: the person of what the bot does by itself
BOT = "bot"

#: entries that are verified in one go, some milliseconds: statements run in the loop's thread
CHUNK = 100

_last = select(schema.meta.c.value).where(schema.meta.c.key == "audit").with_for_update()
_add = insert(schema.audit)
_from_start = select(schema.audit).order_by(schema.audit.c.number).limit(CHUNK)
_after = _from_start.where(schema.audit.c.number > bindparam("after"))


async def append(tx: AsyncConnection, kind: str, data: dict[str, Any], now: float) -> Entry:
    """Add an entry at the head of the chain, which is read and advanced in this transaction."""
    number, previous = head_of(await tx.scalar(_last))
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    entry = seal(number + 1, at, kind, data, previous)
    await tx.execute(
        _add,
        {
            "number": entry.number,
            "at": entry.at,
            "kind": entry.kind,
            "data": text_of(entry.data),
            "previous": entry.previous,
            "hash": entry.hash,
        },
    )
    await store.put(tx, "audit", f"{entry.number} {entry.hash}")
    tx.info[store.RECORDED] = True
    return entry


async def head(tx: AsyncConnection) -> tuple[int, str]:
    """The number and the hash of the last entry, as it was written."""
    return head_of(await store.get(tx, "audit"))


async def tail(tx: AsyncConnection, count: int) -> list[Entry]:
    """The last *count* entries, oldest first."""
    query = select(schema.audit).order_by(schema.audit.c.number.desc()).limit(count)
    return [entry_of(row) for row in await tx.execute(query)][::-1]


async def verify_all(store: Store) -> Verdict:
    """Read the whole record and say whether it still follows from its start.

    It is read in chunks, between which the loop goes on; what is appended meanwhile is read too.
    """
    chain = Chain()
    while True:
        async with store.read() as tx:
            after = {"after": chain.count} if chain.count else None
            rows = (await tx.execute(_after if after else _from_start, after)).all()
            last = await head(tx)
        whole = chain.read(map(entry_of, rows))
        if not whole or len(rows) < CHUNK:
            return chain.end(last)
        await asyncio.sleep(0)


async def verify_end(tx: AsyncConnection, count: int) -> Verdict:
    """As `verify_all`, of the last *count* entries alone: cheap, and blind to what is older."""
    entries = await tail(tx, count)
    chain = Chain()
    if entries and entries[0].number > 1:
        chain.count, chain.previous = entries[0].number - 1, entries[0].previous
    chain.read(entries)
    verdict = chain.end(await head(tx))
    if verdict.ok and len(entries) < verdict.count:
        sentence = _("The last {count} entries are whole, up to #{number} {hash}.").format(
            count=len(entries), number=verdict.count, hash=verdict.head[:12]
        )
        return replace(verdict, sentence=sentence)
    return verdict


def entry_of(row: Sequence[Any]) -> Entry:
    """The entry in *row*, whatever somebody made of it."""
    number, at, kind, data, previous, digest = row
    return Entry(number, str(at), str(kind), data_of(data), str(previous), str(digest))


def head_of(text: object) -> tuple[int, str]:
    """The number and the hash in *text*, as `append` keeps it; nothing's for anything else."""
    number, _space, digest = str(text).partition(" ")
    return (int(number), digest) if number.isascii() and number.isdecimal() else (0, "")
