"""Incidents in the store: a row for each, and the entries that are all there is to say of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.incidents import Entry, EntryKind, Incident
from bot.engine.schema import incident_entries, incidents

OPEN, RESOLVED = "open", "resolved"
#: which entries change whether an incident is open
_STATES = {EntryKind.RESOLVED: RESOLVED, EntryKind.REOPENED: OPEN}


@dataclass(frozen=True)
class Timeline:
    """An incident as it stands, and everything that led there, oldest first."""

    incident: Incident
    entries: tuple[Entry, ...]

    def last(self, *kinds: EntryKind) -> Entry:
        """The last entry of one of these *kinds*, where there is one for certain."""
        return next(each for each in reversed(self.entries) if each.kind in kinds)


async def begin(tx: AsyncConnection, title: str, room: str, now: float, heard: int) -> int:
    """A new incident without an entry; returns its number."""
    result = await tx.execute(
        insert(incidents).values(
            title=title, room=room, state=OPEN, opened=now, stale=True, heard=heard
        )
    )
    return int((result.inserted_primary_key or (0,))[0])


async def add(
    tx: AsyncConnection,
    incident: int,
    kind: EntryKind,
    at: float,
    *,
    person: str,
    text: str,
    data: Mapping[str, Any],
    audit: int | None,
    job: int | None,
) -> None:
    """Add an entry to the timeline of *incident*, whose pinned message then says too little."""
    await tx.execute(
        insert(incident_entries).values(
            incident=incident,
            at=at,
            kind=kind.value,
            person=person,
            text=text,
            data=json.dumps(dict(data)),
            audit=audit,
            job=job,
        )
    )
    await mark(tx, incident, stale=True)
    if kind in _STATES:
        await mark(tx, incident, state=_STATES[kind])


async def add_alerts(
    tx: AsyncConnection,
    incident: int,
    at: float,
    told: Sequence[tuple[str, str, Mapping[str, Any]]],
) -> None:
    """Add what was *told* of alerts: who did it, the title, and the entry's data."""
    rows = [
        {"person": person, "text": text, "data": json.dumps(dict(data))}
        for person, text, data in told
    ]
    same = {"incident": incident, "at": at, "kind": EntryKind.ALERT.value}
    await tx.execute(insert(incident_entries), [{**same, **row} for row in rows])
    await mark(tx, incident, stale=True)


async def count(tx: AsyncConnection, incident: int, kind: EntryKind) -> int:
    """How many entries of that *kind* the timeline has."""
    entries = incident_entries
    mine = (entries.c.incident == incident) & (entries.c.kind == kind.value)
    return await tx.scalar(select(func.count()).select_from(entries).where(mine)) or 0


async def mark(tx: AsyncConnection, incident: int, **values: Any) -> None:
    """Write columns of the incident."""
    await tx.execute(update(incidents).where(incidents.c.id == incident).values(**values))


async def has(tx: AsyncConnection, incident: int, audit: int) -> bool:
    """Whether that entry of the record is on the timeline already."""
    entries = incident_entries
    query = select(entries.c.id).where(
        (entries.c.incident == incident) & (entries.c.audit == audit)
    )
    return (await tx.execute(query)).first() is not None


async def whole(tx: AsyncConnection, number: int) -> Timeline | None:
    """The incident *number* with all its entries; None where there never was one."""
    row = (await tx.execute(select(incidents).where(incidents.c.id == number))).first()
    if row is None:
        return None
    entries = incident_entries
    query = select(entries).where(entries.c.incident == number).order_by(entries.c.id)
    found = tuple([_entry(each) for each in await tx.execute(query)])
    start = Incident(row.id, row.title, row.room, row.opened)
    return Timeline(start.with_entries(found), found)


async def since(tx: AsyncConnection, seen: int) -> list[tuple[int, Entry]]:
    """Every entry after the one with the id *seen*, each with the number of its incident."""
    entries = incident_entries
    query = select(entries).where(entries.c.id > seen).order_by(entries.c.id)
    return [(row.incident, _entry(row)) for row in await tx.execute(query)]


async def last(tx: AsyncConnection) -> int:
    """The id of the last entry of all; 0 where there is none."""
    return await tx.scalar(select(func.max(incident_entries.c.id))) or 0


async def opened(tx: AsyncConnection) -> list[int]:
    """The numbers of the open incidents, oldest first."""
    query = select(incidents.c.id).where(incidents.c.state == OPEN).order_by(incidents.c.id)
    return list(await tx.scalars(query))


async def stale(tx: AsyncConnection) -> list[int]:
    """The numbers of those whose pinned message says less than is known."""
    query = select(incidents.c.id).where(incidents.c.stale).order_by(incidents.c.id)
    return list(await tx.scalars(query))


async def latest(tx: AsyncConnection, count: int) -> list[Incident]:
    """The last *count* incidents, newest first."""
    query = select(incidents.c.id).order_by(incidents.c.id.desc()).limit(count)
    found = [await whole(tx, number) for number in list(await tx.scalars(query))]
    return [each.incident for each in found if each is not None]


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        kind=EntryKind(row.kind),
        person=row.person,
        text=row.text,
        data=json.loads(row.data),
        audit=row.audit,
        job=row.job,
    )
