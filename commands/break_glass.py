"""Breaking the glass: for a time, a lone person goes without the second one."""

from bot.api import (
    Broken,
    Context,
    Job,
    Number,
    Reply,
    Table,
    UsageError,
    Word,
    _,
    breaking,
    clean,
    command,
    in_words,
    moment,
    ngettext,
    span,
)


@command(
    "break-glass",
    needs="access.break_glass",
    risk="changes",
    words="[for TIME] reason WHY…",
)
async def break_glass(ctx: Context, *words: Word) -> Reply:
    """Go without the second person for a time.

    For when nobody else is there. What somebody else would have to approve, you confirm yourself.
    Every right, check and record stays as it is, every member is called at once, and grants still
    want a second person.

    Example: break-glass for 30m reason fy is on fire and I am alone
    """
    seconds, reason = _read(ctx, words)
    broken = await breaking.break_glass(ctx, seconds, reason)
    return Reply(
        breaking.until_when(broken),
        hint=_("{prefix}break-glass end makes it whole again.").format(prefix=ctx.prefix),
    )


@break_glass.check
async def _may_break(ctx: Context, *words: str) -> None:
    _read(ctx, words)
    breaking.demand_whole(ctx)


def _read(ctx: Context, words: tuple[str, ...]) -> tuple[float, str]:
    """For how many seconds, and why."""
    match words:
        case ["for", time, "reason", *why] if why:
            return breaking.bounded(ctx, span(time)), " ".join(why)
        case ["reason", *why] if why:
            return breaking.bounded(ctx, None), " ".join(why)
    raise UsageError(
        _("Breaking the glass wants a reason."),
        hint=_("Usage: {usage}").format(usage=break_glass.usage),
    )


@command("break-glass end", needs="access.break_glass", risk="changes")
async def end(ctx: Context) -> Reply:
    """End your breaking of the glass before its time.

    Example: break-glass end
    """
    return Reply(await breaking.end_early(ctx))


@command("break-glass review", needs="access.break_glass")
async def review(ctx: Context, number: Number | None = None) -> Reply:
    """Show all that was done under a breaking of the glass, the latest one without a number.

    Example: break-glass review 2
    """
    found = await breaking.review(ctx, number)
    if found is None:
        return Reply(_("The glass was never broken."))
    rows = [_row(ctx, job, ran=job.id in found.ran) for job in found.jobs]
    headings = (_("job"), _("state"), _("ended"), _("who"), _("command"))
    count = ngettext(
        "{count} command went without a second person.",
        "{count} commands went without a second person.",
        len(found.ran),
    )
    return Reply(
        _sentence(ctx, found.broken),
        body=[Table(rows, headings)] if rows else [],
        hint="\n".join([count.format(count=len(found.ran)), *_earlier(ctx, found.broken)]),
    )


def _row(ctx: Context, job: Job, *, ran: bool) -> tuple[str, ...]:
    return (
        str(job.id),
        in_words(job.state) if ran else _("not run"),
        moment(job.ended, ctx.now) if job.ended else "-",
        job.person,
        clean(ctx.shown(job.line), 80),
    )


def _sentence(ctx: Context, broken: Broken) -> str:
    return _("Glass {number}: {person}, from {since} to {until}: {reason}").format(
        number=broken.id,
        person=broken.person,
        since=moment(broken.since, ctx.now),
        until=moment(broken.until, ctx.now),
        reason=broken.reason,
    )


def _earlier(ctx: Context, broken: Broken) -> list[str]:
    if broken.id == 1:
        return []
    line = _("The one before: {prefix}break-glass review {number}")
    return [line.format(prefix=ctx.prefix, number=broken.id - 1)]
