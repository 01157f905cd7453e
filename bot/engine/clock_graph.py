"""How a clock went over a time, by what is kept of it: for words, and for a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.core.chat import Picture
from bot.core.clock_account import Move
from bot.core.clock_trend import Trend, believed, trend
from bot.core.clocks import Role, Sample, Whose
from bot.core.holds import HoldKind
from bot.engine import clock_history, moves
from bot.engine.aside import aside
from bot.engine.clock_account import BACK
from bot.engine.context import Context
from bot.engine.machines import find_machine
from bot.engine.pictures import file_name
from bot.engine.sought import Sought, several
from bot.errors import UsageError
from bot.i18n import _
from bot.screen.chart import Chart, Mark, plot

#: seconds that are shown before the first sample at least
_MARGIN = 300.0
_KINDS = {Role.HOST: HoldKind.HOST, Role.GUEST: HoldKind.DOMU}


@dataclass(frozen=True)
class History:
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


async def find(ctx: Context, sought: Sought, may: Callable[[str], bool]) -> Whose:
    """Whose clock *sought* names: one that there is a history of, else a machine that runs.

    Raises as `find_machine`.
    """
    async with ctx.engine.store.read() as tx:
        kept = await clock_history.roles(tx, sought.name)
    roles = {role for role in kept if sought.fits(_KINDS[role])}
    if len(roles) > 1:
        raise UsageError(several(sought.name, [_KINDS[role] for role in roles]), word=1)
    if roles:
        return Whose(roles.pop(), sought.name)
    return (await find_machine(ctx.clocks, ctx.inventory, sought, may)).whose


async def history(ctx: Context, whose: Whose, seconds: float) -> History:
    """How *whose* clock went in the last *seconds*; raises `StoreError`."""
    end, reference = ctx.now, ctx.clocks.reference
    begin = end - seconds
    async with ctx.engine.store.read() as tx:
        kept = await clock_history.of(tx, whose, min(begin, end - BACK), reference)
        moved = await moves.since(tx, begin) if whose.role is Role.GUEST else []
    samples = tuple(each for each in believed(kept) if each.at >= begin)
    its_own = tuple(move for guest, move in moved if guest == whose.name)
    return History(whose, reference, begin, end, samples, trend(kept), its_own)


def _begin(it: History) -> float:
    """Where the picture begins: a little before the first sample."""
    if not it.samples:
        return it.begin
    first = it.samples[0].at
    return max(it.begin, first - max(_MARGIN, (it.end - first) / 20))


async def drawn(ctx: Context, it: History) -> Picture:
    """The picture of *it*, made beside the loop."""
    chart = Chart(
        str(it.whose),
        str(it.reference),
        _begin(it),
        it.end,
        it.samples,
        trend(it.samples).steps,
        [Mark(each.at, _("moved to {host}").format(host=each.to)) for each in it.moves],
        ctx.clocks.rules.thresholds,
        ZoneInfo(ctx.engine.timezone),
    )
    stamp = datetime.fromtimestamp(it.end, UTC).strftime("%Y%m%d-%H%M%S")
    return await aside(
        ctx.engine.store, plot, chart, file_name(f"{it.whose.name[:36]}-clock-{stamp}")
    )
