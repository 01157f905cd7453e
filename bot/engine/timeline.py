"""What the record says of an open incident, put on its timeline: each entry once, whatever crashes.

Each incident knows how far the record was read for it.  It is read from an hour before it was
opened, again from there when more is affected, and up to the moment at which it was resolved.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.audit import Entry
from bot.core.incidents import EntryKind, Incident
from bot.core.overheard import Concern, Errand, jobs_in, person, sentence
from bot.core.risk import Risk
from bot.core.text import clean
from bot.engine import audit_log, schema, store
from bot.engine.audit_search import first_at
from bot.engine.incoming import verb_of
from bot.errors import StoreError
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine

log = structlog.get_logger()

#: entries of the record that are read in one go: statements run in the loop's thread
CHUNK = 100
#: entries of the record on one timeline; what is more is in the record alone
MOST = 2000
#: seconds before an incident was opened from which on the record is read
BEFORE = 3600.0
#: things that an entry is about which are kept on the timeline
_NAMED = 20

_KEY = "timeline "


@dataclass(frozen=True)
class _Mark:
    """How far the record was read for an incident."""

    heard: int
    #: what was affected then
    looked: tuple[str, ...]
    #: the moment of its resolution up to which all was read; None before
    over: float | None = None

    @property
    def text(self) -> str:
        return json.dumps({"looked": self.looked, "over": self.over})


async def keep_timelines(engine: Engine) -> None:
    """Put on the timelines of open incidents what the record says, for ever."""
    following: set[int] | None = None
    engine.store.recorded.set()
    while True:
        await engine.store.recorded.wait()
        engine.store.recorded.clear()
        try:
            if following is None:
                following = await _unfinished(engine)
            await engine.incidents.settle()
            now_open = {incident.id for incident in engine.incidents.open}
            for number in sorted(following | now_open):
                await catch_up(engine, number)
            following = now_open
        except StoreError as error:
            log.error("timelines not written", why=str(error))
            engine.store.recorded.set()
        await asyncio.sleep(engine.timing.follow_every)


async def catch_up(engine: Engine, number: int) -> None:
    """Put on the timeline of the incident all that the record says by now; raises `StoreError`."""
    known = {incident.id: incident for incident in engine.incidents.open}
    incident = known.get(number) or await engine.incidents.numbered(number)
    if incident is None:
        return
    more = await _is_behind(engine, incident)
    while more:
        more = await _read_on(engine, incident)
        await asyncio.sleep(0)


async def _is_behind(engine: Engine, incident: Incident) -> bool:
    async with engine.store.read() as tx:
        mark = await _mark(tx, incident)
        if incident.resolved is not None and mark.over == incident.resolved:
            return mark.looked != incident.affects
        if mark.looked != incident.affects or incident.resolved is not None:
            return True
        return mark.heard < (await audit_log.head(tx))[0]


async def _read_on(engine: Engine, incident: Incident) -> bool:
    """Read the next entries for *incident*; whether there may be more."""
    async with engine.incidents.write() as tx:
        mark = await _mark(tx, incident)
        heard = mark.heard
        if mark.looked != incident.affects:
            heard = await _start(tx, incident)
        query = select(schema.audit).where(schema.audit.c.number > heard)
        rows = (await tx.execute(query.order_by(schema.audit.c.number).limit(CHUNK))).all()
        entries = [*map(audit_log.entry_of, rows)]
        end = _iso(incident.resolved) if incident.resolved is not None else "~"
        wanted = [entry for entry in entries if entry.at <= end]
        await _take(engine, tx, incident, wanted)
        more = len(wanted) == CHUNK
        heard = wanted[-1].number if wanted else heard
        over = None if more else incident.resolved
        await _put(tx, incident, _Mark(heard, incident.affects, over))
    return more


async def _take(
    engine: Engine, tx: AsyncConnection, incident: Incident, entries: list[Entry]
) -> None:
    """Add those of *entries* that concern *incident*, unless they are there."""
    concern = await _concern(tx, incident)
    errands = await _errands(engine, tx, entries)
    rows = schema.incident_entries
    here = rows.c.incident == incident.id
    told = set(await tx.scalars(select(rows.c.audit).where(here & rows.c.audit.is_not(None))))
    count = await tx.scalar(
        select(func.count()).where(here & (rows.c.kind == EntryKind.RECORD.value))
    )
    room = MOST - (count or 0)
    for entry in entries:
        if not concern.takes(entry, errands) or entry.number in told or room < 0:
            continue
        if room:
            await _add(engine, tx, incident, entry, errands)
        else:
            await engine.incidents.add(
                tx, incident.id, EntryKind.RECORD, text=_more(engine, incident), data={"more": True}
            )
        room -= 1


async def _add(
    engine: Engine,
    tx: AsyncConnection,
    incident: Incident,
    entry: Entry,
    errands: Mapping[int, Errand],
) -> None:
    said = entry.data
    job = next((job for job in jobs_in(said) if job == said.get("job")), None)
    objects = said.get("objects")
    data: dict[str, Any] = {"kind": entry.kind, "hash": entry.hash, "job": job}
    data |= {key: clean(str(said[key]), 200) for key in ("verb", "line", "state") if key in said}
    if "line" not in data and (errand := errands.get(job or 0)) is not None:
        data["line"] = clean(errand.line, 200)
    if entry.kind == "pictured" and isinstance(hashes := said.get("sha256"), dict):
        data["picture"] = clean(str(hashes.get("png", hashes.get("text"))), 64)
    if isinstance(objects, list):
        data["objects"] = [clean(str(each), 100) for each in objects[:_NAMED]]
    await engine.incidents.add(
        tx,
        incident.id,
        EntryKind.RECORD,
        person(entry),
        sentence(entry, errands),
        data,
        job=job,
        audit=entry.number,
        at=_seconds(entry.at),
    )


def _more(engine: Engine, incident: Incident) -> str:
    """How to find what no timeline has room for."""
    words = _(
        "There is more in the record than fits here: {prefix}audit search on {name} since {at}"
    )
    name = clean(incident.affects[0], 100) if incident.affects else "*"
    at = _iso(incident.opened)[:16]
    return words.format(prefix=engine.prefix, name=name, at=at)


async def _concern(tx: AsyncConnection, incident: Incident) -> Concern:
    entries, glass = schema.incident_entries, schema.glass
    mine = select(entries.c.job).where(entries.c.incident == incident.id)
    mine = mine.where(entries.c.job.is_not(None)).distinct()
    jobs = set(await tx.scalars(mine))
    glasses = set(await tx.scalars(select(glass.c.id).where(glass.c.job.in_(mine))))
    return Concern(frozenset(incident.affects), frozenset(incident.people), jobs, glasses)


async def _errands(
    engine: Engine, tx: AsyncConnection, entries: Iterable[Entry]
) -> dict[int, Errand]:
    """The jobs that *entries* name."""
    numbers = {job for entry in entries for job in jobs_in(entry.data)}
    jobs = schema.jobs
    query = select(jobs.c.id, jobs.c.line, jobs.c.risk).where(jobs.c.id.in_(numbers))
    found = (await tx.execute(query)).all() if numbers else []
    return {
        row.id: Errand(engine.shown(row.line), Risk(row.risk), verb_of(engine, row.line))
        for row in found
    }


async def _start(tx: AsyncConnection, incident: Incident) -> int:
    """The last entry of the record that is too old for *incident*."""
    top = (await audit_log.head(tx))[0] + 1
    return await first_at(tx, _iso(incident.opened - BEFORE), top) - 1


async def _mark(tx: AsyncConnection, incident: Incident) -> _Mark:
    rows = schema.incidents
    heard = await tx.scalar(select(rows.c.heard).where(rows.c.id == incident.id))
    kept = await store.get(tx, f"{_KEY}{incident.id}")
    if kept is None:
        return _Mark(heard or 0, ("",))  # nothing is called so: it was never looked for anything
    said = json.loads(kept)
    return _Mark(heard or 0, tuple(said["looked"]), said["over"])


async def _put(tx: AsyncConnection, incident: Incident, mark: _Mark) -> None:
    rows = schema.incidents
    await tx.execute(update(rows).where(rows.c.id == incident.id).values(heard=mark.heard))
    await store.put(tx, f"{_KEY}{incident.id}", mark.text)


async def _unfinished(engine: Engine) -> set[int]:
    """The incidents for which the record was not read to their end."""
    meta = schema.meta
    query = select(meta.c.key, meta.c.value).where(meta.c.key.startswith(_KEY))
    async with engine.store.read() as tx:
        rows = (await tx.execute(query)).all()
    return {int(key.removeprefix(_KEY)) for key, value in rows if json.loads(value)["over"] is None}


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")


def _seconds(at: str) -> float | None:
    """*at* in seconds since 1970; None where somebody made something else of it."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return None
