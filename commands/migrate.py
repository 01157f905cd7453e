"""Moving a running guest to another Dom0, live."""

from dataclasses import replace

from bot.api import (
    Context,
    Detached,
    Dom0,
    DomU,
    Facts,
    Failed,
    Move,
    OutcomeUnknown,
    Plan,
    Refused,
    Reply,
    Requeue,
    Size,
    _,
    changed_on_console,
    clock_after,
    clock_before,
    command,
    conclude,
    errands,
    examine,
    pictures_of,
    take,
    verify_links,
)


@command("migrate", needs="domu.migrate", risk="interrupts")
async def migrate(ctx: Context, domu: DomU, to: Dom0, *, dry_run: bool = False) -> Reply:
    """Move a running DomU to another Dom0, live.

    Example: migrate vm fz
    """
    facts = _facts(ctx)
    await ctx.own(facts.source, facts.target)
    for host in (facts.source, facts.target):
        async with ctx.step(_("resync the links of {host}").format(host=host), changes=True):
            await host.links.resync()
    async with ctx.step(_("verify each disk on both hosts")):
        await verify_links(facts, ctx)
    await ctx.pictured("before", facts.source, facts.domain)
    await clock_before(ctx, facts.guest)
    async with ctx.step(_("list every host again")):
        await _still_there(ctx, facts)
    return await _move(ctx, _attempt(ctx, facts))


@migrate.plan
async def _plan(ctx: Context, domu: DomU, to: Dom0, *, dry_run: bool = False) -> Plan:
    return await examine(ctx, domu.name, to)


async def _still_there(ctx: Context, facts: Facts) -> None:
    """A person's own shell is a race: nobody else may have moved it since the checks."""
    census = await take(tuple(ctx.world.hosts.values()), facts.guest, facts.uuid)
    if census.home != facts.source.name:
        raise Refused(
            _("{guest} moved meanwhile, so nothing was done: {seen}").format(
                guest=facts.guest, seen=census.moving or census.sentence()
            )
        )


async def _move(ctx: Context, move: Move) -> Reply:
    await ctx.note("move", _noted(move))
    return await _concluded(ctx, move, await errands.begin(ctx, move.errand))


@migrate.recover
async def _recover(ctx: Context, domu: DomU, to: Dom0, *, dry_run: bool = False) -> Reply:
    """The move goes on without the bot: follow it to its end, and never start a second one."""
    move = _found(ctx)
    if move is None:
        raise Requeue
    return await _concluded(ctx, move, await errands.resume(ctx, move.errand))


@migrate.settle
async def _settle(ctx: Context, domu: DomU, to: Dom0, *, dry_run: bool = False) -> Reply:
    move = _found(ctx)
    if move is None:
        census = await take(tuple(ctx.world.hosts.values()), domu.name)
        if census.moving or len(census.copies) > 1:
            raise Refused(
                _("{guest} is not in order: {seen}").format(
                    guest=domu.name, seen=census.moving or census.sentence()
                )
            )
        raise Failed(_("The move never started. Seen now: {seen}").format(seen=census.sentence()))
    state = await errands.demand_ended(move.errand)
    await conclude(ctx, move, state, settling=True)
    return _moved(move)


async def _concluded(ctx: Context, move: Move, state: Detached) -> Reply:
    async with ctx.step(_("count the copies on every host")):
        domain = await conclude(ctx, move, state)
    await ctx.pictured("after", move.target, domain)
    clock = await clock_after(ctx, move.guest)
    seen = await ctx.snapshots()
    hint = "\n".join(filter(None, (changed_on_console(seen), clock)))
    return replace(_moved(move), hint=hint, pictures=pictures_of(ctx.may_see(seen)))


def _facts(ctx: Context) -> Facts:
    facts = ctx.plan.facts if ctx.plan is not None else None
    assert isinstance(facts, Facts)
    return facts


def _attempt(ctx: Context, facts: Facts) -> Move:
    name, number = errands.next_attempt(ctx, "move")
    return Move(
        facts.guest, facts.uuid, facts.source, facts.target, name, facts.config.memory, number
    )


def _noted(move: Move) -> dict[str, object]:
    return {
        "guest": move.guest,
        "uuid": move.uuid,
        "source": move.source.name,
        "target": move.target.name,
        "attempt": move.attempt,
        "memory": int(move.memory),
        "number": move.number,
    }


def _found(ctx: Context) -> Move | None:
    """The attempt that was noted before the bot died; None where none was."""
    noted = ctx.notes.get("move")
    if noted is None:
        return None
    hosts = ctx.world.hosts
    if noted["source"] not in hosts or noted["target"] not in hosts:
        raise OutcomeUnknown(_("A host of this move is no longer in the config."))
    return Move(
        noted["guest"],
        noted["uuid"],
        hosts[noted["source"]],
        hosts[noted["target"]],
        noted["attempt"],
        Size(noted["memory"]),
        noted["number"],
    )


def _moved(move: Move) -> Reply:
    return Reply(
        _("{guest} runs on {target}, and only there.").format(guest=move.guest, target=move.target)
    )
