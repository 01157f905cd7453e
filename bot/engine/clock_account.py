"""What is known of clocks: measured now, as they were before, and what they hang on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.clock_account import Account, Move
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_trend import trend
from bot.core.clocks import Role, Sample, Whose
from bot.engine import clock_history, moves
from bot.engine.aside import aside
from bot.engine.schema_clocks import clock_samples

if TYPE_CHECKING:
    from bot.engine.engine import Engine

#: seconds of the past that say how fast a clock drifts
BACK = 6 * 3600.0
#: so many clocks are looked for by their names
_FEW = 20


async def accounts(engine: Engine, sweep: Sweep) -> list[Account]:
    """One account for each Dom0 and each DomU of *sweep*.

    Raises `StoreError` where what was measured before cannot be read.
    """
    since = engine.clock() - BACK
    async with engine.store.read() as tx:
        past = await _past(tx, sweep, since)
        moved = dict(await moves.since(tx, since))
    # a thousand clocks take a second or two, and people wait meanwhile
    return await aside(engine.store, _accounts, sweep, past, moved)


def _accounts(sweep: Sweep, past: Sequence[Row[Any]], moved: Mapping[str, Move]) -> list[Account]:
    samples = {
        Whose(Role(role), name): [clock_history.sample_of(row) for row in group]
        for (role, name), group in groupby(past, key=lambda row: (row.role, row.name))
    }
    return [_account(each, sweep, samples.get(each.whose, []), moved) for each in sweep.machines()]


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


async def _past(tx: AsyncConnection, sweep: Sweep, since: float) -> Sequence[Row[Any]]:
    """What was measured of each machine of *sweep* from *since* on, against its reference."""
    table, names = clock_samples.c, [each.whose.name for each in sweep.machines()]
    query = (
        select(clock_samples)
        .where(table.at >= since, table.reference == sweep.reference.name)
        .order_by(table.role, table.name, table.at)
    )
    if len(names) <= _FEW:
        query = query.where(table.name.in_(names))
    return (await tx.execute(query)).all()
