"""The magic SysRq keys, for a DomU that answers to nothing else."""

from dataclasses import replace

from bot.api import (
    Context,
    DeviceError,
    DomU,
    Line,
    OutcomeUnknown,
    Plan,
    Refused,
    Reply,
    Requeue,
    Risk,
    Seat,
    SysrqKey,
    Verdict,
    _,
    at_console,
    command,
    sysrq_destroys,
    sysrq_keys,
)


@command("sysrq", needs="console.sysrq", risk="interrupts")
async def sysrq(ctx: Context, domu: DomU, key: SysrqKey, *, dry_run: bool = False) -> Reply:
    """Send a magic SysRq key to a DomU's kernel.

    s writes everything to disk, w shows what is blocked.

    Example: sysrq vm s
    """
    seat = ctx.plan.facts if ctx.plan is not None else None
    assert isinstance(seat, Seat)
    await ctx.own(seat.host)
    await ctx.note("sent", {"key": key, "host": seat.host.name})
    async with ctx.step(_title(seat, key), changes=True):
        await seat.host.toolstack.sysrq(seat.domain.domid, key)
    sent = _("SysRq {key} was sent to {guest}: it {what}.").format(
        key=key, guest=seat.guest, what=sysrq_keys()[key]
    )
    if not ctx.rights.object("console.show", seat.guest):
        return Reply(sent)
    return await _with_console(ctx, seat, sent)


@sysrq.plan
async def _plan(ctx: Context, domu: DomU, key: str, *, dry_run: bool = False) -> Plan:
    try:
        seat, where = await at_console.seat_to_change(ctx, domu.name)
    except Refused as error:
        return Plan((Line(Verdict.NO, str(error)),))
    what = _("SysRq {key}: the kernel of {guest} {what}, where it takes the key").format(
        key=key, guest=seat.guest, what=sysrq_keys()[key]
    )
    risk = Risk.DESTROYS if key in sysrq_destroys else Risk.INTERRUPTS
    lines = (where, Line(Verdict.LATER, what))
    return at_console.plan_at(seat, lines, _title(seat, key), risk, seat)


@sysrq.recover
async def _recover(ctx: Context, domu: DomU, key: str, *, dry_run: bool = False) -> Reply:
    """A key that was sent cannot be seen to have arrived: it is never sent again."""
    if "sent" not in ctx.notes:
        raise Requeue
    raise OutcomeUnknown(
        _("The bot was stopped while it sent SysRq {key}; nobody knows whether it arrived.").format(
            key=key
        ),
        hint=_("{prefix}console {guest} shows what is there; {prefix}job settle {job}.").format(
            prefix=ctx.prefix, guest=domu, job=ctx.job.id
        ),
    )


@sysrq.settle
async def _settle(ctx: Context, domu: DomU, key: str, *, dry_run: bool = False) -> Reply:
    """A person has looked at it: whatever arrived has arrived."""
    return Reply(_("Whether SysRq {key} arrived is not known.").format(key=key))


def _title(seat: Seat, key: str) -> str:
    return _("send SysRq {key} to {guest}").format(key=key, guest=seat.guest)


async def _with_console(ctx: Context, seat: Seat, sent: str) -> Reply:
    """What was done, and what its console shows then, where that can be read."""
    try:
        shown = await at_console.answer(ctx, await at_console.see(ctx, seat))
    except (DeviceError, Refused) as error:
        return Reply(sent, hint=_("Its console cannot be read: {why}").format(why=error))
    return replace(shown, result=sent)
