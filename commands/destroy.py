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
    Plan,
    Reply,
    Requeue,
    _,
    command,
    conclude_destruction,
    demand_present,
    errands,
    plan_destruction,
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
    return await _concluded(ctx, it, await errands.begin(ctx, it.errand))


@destroy.plan
async def _plan(ctx: Context, domu: DomU, *, dry_run: bool = False) -> Plan:
    return await plan_destruction(ctx, domu.name)


@destroy.recover
async def _recover(ctx: Context, domu: DomU, *, dry_run: bool = False) -> Reply:
    """It goes on without the bot: follow it to its end, and never start a second one."""
    it = _found(ctx)
    if it is None:
        raise Requeue
    return await _concluded(ctx, it, await errands.resume(ctx, it.errand))


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
    state = await errands.demand_ended(it.errand)
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
    attempt, number = errands.next_attempt(ctx, "destroy")
    return replace(planned, attempt=attempt, number=number)


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
