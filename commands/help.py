"""What may be typed."""

from bot.api import Command, Context, Lines, Reply, Terms, UsageError, Word, _, command, why


@command("help", needs="bot.help")
async def help_(ctx: Context, *command: Word) -> Reply:
    """List what you may run, or explain one command or all that begin with a word.

    Example: help migrate
    """
    allowed = [each for each in ctx.registry if ctx.may_use(each)]
    if not command:
        return Reply(
            _("You may run:"),
            body=[Terms(_short(ctx, allowed))],
            hint=_("{prefix}help WORD says more of what begins with it.").format(prefix=ctx.prefix),
        )
    words = (command[0].removeprefix(ctx.prefix), *command[1:])
    below = [each for each in allowed if each.path[: len(words)] == words]
    if not below:
        error = ctx.registry.unknown(words, allowed)
        raise UsageError(str(error), hint=error.hint, word=1 + (error.word or 0))
    if below[0].path == words or len(below) == 1:
        return _explained(ctx, below[0], below[1:])
    return Reply(_("{group} has:").format(group=" ".join(words)), body=[_terms(ctx, below)])


def _short(ctx: Context, allowed: list[Command]) -> list[tuple[str, str]]:
    """What stands alone with its summary, by subject; then one line for each group."""
    groups: dict[str, list[Command]] = {}
    for each in allowed:
        if len(each.path) > 1:
            groups.setdefault(each.path[0], []).append(each)
    groups = {name: group for name, group in groups.items() if len(group) > 1}
    alone = [each for each in allowed if len(each.path) == 1 or each.path[0] not in groups]
    alone.sort(key=lambda each: (each.needs.partition(".")[0], each.path))
    return [(f"{ctx.prefix}{each.name}", each.summary) for each in alone] + [
        (f"{ctx.prefix}{name}", ", ".join(" ".join(each.path[1:]) for each in group))
        for name, group in groups.items()
    ]


def _terms(ctx: Context, commands: list[Command]) -> Terms:
    return Terms([(f"{ctx.prefix}{each.usage}", each.summary) for each in commands])


def _explained(ctx: Context, command: Command, below: list[Command]) -> Reply:
    text = _(command.description).replace("\nExample: ", f"\nExample: {ctx.prefix}")
    paragraphs = [Lines([" ".join(paragraph.split())]) for paragraph in text.split("\n\n")]
    return Reply(
        f"{ctx.prefix}{command.usage}",
        body=[*paragraphs, _terms(ctx, below)] if below else paragraphs,
        hint="\n".join(
            (
                why.class_of(ctx, command),
                _("It needs the right {right}.").format(right=command.needs),
                *_further(command),
            )
        ),
    )


def _further(command: Command) -> list[str]:
    """What some of its words need in place of that right."""
    return [
        _("With {words} it needs the right {right}.").format(
            words=words.partition("=")[2] or command.options[words].flag, right=right
        )
        for words, right in command.further.items()
    ]
