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
    command,
    ngettext,
    reload,
)

#: lines of a difference that are shown; the record has more
_SHOWN = 40


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
    lines = [Line(Verdict.LATER, said) for said in _besides(fresh)]
    if not changed:
        lines.insert(
            0, Line(Verdict.YES, _("Nothing would change: the policy is the same as before."))
        )
    return Plan(
        lines=tuple(lines),
        steps=tuple(PlannedStep(_("the policy"), line) for line in changed),
        keys=frozenset({"config"}),
        essence=tuple(changed),
        facts=fresh,
    )


def _shown(changed: list[str]) -> list[str]:
    more = len(changed) - _SHOWN
    if more <= 0:
        return changed
    rest = ngettext("… and {count} more", "… and {count} more", more).format(count=more)
    return [*changed[:_SHOWN], rest]


def _besides(fresh: reload.Fresh) -> list[str]:
    said = list(fresh.notices)
    if fresh.later:
        said.append(_("At the next start: {keys}.").format(keys=", ".join(fresh.later)))
    return said
