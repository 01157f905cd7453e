"""Looking for entries of the record, however long it is, while the bot goes on with its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.audit import Entry
from bot.core.audit_export import json_line
from bot.core.audit_query import Query, runs_of
from bot.engine import audit_log
from bot.engine.schema import audit
from bot.engine.store import Store

#: entries that one statement looks at, and takes over: some milliseconds of the loop's thread
LOOKED_AT, TAKEN = 1000, 100
#: nobody waits for a search that goes further back than so many entries
FURTHEST = 2_000_000
#: what a file for a chat holds at most, entries and bytes
MOST_EXPORTED, LARGEST_EXPORT = 10_000, 4 * 2**20
#: a clock that was set back may have put entries into the record that look older than later ones
_CLOCK_STEPS = timedelta(days=1)


@dataclass
class Found:
    """What a search found, newest first."""

    entries: list[Entry] = field(default_factory=list)
    #: the number before which somebody could go on; None where there is nothing more
    before: int | None = None


async def search(store: Store, query: Query, most: int, own: int = 0) -> Found:
    """The newest entries that *query* wants, at most *most*, but none of the job *own*.

    A search would find itself: what it looks for stands in its own line.
    """
    found = Found()
    async for top, entries in _newest_first(store, query):
        for entry in entries:
            if entry.data.get("job") == own:
                continue
            if len(found.entries) == most:
                found.before = found.entries[-1].number
                return found
            found.entries.append(entry)
        found.before = top
    return replace(found, before=None) if found.before == 1 else found


@dataclass
class Export:
    """Entries as JSON Lines, oldest first."""

    lines: str
    count: int
    #: whether there are older ones that did not fit
    cut: bool


async def export(store: Store, query: Query, own: int = 0) -> Export:
    """The newest entries that *query* wants, as many as fit into one file for a chat.

    As with `search`, there are none of the job *own* among them.
    """
    lines: list[str] = []
    size, cut = 0, False
    async for top, entries in _newest_first(store, query):
        for line in (json_line(entry) for entry in entries if entry.data.get("job") != own):
            size += len(line) + 1
            if len(lines) == MOST_EXPORTED or size > LARGEST_EXPORT:
                return _exported(lines, cut=True)
            lines.append(line)
        cut = top > 1
    return _exported(lines, cut=cut)


def _exported(lines: list[str], *, cut: bool) -> Export:
    return Export("".join(f"{line}\n" for line in reversed(lines)), len(lines), cut)


async def of_job(store: Store, job: int, most: int) -> Found:
    """What is recorded of *job* and of what was said to it, newest first."""
    found = Found()
    async for _top, entries in _newest_first(store, Query(job=job)):
        found.entries += entries
        if len(found.entries) > most:
            found.entries, found.before = found.entries[:most], found.entries[most - 1].number
            break
        if any(entry.kind == "asked" and entry.data.get("job") == job for entry in entries):
            # nothing is known of a job before somebody asks for it; what else the store says of its
            # time is in no chain, and so not to be believed
            break
    return found


async def _newest_first(store: Store, query: Query) -> AsyncIterator[tuple[int, list[Entry]]]:
    """Wanted entries, a few at a time, with the number from which on all was looked at; at last 1.

    It ends with another number where it gave up.
    """
    async with store.read() as tx:
        top = (await audit_log.head(tx))[0] + 1
        if query.before is not None:
            top = min(top, query.before)
        if query.until:
            top = await first_at(tx, _shifted(query.until, _CLOCK_STEPS), top)
        oldest = await first_at(tx, _shifted(query.since, -_CLOCK_STEPS), top)
    statement = _statement(query)
    end = max(oldest, top - FURTHEST)
    while top > end:
        low = max(end, top - LOOKED_AT)
        async with store.read() as tx:
            rows = (await tx.execute(statement, {"low": low, "top": top})).all()
        entries = [*map(audit_log.entry_of, rows)]
        top = entries[-1].number if len(entries) == TAKEN else low
        # all that is older than the oldest is too old
        yield 1 if top <= oldest else top, [entry for entry in entries if query.wants(entry)]
        await asyncio.sleep(0)


async def first_at(tx: AsyncConnection, at: str, top: int) -> int:
    """The number of the first entry below *top* that is not before *at*; *top* where none is."""
    low = 1
    while at and low < top:
        middle = (low + top) // 2
        found = await tx.scalar(_time, {"number": middle})
        if found is None or found >= at:
            top = middle
        else:
            low = middle + 1
    return low


_time = (
    select(audit.c.at)
    .where(audit.c.number >= bindparam("number"))
    .order_by(audit.c.number)
    .limit(1)
)


def _statement(query: Query) -> Select[Any]:
    """What a store can leave out by itself, in ways that PostgreSQL has as well."""
    statement = select(audit).where(
        (audit.c.number >= bindparam("low")) & (audit.c.number < bindparam("top"))
    )
    if query.since:
        statement = statement.where(audit.c.at >= query.since)
    if query.until:
        statement = statement.where(audit.c.at < query.until)
    kinds = [run for part in query.kind.split("*") for run in runs_of(part)]
    statement = statement.where(*(_has(audit.c.kind, run) for run in kinds))
    for runs in query.runs:
        statement = statement.where(or_(*(_has(audit.c.data, run) for run in runs)))
    return statement.order_by(audit.c.number.desc()).limit(TAKEN)


def _has(column: Any, run: str) -> ColumnElement[bool]:
    clause: ColumnElement[bool] = func.lower(column).contains(run, autoescape=True)
    return clause


def _shifted(at: str, more: timedelta) -> str:
    """*at* and *more*, as far as there are such years; nothing for nothing."""
    if not at:
        return ""
    try:
        return (datetime.fromisoformat(at) + more).isoformat(timespec="milliseconds")
    except OverflowError:
        return at
