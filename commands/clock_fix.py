"""Mending a clock."""

from bot.api import (
    Context,
    Failed,
    Machine,
    Mending,
    Plan,
    Reply,
    Requeue,
    Sought,
    _,
    clock_fix,
    command,
    plan_fix,
)


@command("clock fix", needs="clock.fix", risk="changes")
async def fix(ctx: Context, name: Machine, *, step: bool = False, dry_run: bool = False) -> Reply:
    """Mend the clock of a Dom0 or a DomU by way of its own time service.

    A small offset is slewed away, a large one is stepped, and a time service that does not run is
    started, where the config allows it. --step steps a small one too.

    Example: clock fix vm
    """
    it = ctx.plan.facts if ctx.plan is not None else None
    if isinstance(it, Mending):
        return await clock_fix.carry_out(ctx, it)
    assert isinstance(it, Reply)  # there is nothing to mend
    return it


@fix.plan
async def _plan(ctx: Context, name: Sought, *, step: bool = False, dry_run: bool = False) -> Plan:
    return await plan_fix(ctx, name, step=step)


@fix.recover
async def _recover(ctx: Context, name: Sought, **_options: object) -> Reply:
    """A step that may have been sent is never sent again: the clock says what became of it."""
    it = clock_fix.found(ctx)
    if it is None:
        raise Requeue
    return await clock_fix.look_after(ctx, it)


@fix.settle
async def _settle(ctx: Context, name: Sought, **_options: object) -> Reply:
    it = clock_fix.found(ctx)
    if it is None:
        raise Failed(_("Nothing was ever sent to {name}.").format(name=name))
    return await clock_fix.settle(ctx, it)
