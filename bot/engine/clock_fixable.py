"""Whether a clock may be mended, and by which way; each refusal says what a person does then."""

from __future__ import annotations

from bot.core.clock_mending import Way, no_source
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_text import names, said
from bot.core.clocks import Reading
from bot.core.time_service import TimeService
from bot.engine.clocks import Machine
from bot.engine.context import Context
from bot.errors import Refused
from bot.i18n import _


def demand_offset(ctx: Context, sweep: Sweep, it: Measured) -> Reading:
    """How far *it* is off; raises `Refused` where that cannot be said."""
    wanted = ctx.clocks.reference
    if sweep.reference != wanted:
        found = sweep.of(wanted)
        raise Refused(
            _("{name} is to say the time, and it does not: {why}").format(
                name=wanted, why=found.why if found is not None else ""
            ),
            hint=_("Without it nobody knows which clock is right, so nothing was done."),
        )
    offset = sweep.offset(it.whose)
    if offset is None:
        raise Refused(
            _("The clock of {name} cannot be measured: {why}").format(name=it.whose, why=it.why),
            hint="" if it.measurable else _way_in(it),
        )
    return offset


def _way_in(it: Measured) -> str:
    return _("A way in belongs under guests.{name}.ssh in the config.").format(name=it.whose)


def demand_trusted(ctx: Context, sweep: Sweep) -> None:
    """Raise `Refused` where most clocks hold the reference to be wrong."""
    found = sweep.agreement()
    if not sweep.doubted or found is None:
        return
    sentence = _("{others} agree with one another and not with {reference}, which is to be right.")
    raise Refused(
        sentence.format(others=names(found.together), reference=sweep.reference),
        hint=_(
            "Nothing was done, since it would spread a wrong time. {prefix}clock all shows every "
            "clock; mend the reference first."
        ).format(prefix=ctx.prefix),
    )


def demand_service(ctx: Context, machine: Machine, it: Measured) -> TimeService:
    """The time service that can mend *it*; raises `Refused` where nothing there can."""
    if machine.session is None:
        raise Refused(
            _("{name} can be measured, but not changed: the bot has no way in by ssh.").format(
                name=it.whose
            ),
            hint=_way_in(it),
        )
    if it.kernel is None:
        raise Refused(
            _("{name} does not say what keeps its clock.").format(name=it.whose),
            hint=_("Nothing was done; send the command again."),
        )
    if it.kernel.independent is False:
        raise Refused(
            _("The clock of {name} is the one of its Dom0 {host}: it cannot be set there.").format(
                name=it.whose, host=it.host
            ),
            hint=_("{prefix}clock fix {host} mends both.").format(prefix=ctx.prefix, host=it.host),
        )
    if it.service is None:
        raise Refused(
            _("Nothing keeps the clock of {name}: no time service is installed there.").format(
                name=it.whose
            ),
            hint=_("Install chrony there, and tell it your time servers."),
        )
    return it.service


def way(
    ctx: Context, it: Measured, service: TimeService, offset: Reading, *, step: bool
) -> Way | None:
    """How it is mended; None where there is nothing to mend.  Raises `Refused` where it may not."""
    rules = ctx.clocks.rules
    large = offset.certain and abs(offset.offset) >= rules.slew_below
    if not service.runs:
        _demand_restart(ctx, it, service)
        if large:
            _demand_step(ctx, it, offset)
        return Way.RESTART
    if not offset.certain or (offset.most <= rules.thresholds.notice and not step):
        return None
    if trouble := no_source(service):
        raise Refused(
            trouble, hint=_("Mend its sources first: without them it would set a wrong time.")
        )
    if large or step:
        _demand_step(ctx, it, offset)
        return Way.STEP
    return Way.SLEW


def _demand_restart(ctx: Context, it: Measured, service: TimeService) -> None:
    if ctx.clocks.rules.may_restart:
        return
    raise Refused(
        _("{service} does not run on {name}, and the bot may not start it.").format(
            service=service.name, name=it.whose
        ),
        hint=_(
            "Look there why it ended, and start it. Where clock.restart in the config allows it, "
            "the bot does."
        ),
    )


def _demand_step(ctx: Context, it: Measured, offset: Reading) -> None:
    if ctx.clocks.rules.may_step:
        return
    raise Refused(
        _("{name} is {offset}: that takes a step, and the bot may not step clocks.").format(
            name=it.whose, offset=said(offset)
        ),
        hint=_("Where clock.step in the config allows it, the bot does; else step it by hand."),
    )
