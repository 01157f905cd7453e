"""Taking a guest's power away."""

from dataclasses import replace

from bot.api import (
    Context,
    Destruction,
    Detached,
    DeviceError,
    DomU,
    Failed,
    Kind,
    OutcomeUnknown,
    Phase,
    Plan,
    Refused,
    Reply,
    Requeue,
    _,
    attempt_name,
    command,
    conclude_destruction,
    demand_present,
    follow_destruction,
    plan_destruction,
    send_once,
    take,
)


@command("domu destroy", needs="domu.destroy", risk="destroys")
async def destroy(ctx: Context, domu: DomU, *, dry_run: bool = False) -> Reply:
    """Take a DomU's power away: it stops at once, and what it has not written is lost.

    Example: domu destroy vm
    """
    it = _attempt(ctx)
    await ctx.own(it.host)
    async with ctx.step(_("list {host} again").format(host=it.host)):
        await demand_present(it)
    await ctx.note("destroy", _noted(it))
    async with ctx.step(it.title, changes=True):
        await ctx.no_return()
        await _start(ctx, it)
        state = await follow_destruction(ctx, it)
        if state.phase is Phase.BARRED:
            raise Failed(
                _("The destruction never started on {host}, and now it cannot any more.").format(
                    host=it.host
                ),
                hint=_look(ctx, it),
            )
    return await _concluded(ctx, it, state)


@destroy.plan
async def _plan(ctx: Context, domu: DomU, *, dry_run: bool = False) -> Plan:
    return await plan_destruction(ctx, domu.name)


async def _start(ctx: Context, it: Destruction) -> None:
    try:
        await send_once(it.host, it.attempt, it.words)
    except DeviceError as error:
        raise Failed(
            _("The destruction was not begun: {why}").format(why=error), hint=_look(ctx, it)
        ) from error


def _look(ctx: Context, it: Destruction) -> str:
    """How to learn where the guest is, when that was not looked at."""
    return _("{prefix}domu show {guest} says where it runs.").format(
        prefix=ctx.prefix, guest=it.guest
    )


@destroy.recover
async def _recover(ctx: Context, domu: DomU, *, dry_run: bool = False) -> Reply:
    """It goes on without the bot: follow it to its end, and never start a second one."""
    it = _found(ctx)
    if it is None or not ctx.job.no_return:
        raise Requeue
    async with ctx.step(_("follow what runs on {host}").format(host=it.host)):
        state = await follow_destruction(ctx, it)
    if state.phase is Phase.BARRED:
        raise Requeue
    return await _concluded(ctx, it, state)


@destroy.settle
async def _settle(ctx: Context, domu: DomU, *, dry_run: bool = False) -> Reply:
    it = _found(ctx)
    if it is None:
        census = await take(tuple(ctx.world.hosts.values()), domu.name)
        raise Failed(
            _("The destruction never started. Seen now: {seen}").format(
                seen=census.moving or census.sentence()
            )
        )
    state = await it.host.launcher.bar(it.attempt)
    if state.phase is Phase.RUNNING:
        raise Refused(
            _("The destruction of {guest} still runs on {host}.").format(
                guest=it.guest, host=it.host
            )
        )
    return Reply(await conclude_destruction(ctx, it, state, settling=True))


async def _concluded(ctx: Context, it: Destruction, state: Detached) -> Reply:
    async with ctx.step(_("count the copies on every host")):
        sentence = await conclude_destruction(ctx, it, state)
    return Reply(sentence, hint=await _configured(ctx, it.guest))


async def _configured(ctx: Context, guest: str) -> str:
    """From where it can be started again; empty where no host says so."""
    there = []
    for host in ctx.world.hosts.values():
        try:
            if guest in await host.toolstack.defined():
                there.append(host.name)
        except DeviceError:
            continue
    if not there:
        return ""
    return _("Its configuration is on {hosts}.").format(hosts=", ".join(there))


def _attempt(ctx: Context) -> Destruction:
    """What the plan found, under a new name for each attempt."""
    planned = ctx.plan.facts if ctx.plan is not None else None
    assert isinstance(planned, Destruction)
    number = ctx.notes.get("destroy", {}).get("number", 0) + 1
    return replace(planned, attempt=attempt_name(ctx, number), number=number)


def _noted(it: Destruction) -> dict[str, object]:
    return {
        "guest": it.guest,
        "uuid": it.uuid,
        "host": it.host.name,
        "domid": it.domid,
        "kind": it.kind.value,
        "attempt": it.attempt,
        "number": it.number,
    }


def _found(ctx: Context) -> Destruction | None:
    """The attempt that was noted before the bot died; None where none was."""
    noted = ctx.notes.get("destroy")
    if noted is None:
        return None
    if noted["host"] not in ctx.world.hosts:
        raise OutcomeUnknown(_("The host of this destruction is no longer in the config."))
    return Destruction(
        noted["guest"],
        noted["uuid"],
        ctx.world.hosts[noted["host"]],
        noted["domid"],
        Kind(noted["kind"]),
        noted["attempt"],
        noted["number"],
    )
