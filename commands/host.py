"""The Dom0s themselves."""

from bot.api import (
    Context,
    Dom0,
    HoldKind,
    Host,
    Refused,
    Reply,
    Switch,
    UsageError,
    Word,
    _,
    clean,
    command,
)


@command(
    "host maintenance",
    needs="host.maintenance",
    risk="changes",
    words="DOM0 on|off [reason WHY]",
)
async def maintenance(ctx: Context, dom0: Dom0, state: Switch, *reason: Word) -> Reply:
    """Let no guest come to a Dom0 while somebody works on it; guests may leave it.

    Example: host maintenance fz on reason new memory
    """
    if state:
        return await _on(ctx, dom0.name, _why(reason))
    return await _off(ctx, dom0.name)


@maintenance.check
async def _with_a_reason(ctx: Context, dom0: Host, state: bool, *reason: str) -> None:
    if state and not _why(reason):
        raise UsageError(
            _("The reason is missing."),
            hint=_("Write it like {prefix}host maintenance {dom0} on reason new memory").format(
                prefix=ctx.prefix, dom0=dom0
            ),
        )


async def _on(ctx: Context, name: str, why: str) -> Reply:
    placed = await ctx.holds.place(
        ctx.job, "host.maintenance", HoldKind.MAINTENANCE, name, reason=why
    )
    how = _("{prefix}host maintenance {name} off ends it.").format(prefix=ctx.prefix, name=name)
    return Reply(placed.sentence(ctx.now), hint="\n".join([*ctx.holds.jobs_on(placed), how]))


async def _off(ctx: Context, name: str) -> Reply:
    standing = ctx.holds.on(HoldKind.MAINTENANCE, name)
    if not standing:
        raise Refused(_("Dom0 {name} is not in maintenance.").format(name=name))
    sentence = _("Dom0 {name} takes guests in again.").format(name=name)
    await ctx.holds.release(ctx.job, "host.maintenance", standing, sentence)
    return Reply(sentence)


def _why(words: tuple[str, ...]) -> str:
    return clean(" ".join(words[1:] if words[:1] == ("reason",) else words), 200)
