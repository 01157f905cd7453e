"""Whether it is the reference that drifts: what most clocks do together, they do not do.

No I/O here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.clock_account import Account
from bot.core.clock_course import FARTHER
from bot.core.clock_sweep import Sweep
from bot.core.clock_trend import Rate
from bot.core.clocks import Reading, Thresholds, Whose, agreement

#: ppm by which a rate may be off and still be the one of the others: 50 ms in 6 h are 2.3 ppm, so
#: that a clock which is alike is not one that drifts away by itself
_ALIKE = 1.0
#: and by which it may be wrong and still say which rate that is: a vague one is like all others
_VAGUE = 3 * _ALIKE


@dataclass(frozen=True)
class Away:
    """How most clocks run away from the reference."""

    #: of them, against the reference
    rate: Rate
    clocks: frozenset[Whose]
    #: the next threshold that one of them reaches by it, and in how many seconds
    reaches: tuple[float, float]


def away(
    sweep: Sweep,
    accounts: Sequence[Account],
    thresholds: Thresholds,
    ahead: float,
    *,
    told: bool = False,
) -> Away | None:
    """How most clocks run away from the reference, at least three of them and at one rate.

    None where they do not, or do not reach the next threshold within *ahead* seconds (somewhat more
    where it was *told* before), and where the reference is doubted already.  What was told is so
    until then, though the first threshold is behind them: the doubt begins only beyond all bounds.
    """
    if sweep.doubted:
        return None
    drifting = {it.whose: it for it in accounts if it.whose in sweep.voices and _known(it)}
    for way in (1, -1):
        rates = {
            whose: Reading(it.trend.rate.ppm, it.trend.rate.bound)
            for whose, it in drifting.items()
            if it.trend.rate is not None and it.trend.rate.ppm * way > 0
        }
        found = agreement(rates, _ALIKE)
        if found is None or found.voices < 3 or found.voices * 2 <= len(sweep.voices):
            continue
        # by how much rates may differ is no doubt about the one of all
        rate = Rate(found.truth.offset, max(0.0, found.truth.bound - _ALIKE))
        times = (_time(drifting[each], rate, thresholds, told=told) for each in found.together)
        soonest = min(filter(None, times), key=lambda time: time[1], default=None)
        if soonest is not None and soonest[1] <= ahead * (FARTHER if told else 1.0):
            return Away(rate, found.together, soonest)
    return None


def others(sweep: Sweep) -> Reading | None:
    """Where the truth is, by most of the clocks but the reference; None where they do not say."""
    readings = {
        each.whose: each.reading
        for each in sweep.measured
        if each.whose in sweep.voices - {sweep.reference} and each.reading is not None
    }
    found = agreement(readings, sweep.tolerance / 2)
    return found.truth if found is not None and found.most else None


def _known(it: Account) -> bool:
    rate = it.trend.rate
    return rate is not None and rate.certain and rate.bound <= _VAGUE


def _time(
    it: Account, rate: Rate, thresholds: Thresholds, *, told: bool
) -> tuple[float, float] | None:
    """When it reaches the next threshold by *rate*; None also where that is too early to tell."""
    offset = it.offset.offset if it.offset is not None else 0.0
    if told and abs(offset) >= thresholds.notice and offset * rate.ppm > 0:
        return thresholds.notice, 0.0
    reached = replace(it.trend, rate=rate).reaches(thresholds)
    return reached if reached is not None and it.trend.foretells(reached[1]) else None
