"""What may be typed."""

from bot.api import Command, Context, Lines, Reply, Terms, UsageError, Word, _, command, why


@command("help", needs="bot.help")
async def help_(ctx: Context, *command: Word) -> Reply:
    """List what you may run, or explain one command.

    Example: help migrate
    """
    allowed = [each for each in ctx.registry if ctx.may_use(each)]
    if not command:
        return Reply(
            _("You may run:"),
            body=[_terms(ctx, allowed)],
            hint=_("{prefix}help COMMAND says more.").format(prefix=ctx.prefix),
        )
    words = [command[0].removeprefix(ctx.prefix), *command[1:]]
    below = [each for each in allowed if each.path[: len(words)] == tuple(words)]
    if not below:
        error = ctx.registry.unknown(words, allowed)
        raise UsageError(str(error), hint=error.hint, word=1 + (error.word or 0))
    if len(below) > 1:
        return Reply(_("{group} has:").format(group=" ".join(words)), body=[_terms(ctx, below)])
    return _explained(ctx, below[0])


def _terms(ctx: Context, commands: list[Command]) -> Terms:
    return Terms([(f"{ctx.prefix}{each.usage}", each.summary) for each in commands])


def _explained(ctx: Context, command: Command) -> Reply:
    text = _(command.description).replace("\nExample: ", f"\nExample: {ctx.prefix}")
    return Reply(
        f"{ctx.prefix}{command.usage}",
        body=[Lines([" ".join(paragraph.split())]) for paragraph in text.split("\n\n")],
        hint="\n".join(
            (
                why.class_of(ctx, command),
                _("It needs the right {right}.").format(right=command.needs),
            )
        ),
    )
