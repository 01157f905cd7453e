"""Denied commands in the record: the first at once, the rest of a minute as one count."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.audit import Entry
from bot.engine import audit_log, schema

#: one counting record a sender in this many seconds
WINDOW = 60.0
#: how many of the jobs that it counts a record names
_NAMED = 50


async def record(
    tx: AsyncConnection, sender: str, data: dict[str, Any], now: float
) -> Entry | None:
    """Record a denial of *sender*, or count it where one was recorded within the last minute."""
    mine = schema.denials.c.sender == sender
    row = (await tx.execute(select(schema.denials).where(mine))).first()
    if row is not None and now - row.since < WINDOW:
        jobs = json.loads(row.jobs)
        if "job" in data and len(jobs) < _NAMED:
            jobs.append(data["job"])
        values = {"more": row.more + 1, "person": data.get("person", ""), "jobs": json.dumps(jobs)}
        await tx.execute(update(schema.denials).where(mine).values(values))
        return None
    if row is not None:
        await _count(tx, row, now)
    await tx.execute(delete(schema.denials).where(mine))
    await tx.execute(insert(schema.denials).values(sender=sender, since=now, more=0))
    return await audit_log.append(tx, "denied", data, now)


async def flush(tx: AsyncConnection, now: float) -> list[Entry]:
    """Write the counting records of the windows that are over."""
    entries = []
    for row in (await tx.execute(select(schema.denials))).all():
        if now - row.since < WINDOW:
            continue
        entry = await _count(tx, row, now)
        if entry is not None:
            entries.append(entry)
        await tx.execute(delete(schema.denials).where(schema.denials.c.sender == row.sender))
    return entries


async def _count(tx: AsyncConnection, row: Any, now: float) -> Entry | None:
    if not row.more:
        return None
    data: dict[str, Any] = {"sender": row.sender, "more": row.more, "seconds": int(WINDOW)}
    if row.person:
        data |= {"person": row.person, "jobs": json.loads(row.jobs)}
    return await audit_log.append(tx, "denied again", data, now)
