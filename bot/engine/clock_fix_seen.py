"""What a clock that is being mended shows, and how that is told."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.clock_mending import Way, agrees, belief, better, mended, time_left
from bot.core.clock_text import said
from bot.core.clocks import Reading
from bot.core.render import Reply, duration
from bot.core.time_service import Sync, TimeService
from bot.engine.clock_fix_card import Mending
from bot.engine.context import Context
from bot.engine.following import how_to_settle
from bot.errors import Failed, OutcomeUnknown
from bot.i18n import _

#: what is noted: before anything is sent; before the clock is stepped or its service started; and
#: once that was taken
BEGUN, SENT, TAKEN = "clock", "clock-sent", "clock-taken"


@dataclass(frozen=True)
class Seen:
    """What one look showed."""

    #: against the reference; None where it could not be measured
    offset: Reading | None
    service: TimeService | None = None
    why: str = ""

    def done(self, ctx: Context, it: Mending) -> bool:
        """Whether the clock is right, and kept right."""
        if self.offset is None or (self.service is not None and not self.service.runs):
            return False
        if it.way is Way.RESTART and not self.synchronised:
            return False
        return mended(it.before, self.offset, ctx.clocks.rules.thresholds.notice)

    @property
    def synchronised(self) -> bool:
        return self.service is not None and self.service.sync is Sync.SYNCHRONISED

    def confirmed(self, ctx: Context) -> bool:
        """Whether the time service sees the offset that was measured."""
        if self.offset is None or self.service is None:
            return False
        return agrees(self.service, self.offset, ctx.clocks.rules.thresholds.notice)


async def look(ctx: Context, it: Mending) -> Seen:
    """Measure it now, against the reference."""
    sweep = await ctx.clocks.measure([it.machine])
    measured = sweep.of(it.machine.whose)
    assert measured is not None
    if sweep.reference != ctx.clocks.reference:
        reference = sweep.of(ctx.clocks.reference)
        return Seen(None, measured.service, reference.why if reference is not None else "")
    return Seen(sweep.offset(it.machine.whose), measured.service, measured.why)


def progress(it: Mending, seen: Seen) -> str:
    """News while it is waited for."""
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


def not_done(ctx: Context, it: Mending, first: Reading | None, seen: Seen, passed: float) -> Reply:
    """What is said where the patience is over."""
    name = it.machine.whose
    if seen.offset is None or first is None:
        raise unknown(ctx, it, seen)
    how = _("{prefix}clock {name} shows it.").format(prefix=ctx.prefix, name=name)
    runs, notice = (
        seen.service is not None and seen.service.runs,
        ctx.clocks.rules.thresholds.notice,
    )
    hints = [belief(seen.service)] if seen.service is not None else []
    if it.way is Way.RESTART and runs and mended(it.before, seen.offset, notice):
        sentence = _("{service} runs anew on {name}, and is not synchronised yet.")
        return Reply(
            sentence.format(service=it.service, name=name),
            hint="\n".join([*hints, now_text(it, seen), how]),
        )
    if runs and better(first, seen.offset):
        left = time_left(first, seen.offset, passed, notice)
        return Reply(
            _("The clock of {name} is being slewed: it was {before}, and is {now}.").format(
                name=name, before=said(it.before), now=said(seen.offset)
            ),
            hint=_("At this pace it takes about {time} more. {look}").format(
                time=duration(left), look=how
            ),
        )
    raise Failed(
        _("After {time} the clock of {name} is no better: it was {before}, and is {now}.").format(
            time=duration(passed), name=name, before=said(it.before), now=said(seen.offset)
        ),
        hint="\n".join([*hints, how]),
    )


def unknown(ctx: Context, it: Mending, seen: Seen) -> OutcomeUnknown:
    """What is raised where the clock could not be measured afterwards."""
    return OutcomeUnknown(
        _("It cannot be said what became of the clock of {name}: {why}").format(
            name=it.machine.whose, why=seen.why
        ),
        hint=how_to_settle(ctx),
    )
