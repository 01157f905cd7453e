"""How a clock went over a time, by what is kept of it: for words, and for a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Picture
from bot.core.clock_account import Move
from bot.core.clock_trend import Trend, believed, trend
from bot.core.clocks import Role, Sample, Whose
from bot.core.holds import HoldKind
from bot.core.jobs import State
from bot.engine import clock_history, schema
from bot.engine.aside import aside
from bot.engine.clock_account import BACK
from bot.engine.machines import find_machine
from bot.engine.pictures import file_name
from bot.engine.sought import Sought, several
from bot.errors import UsageError
from bot.i18n import _
from bot.screen.chart import Chart, Mark, plot

if TYPE_CHECKING:
    from bot.engine.engine import Engine

_KINDS = {Role.HOST: HoldKind.HOST, Role.GUEST: HoldKind.DOMU}


@dataclass(frozen=True)
class Past:
    """How a clock went from *begin* to *end*, in seconds since 1970."""

    whose: Whose
    reference: Whose
    begin: float
    end: float
    #: of this time, the oldest first, without artefacts; none where nothing was measured
    samples: tuple[Sample, ...]
    #: by at least the last hours, however short the time is
    trend: Trend
    #: live migrations, where it is a DomU's
    moves: tuple[Move, ...] = ()

    @property
    def low(self) -> float:
        """The lowest offset; there is a sample."""
        return min(each.low for each in self.samples)

    @property
    def high(self) -> float:
        """The highest offset; there is a sample."""
        return max(each.high for each in self.samples)


async def find(engine: Engine, sought: Sought, may: Callable[[str], bool]) -> Whose:
    """Whose clock *sought* names: one that there is a history of, else a machine that runs.

    Raises as `find_machine`.
    """
    async with engine.store.read() as tx:
        kept = await clock_history.roles(tx, sought.name)
    roles = {role for role in kept if sought.fits(_KINDS[role])}
    if len(roles) > 1:
        raise UsageError(several(sought.name, [_KINDS[role] for role in roles]), word=1)
    if roles:
        return Whose(roles.pop(), sought.name)
    return (await find_machine(engine.clocks, engine.inventory, sought, may)).whose


async def past(engine: Engine, whose: Whose, seconds: float) -> Past:
    """How *whose* clock went in the last *seconds*; raises `StoreError`."""
    end, reference = engine.clock(), engine.clocks.reference
    begin = end - seconds
    async with engine.store.read() as tx:
        kept = await clock_history.of(tx, whose, min(begin, end - BACK), reference)
        moves = await _moves(tx, whose.name, begin) if whose.role is Role.GUEST else ()
    samples = tuple(each for each in believed(kept) if each.at >= begin)
    return Past(whose, reference, begin, end, samples, trend(kept), moves)


async def drawn(engine: Engine, it: Past) -> Picture:
    """The picture of *it*, made beside the loop."""
    chart = Chart(
        str(it.whose),
        str(it.reference),
        it.begin,
        it.end,
        it.samples,
        trend(it.samples).steps,
        [Mark(each.at, _("moved to {host}").format(host=each.to)) for each in it.moves],
        engine.clocks.rules.thresholds,
        ZoneInfo(engine.timezone),
    )
    stamp = datetime.fromtimestamp(it.end, UTC).strftime("%Y%m%d-%H%M%S")
    return await aside(engine.store, plot, chart, file_name(f"{it.whose.name[:36]}-clock-{stamp}"))


async def _moves(tx: AsyncConnection, guest: str, since: float) -> tuple[Move, ...]:
    """The live migrations of *guest* that ended since then."""
    jobs, notes = schema.jobs, schema.notes
    query = (
        select(jobs.c.ended, notes.c.value)
        .join(notes, notes.c.job == jobs.c.id)
        .where(jobs.c.state == State.SUCCEEDED.value, jobs.c.ended >= since)
        .where(notes.c.key == "move")
        .order_by(jobs.c.ended)
    )
    found = [(row.ended, json.loads(row.value)) for row in await tx.execute(query)]
    return tuple(Move(ended, move["target"]) for ended, move in found if move["guest"] == guest)
