"""What a clock that is being mended shows, and how that is told."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.clock_mending import (
    Way,
    agrees,
    belief,
    better,
    farther,
    in_order,
    mended,
    state,
    time_left,
)
from bot.core.clock_sweep import Sweep
from bot.core.clock_text import said
from bot.core.clocks import Reading
from bot.core.render import Reply, duration
from bot.core.time_service import Sync, TimeService
from bot.engine.clock_fix_card import Mending
from bot.engine.clock_fixable import silent_reference
from bot.engine.context import Context
from bot.engine.following import how_to_settle
from bot.errors import Failed, OutcomeUnknown, Refused
from bot.i18n import _

#: what is noted: before anything is sent; before the clock is stepped or its service started; and
#: once that was taken
BEGUN, SENT, TAKEN = "clock", "clock-sent", "clock-taken"


@dataclass(frozen=True)
class Seen:
    """What one look showed."""

    sweep: Sweep
    #: against the reference; None where it could not be measured
    offset: Reading | None
    service: TimeService | None = None
    why: str = ""

    def done(self, ctx: Context, it: Mending) -> bool:
        """Whether the clock is right, and kept right."""
        if self.offset is None or (self.service is not None and not self.service.runs):
            return False
        notice = ctx.clocks.rules.thresholds.notice
        if it.way is Way.RESTART:
            return self.synchronised and in_order(it.before, self.offset, notice)
        return mended(it.before, self.offset, notice)

    @property
    def runs(self) -> bool:
        return self.service is not None and self.service.runs

    @property
    def synchronised(self) -> bool:
        return self.service is not None and self.service.sync is Sync.SYNCHRONISED

    def confirmed(self, ctx: Context) -> bool:
        """Whether the time service sees the offset that was measured, which is certain."""
        if self.offset is None or self.service is None or not self.offset.certain:
            return False
        return agrees(self.service, self.offset, ctx.clocks.rules.thresholds.notice)


async def look(ctx: Context, it: Mending) -> Seen:
    """Measure it now, against the reference."""
    sweep = await ctx.clocks.measure([it.machine])
    measured = sweep.of(it.machine.whose)
    assert measured is not None
    if silent := silent_reference(ctx, sweep):
        return Seen(sweep, None, measured.service, silent)
    why = measured.why or measured.unclear
    return Seen(sweep, sweep.offset(it.machine.whose), measured.service, why)


def progress(it: Mending, seen: Seen) -> str:
    """News while it is waited for."""
    if it.way is Way.RESTART and seen.service is not None and not seen.synchronised:
        return _("{name}: {state}").format(name=it.machine.whose, state=state(seen.service))
    if seen.offset is None:
        return _("{name} cannot be measured now: {why}").format(name=it.machine.whose, why=seen.why)
    return _("{name}: {before} → {now}").format(
        name=it.machine.whose, before=said(it.before), now=said(seen.offset)
    )


def now_text(it: Mending, seen: Seen) -> str:
    """What it was and what it is, in one sentence."""
    if seen.offset is None:
        return _("Its clock cannot be measured: {why}").format(why=seen.why)
    sentence = _("It was {before}, and is {now}.")
    return sentence.format(before=said(it.before), now=said(seen.offset))


def demand_same(ctx: Context, it: Mending, seen: Seen, passed: float) -> None:
    """Raise `Refused` where the step would go the other way or farther than was shown.

    *passed*: the seconds since then.
    """
    assert seen.offset is not None
    if not farther(it.before, seen.offset, passed, ctx.clocks.rules.thresholds.notice):
        return
    sentence = _("The clock of {name} was not stepped: it was {before}, and is {now}.")
    raise Refused(
        sentence.format(name=it.machine.whose, before=said(it.before), now=said(seen.offset)),
        hint=_("It moved meanwhile.  Send the command again, to see what would be done now."),
    )


def no_agreement(ctx: Context, it: Mending, seen: Seen) -> Refused:
    """What is raised where the time service does not see the offset itself to the end."""
    name = it.machine.whose
    if seen.offset is None or seen.service is None:
        why = _("It cannot be measured any more: {why}").format(why=seen.why)
        return Refused(_("The clock of {name} was not stepped.").format(name=name), hint=why)
    values = {"name": name, "offset": said(seen.offset)}
    if not seen.offset.certain:
        sentence = _(
            "The clock of {name} was not stepped: it is {offset} now, so nobody can tell whether "
            "it is off."
        )
        return Refused(sentence.format(**values), hint=belief(seen.service))
    sentence = _(
        "The clock of {name} was not stepped: it is {offset}, but its own sources say another time."
    )
    first = _("Mend its sources first; {prefix}clock {name} shows them.")
    hints = [belief(seen.service), first.format(prefix=ctx.prefix, name=name)]
    return Refused(sentence.format(**values), hint="\n".join(hints))


def right(ctx: Context, it: Mending, seen: Seen) -> Reply:
    """What is said where the clock is right."""
    assert seen.offset is not None
    sentence = _("The clock of {name} is right: it was {before}, and is {now}.")
    if it.way is Way.RESTART:
        sentence = _("{service} runs anew on {name}: its clock was {before}, and is {now}.")
    elif it.way is Way.STEP and TAKEN in ctx.notes:
        sentence = _("{service} stepped the clock of {name}: it was {before}, and is {now}.")
    elif it.way is Way.STEP and SENT not in ctx.notes:
        sentence = _("{name} is right, and was not stepped: it was {before}, and is {now}.")
    hint = ""
    if it.followers:
        hint = _("The clocks of its guests went with it: {names}.").format(
            names=", ".join(it.followers)
        )
    return Reply(
        sentence.format(
            name=it.machine.whose, service=it.service, before=said(it.before), now=said(seen.offset)
        ),
        hint=hint,
    )


def not_done(ctx: Context, it: Mending, first: Reading, seen: Seen, passed: float) -> Reply:
    """What is said where the patience is over: *passed* seconds after it was *first*."""
    if seen.offset is None:
        raise unknown(ctx, it, seen)
    notice = ctx.clocks.rules.thresholds.notice
    values = {
        "name": it.machine.whose,
        "service": it.service,
        "time": duration(passed),
        "before": said(it.before),
        "now": said(seen.offset),
    }
    how = _("{prefix}clock {name} shows it.").format(prefix=ctx.prefix, name=it.machine.whose)
    hints = [belief(seen.service)] if seen.service is not None else []
    if it.way is Way.RESTART and seen.runs and in_order(it.before, seen.offset, notice):
        sentence = _("{service} runs anew on {name}, and is not synchronised yet.")
        hints.append(now_text(it, seen))
        return Reply(sentence.format(**values), hint="\n".join([*hints, how]))
    if seen.offset.certain and seen.runs and better(first, seen.offset):
        sentence = _("The clock of {name} is being slewed: it was {before}, and is {now}.")
        pace = _("At this pace it takes about {time} more. {look}").format(
            time=duration(time_left(first, seen.offset, passed, notice)), look=how
        )
        return Reply(sentence.format(**values), hint=pace)
    sentence = _("After {time} the clock of {name} is no better: it was {before}, and is {now}.")
    if not seen.offset.certain:
        sentence = _(
            "After {time} nobody can tell whether the clock of {name} is right: it was {before}, "
            "and is {now}."
        )
    raise Failed(sentence.format(**values), hint="\n".join([*hints, how]))


def unknown(ctx: Context, it: Mending, seen: Seen) -> OutcomeUnknown:
    """What is raised where the clock could not be measured afterwards."""
    return OutcomeUnknown(
        _("It cannot be said what became of the clock of {name}: {why}").format(
            name=it.machine.whose, why=seen.why
        ),
        hint=how_to_settle(ctx),
    )
