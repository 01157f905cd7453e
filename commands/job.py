"""Jobs: what runs, what waits, how to stop one, and what to do when its end is not known."""

from datetime import UTC, datetime

from bot.api import (
    Asking,
    Context,
    Job,
    JobNumber,
    Lines,
    Refused,
    Reply,
    Table,
    _,
    clean,
    command,
    duration,
    in_words,
    pictures_of,
    release_jobs,
    settle_job,
)


@command("job list", needs="job.list")
async def list_(ctx: Context) -> Reply:
    """List the jobs that wait or run, then the last that changed something.

    Example: job list
    """
    open_jobs = [job for job in await ctx.records.open_jobs() if job.id != ctx.job.id]
    recent = [job for job in await ctx.records.recent(10) if job.id != ctx.job.id]
    # what is open comes first, for a phone shows the first few
    known = {job.id: job for job in [*reversed(open_jobs), *recent]}
    if not known:
        return Reply(_("No job has changed anything yet."))
    rows = [_row(ctx, job) for job in known.values()]
    headings = (_("job"), _("state"), _("who"), _("command"), _("since"))
    return Reply(
        _("{count} open.").format(count=len(open_jobs)),
        body=[Table(rows, headings)],
        hint=_("{prefix}job show JOB says more.").format(prefix=ctx.prefix),
    )


@command("job show", needs="job.show")
async def show(ctx: Context, job: JobNumber, *, pictures: bool = False) -> Reply:
    """Show one job: its steps, its answer, the locks that it holds, and whose word it waits for.

    It also says what consoles showed before and after it; --pictures posts their pictures again,
    as long as they are kept.

    Example: job show 7
    """
    found = await ctx.records.job(job)
    seen = ctx.may_see(await ctx.records.snapshots(job))
    posted = pictures_of(seen) if pictures and ctx.pictures_wanted else []
    asking = ctx.records.asking(job)
    lines = [
        *await _steps(ctx, job),
        *(f"{each.words}: {each.headline} ({_time(each.at)})" for each in seen),
    ]
    if locks := sorted(await ctx.records.locks(job)):
        lines.append(_("locks: {keys}").format(keys=", ".join(locks)))
    hints = [_no_pictures(ctx)] if pictures and not posted else []
    hints.append(_how_on(ctx, asking) if asking else found.result)
    return Reply(
        _("Job {job} is {state}: {line} (by {person}, {when}).").format(
            job=job,
            state=in_words(found.state),
            line=clean(ctx.shown(found.line), 120),
            person=found.person,
            when=_time(found.created),
        ),
        body=[Lines(lines), *(asking.shown.body if asking else ())],
        hint="\n".join(hint for hint in hints if hint),
        pictures=posted,
    )


async def _steps(ctx: Context, job: int) -> list[str]:
    return [
        _("{mark} {title}: {time}").format(
            mark={True: "✔", False: "✘", None: "▶"}[step.ok],
            title=step.title,
            time=duration(step.seconds) if step.seconds is not None else _("not ended"),
        )
        for step in await ctx.records.steps(job)
    ]


def _no_pictures(ctx: Context) -> str:
    if not ctx.pictures_wanted:
        return _("This room takes no pictures; console.pictures in the config says where they go.")
    return _("No picture of it is kept.")


def _how_on(ctx: Context, asking: Asking) -> str:
    lines = [asking.shown.hint]
    if called := ctx.records.called(asking):
        lines.append(_("{persons} can approve it.").format(persons=", ".join(called)))
    return "\n".join(lines)


@command("job cancel", needs="job.cancel", risk="changes")
async def cancel(ctx: Context, job: JobNumber) -> Reply:
    """Cancel a job that waits, is held or runs, until its point of no return.

    Example: job cancel 7
    """
    return await ctx.records.cancel(job, by=ctx.job.id)


@cancel.check
async def _not_itself(ctx: Context, job: int) -> None:
    if job == ctx.job.id:
        raise Refused(_("A job cannot cancel itself."))


@command("job release", needs="job.release", risk="changes")
async def release(ctx: Context, job: JobNumber, *more: JobNumber) -> Reply:
    """Let jobs run that came while the bot was away; one's own, or what one may run.

    Example: job release 7 8
    """
    return Reply(await release_jobs(ctx, (job, *more)))


@command("job settle", needs="job.settle", risk="changes")
async def settle(ctx: Context, job: JobNumber) -> Reply:
    """Look at the world again for a job that ended undetermined, and free its locks.

    Example: job settle 7
    """
    async with ctx.step(_("look at every host for job {job}").format(job=job)):
        return await settle_job(ctx, job)


def _row(ctx: Context, job: Job) -> tuple[str, ...]:
    state, asking = in_words(job.state), ctx.records.asking(job.id)
    if asking is not None:
        state = _("{state}, {code}").format(state=state, code=asking.code)
    return (
        str(job.id),
        state,
        job.person,
        clean(ctx.shown(job.line), 48),
        _time(job.created),
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
