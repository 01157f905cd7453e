"""A host's lights-out processor: its power, its log, its screen."""

from bot.api import (
    ConsoleHeld,
    Context,
    DeviceError,
    Dom0,
    Failed,
    Host,
    LightsOutAction,
    Line,
    Plan,
    PlannedStep,
    Power,
    PowerChange,
    Powering,
    Refused,
    Reply,
    Requeue,
    Risk,
    Server,
    Table,
    Terms,
    Thing,
    UsageError,
    Verdict,
    _,
    at_console,
    command,
    lights_out,
    power_card,
    power_change,
    serial_port,
)

#: entries of the log that are shown
LAST = 10


@command(
    "ilo",
    needs="ilo.show",
    further={
        "action=on": "ilo.power",
        "action=off": "ilo.power",
        "action=reset": "ilo.power",
        "free": "ilo.power",
    },
)
async def ilo(
    ctx: Context,
    host: Dom0,
    action: LightsOutAction,
    *,
    hard: bool = False,
    free: bool = False,
    dry_run: bool = False,
) -> Reply:
    """Ask a Dom0's iLO, also where the Dom0 itself does not answer.

    status, power, log and console look. on, off and reset change the power of the server that is
    enrolled in the config: off asks the Dom0 to shut down, off --hard cuts it. console --free
    throws out who has the serial port.

    Example: ilo fz status
    """
    if action in CHANGES:
        return await _changed(ctx, host, CHANGES[action])
    if free:
        await _freed(ctx, host)
    return await _LOOKS[action](ctx, host)


CHANGES = {"on": PowerChange.ON, "off": PowerChange.OFF, "reset": PowerChange.RESET}


@ilo.check
async def _options(
    ctx: Context,
    host: Host,
    action: str,
    *,
    hard: bool = False,
    free: bool = False,
    dry_run: bool = False,
) -> None:
    if hard and action != "off":
        raise UsageError(_("--hard goes with off and with nothing else."))
    if free and action != "console":
        raise UsageError(_("--free goes with console and with nothing else."))
    lights_out(host)


@ilo.plan
async def _plan(
    ctx: Context,
    host: Host,
    action: str,
    *,
    hard: bool = False,
    free: bool = False,
    dry_run: bool = False,
) -> Plan:
    if action in CHANGES:
        change = PowerChange.CUT if hard else CHANGES[action]
        return await power_card.plan_power(ctx, host, change)
    return await _plan_free(ctx, host) if free else Plan()


async def _changed(ctx: Context, host: Host, change: PowerChange) -> Reply:
    it = ctx.plan.facts if ctx.plan is not None else None
    if isinstance(it, Powering):
        return await power_change.carry_out(ctx, it)
    power = await lights_out(host).power()
    if power is (Power.ON if change is PowerChange.ON else Power.OFF):
        said = _("{host} is on already.") if power is Power.ON else _("{host} is off already.")
        return Reply(said.format(host=host))
    raise Refused(
        _("The power of {host} changed just now, so nothing was done.").format(host=host),
        hint=_("Look at it, then send the command again."),
    )


@ilo.recover
async def _recover(ctx: Context, host: Host, action: str, **_options: object) -> Reply:
    """The power may have been changed: follow it to its end, and never send it again."""
    it = power_change.found(ctx)
    if it is not None:
        return await power_change.follow(ctx, it, taken=bool(ctx.notes.get("taken")))
    if "freed" not in ctx.notes:
        raise Requeue
    return await _console(ctx, host)


@ilo.settle
async def _settle(ctx: Context, host: Host, action: str, **_options: object) -> Reply:
    it = power_change.found(ctx)
    if it is not None:
        return await power_change.settle(ctx, it)
    if "freed" in ctx.notes:
        return await _console(ctx, host)
    raise Failed(_("Nothing was ever sent to the iLO of {host}.").format(host=host))


# -- looking


async def _status(ctx: Context, host: Host) -> Reply:
    it = lights_out(host)
    server, power = await it.server(), await it.power()
    said = _("{power}, and it answers by ssh.")
    why = ""
    try:
        await host.toolstack.boot()
    except DeviceError as error:
        said, why = _("{power}; by ssh it does not answer: {why}"), str(error)
    rows = [
        (_("server"), f"{server.model} · {server.serial}"),
        (_("calls itself"), server.name or "-"),
        (_("iLO"), f"{it.name} · {server.firmware}"),
    ]
    return Reply(
        said.format(power=power_card.power_in_words(host, power), why=why),
        hint=_enrolled(host, server),
        body=(Terms(rows),),
    )


def _enrolled(host: Host, server: Server) -> str:
    """Whether it is the server that the config knows, where it is not so."""
    if not host.serial:
        return power_card.enrol(host, server)
    if host.serial != server.serial:
        return _("That is not the server that is enrolled ({serial}): nothing is changed.").format(
            serial=host.serial
        )
    return ""


async def _power(ctx: Context, host: Host) -> Reply:
    said = power_card.power_in_words(host, await lights_out(host).power())
    return Reply(_("{said}.").format(said=said))


async def _log(ctx: Context, host: Host) -> Reply:
    entries = await lights_out(host).log(LAST)
    if not entries:
        return Reply(_("The event log of {host} is empty.").format(host=host))
    rows = [(str(each.number), each.severity, each.when, each.text) for each in entries]
    headings = (_("number"), _("severity"), _("when"), _("what"))
    return Reply(
        _("The last entries of the event log of {host}, the newest first.").format(host=host),
        body=(Table(rows, headings),),
    )


async def _console(ctx: Context, host: Host) -> Reply:
    try:
        return await at_console.answer(ctx, await serial_port.look(ctx, host))
    except ConsoleHeld as error:
        hint = _("{prefix}ilo {host} console --free throws the other one out.")
        raise ConsoleHeld(str(error), hint=hint.format(prefix=ctx.prefix, host=host)) from error


_LOOKS = {"status": _status, "power": _power, "log": _log, "console": _console}


# -- freeing the serial port


async def _plan_free(ctx: Context, host: Host) -> Plan:
    server = await power_card.demand_enrolled(host)
    text = _("whoever has the serial port of {host} is thrown out").format(host=host)
    return Plan(
        (Line(Verdict.LATER, text),),
        (PlannedStep(lights_out(host).name, _("free the serial port")),),
        frozenset({f"host-power/{host.name}"}),
        essence=(_("the server is {serial}").format(serial=server.serial),),
        touches=frozenset({(Thing.HOST, host.name)}),
        risk=Risk.CHANGES,
    )


async def _freed(ctx: Context, host: Host) -> None:
    await ctx.note("freed", True)
    async with ctx.step(_("free the serial port of {host}").format(host=host), changes=True):
        await lights_out(host).free_serial()
