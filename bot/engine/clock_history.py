"""What was measured of each clock, kept for a time: every reading first, then an hour in one."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.clock_sweep import Sweep
from bot.core.clocks import Reading, Sample, Whose
from bot.engine.schema_clocks import clock_samples


async def add(tx: AsyncConnection, sweep: Sweep) -> None:
    """Keep what *sweep* measured of Dom0s and DomUs."""
    rows = []
    for each in sweep.machines():
        offset = sweep.offset(each.whose)
        if offset is not None:
            row = {
                "role": each.whose.role.value,
                "name": each.whose.name,
                "at": each.at,
                "reference": sweep.reference.name,
                "offset": offset.offset,
                "bound": offset.bound,
                "low": offset.offset,
                "high": offset.offset,
                "readings": 1,
            }
            rows.append(row)
    if rows:
        await tx.execute(insert(clock_samples), rows)


async def of(tx: AsyncConnection, whose: Whose, since: float) -> list[Sample]:
    """What is known of *whose* clock from *since* on, the oldest first."""
    table = clock_samples.c
    query = (
        select(clock_samples)
        .where(table.role == whose.role.value, table.name == whose.name, table.at >= since)
        .order_by(table.at)
    )
    return [
        Sample(row.at, Reading(row.offset, row.bound), row.low, row.high, row.readings)
        for row in await tx.execute(query)
    ]
