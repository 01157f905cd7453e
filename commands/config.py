"""The configuration, while the bot runs."""

from bot.api import (
    Context,
    Line,
    Lines,
    Plan,
    PlannedStep,
    Reply,
    Verdict,
    _,
    clean,
    command,
    ngettext,
    reload,
)

#: lines of a difference that are shown, and signs of each; the record has more
_SHOWN, _LONGEST = 40, 300


@command("config reload", needs="config.reload", risk="changes")
async def reload_(ctx: Context, *, dry_run: bool = False) -> Reply:
    """Read members, roles and approvals from the configuration again.

    A file that is wrong is refused whole. What else differs in it counts from the next start on.

    Example: config reload
    """
    assert ctx.plan is not None
    fresh = ctx.plan.facts
    assert isinstance(fresh, reload.Fresh)
    changed = reload.difference(ctx, fresh)
    result = ngettext(
        "The policy was reloaded; {count} line changed.",
        "The policy was reloaded; {count} lines changed.",
        len(changed),
    ).format(count=len(changed))
    if not changed:
        result = _("The policy is the same as before.")
    await reload.take_over(ctx, fresh, changed, result)
    body = [Lines(_shown(changed))] if changed else []
    return Reply(result, body=body, hint="\n".join(_besides(fresh)))


@reload_.plan
async def _plan(ctx: Context, *, dry_run: bool = False) -> Plan:
    fresh = await reload.read(ctx)
    changed = reload.difference(ctx, fresh)
    take = _("take the policy with the digest {digest}").format(digest=fresh.digest)
    said = [] if reload.same(ctx, fresh) else [take, *_shown(changed)]
    lines = [Line(Verdict.LATER, each) for each in _besides(fresh)]
    if not said:
        nothing = _("Nothing would change: the policy is the same as before.")
        lines.insert(0, Line(Verdict.YES, nothing))
    return Plan(
        lines=tuple(lines),
        steps=tuple(PlannedStep(_("the policy"), each) for each in said),
        keys=frozenset({"config"}),
        essence=(take,),
        facts=fresh,
    )


def _shown(changed: list[str]) -> list[str]:
    shown = [clean(line, _LONGEST) for line in changed[:_SHOWN]]
    more = len(changed) - len(shown)
    if not more:
        return shown
    return [*shown, ngettext("… and {count} more", "… and {count} more", more).format(count=more)]


def _besides(fresh: reload.Fresh) -> list[str]:
    said = list(fresh.notices)
    if fresh.later:
        said.append(_("At the next start: {keys}.").format(keys=", ".join(fresh.later)))
    return said
