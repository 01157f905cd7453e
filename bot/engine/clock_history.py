"""What was measured of each clock, kept for a time: every reading first, then an hour in one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.clock_sweep import Sweep
from bot.core.clock_trend import believed
from bot.core.clocks import Reading, Role, Sample, Whose
from bot.engine.schema_clocks import clock_samples
from bot.engine.store import Store

#: for how long every reading is kept
_EVERY_READING = 2 * 86400.0
_HOUR = 3600.0
#: rows that are read, and that are deleted, in one transaction at most
AT_ONCE = 1000

_c = clock_samples.c
#: one row, by its key: SQLite would find several at a time by another index, and look at many more
_clear = delete(clock_samples).where(
    _c.role == bindparam("its_role"), _c.name == bindparam("its_name"), _c.at == bindparam("its_at")
)


async def add(tx: AsyncConnection, sweep: Sweep) -> None:
    """Keep what *sweep* measured of Dom0s and DomUs; to keep it again changes nothing."""
    rows = []
    for each in sweep.machines():
        offset = sweep.offset(each.whose)
        if offset is not None:
            row = _row(Sample.of(each.at, offset), thinned=False)
            row |= {"role": each.whose.role.value, "name": each.whose.name}
            rows.append(row | {"reference": sweep.reference.name})
    if not rows:
        return
    times = [row["at"] for row in rows]
    query = select(_c.role, _c.name, _c.at).where(_c.at.between(min(times), max(times)))
    there = {tuple(row) for row in await tx.execute(query)}
    if new := [row for row in rows if (row["role"], row["name"], row["at"]) not in there]:
        await tx.execute(insert(clock_samples), new)


async def keep(store: Store, sweep: Sweep) -> None:
    """Keep what *sweep* measured; raises `StoreError`.

    What is held against a doubted reference is not kept: it says how wrong that one is.
    """
    if not sweep.doubted:
        async with store.write() as tx:
            await add(tx, sweep)


async def of(tx: AsyncConnection, whose: Whose, since: float, reference: Whose) -> list[Sample]:
    """What is known of *whose* clock from *since* on, the oldest first.

    Only what was measured against *reference*: two references need not agree.
    """
    query = (
        select(clock_samples)
        .where(_c.role == whose.role.value, _c.name == whose.name)
        .where(_c.reference == reference.name, _c.at >= since)
        .order_by(_c.at)
    )
    return [sample_of(row) for row in await tx.execute(query)]


async def roles(tx: AsyncConnection, name: str) -> set[Role]:
    """As what there is a history of *name*: as a Dom0, as a DomU."""
    kinds = (Role.HOST, Role.GUEST)
    query = select(_c.role).distinct()
    query = query.where(_c.role.in_([each.value for each in kinds]), _c.name == name)
    return {Role(each) for each in await tx.scalars(query)}


async def thin(tx: AsyncConnection, now: float, keep: float) -> bool:
    """Put some old readings together, an hour in one, and forget some from before *keep* seconds.

    Whether more of that is to be done: each call does a part, so that the store is soon free again.
    """
    forgot = await _forget(tx, now - keep)
    # an hour of which something is to be kept as it is waits
    edge = (now - _EVERY_READING) // _HOUR * _HOUR
    first = await tx.scalar(select(func.min(_c.at)).where(~_c.thinned, _c.at < edge))
    if first is None:
        return forgot
    begin = first // _HOUR * _HOUR
    query = (
        select(clock_samples)
        .where(~_c.thinned, _c.at >= begin, _c.at < begin + _HOUR)
        .order_by(_c.role, _c.name, _c.reference, _c.at)
        .limit(AT_ONCE)
    )
    rows = (await tx.execute(query)).all()
    await _put_together(tx, rows, whole=len(rows) < AT_ONCE)
    return True


async def _forget(tx: AsyncConnection, before: float) -> bool:
    """Delete some rows from before then; whether there may be more of them."""
    query = select(_c.at).where(_c.at < before).order_by(_c.at).limit(AT_ONCE)
    times = list(await tx.scalars(query))
    if times:
        await tx.execute(delete(clock_samples).where(_c.at <= times[-1]))
    return len(times) == AT_ONCE


async def _put_together(tx: AsyncConnection, rows: Sequence[Row[Any]], *, whole: bool) -> None:
    """Make one row of those of each clock; where not *whole*, more may follow of the last one."""
    made = []
    for (role, name, reference), group in groupby(
        rows, key=lambda row: (row.role, row.name, row.reference)
    ):
        row = _row(_together([sample_of(each) for each in group]), thinned=True)
        made.append(row | {"role": role, "name": name, "reference": reference})
    made[-1]["thinned"] = whole
    gone = [{"its_role": row.role, "its_name": row.name, "its_at": row.at} for row in rows]
    await tx.execute(_clear, gone)
    await tx.execute(insert(clock_samples), made)


def _together(samples: Sequence[Sample]) -> Sample:
    """One sample for *samples* of one clock, without artefacts; it has the time of one of them."""
    those = list(believed(samples)) or samples
    count = sum(each.count for each in those)
    mean = sum(each.reading.offset * each.count for each in those) / count
    return Sample(
        those[len(those) // 2].at,
        Reading(mean, max(each.reading.bound for each in those)),
        min(each.low for each in those),
        max(each.high for each in those),
        count,
    )


def sample_of(row: Row[Any]) -> Sample:
    """The sample that *row* of the table keeps."""
    return Sample(row.at, Reading(row.offset, row.bound), row.low, row.high, row.readings)


def _row(sample: Sample, *, thinned: bool) -> dict[str, Any]:
    return {
        "at": sample.at,
        "offset": sample.reading.offset,
        "bound": sample.reading.bound,
        "low": sample.low,
        "high": sample.high,
        "readings": sample.count,
        "thinned": thinned,
    }
