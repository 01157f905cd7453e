"""Answers to plans that wait for somebody's word."""

from bot.api import Context, Reply, Word, answering, command


@command("approve", needs="access.approve", risk="changes")
async def approve(ctx: Context, code: Word) -> Reply:
    """Agree to somebody else's plan, which then runs.

    Look at the plan first: what you approve is exactly what stands there.

    Example: approve K7Q2MX
    """
    return Reply(await answering.approve(ctx, code))


@command("confirm", needs="access.confirm", risk="changes")
async def confirm(ctx: Context, code: Word) -> Reply:
    """Agree to your own plan, which then runs.

    Example: confirm K7Q2MX
    """
    return Reply(await answering.confirm(ctx, code))


@command("deny", needs="access.confirm", risk="changes")
async def deny(ctx: Context, code: Word, *why: Word) -> Reply:
    """Take back your own plan while it has not begun, or say no to somebody's.

    To say no to somebody else's needs the right access.approve as well.

    Example: deny K7Q2MX not before the backup
    """
    return Reply(await answering.deny(ctx, code, " ".join(why)))
