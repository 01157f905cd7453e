"""Answers to requests: who may give one, on what message, and what it does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.approvals import Need, code_of
from bot.core.chat import Proof
from bot.core.events import Agreed
from bot.core.risk import Risk
from bot.core.text import clean
from bot.engine import approvals, audit_log, jobs
from bot.engine.approvals import Request, Standing
from bot.engine.cancelling import ASKED, cancel
from bot.engine.context import Context
from bot.engine.jobs import Job
from bot.engine.pipeline import may_run
from bot.engine.requested import VERBS
from bot.engine.run import Run
from bot.errors import Denied, Refused, UsageError
from bot.i18n import _

#: which requests can be answered so
YES = (Standing.OPEN,)
NO = (Standing.OPEN, Standing.APPROVED)


async def approve(ctx: Context, code: str) -> str:
    """Agree to the plan under *code* as the second person; returns what was done, as a sentence.

    Raises `Refused` or `Denied`, and then nothing has changed.
    """
    request, job = await _found(ctx, code, YES)
    if request.need is not Need.SECOND:
        raise Refused(_("Job {job} waits for its asker's confirmation.").format(job=job.id))
    if job.person == ctx.person:
        raise Denied(
            _("You asked for job {job} yourself: another person has to approve it.").format(
                job=job.id
            )
        )
    _demand_no_party(ctx, job)
    if not await may_run(Run(ctx.engine, replace(job, person=ctx.person))):
        raise Denied(
            _("You may not approve job {job}: you may not run its command.").format(job=job.id)
        )
    sentence = _("Approved: job {job} is looked at once more, then begins.").format(job=job.id)
    shown = _("approved by {person}").format(person=ctx.person)
    await _agree(ctx, request, job, sentence, shown)
    return sentence


async def confirm(ctx: Context, code: str) -> str:
    """Agree to the plan under *code*, which oneself asked for; returns what was done.

    Raises `Refused` or `Denied`, and then nothing has changed.
    """
    request, job = await _found(ctx, code, YES)
    if job.person != ctx.person:
        raise Denied(
            _("Only {person}, who asked for job {job}, can confirm it.").format(
                person=job.person, job=job.id
            )
        )
    if request.need is not Need.CONFIRM:
        raise Refused(
            _("Job {job} needs another person's approval.").format(job=job.id),
            hint=_("Somebody else types {prefix}approve {code}").format(
                prefix=ctx.prefix, code=request.code
            ),
        )
    sentence = _("Confirmed: job {job} is looked at once more, then begins.").format(job=job.id)
    await _agree(ctx, request, job, sentence, _("confirmed"))
    return sentence


async def deny(ctx: Context, code: str, why: str) -> str:
    """Say no to the plan under *code*, or take back one's own; returns what was done."""
    request, job = await _found(ctx, code, NO)
    own = job.person == ctx.person
    if not own and not ctx.engine.policy.everywhere(ctx.person).verb("access.approve"):
        raise Denied(_("You may not say no to somebody else: it needs the right access.approve."))
    await _demand_proof(ctx, request, job, agrees=False)
    sentence = await _say_no(ctx, request, job, clean(why, 500), own=own)
    _wake(ctx, job)
    return sentence


async def _say_no(ctx: Context, request: Request, job: Job, why: str, *, own: bool) -> str:
    sentence = _("Job {job} is stopped; nothing of it was done.").format(job=job.id)
    engine, now = ctx.engine, ctx.engine.clock()
    record = _record(ctx, request, job) | {"why": why}
    after = Standing.WITHDRAWN if own else Standing.DENIED
    async with engine.store.write() as tx:
        if not await approvals.move(tx, request, NO, after, by=ctx.person, why=why):
            raise Refused(_("Job {job} has begun already, or has ended.").format(job=job.id))
        await audit_log.append(tx, "withdrawn" if own else "not approved", record, now)
        if own:
            await cancel(engine, tx, job, ASKED)
        await jobs.done(tx, ctx.job.id, sentence)
    return sentence


async def _found(ctx: Context, code: str, can: tuple[Standing, ...]) -> tuple[Request, Job]:
    """The request that *code* names, which stands as one of those that *can* be, and its job."""
    request = await ctx.engine.requests.of_code(code_of(code))
    if request is None:
        raise UsageError(
            _("No request has the code {code}.").format(code=clean(repr(code), 20)),
            hint=_("The code stands below the plan; {prefix}job list shows what waits.").format(
                prefix=ctx.prefix
            ),
            word=1,
        )
    job = await ctx.records.job(request.job)
    if request.state not in can or request.expired(ctx.engine.clock()):
        raise Refused(_closed(request, job))
    return request, job


def _closed(request: Request, job: Job) -> str:
    state = Standing.EXPIRED if request.state is Standing.OPEN else request.state
    said = {
        Standing.APPROVED: _("Job {job} is approved already."),
        Standing.USED: _("This code was used: job {job} has begun."),
        Standing.DENIED: _("{by} said no to job {job}."),
        Standing.WITHDRAWN: _("Job {job} has ended; its code counts no more."),
        Standing.EXPIRED: _("The request of job {job} has expired."),
        Standing.CHANGED: _("The plan of job {job} is another one now, with another code."),
    }
    return said[state].format(job=job.id, by=request.by)


async def _agree(ctx: Context, request: Request, job: Job, sentence: str, shown: str) -> None:
    """Agree to *request*: say so with *sentence*, and with *shown* at its *job*."""
    await _demand_proof(ctx, request, job, agrees=True)
    async with ctx.engine.store.write() as tx:
        record, now = _record(ctx, request, job), ctx.engine.clock()
        await approvals.agree(tx, request, ctx.person, ctx.job.proof, record, now)
        await _tell(ctx, tx, job, shown)
        await jobs.done(tx, ctx.job.id, sentence)
    ctx.frees(job.event_id)
    _wake(ctx, job)


async def _tell(ctx: Context, tx: AsyncConnection, job: Job, sentence: str) -> None:
    run = ctx.engine.running.get(job.id)
    if run is not None:
        await run.tell(tx, Agreed(sentence))


def _record(ctx: Context, request: Request, job: Job) -> dict[str, Any]:
    return {
        "job": job.id,
        "person": ctx.person,
        "asked_by": job.person,
        "line": ctx.shown(job.line),
        "digest": request.digest,
        "answer": ctx.job.id,
    }


async def _demand_proof(ctx: Context, request: Request, job: Job, *, agrees: bool) -> None:
    """No message that a homeserver can make up answers for one that it cannot make up."""
    rules, proof = ctx.engine.approvals, ctx.job.proof
    if proof is Proof.REACTION:
        if not await _counts_as_sign(ctx, request, agrees=agrees):
            raise Denied(_("A reaction does not count for this."), hint=_type_it(ctx, request))
        return
    # a no that is made up destroys nothing, so in a plain room it stops what was asked for there
    risk = request.risk if agrees else Risk.READS
    if not rules.counts(proof, risk, job.proof):
        raise Denied(
            _("This cannot be answered in a room that is not encrypted."),
            hint=_("Type it in an encrypted room, or in nounou chat on the bot's host."),
        )


async def _counts_as_sign(ctx: Context, request: Request, *, agrees: bool) -> bool:
    """Whether a sign may answer: the class lets it, its giver's key is believed, the plan is new.

    A message that was edited to another plan may have got the sign for the one before.
    """
    pinned = await ctx.pins.of(ctx.job.sender)
    if not request.reacts or (pinned is not None and pinned.offered is not None):
        return False
    async with ctx.engine.store.read() as tx:
        return not agrees or not await approvals.has_changed(tx, request.job)


def _demand_no_party(ctx: Context, job: Job) -> None:
    run = ctx.engine.running.get(job.id)
    if run is not None and ctx.person in run.parties:
        raise Denied(
            _("You gain by job {job}, so somebody else has to approve it.").format(job=job.id)
        )


def _type_it(ctx: Context, request: Request) -> str:
    return _("Type it: {prefix}{verb} {code}").format(
        prefix=ctx.prefix, verb=VERBS[request.need], code=request.code
    )


def _wake(ctx: Context, job: Job) -> None:
    ctx.engine.outbox.wake(job.room)
    ctx.engine.requests.poke()
    ctx.engine.locks.poke()
