"""Whether a clock may be mended, and by which way; each refusal says what a person does then."""

from __future__ import annotations

from bot.core.clock_mending import Way, agrees, belief, contradicts, no_source
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_text import names, said, size
from bot.core.clocks import Reading
from bot.core.render import Reply
from bot.core.time_service import TimeService
from bot.devices.time_service import TimeServiceDriver
from bot.engine.clocks import Machine
from bot.engine.context import Context
from bot.errors import Refused
from bot.i18n import _


def demand_offset(ctx: Context, sweep: Sweep, it: Measured) -> Reading:
    """How far *it* is off; raises `Refused` where that cannot be said."""
    if silent := silent_reference(ctx, sweep):
        raise Refused(
            silent, hint=_("Without it nobody knows which clock is right, so nothing was done.")
        )
    offset = sweep.offset(it.whose)
    if offset is None:
        raise Refused(
            _("The clock of {name} cannot be measured: {why}").format(name=it.whose, why=it.why),
            hint="" if it.measurable else _way_in(it),
        )
    return offset


def silent_reference(ctx: Context, sweep: Sweep) -> str:
    """Why the reference does not say the time, in one sentence; empty where it does."""
    wanted = ctx.clocks.reference
    if sweep.reference == wanted:
        return ""
    found = sweep.of(wanted)
    return _("{name} is to say the time, and it does not: {why}").format(
        name=wanted, why=found.why if found is not None else ""
    )


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
    if it.unclear:
        raise Refused(
            _("Nobody can tell what keeps the clock of {name}: {why}").format(
                name=it.whose, why=it.unclear
            ),
            hint=_("Nothing was done; look there at how its time service is."),
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


def kind_of(ctx: Context, service: str) -> type[TimeServiceDriver]:
    """The driver of the time service that is called *service*."""
    return next(each for each in ctx.world.time_services if each.driver == service)


def way(
    ctx: Context, it: Measured, service: TimeService, offset: Reading, *, step: bool
) -> Way | Reply:
    """How it is mended, or why there is nothing to be done.  Raises `Refused` where it may not."""
    rules = ctx.clocks.rules
    large = offset.certain and abs(offset.offset) >= rules.slew_below
    if not service.runs:
        return _restart(ctx, _("{service} does not run on {name}"), it, service, offset)
    if nothing := _nothing(ctx, it, offset, step=step):
        return nothing
    if trouble := no_source(service):
        raise Refused(
            trouble, hint=_("Mend its sources first: without them it would set a wrong time.")
        )
    if large or step:
        _demand_step(ctx, it, offset)
    if kind_of(ctx, service.name).can_be_told:
        return Way.STEP if large or step else Way.SLEW
    if agrees(service, offset, rules.thresholds.notice) and not (large or step):
        sentence = _("{service} sees that {name} is {offset}, and takes it away by itself.")
        return Reply(sentence.format(service=service.name, name=it.whose, offset=said(offset)))
    if contradicts(service, offset, rules.thresholds.notice):
        raise Refused(belief(service), hint=_("Its sources say another time: mend them first."))
    why = _("{service} on {name} can only be told by starting it anew")
    return _restart(ctx, why, it, service, offset)


def _nothing(ctx: Context, it: Measured, offset: Reading, *, step: bool) -> Reply | None:
    """Why there is nothing to mend; None where there is."""
    if not offset.certain:
        sentence = _("{name} is right within the error (± {bound}): nothing was done.")
        return Reply(sentence.format(name=it.whose, bound=size(offset.bound)))
    if offset.most <= ctx.clocks.rules.thresholds.notice and not step:
        sentence = _("{name} is {offset}, which is too little to be mended: nothing was done.")
        return Reply(
            sentence.format(name=it.whose, offset=said(offset)),
            hint=_("{prefix}clock fix {name} --step steps it all the same.").format(
                prefix=ctx.prefix, name=it.whose
            ),
        )
    return None


def _restart(ctx: Context, why: str, it: Measured, service: TimeService, offset: Reading) -> Way:
    """`Way.RESTART`; raises `Refused` where the bot may not, or may not step what that may."""
    rules = ctx.clocks.rules
    if offset.most > kind_of(ctx, service.name).steps_from and not rules.may_step:
        sentence = _(
            "{name} is {offset}: {service} may step it when it starts, and the bot may not step "
            "clocks."
        )
        raise _no_step(sentence.format(service=service.name, name=it.whose, offset=said(offset)))
    if rules.may_restart:
        return Way.RESTART
    why = why.format(service=service.name, name=it.whose)
    raise Refused(
        _("{why}, and the bot may not do that.").format(why=why)
        if service.runs
        else _("{why}, and the bot may not start it.").format(why=why),
        hint=_(
            "Look there at how it is, and restart it. Where clock.restart in the config allows "
            "it, the bot does."
        ),
    )


def _demand_step(ctx: Context, it: Measured, offset: Reading) -> None:
    if ctx.clocks.rules.may_step:
        return
    sentence = _("{name} is {offset}: that takes a step, and the bot may not step clocks.")
    raise _no_step(sentence.format(name=it.whose, offset=said(offset)))


def _no_step(why: str) -> Refused:
    hint = _("Where clock.step in the config allows it, the bot does; else step it by hand.")
    return Refused(why, hint=hint)
