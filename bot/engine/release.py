"""Letting held jobs run: who may, and what is looked at before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.core.chat import VOUCHED, Proof
from bot.core.jobs import State
from bot.engine.context import Context
from bot.engine.jobs import Job
from bot.engine.pipeline import may_run
from bot.engine.run import Run
from bot.errors import Denied
from bot.i18n import _, ngettext


async def release_jobs(ctx: Context, numbers: Iterable[int]) -> str:
    """Let the held jobs *numbers* begin, all or none; they run with the rights of who asked them.

    Returns what was done, as a sentence.
    Raises `UsageError` for a job that is not there, `Denied` for one that is neither the person's
    own nor one that they may run themselves, `Refused` for one that is not held.
    """
    wanted = tuple(dict.fromkeys(numbers))
    for number in wanted:
        job = await ctx.records.job(number)
        if job.state is State.HELD and not await _may_release(ctx, job):
            raise Denied(
                _("You may not release job {number}: you may not run its command.").format(
                    number=number
                )
            )
        _demand_proof(ctx.job, job)
    sentence = ngettext("Job {jobs} is released.", "Jobs {jobs} are released.", len(wanted))
    sentence = sentence.format(jobs=", ".join(map(str, wanted)))
    await ctx.records.release(wanted, by=ctx.job, sentence=sentence)
    return sentence


def _demand_proof(release: Job, held: Job) -> None:
    """Refuse to let a message that a homeserver can make up free one that it cannot."""
    if release.proof is Proof.PLAIN and held.proof in VOUCHED:
        raise Denied(
            _(
                "Job {number} was asked for where messages are signed, so it cannot be released "
                "from a room that is not encrypted."
            ).format(number=held.id),
            hint=_("Release it from an encrypted room or the local chat."),
        )


async def _may_release(ctx: Context, job: Job) -> bool:
    own = job.person == ctx.person
    return own or await may_run(Run(ctx.engine, replace(job, person=ctx.person)))
