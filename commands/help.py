"""What may be typed."""

from bot.api import Context, Reply, UsageError, Word, _, command


@command("help", needs="bot.help")
async def help_(ctx: Context, *command: Word) -> Reply:
    """List what you may run, or explain one command.

    Example: help migrate
    """
    allowed = [each for each in ctx.registry if ctx.rights.verb(each.needs)]
    if not command:
        width = max(len(each.usage) for each in allowed)
        lines = [f"{ctx.prefix}{each.usage.ljust(width)}  {each.summary}" for each in allowed]
        return Reply(
            _("You may run:"),
            "\n".join(lines),
            _("{prefix}help COMMAND says more.").format(prefix=ctx.prefix),
        )
    words = [command[0].removeprefix(ctx.prefix), *command[1:]]
    below = [each for each in allowed if each.path[: len(words)] == tuple(words)]
    if not below:
        error = ctx.registry.unknown(words, allowed)
        raise UsageError(str(error), hint=error.hint, word=1 + (error.word or 0))
    if len(below) > 1:
        lines = [f"{ctx.prefix}{each.usage}  {each.summary}" for each in below]
        return Reply(_("{group} has:").format(group=" ".join(words)), "\n".join(lines))
    text = _(below[0].description).replace("\nExample: ", f"\nExample: {ctx.prefix}")
    return Reply(f"{ctx.prefix}{below[0].usage}", text)
