"""The report of an incident: a post-mortem to go on with, and the same for programs."""

from bot.api import Context, Reply, UsageError, Word, _, command, handling, reports


@command("incident export", needs="incident.export", risk="changes", words="[#N]")
async def export(ctx: Context, *words: Word) -> Reply:
    """Write the report of an incident, a post-mortem in Markdown and as JSON, and send both.

    Without a number it is the one that is meant in this thread, the open one, or the last one.

    Example: incident export #3
    """
    number, rest = await handling.meant(ctx, words, last=True)
    if rest:
        raise UsageError(_("Only the number of an incident goes here, like #3."), word=2)
    return await reports.export(ctx, number)
