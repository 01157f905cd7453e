"""The end of a grant: what it allowed and has not begun is stopped, and both persons are told."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.jobs import WAITING
from bot.core.render import Reply
from bot.core.risk import Risk
from bot.core.text import clean, words
from bot.engine import audit_log, guards, jobs, outbox
from bot.engine.cancelling import LAPSED, cancel
from bot.engine.engine import Engine
from bot.engine.grants import Grant
from bot.engine.jobs import Job
from bot.engine.notices import notice
from bot.errors import UsageError
from bot.i18n import _, ngettext


async def end_grants(engine: Engine, now: float) -> None:
    """End every grant whose time is over by *now*; raises `StoreError`."""
    await engine.grants.settle()
    for grant in engine.grants.over(now):
        await end_grant(engine, grant, {"person": audit_log.BOT}, _has_ended(grant))


async def end_grant(
    engine: Engine, grant: Grant, data: dict[str, Any], sentence: str, *, by: Job | None = None
) -> str | None:
    """End *grant*, record *data* of it, say *sentence* to both, and stop what it alone allowed.

    *by*: the job that revokes it.  Returns its answer; None where the grant had ended before.
    """
    left = [job for job in await _waiting(engine, grant) if not _may_still(engine, grant, job)]
    now, state = engine.clock(), "revoked" if by else "ended"
    async with engine.grants.write() as tx:
        if not await engine.grants.end(tx, grant.id, state, now):
            return None
        stopped = [job.id for job in left if await _stop(engine, tx, job.id)]
        record = {"grant": grant.id, "of": grant.person, "right": grant.right, "by": grant.by}
        record |= {"stopped": stopped, "verb": "access.grant", "objects": [grant.person], **data}
        await audit_log.append(tx, "revoked" if by else "grant ended", record, now)
        reply = Reply(sentence, hint=_what_was_stopped(stopped))
        persons = (grant.person, grant.by)
        await outbox.put(tx, notice(engine, f"grant-{grant.id}-end", reply, persons))
        answer = _revoked(grant, stopped)
        if by is not None:
            await jobs.done(tx, by.id, answer)
    engine.outbox.wake()
    return answer


def _has_ended(grant: Grant) -> str:
    return _("Grant {number} has ended: {right} for {person}, by {by}.").format(
        number=grant.id, person=grant.person, right=clean(grant.right, 200), by=grant.by
    )


def _revoked(grant: Grant, stopped: list[int]) -> str:
    if not stopped:
        return _("Grant {number} is revoked; nothing waited for it.").format(number=grant.id)
    sentence = ngettext(
        "Grant {number} is revoked; job {jobs} is stopped.",
        "Grant {number} is revoked; jobs {jobs} are stopped.",
        len(stopped),
    )
    return sentence.format(number=grant.id, jobs=", ".join(map(str, stopped)))


def _what_was_stopped(stopped: list[int]) -> str:
    if not stopped:
        return ""
    sentence = ngettext(
        "Job {jobs} had not begun and is stopped.",
        "Jobs {jobs} had not begun and are stopped.",
        len(stopped),
    )
    return sentence.format(jobs=", ".join(map(str, stopped)))


async def _waiting(engine: Engine, grant: Grant) -> list[Job]:
    """What the person of *grant* asked for in its time and what waits."""
    async with engine.store.read() as tx:
        waiting = await jobs.in_states(tx, WAITING)
    return [job for job in waiting if job.person == grant.person and job.id > grant.job]


def _may_still(engine: Engine, grant: Grant, job: Job) -> bool:
    """Whether *job* does not need *grant*; what it never allowed is not its to stop.

    Only the words are judged: nothing is looked up while a grant ends.
    """
    try:
        line = words(job.line.removeprefix(engine.prefix))
        command = engine.registry.find(line)
        if command is None or not grant.parsed.has_verb(command.needs):
            return True
        bound = command.bind(line[len(command.path) :], guards.Names(engine.policy))
    except UsageError:
        return True
    return guards.may(command, engine.rights(job.person, job.room, without=grant.id), bound)


async def _stop(engine: Engine, tx: AsyncConnection, number: int) -> bool:
    """Stop the job, unless it has begun meanwhile; a question that is being answered has."""
    job, run = await jobs.get(tx, number), engine.running.get(number)
    if job is None or job.state not in WAITING:
        return False
    if run is not None and (run.job.state not in WAITING or run.job.risk is Risk.READS):
        return False
    await cancel(engine, tx, job, LAPSED)
    return True
