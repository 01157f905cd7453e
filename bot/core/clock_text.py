"""What clocks say, as people are told it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from bot.core.clock_sweep import Sweep
from bot.core.clock_trend import FASTEST, Rate
from bot.core.clocks import Reading, Role, Whose
from bot.core.render import duration
from bot.core.time_service import Source, Standing, Sync, TimeService
from bot.i18n import _, ngettext

#: as many clocks are named; of more their number is told
_NAMED = 3


def _any(_name: str) -> bool:
    return True


def size(seconds: float) -> str:
    """How long *seconds* are, in few digits: ``0.4 ms``, ``12 ms``, ``1.30 s``."""
    long = abs(seconds)
    if long < 0.00005:
        return _("less than 0.1 ms")
    if long < 0.00995:
        return _("{count:.1f} ms").format(count=long * 1000)
    if long < 0.9995:
        return _("{count:.0f} ms").format(count=long * 1000)
    if long < 9.995:
        return _("{count:.2f} s").format(count=long)
    return duration(long)


def said(reading: Reading) -> str:
    """How far a clock is off, with its error: ``130 ms ± 2 ms ahead``."""
    values = {"size": size(reading.offset), "bound": size(reading.bound)}
    if not reading.certain:
        return _("within the error (± {bound})").format(**values)
    if reading.offset > 0:
        return _("{size} ± {bound} ahead").format(**values)
    return _("{size} ± {bound} behind").format(**values)


def jumped(by: Reading) -> str:
    """A step of a clock: ``forward by 130 ms ± 2 ms``."""
    values = {"size": size(by.offset), "bound": size(by.bound)}
    if by.offset > 0:
        return _("forward by {size} ± {bound}").format(**values)
    return _("back by {size} ± {bound}").format(**values)


def apart(whose: str, reading: Reading, other: str) -> str:
    """How far the clock of *whose* is from the one of *other*, in one sentence."""
    values = {
        "whose": whose,
        "other": other,
        "size": size(reading.offset),
        "bound": size(reading.bound),
    }
    if not reading.certain:
        return _("{whose} and {other} agree within the error (± {bound}).").format(**values)
    if reading.offset > 0:
        return _("{whose} is {size} ± {bound} ahead of {other}.").format(**values)
    return _("{whose} is {size} ± {bound} behind {other}.").format(**values)


def side(sweep: Sweep, whose: Whose, may: Callable[[str], bool] = _any) -> str:
    """Which side is wrong where *whose* clock and the reference differ; empty where they do not.

    Other machines are named where the reader *may* see them.
    """
    found, offset = sweep.agreement(), sweep.offset(whose)
    if found is None or offset is None or not offset.certain:
        return ""
    here, there = whose in found.together, sweep.reference in found.together
    if here and there:
        return ""
    if not found.most:
        return _("Too few clocks agree for anybody to say which side is wrong.")
    others = names([each for each in found.together if each not in (whose, sweep.reference)], may)
    count = len(found.together - {whose, sweep.reference})
    values = {"others": others, "reference": sweep.reference, "whose": whose}
    if there:
        return ngettext(
            "{others} agrees with {reference}: it is {whose} that is wrong.",
            "{others} agree with {reference}: it is {whose} that is wrong.",
            count,
        ).format(**values)
    if here:
        return ngettext(
            "{others} agrees with {whose}: it is {reference} that is wrong.",
            "{others} agree with {whose}: it is {reference} that is wrong.",
            count,
        ).format(**values)
    return _("{others} agree with one another: {whose} and {reference} are both wrong.").format(
        **values
    )


def names(clocks: Collection[Whose], may: Callable[[str], bool] = _any) -> str:
    """*clocks* by their names, the first few of them; those that nobody *may* see are counted."""
    named = sorted(
        str(each) for each in clocks if each.role in (Role.BOT, Role.REFERENCE) or may(each.name)
    )
    if not clocks:
        return _("no others")
    if hidden := len(clocks) - len(named):
        named = [
            *named[:_NAMED],
            ngettext("{count} other", "{count} others", hidden).format(count=hidden),
        ]
        return _joined(named)
    if len(named) > _NAMED + 1:
        count = len(named) - _NAMED
        return _("{names} and {count} more").format(names=", ".join(named[:_NAMED]), count=count)
    return _joined(named)


def _joined(named: Sequence[str]) -> str:
    if len(named) == 1:
        return named[0]
    return _("{names} and {last}").format(names=", ".join(named[:-1]), last=named[-1])


def vague(rate: Rate) -> bool:
    """Whether *rate* says less than what everybody knows of clocks."""
    return not rate.certain and rate.bound > FASTEST * 1e6


def drift(rate: Rate | None) -> str:
    """How fast a clock runs, in a few words; empty where that is not known."""
    if rate is None or vague(rate):
        return ""
    if not rate.certain:
        return _("under {most} ppm").format(most=math.ceil(abs(rate.ppm) + rate.bound))
    return _("{ppm} ± {bound} ppm").format(ppm=f"{rate.ppm:+.0f}", bound=f"{rate.bound:.0f}")


def drift_sentence(rate: Rate | None) -> str:
    """What *rate* means in a day, in one sentence."""
    if rate is None or vague(rate):
        return _(
            "How fast it drifts is not known yet: that takes a few measurements, minutes apart."
        )
    a_day = size(rate.ppm * 1e-6 * 86400.0)
    values = {"ppm": f"{abs(rate.ppm):.1f}", "bound": f"{rate.bound:.1f}", "a_day": a_day}
    if not rate.certain:
        return _("It does not drift by more than can be measured (± {bound} ppm).").format(**values)
    if rate.ppm > 0:
        return _("It gains {a_day} a day ({ppm} ± {bound} ppm).").format(**values)
    return _("It loses {a_day} a day ({ppm} ± {bound} ppm).").format(**values)


def kept_by(service: TimeService | None) -> str:
    """Which time service keeps a clock, and how, in a few words; empty where that is not known."""
    if service is None:
        return ""
    words = {
        Sync.SYNCHRONISED: _("{service}: synchronised"),
        Sync.UNSYNCHRONISED: _("{service}: not synchronised"),
        Sync.DEAD: _("{service}: does not run"),
    }
    return words[service.sync].format(service=service.name)


def source_line(source: Source) -> str:
    """One source of a time service, as people are told it."""
    words = {
        Standing.SELECTED: _("followed"),
        Standing.COMBINED: _("followed too"),
        Standing.SPARE: _("not needed"),
        Standing.FALSE: _("disagrees with the others"),
        Standing.UNUSABLE: _("not usable"),
        Standing.SILENT: _("does not answer"),
    }
    said_of = [words[source.standing]]
    if source.stratum is not None:
        said_of.append(_("stratum {number}").format(number=source.stratum))
    if source.answered is not None:
        said_of.append(_("answered {count} of 8").format(count=source.answered))
    if source.offset is not None:
        said_of.append(said(Reading(source.offset, source.bound or 0.0)))
    return f"{source.name}: {', '.join(said_of)}"
