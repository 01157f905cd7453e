"""Denials: those of strangers are recorded at once and then counted, those of members are heard so.

Each denied command of a member is in the record; the audit room hears of one a minute and sender.
"""

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


async def is_first(tx: AsyncConnection, sender: str, now: float) -> bool:
    """Whether no denial of *sender* was told of within the last minute; from now on one was."""
    told = schema.denials.c.sender == sender
    since = await tx.scalar(select(schema.denials.c.since).where(told))
    if since is not None and now - since < WINDOW:
        return False
    await tx.execute(delete(schema.denials).where(told))
    await tx.execute(insert(schema.denials).values(sender=sender, since=now, more=0))
    return True


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
