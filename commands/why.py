"""Why somebody may do something, or may not."""

from bot.api import CommandWord, Context, Lines, Reply, UsageError, _, command, why

#: rules that are listed at most
_MOST = 20


@command("why", needs="bot.why", words="[PERSON] COMMAND…")
async def why_(ctx: Context, *command: CommandWord) -> Reply:
    """Name the rule that decides whether you, or another member, may run a command.

    Only the words are judged; nothing is looked up and nothing is run. Without the words behind
    it, all rules that speak of the command are listed.

    Example: why apprenti migrate vm fz
    """
    if not command:
        raise UsageError(
            _("Which command?"),
            hint=_("Usage: {usage}").format(usage=ctx.prefix + why_.usage),
            word=1,
        )
    judged = why.judge(ctx, command)
    lines = [*_rules(judged), *_room(judged)]
    hint = why.in_words(judged.command.risk, judged.need) if _may(judged) else ""
    return Reply(_result(judged), body=[Lines(lines)], hint=hint)


def _may(judged: why.Judged) -> bool:
    """Whether the answer is yes, or depends on the words."""
    return judged.decision is None or (judged.decision.allowed and judged.here)


def _result(judged: why.Judged) -> str:
    values = {"person": judged.person, "line": judged.line}
    if judged.decision is None:
        return _("Whether {person} may run {line} depends on its words.").format(**values)
    if _may(judged):
        return _("{person} may run {line}.").format(**values)
    return _("{person} may not run {line}.").format(**values)


def _rules(judged: why.Judged) -> list[str]:
    decision = judged.decision
    allow = [_("allowed by: {rule}").format(rule=rule) for rule in judged.allow]
    deny = [_("denied by: {rule}").format(rule=rule) for rule in judged.deny]
    if decision is None:
        return [*deny, *allow][:_MOST]
    if decision.rule is None:
        no = _("No rule allows it; it needs the right {right}.")
        near = [_("not enough: {rule}").format(rule=rule) for rule in judged.allow]
        return [no.format(right=judged.command.needs), *near[:_MOST]]
    said = _("allowed by: {rule}") if decision.allowed else _("denied by: {rule}")
    return [said.format(rule=decision.rule)]


def _room(judged: why.Judged) -> list[str]:
    if judged.here:
        return []
    rooms = ", ".join(judged.rooms) or _("none")
    return [_("This room does not take it; these do: {rooms}.").format(rooms=rooms)]
