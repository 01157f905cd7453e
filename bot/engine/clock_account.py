"""What is known of clocks: measured now, as they were before, and what they hang on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.clock_account import Account, Move
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_trend import trend
from bot.core.clocks import Reading, Role, Sample, Whose
from bot.engine import moves
from bot.engine.schema_clocks import clock_samples

if TYPE_CHECKING:
    from bot.engine.engine import Engine

#: seconds of the past that say how fast a clock drifts
BACK = 6 * 3600.0
#: so many clocks are worked out at a time
_TOGETHER = 20


async def accounts(engine: Engine, sweep: Sweep) -> list[Account]:
    """One account for each Dom0 and each DomU of *sweep*.

    Raises `StoreError` where what was measured before cannot be read.
    """
    async with engine.store.read() as tx:
        past = await _past(tx, sweep, engine.clock() - BACK)
        moved = dict(await moves.since(tx, engine.clock() - BACK))
    found = []
    for each in sweep.machines():
        found.append(_account(each, sweep, past.get(each.whose, []), moved))
        if len(found) % _TOGETHER == 0:
            # a thousand clocks take a second: people have their turn
            await asyncio.sleep(0)
    return found


def _account(
    measured: Measured, sweep: Sweep, past: list[Sample], moved: Mapping[str, Move]
) -> Account:
    offset = sweep.offset(measured.whose)
    samples = [each for each in past if each.at < measured.at]
    if offset is not None:
        samples.append(Sample.of(measured.at, offset))
    host = sweep.of(Whose(Role.HOST, measured.host)) if measured.host else None
    move = moved.get(measured.whose.name) if measured.whose.role is Role.GUEST else None
    return Account(measured, sweep, trend(samples), host, move)


async def _past(tx: AsyncConnection, sweep: Sweep, since: float) -> dict[Whose, list[Sample]]:
    """What was measured of each machine of *sweep* from *since* on, against its reference."""
    table, names = clock_samples.c, [each.whose.name for each in sweep.machines()]
    query = (
        select(clock_samples)
        .where(table.at >= since, table.reference == sweep.reference.name)
        .order_by(table.role, table.name, table.at)
    )
    # one machine needs no index over all of them
    rows = await tx.execute(query.where(table.name == names[0]) if len(names) == 1 else query)
    return {
        Whose(Role(role), name): [
            Sample(row.at, Reading(row.offset, row.bound), row.low, row.high, row.readings)
            for row in group
        ]
        for (role, name), group in groupby(rows, key=lambda row: (row.role, row.name))
    }
