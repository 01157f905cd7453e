"""Denied commands in the record: the first at once, the rest of a minute as one count."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.audit import Entry
from bot.engine import audit_log, schema

#: one counting record a sender in this many seconds
WINDOW = 60.0


async def record(
    tx: AsyncConnection, sender: str, data: dict[str, object], now: float
) -> Entry | None:
    """Record a denial of *sender*, or count it where one was recorded within the last minute."""
    row = (
        await tx.execute(select(schema.denials).where(schema.denials.c.sender == sender))
    ).first()
    if row is not None and now - row.since < WINDOW:
        counted = update(schema.denials).where(schema.denials.c.sender == sender)
        await tx.execute(counted.values(more=row.more + 1))
        return None
    if row is not None:
        await _count(tx, row.sender, row.more, now)
    await tx.execute(delete(schema.denials).where(schema.denials.c.sender == sender))
    await tx.execute(insert(schema.denials).values(sender=sender, since=now, more=0))
    return await audit_log.append(tx, "denied", data, now)


async def flush(tx: AsyncConnection, now: float) -> list[Entry]:
    """Write the counting records of the windows that are over."""
    entries = []
    for row in (await tx.execute(select(schema.denials))).all():
        if now - row.since < WINDOW:
            continue
        entry = await _count(tx, row.sender, row.more, now)
        if entry is not None:
            entries.append(entry)
        await tx.execute(delete(schema.denials).where(schema.denials.c.sender == row.sender))
    return entries


async def _count(tx: AsyncConnection, sender: str, more: int, now: float) -> Entry | None:
    if not more:
        return None
    data = {"sender": sender, "more": more, "seconds": int(WINDOW)}
    return await audit_log.append(tx, "denied again", data, now)
