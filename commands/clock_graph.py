"""How the clock of a Dom0 or a DomU went over a time, as a picture."""

from collections.abc import Iterator
from functools import partial

from bot.api import (
    Context,
    History,
    Lines,
    Machine,
    Reply,
    Role,
    Sought,
    Span,
    UsageError,
    _,
    clock_graph,
    clock_text,
    command,
    moment,
)

DAY = 86400.0
#: a clock that was not measured for so long may be anywhere by now
STALE = 3600.0


@command("clock graph", needs="clock.graph", words="NAME [7d]")
async def graph(ctx: Context, machine: Machine, time: Span | None = None) -> Reply:
    """Draw how a clock went: its offset with the error, thresholds, jumps and migrations.

    It shows the last day, or the time that is asked for.

    Example: clock graph vm 7d
    """
    may_see = partial(ctx.rights.object, "clock.graph")
    whose = await clock_graph.find(ctx, machine, may_see)
    it = await clock_graph.history(ctx, whose, time or DAY)
    if not it.samples:
        return _nothing(ctx, it)
    result = _result(ctx, it)
    pictures = [(await clock_graph.drawn(ctx, it), result)] if ctx.plots_wanted else []
    return Reply(
        result,
        body=[Lines([clock_text.drift_sentence(it.trend.rate)])],
        hint="\n".join(_hints(ctx, it)),
        pictures=pictures,
    )


@graph.check
async def _no_longer_than_is_kept(ctx: Context, machine: Sought, time: float | None = None) -> None:
    longest = ctx.clocks.rules.keep
    if time is not None and not 0 < time <= longest:
        raise UsageError(
            _("What clocks said is kept for {days:g} days.").format(days=longest / DAY),
            hint=_("clock.keep in the config says so."),
        )


def _result(ctx: Context, it: History) -> str:
    last, first = it.samples[-1], it.samples[0]
    now = clock_text.apart(str(it.whose), last.reading, str(it.reference))
    if ctx.now - last.at > STALE:
        now = _("At {when}: {sentence}").format(when=moment(last.at, ctx.now), sentence=now)
    if len(it.samples) == 1:
        return now
    since, low, high = moment(first.at, ctx.now), _side(it.low), _side(it.high)
    if low == high:
        return _("{now} It has been so since {since}.").format(now=now, since=since)
    return _("{now} Since {since} it was from {low} to {high}.").format(
        now=now, since=since, low=low, high=high
    )


def _side(offset: float) -> str:
    words = _("{size} ahead") if offset >= 0 else _("{size} behind")
    return words.format(size=clock_text.size(offset))


def _hints(ctx: Context, it: History) -> Iterator[str]:
    yield _("Last measured at {when}; {prefix}clock {name} measures it now.").format(
        when=moment(it.samples[-1].at, ctx.now), prefix=ctx.prefix, name=it.whose
    )
    if not ctx.plots_wanted:
        yield _("No pictures are posted: console.pictures in the config says never.")


def _nothing(ctx: Context, it: History) -> Reply:
    """Nothing is kept of the time, and how that changes."""
    result = _("Nothing is known of the clock of {name} against {reference} since {when}.").format(
        name=it.whose, reference=it.reference, when=moment(it.begin, ctx.now)
    )
    if it.whose.role is Role.GUEST and it.whose.name not in ctx.world.guests:
        return Reply(
            result,
            hint=_("Name it below guests in the config, with ssh or ntp: docs/clocks.md says how."),
        )
    return Reply(
        result,
        hint=_(
            "The watch over clocks measures it from time to time; {prefix}clock {name} does now."
        ).format(prefix=ctx.prefix, name=it.whose),
    )
