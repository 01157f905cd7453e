"""A picture of how a clock went: its offset over time, with what that may be wrong by.

matplotlib is imported when the first picture is drawn, for that takes a second.  Each picture has a
figure of its own and nothing is set for all of them, so that several threads may draw at a time.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from bot.core.chat import Picture
from bot.core.clock_trend import Step, spread
from bot.core.clocks import Sample, Thresholds
from bot.core.text import clean
from bot.i18n import _
from bot.screen import colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

#: pixels
WIDTH, HEIGHT = 900, 450
_DPI = 125
_SMALL, _NORMAL, _LARGE = 8, 9, 11
#: how ticks of years, months, days, hours, minutes and seconds are written
_TICKS = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S"]
#: readings that are so many times as far apart as usual have a gap between them
_GAP = 3.5
#: as far apart are samples of hours in which nothing is missing
_HOURS = 2.1 * 3600
#: from this many times the lower quarter of all offsets on, the scale is made logarithmic
_OUTLYING = 25.0
#: the least offset that is worth a scale of its own, in seconds
_FINEST = 0.001
#: as few readings are drawn as dots as well
_FEW = 15
#: marks that have room for their words
_MOST_WORDS = 8


@dataclass(frozen=True)
class Mark:
    """Something that happened to a machine, which may have moved its clock."""

    at: float
    words: str


@dataclass(frozen=True)
class Chart:
    """What a picture of a clock shows; times in seconds since 1970, offsets in seconds."""

    name: str
    reference: str
    begin: float
    end: float
    #: the oldest first
    samples: Sequence[Sample]
    steps: Sequence[Step] = ()
    marks: Sequence[Mark] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    #: in which people here live; the axis has UTC
    zone: tzinfo = UTC


def plot(chart: Chart, name: str) -> Picture:
    """*chart* as a PNG called *name*; the same chart makes the same bytes.

    Takes some 200 ms, and a second more the first time.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((WIDTH / _DPI, HEIGHT / _DPI), _DPI, facecolor=_hex(colours.BACKGROUND))
    axes = figure.add_axes((0.11, 0.15, 0.875, 0.72), facecolor=_hex(colours.BACKGROUND))
    _across(axes, chart)
    if chart.samples:
        _up(axes, chart)
        _clock(axes, chart)
        _thresholds(axes, chart)
        _marks(axes, chart)
    else:
        axes.set_yticks([])
        said = _("Nothing was measured in this time.")
        axes.text(0.5, 0.5, said, transform=axes.transAxes, ha="center", color=_LETTERS)
    _words(figure, axes, chart)
    data = io.BytesIO()
    # the name of the library would change with its version
    FigureCanvasAgg(figure).print_png(data, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return Picture(name, data.getvalue(), secret=False)


def _hex(colour: colours.RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


_LETTERS, _FAINT = _hex(colours.FOREGROUND), _hex(colours.CAPTION)
_GRID, _LINE = _hex(colours.LINE), "#729fcf"
_STEP, _MARK = "#ef2929", "#ad7fa8"
#: of each threshold, the first first
_RISING = ("#c4a000", "#f57900", "#ef2929")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _day(seconds: float) -> float:
    """As matplotlib counts time: in days since 1970."""
    return seconds / 86400


def _across(axes: Axes, chart: Chart) -> None:
    """The axis of time, in UTC."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz=UTC, minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    shown = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator, UTC, _TICKS, zero_formats=["", *_TICKS[:-1]], show_offset=False
    )
    axes.xaxis.set_major_formatter(shown)
    axes.set_xlim(_day(chart.begin), _day(chart.end))
    axes.tick_params(colors=_FAINT, labelsize=_NORMAL)
    axes.grid(color=_GRID, linewidth=0.6)
    for spine in axes.spines.values():
        spine.set_color(_GRID)


# -- the scale


def _up(axes: Axes, chart: Chart) -> None:
    """The axis of offsets: as it is, or logarithmic where the large ones would hide the small."""
    claims = [spread(each) for each in chart.samples]
    low, high = min(each.lowest for each in claims), max(each.highest for each in claims)
    most = max(abs(low), abs(high))
    usual = max(_FINEST, sorted(each.most for each in claims)[len(claims) // 4])
    if most > _OUTLYING * usual:
        _logarithmic(axes, low, high, 10 ** math.ceil(math.log10(usual) - 1e-9))
    else:
        _linear(axes, low, high, chart.thresholds)


def _linear(axes: Axes, low: float, high: float, thresholds: Thresholds) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    apart = max(high - low, _FINEST)
    # a clock that is far off and goes well would be a flat line
    if max(abs(low), abs(high)) < 6 * apart:
        low, high = min(low, 0.0), max(high, 0.0)
        for each in thresholds.all:
            low = -each if -each < low < -each / 2 else low
            high = each if each / 2 < high < each else high
    room = 0.08 * max(high - low, _FINEST)
    low, high = low - room, high + room
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(7))
    unit, words = (1e-3, _("ms")) if max(abs(low), abs(high)) < 2 else (1.0, _("s"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _at: _number(value / unit)))
    axes.set_title(words, loc="left", fontsize=_NORMAL, color=_FAINT, pad=4)


def _number(value: float) -> str:
    return f"{value:+.6g}".replace("-", "\N{MINUS SIGN}") if abs(value) > 1e-9 else "0"


def _logarithmic(axes: Axes, low: float, high: float, small: float) -> None:
    """Up to *small* as it is, and logarithmic beyond."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_yscale("symlog", linthresh=small, linscale=1.0)
    tens = range(round(math.log10(small)), 8)
    sizes = [10.0**each for each in tens]
    low, high = min(low * 1.8, -small), max(high * 1.8, small)
    shown = [each for each in (*(-size for size in sizes), 0.0, *sizes) if low <= each <= high]
    # few enough to be read one above the other
    every = 1 + len(shown) // 11
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator([each for each in shown if _of(each, small, every)]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _at: _amount(value)))


def _of(value: float, small: float, every: int) -> bool:
    return not value or round(math.log10(abs(value) / small)) % every == 0


def _amount(seconds: float) -> str:
    """*seconds* in the unit that suits them."""
    long = abs(seconds)
    if not long:
        return "0"
    sign = "\N{MINUS SIGN}" if seconds < 0 else ""
    if long < 1:
        return sign + _("{count:g} ms").format(count=round(long * 1e3, 3))
    return sign + _("{count:g} s").format(count=round(long, 3))


# -- what is drawn


def _clock(axes: Axes, chart: Chart) -> None:
    """The line, what it may be wrong by, and from where to where old hours went."""
    for run in _runs(chart.samples, {step.at for step in chart.steps}):
        times = [_day(each.at) for each in run]
        offsets = [each.reading.offset for each in run]
        lowest = [each.low - each.reading.bound for each in run]
        highest = [each.high + each.reading.bound for each in run]
        if len(run) == 1:
            axes.vlines(times, lowest, highest, colors=_LINE, alpha=0.5, linewidth=3)
            axes.plot(times, offsets, "o", color=_LINE, markersize=4, zorder=3)
            continue
        axes.fill_between(times, lowest, highest, color=_LINE, alpha=0.25, linewidth=0)
        if any(each.count > 1 for each in run):
            lows, highs = [each.low for each in run], [each.high for each in run]
            axes.fill_between(times, lows, highs, color=_LINE, alpha=0.35, linewidth=0)
        style = "o-" if len(run) < _FEW else "-"
        axes.plot(times, offsets, style, color=_LINE, linewidth=1.4, markersize=3, zorder=3)


def _runs(samples: Sequence[Sample], breaks: set[float]) -> Iterable[list[Sample]]:
    """*samples* in pieces between which nothing was measured, or the clock jumped."""
    usual = _usual(samples)
    run = list(samples[:1])
    for before, now in pairwise(samples):
        near = _HOURS if before.count > 1 or now.count > 1 else _GAP * usual
        if now.at - before.at > max(near, _GAP * usual) or now.at in breaks:
            yield run
            run = []
        run.append(now)
    yield run


def _usual(samples: Sequence[Sample]) -> float:
    """How far apart readings usually are."""
    single = [
        now.at - before.at for before, now in pairwise(samples) if before.count == now.count == 1
    ]
    return median(single) if single else 0.0


def _thresholds(axes: Axes, chart: Chart) -> None:
    low, high = axes.get_ylim()
    first, last = chart.samples[0].reading.offset, chart.samples[-1].reading.offset
    for colour, size in zip(_RISING, chart.thresholds.all, strict=True):
        for each in (size, -size):
            if low < each < high:
                axes.axhline(each, color=colour, linewidth=1, linestyle=(0, (6, 4)))
                # where the clock is not
                right = abs(last - each) >= abs(first - each)
                place, where = (1.0 if right else 0.0, each), axes.get_yaxis_transform()
                beside, side = ((-4.0, 2.0), "right") if right else ((4.0, 2.0), "left")
                _write(axes, _amount(each), colour, place, where, beside, side)
    if low < 0 < high:
        axes.axhline(0, color=_FAINT, linewidth=0.8, zorder=2.2)


def _marks(axes: Axes, chart: Chart) -> None:
    """What happened, from above to below, with words where there is room for them."""
    steps = [
        (step.at, _("step {size}").format(size=_signed(step.by.offset)), _STEP)
        for step in chart.steps
    ]
    happened = [(mark.at, clean(mark.words, 40), _MARK) for mark in chart.marks]
    shown = [each for each in (*steps, *happened) if chart.begin <= each[0] <= chart.end]
    for number, (at, words, colour) in enumerate(sorted(shown)):
        axes.axvline(_day(at), color=colour, linewidth=1, linestyle=":")
        if number >= _MOST_WORDS:
            continue
        late = at > (chart.begin + chart.end) / 2
        place, where = (_day(at), 1.0), axes.get_xaxis_transform()
        beside = (-4.0 if late else 4.0, -12.0 - 12.0 * (number % 3))
        _write(axes, words, colour, place, where, beside, "right" if late else "left")


def _write(
    axes: Axes,
    words: str,
    colour: str,
    place: tuple[float, float],
    where: Transform,
    beside: tuple[float, float],
    side: str,
) -> None:
    """Write *words* over all that is drawn, *beside* (in points) the *place* in *where*."""
    axes.annotate(
        words,
        place,
        beside,
        xycoords=where,
        textcoords="offset points",
        ha=side,
        fontsize=_SMALL,
        color=colour,
        bbox={"facecolor": _hex(colours.BACKGROUND), "alpha": 0.7, "linewidth": 0, "pad": 0.5},
        parse_math=False,
    )


def _signed(seconds: float) -> str:
    return (
        _amount(float(f"{seconds:.3g}")) if seconds < 0 else f"+{_amount(float(f'{seconds:.3g}'))}"
    )


def _words(figure: Figure, axes: Axes, chart: Chart) -> None:
    """Whose clock it is, against which, when; and what the band means."""
    title = _("{name}: ahead (+) or behind (−) {reference}").format(
        name=clean(chart.name, 40), reference=clean(chart.reference, 40)
    )
    figure.text(0.012, 0.945, title, fontsize=_LARGE, color=_LETTERS, parse_math=False)
    begin, end = (_time(each).strftime("%Y-%m-%d %H:%M") for each in (chart.begin, chart.end))
    when = _("{begin} to {end} UTC").format(begin=begin, end=end)
    here = datetime.fromtimestamp(chart.end, chart.zone)
    if here.utcoffset():
        when += " " + _("({time} {zone})").format(time=here.strftime("%H:%M"), zone=chart.zone)
    below = _("band: the error · {when}").format(when=when)
    figure.text(0.012, 0.018, below, fontsize=_SMALL, color=_FAINT, parse_math=False)
