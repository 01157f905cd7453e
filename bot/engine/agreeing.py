"""Who has to agree before a command runs: asking, waiting, and looking again under the locks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.core.approvals import Need, digest
from bot.core.command import Bound, Command
from bot.core.events import Asking
from bot.core.jobs import Event, State
from bot.core.plan import Plan, Thing
from bot.core.policy import Rights
from bot.core.render import Lines, Reply, duration
from bot.core.risk import Risk
from bot.core.text import clean
from bot.engine import approvals, audit_log, guards, jobs
from bot.engine.approvals import Request, Standing
from bot.engine.context import Context
from bot.engine.engine import Engine
from bot.engine.glass import GLASS, Broken
from bot.engine.jobs import Job
from bot.engine.run import Run
from bot.errors import Refused, StoreError
from bot.i18n import _

#: the verbs of answers, which wait for nobody's answer
ANSWERS = frozenset({"access.approve", "access.confirm"})
#: how many persons a request calls at most
_CALLED = 10
#: how many characters of one step are shown; the record has all of them
_LONGEST_STEP = 300


@dataclass(frozen=True)
class Matter:
    """What would be done: a command with its words, the class of its plan, and what it touches."""

    command: Command
    bound: Bound
    plan: Plan
    risk: Risk

    @property
    def digest(self) -> str:
        return digest(self.command.needs, self.bound.arguments, self.plan)

    @property
    def objects(self) -> list[str]:
        """The names of everything that it is about, for the record."""
        named = {name for _kind, name in self.bound.objects}
        return sorted(named | {name for _thing, name in self.plan.touches})

    def record(self, job: Job) -> dict[str, Any]:
        """What the record says of it wherever it is spoken of."""
        return {
            "job": job.id,
            "person": job.person,
            "verb": self.command.needs,
            "objects": self.objects,
            "risk": self.risk.name.lower(),
            "digest": self.digest,
        }

    def planned(self, run: Run) -> dict[str, Any]:
        """The same, with each step."""
        steps = [[step.where, clean(run.hide(step.words), 2000)] for step in self.plan.steps]
        return self.record(run.job) | {"steps": steps}


def need_of(engine: Engine, job: Job, matter: Matter) -> Need:
    """Whose word *matter* needs now: less where its asker has broken the glass."""
    need = _need_of(engine, job, matter)
    return Need.CONFIRM if spared(engine, job, matter, need) else need


def spared(engine: Engine, job: Job, matter: Matter, need: Need) -> Broken | None:
    """The broken glass that spares *job* the second person whom *need* names; else None.

    What is about rights always needs the second person.
    """
    if need is not Need.SECOND or matter.command.needs.startswith("access."):
        return None
    return engine.glass.of(job.person, engine.clock())


def _need_of(engine: Engine, job: Job, matter: Matter) -> Need:
    """Whose word *matter* needs, by its class, the config, and what the bot itself depends on."""
    command, bound = matter.command, matter.bound
    if command.needs in ANSWERS:
        return Need.NONE
    need = max(engine.approvals.by_risk.get(matter.risk, Need.NONE), command.least)
    room = engine.rooms.called(job.room)
    for right, more in engine.approvals.also:
        if guards.concerns(right, command, bound, room):
            need = max(need, more)
    if guards.warnings(engine, command, bound):
        need = max(need, Need.CONFIRM)
    return need


async def seek(run: Run, context: Context, matter: Matter) -> Request | None:
    """Return once everybody agreed who has to; None where nobody has to.

    Raises `Refused` where somebody said no, or nobody answered in time.
    """
    need = need_of(run.engine, run.job, matter)
    if need is Need.NONE:
        return None
    request = await _ask(run, matter, need)
    run.parked.set()
    run.engine.typing.end(run.job.room, run.job.id)
    request = await _answer(run, context, matter, request)
    if request.state is Standing.APPROVED:
        return request
    raise _refusal(request)


async def _ask(run: Run, matter: Matter, need: Need) -> Request:
    """The open request: the one from before a restart where the plan is still the same."""
    engine, now = run.engine, run.engine.clock()
    async with run.telling() as tx:
        request = await approvals.live(tx, run.job.id)
        if request is None or (request.digest, request.need) != (matter.digest, need):
            expires = now + engine.approvals.expire
            request = await approvals.add(
                tx, run.job.id, need, matter.risk, matter.digest, now, expires
            )
            record = matter.planned(run) | {"need": need.name.lower()}
            broken = spared(engine, run.job, matter, _need_of(engine, run.job, matter))
            if broken is not None:
                record[GLASS] = broken.id
                await jobs.note(tx, run.job.id, GLASS, broken.id)
            await audit_log.append(tx, "requested", record, now)
        if run.job.state is not State.AWAITING_APPROVAL:
            await run.move(tx, Event.ASK)
        if request.state is Standing.OPEN:
            await run.tell(tx, _asking(run, matter, request))
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
    return matter.record(run.job) | {"person": approvals.BOT, "asked_by": run.job.person}


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
        _demand_approver(engine.rights(request.by, job.room), matter, request)
        await _demand_time(run, matter, request)


def _demand_approver(rights: Rights, matter: Matter, request: Request) -> None:
    if not guards.may(matter.command, rights, matter.bound):
        raise Refused(
            _("{person}, who approved this, may not do it any more; nothing was done.").format(
                person=request.by
            )
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
    if need_of(engine, job, matter) > (Need.NONE if request is None else request.need):
        raise Refused(
            _("Meanwhile this needs more than it was given, so nothing was done."),
            hint=_("Send it again."),
        )


def in_words(need: Need) -> str:
    """What *need* is, as the end of a sentence; empty where nobody's word is needed."""
    return {
        Need.NONE: "",
        Need.CONFIRM: _("its asker's confirmation"),
        Need.SECOND: _("another person's approval"),
    }[need]


def _asking(run: Run, matter: Matter, request: Request) -> Asking:
    engine, job = run.engine, run.job
    if request.need is Need.SECOND:
        result = _("waits for another person's approval")
        how = _("Another person: {prefix}approve {code}, or {prefix}deny {code} WHY.")
        whom = _who_may(engine, job, matter)
    else:
        result = _("waits for the confirmation of {person}")
        how = _("{person}: {prefix}confirm {code}, or {prefix}deny {code}.")
        whom = ()
    values = {"person": job.person, "prefix": engine.prefix, "code": request.code}
    until = datetime.fromtimestamp(request.expires, UTC).strftime("%H:%M UTC")
    hint = [how.format(**values), _("It can be answered until {time}.").format(time=until)]
    if engine.approvals.takes_reactions(request.risk):
        hint.insert(1, _("A ✅ on this message does the same."))
    said = (
        numbered(matter.plan),
        _things(matter),
        [*map(str, matter.plan.lines)],
        guards.warnings(engine, matter.command, matter.bound),
    )
    body = [Lines(lines) for lines in said if lines]
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
        if person == job.person or approve is None or not rights.verb(approve.needs):
            continue
        if guards.may(matter.command, rights, matter.bound):
            called.append(chat_id)
    return tuple(called[:_CALLED])
