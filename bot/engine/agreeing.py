"""Who has to agree before a command runs: asking, waiting, and looking again under the locks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.approvals import Need
from bot.core.chat import Proof
from bot.core.events import Asking
from bot.core.jobs import Event, State
from bot.core.plan import Plan, Thing
from bot.core.render import Lines, Reply, duration
from bot.core.text import clean
from bot.engine import approvals, audit_log, guards, jobs, needs
from bot.engine.approvals import Request, Standing
from bot.engine.context import Context
from bot.engine.engine import Engine
from bot.engine.glass import GLASS
from bot.engine.jobs import Job
from bot.engine.needs import Matter
from bot.engine.run import Run
from bot.errors import Refused, StoreError
from bot.i18n import _

#: how many persons a request calls at most
_CALLED = 10
#: how many characters of one step are shown; the record has all of them
_LONGEST_STEP = 300


async def seek(run: Run, context: Context, matter: Matter, need: Need) -> Request | None:
    """Return once everybody agreed whom *need* names; None where nobody has to.

    Raises `Refused` where somebody said no, or nobody answered in time.
    """
    if need is Need.NONE:
        return None
    run.parties = matter.plan.parties
    request = await _ask(run, matter, need)
    run.parked.set()
    run.engine.typing.end(run.job.room, run.job.id)
    request = await _answer(run, context, matter, request)
    if request.state is Standing.APPROVED:
        return request
    raise _refusal(request)


async def _ask(run: Run, matter: Matter, need: Need) -> Request:
    """The open request: the one from before a restart where the plan is still the same."""
    async with run.telling() as tx:
        request = await approvals.live(tx, run.job.id)
        if request is None or (request.digest, request.need) != (matter.digest, need):
            request = await _new(tx, run, matter, need)
        if run.job.state is not State.AWAITING_APPROVAL:
            await run.move(tx, Event.ASK)
        if request.state is Standing.OPEN:
            await run.tell(tx, _asking(run, matter, request))
    return request


async def _new(tx: AsyncConnection, run: Run, matter: Matter, need: Need) -> Request:
    """A request of its own for this plan, with its record."""
    engine, job, now = run.engine, run.job, run.engine.clock()
    request = Request(
        code=await approvals.fresh_code(tx),
        job=job.id,
        need=need,
        risk=matter.risk,
        digest=matter.digest,
        state=Standing.OPEN,
        created=now,
        expires=now + engine.approvals.expire,
        reacts=needs.takes_reactions(engine, matter),
    )
    await approvals.add(tx, request)
    record = matter.planned(run) | {"need": need.name.lower()}
    if (broken := needs.spared(engine, job, matter)) is not None:
        record[GLASS] = broken.id
        await jobs.note(tx, job.id, GLASS, broken.id)
    await audit_log.append(tx, "requested", record, now)
    return request


async def _answer(run: Run, context: Context, matter: Matter, request: Request) -> Request:
    """*request* once it is no longer open."""
    engine = run.engine
    while True:
        changed = engine.requests.changed
        context.give_up()
        with suppress(StoreError):  # it is asked again in a moment
            request = await engine.requests.again(request)
            if request.state is not Standing.OPEN:
                return request
            if request.expired(engine.clock()):
                async with engine.store.write() as tx:
                    await approvals.expire(tx, request, _unanswered(run, matter), engine.clock())
                continue
        left = request.expires - engine.clock()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(left, engine.timing.follow_every)):
                await changed.wait()


def _unanswered(run: Run, matter: Matter) -> dict[str, Any]:
    return matter.record(run.job) | {"person": audit_log.BOT, "asked_by": run.job.person}


def _refusal(request: Request) -> Refused:
    match request.state:
        case Standing.DENIED:
            why = _(" ({why})").format(why=clean(request.why, 200)) if request.why else ""
            return Refused(
                _("{person} said no{why}; nothing was done.").format(person=request.by, why=why)
            )
        case Standing.EXPIRED:
            time = duration(request.expires - request.created)
            return Refused(
                _("Nobody answered within {time}, so nothing was done.").format(time=time),
                hint=_("Send it again when somebody is there."),
            )
    return Refused(_("The request was taken back; nothing was done."))


async def look_again(run: Run, context: Context, matter: Matter, request: Request | None) -> None:
    """Under the locks, before the plan: the rights of both, and the time.

    Raises `Denied` or `Refused`.
    """
    engine, job = run.engine, run.job
    context.rights = engine.rights(job.person, job.room)
    guards.authorize(matter.command, context.rights, matter.bound)
    if request is not None:
        request = await engine.requests.again(request)
        if request.state is not Standing.APPROVED:
            raise _refusal(request)
        _demand_approver(engine, job, matter, request)
        await _demand_time(run, matter, request)


def _demand_approver(engine: Engine, job: Job, matter: Matter, request: Request) -> None:
    """Who agreed must still be somebody who may, with a message that counts."""
    verb = "access.approve" if request.need is Need.SECOND else "access.confirm"
    may_answer = engine.policy.everywhere(request.by).verb(verb)
    rights = engine.rights(request.by, job.room)
    if not may_answer or not guards.may(matter.command, rights, matter.bound):
        raise Refused(
            _("{person}, who approved this, may not do it any more; nothing was done.").format(
                person=request.by
            )
        )
    counts = engine.approvals.counts(Proof(request.proof), request.risk, job.proof)
    if not counts or request.by in matter.plan.parties:
        raise Refused(
            _("The answer of {person} does not count any more; nothing was done.").format(
                person=request.by
            ),
            hint=_("Send it again."),
        )


async def _demand_time(run: Run, matter: Matter, request: Request) -> None:
    now = run.engine.clock()
    if not request.expired(now):
        return
    async with run.engine.store.write() as tx:
        await approvals.expire(tx, request, _unanswered(run, matter), now)
    raise Refused(
        _("The approval expired while the job waited, so nothing was done."),
        hint=_("Send it again."),
    )


def demand_plan(engine: Engine, job: Job, matter: Matter, request: Request | None) -> None:
    """The plan under the locks must be the one that was agreed to, by whom it needs now.

    Raises `Refused`.
    """
    if request is not None and request.digest != matter.digest:
        raise Refused(
            _("This is not the plan that was agreed to any more, so nothing was done."),
            hint=_("Send it again, and look at the new plan."),
        )
    if needs.need_of(engine, job, matter) > (Need.NONE if request is None else request.need):
        raise Refused(
            _("Meanwhile this needs more than it was given, so nothing was done."),
            hint=_("Send it again."),
        )


def _asking(run: Run, matter: Matter, request: Request) -> Asking:
    engine, job = run.engine, run.job
    values = {"person": job.person, "prefix": engine.prefix, "code": request.code}
    if request.need is Need.SECOND:
        result = _("waits for another person's approval")
        how = _("Another person: {prefix}approve {code}, or {prefix}deny {code} WHY.")
        whom = _who_may(engine, job, matter)
    else:
        result = _("waits for the confirmation of {person}")
        if broken := needs.spared(engine, job, matter):
            instead = _("{waits}, in place of a second person (glass {number})")
            result = instead.format(waits=result, number=broken.id)
        how = _("{person}: {prefix}confirm {code}, or {prefix}deny {code}.")
        whom = ()
    until = datetime.fromtimestamp(request.expires, UTC).strftime("%H:%M UTC")
    hint = [how.format(**values), _("It can be answered until {time}.").format(time=until)]
    if request.reacts:
        hint.insert(1, _("A ✅ on the message of job {job} does the same.").format(job=job.id))
    said = (
        numbered(matter.plan),
        _things(matter),
        [*map(str, matter.plan.lines)],
        guards.warnings(engine, matter.command, matter.bound),
    )
    body = [Lines([*map(run.hide, lines)]) for lines in said if lines]
    shown = Reply(result.format(**values), body=body, hint="\n".join(hint))
    return Asking(shown, request.code, whom)


def numbered(plan: Plan) -> list[str]:
    """The steps of *plan*, one line each."""
    return [
        _("{number}. on {where}: {words}").format(
            number=number, where=step.where, words=clean(step.words, _LONGEST_STEP)
        )
        for number, step in enumerate(plan.steps, 1)
    ]


def _things(matter: Matter) -> Sequence[str]:
    """What would be touched, one line a kind."""
    words = {
        Thing.DOMU: _("DomU: {names}"),
        Thing.UUID: _("UUID: {names}"),
        Thing.HOST: _("Dom0: {names}"),
        Thing.VOLUME: _("volume: {names}"),
        Thing.WWN: _("WWN: {names}"),
        Thing.LUN: _("LUN: {names}"),
    }
    lines = []
    for kind, sentence in words.items():
        names = sorted(name for thing, name in matter.plan.touches if thing is kind)
        if names:
            lines.append(sentence.format(names=clean(", ".join(names), 1000)))
    return lines


def _who_may(engine: Engine, job: Job, matter: Matter) -> tuple[str, ...]:
    """The chat ids of those who could approve it."""
    approve = engine.registry.find(["approve"])
    called = []
    for chat_id, person in engine.policy.persons.items():
        rights = engine.rights(person, job.room)
        barred = {job.person, *matter.plan.parties}
        if person in barred or approve is None or not rights.verb(approve.needs):
            continue
        if guards.may(matter.command, rights, matter.bound):
            called.append(chat_id)
    return tuple(called[:_CALLED])
