"""Jobs of which nobody knows how they ended."""

from __future__ import annotations

from bot.api import Finding, Job, Look, Severity, Sight, State, Thing, _, clean, watch


@watch("jobs", every=30.0)
async def jobs(look: Look) -> Sight:
    """Jobs whose end is not known, until somebody settles them."""
    lost = [job for job in await look.records.open_jobs() if job.state is State.UNDETERMINED]
    return Sight(tuple(_finding(look, job) for job in lost))


def _finding(look: Look, job: Job) -> Finding:
    named = look.inventory.names("domu") & set(job.line.split())
    return Finding(
        str(job.id),
        Severity.CRITICAL,
        _("Nobody knows how job {job} of {person} ended: {line}").format(
            job=job.id, person=job.person, line=clean(look.shown(job.line), 120)
        ),
        frozenset((Thing.DOMU, name) for name in named),
        details=job.result,
        # the prefix is filled in where it is read
        hint=_(
            "{prefix}job show {job}, look at what it was about, then {prefix}job settle {job}."
        ).replace("{job}", str(job.id)),
        since=job.touched,
    )
