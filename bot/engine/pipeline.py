"""What wraps every command, once, in this order.

audit (asked, written when the command was taken in) → errors → authorize the verb → and the room →
convert → authorize the objects → spare the bot itself → check → plan [dry-run stops here] → approve
→ queue and lock → under the locks: rights, approval, checks, plan again → run → audit (ended).
"""

from __future__ import annotations

import asyncio
import secrets
import traceback
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from bot.core.approvals import Need
from bot.core.command import Command
from bot.core.events import Ended
from bot.core.grammar import Bound
from bot.core.holds import aim_of
from bot.core.jobs import State, in_words
from bot.core.plan import Line, Plan, Verdict
from bot.core.policy import Policy, Rights
from bot.core.render import Lines, Reply
from bot.core.risk import Risk
from bot.core.text import clean, point_at, words
from bot.devices.host import Host
from bot.engine import agreeing, guards, needs, proofs, recording, silent_hosts
from bot.engine.approvals import Request
from bot.engine.cancelling import CANCELLED, cancelled
from bot.engine.context import Cancelled, Context, Requeue
from bot.engine.inventory import DomU, UnknownObject, View
from bot.engine.needs import Matter
from bot.engine.run import Run
from bot.engine.world import World
from bot.errors import (
    BotError,
    Denied,
    Failed,
    OutcomeUnknown,
    Refused,
    StoreError,
    UsageError,
)
from bot.i18n import _

log = structlog.get_logger()


async def execute(run: Run) -> None:
    """Take *run* from the queue to its one final answer."""
    async with _registered(run):
        await run.end(await silent_hosts.told(run, await _fenced(run, _proceed(run))))


async def recover(run: Run) -> None:
    """Find out what became of a job that was running when the bot died, and end it truthfully.

    Raises `Requeue` where nothing was changed and the job may begin anew.
    """
    async with _registered(run):
        await run.resumed()
        await run.end(await silent_hosts.told(run, await _fenced(run, _look_again(run))))


async def settle_job(ctx: Context, number: int) -> Reply:
    """Look at the world again for the undetermined job *number*, and free its locks.

    Raises `Refused` where it is not undetermined or its end still cannot be said, `Unreachable`
    where a host does not answer; then nothing is freed.
    """
    job = await ctx.records.job(number)
    if job.state is not State.UNDETERMINED:
        raise Refused(
            _("Job {number} is not undetermined: it is {state}.").format(
                number=number, state=in_words(job.state)
            )
        )
    succeeded, found = await _settle(Run(ctx.engine, job))
    sentence = _("Job {job} is settled, its locks are free. {found}").format(
        job=number, found=found.result
    )
    await ctx.records.settled(number, succeeded=succeeded, by=ctx.job.id, sentence=sentence)
    return Reply(sentence, hint=found.hint)


async def _settle(run: Run) -> tuple[bool, Reply]:
    try:
        command, bound, context = await _again(run)
        if command.settler is None:
            raise Refused(_("{command} cannot be settled by looking.").format(command=command.name))
        return True, await command.settler(context, *bound.args, **bound.options)
    except Failed as error:
        return False, Reply(str(error), hint=error.hint)
    except OutcomeUnknown as error:
        raise Refused(str(error), hint=error.hint) from error


@asynccontextmanager
async def _registered(run: Run) -> AsyncIterator[None]:
    run.engine.running[run.job.id] = run
    before = recording.current.set(run)
    run.engine.typing.begin(run.job.room, run.job.id)
    try:
        yield
    finally:
        recording.current.reset(before)
        run.engine.typing.end(run.job.room, run.job.id)
        del run.engine.running[run.job.id]
        run.parked.set()


async def _fenced(run: Run, work: Awaitable[Reply]) -> Ended:
    """Turn whatever happens in *work* into an end; one of the three places that catch everything.

    Past the point of no return only success and `Failed` are certain: all else is undetermined.
    """
    try:
        return Ended(State.SUCCEEDED, "ok", await work)
    except Requeue:
        raise
    except Cancelled:
        # a question is never "started", but it waits for nothing either
        begun = run.job.started is not None or run.job.risk is Risk.READS
        return cancelled(run.cancel_requested, begun=begun)
    except UsageError as error:
        return Ended(_state(run, error), error.code, _usage(run, error))
    except Denied as error:
        reply = Reply(str(error), hint=error.hint)
        return Ended(_state(run, error), error.code, reply, error.rule)
    except BotError as error:
        return Ended(_state(run, error), error.code, Reply(str(error), hint=error.hint))
    except Exception:  # noqa: BLE001  (the fence of every command)
        reference = secrets.token_hex(4)
        trace = run.hide(traceback.format_exc())
        log.error("internal error", job=run.job.id, reference=reference, exception=trace)
        reply = Reply(_("Internal error, reference {ref}.").format(ref=reference))
        return Ended(_state(run, None), "internal", reply)


def _state(run: Run, error: BotError | None) -> State:
    unknown = isinstance(error, OutcomeUnknown) and run.job.state is State.RUNNING
    uncertain = run.job.no_return and not isinstance(error, Failed)
    return State.UNDETERMINED if unknown or uncertain else State.FAILED


def _usage(run: Run, error: UsageError) -> Reply:
    """The error with a caret under the wrong word, where the line could be split at all."""
    details = ""
    if error.word is not None:
        line = words(run.engine.shown(run.job.line).removeprefix(run.engine.prefix))
        details = point_at(line, error.word, run.engine.prefix)
    return Reply(str(error), details, error.hint)


async def may_run(run: Run) -> bool:
    """Whether the person of *run* may run its command there, on its objects, as things are now.

    What cannot be understood does nothing but say so, so anybody may.
    """
    try:
        command, line = _parse(run)
        rights = run.engine.rights(run.job.person, run.job.room)
        guards.authorize_verb(command, rights)
        guards.demand_room(run.engine.rooms, run.job.room, command, command.risk)
        guards.authorize(command, rights, await _convert(run, command, rights, line))
    except (UnknownObject, Denied):
        return False
    except UsageError:
        return True
    return True


async def _proceed(run: Run) -> Reply:
    proofs.demand(run.engine, run.job)
    command, line = _parse(run)
    rights = run.engine.rights(run.job.person, run.job.room)
    guards.authorize_verb(command, rights)
    guards.demand_room(run.engine.rooms, run.job.room, command, command.risk)
    await run.risky(command.risk)
    bound = await _convert(run, command, rights, line)
    run.verb = command.verb(bound)
    run.objects = tuple(name for _kind, name in bound.objects)
    guards.authorize(command, rights, bound)
    against = guards.objections(run.engine, command, bound)
    only_tried = command.planner is not None and bound.options.get("dry_run", False)
    if not only_tried:
        if against:
            raise Refused(against[0])
        run.engine.holds.demand(run, command, bound)
    context = Context(run, rights)
    for check in command.checks:
        await check(context, *bound.args, **bound.options)
    plan = Plan()
    if command.planner is not None:
        plan = await _soon(run, command.planner(context, *bound.args, **bound.options))
        if only_tried:
            return _card(run, command, bound, plan, against)
    matter = await _matter(run, command, bound, plan)
    return await _run(run, context, matter)


async def _matter(run: Run, command: Command, bound: Bound, plan: Plan) -> Matter:
    """What would be done, where it can be: its class may be worse than the command's own."""
    _demand(plan)
    run.engine.holds.demand(run, command, bound, plan)
    risk = max(command.risk, plan.risk or Risk.READS)
    guards.demand_room(run.engine.rooms, run.job.room, command, risk, bound)
    await run.risky(risk)
    return Matter(command, bound, plan, risk)


async def _run(run: Run, context: Context, matter: Matter) -> Reply:
    need = needs.need_of(run.engine, run.job, matter)
    if matter.risk > Risk.READS or need is not Need.NONE:
        request = await agreeing.seek(run, context, matter, need)
        keys = matter.plan.keys
        await run.engine.locks.acquire(run.job.id, keys, run.waiting, context.give_up)
        matter = await _recheck(run, context, matter, request)
        # nothing is awaited in between: by the plan whoever places a hold knows that this goes on
        run.engine.holds.demand(run, matter.command, matter.bound, matter.plan)
        context.plan = run.plan = matter.plan
        context.notes = await run.notes()
        run.cancel_requested = run.cancel_requested or str(context.notes.get(CANCELLED, ""))
        context.give_up()
        record = matter.planned(run) if matter.command.planner is not None else None
        await run.started(matter.plan, record, request)
        # somebody may have cancelled it, or a grant have ended, while that was written
        context.give_up()
    return await matter.command.handler(context, *matter.bound.args, **matter.bound.options)


def _parse(run: Run) -> tuple[Command, list[str]]:
    if run.job.cut:
        raise UsageError(
            _("The command is longer than {count} bytes.").format(count=run.engine.command_bytes)
        )
    line = words(run.job.line.removeprefix(run.engine.prefix))
    command = run.engine.registry.find(line)
    if command is None:
        rights = run.engine.rights(run.job.person, run.job.room)
        allowed = [each for each in run.engine.registry if guards.may_use(each, rights)]
        raise run.engine.registry.unknown(line, allowed)
    run.verb = command.needs
    return command, line


async def _convert(run: Run, command: Command, rights: Rights, line: list[str]) -> Bound:
    """Turn words into values; an unknown name is looked for once in the real world."""
    view = View.of(run.engine.inventory, rights, command, run.engine.policy)
    rest = line[len(command.path) :]
    try:
        return command.bind(rest, view)
    except (UnknownObject, Denied):
        await run.engine.inventory.refresh()
        return command.bind(rest, view)


async def _soon(run: Run, work: Awaitable[Plan]) -> Plan:
    """Await *work*, and say that the bot is at it when it takes longer than people wait."""
    told = asyncio.create_task(_tell_later(run))
    try:
        return await work
    finally:
        told.cancel()
        await asyncio.wait([told])


async def _tell_later(run: Run) -> None:
    await asyncio.sleep(run.engine.timing.patience)
    with suppress(StoreError):
        await run.checking()


def _demand(plan: Plan) -> None:
    if plan.failures:
        failures = [line.text for line in plan.failures]
        raise Refused(failures[0], hint="\n".join(failures[1:]))


def _card(run: Run, command: Command, bound: Bound, plan: Plan, against: list[str]) -> Reply:
    """What a dry run says: the plan, what stands against it, and whose word it would wait for."""
    _demand(plan)
    engine = run.engine
    against = against + engine.holds.objections(command, bound, plan)
    lines = [
        *plan.lines,
        *(Line(Verdict.LATER, why) for why in guards.warnings(engine, command, bound)),
        *(Line(Verdict.NO, why) for why in against),
    ]
    risk = max(command.risk, plan.risk or Risk.READS)
    need = needs.need_of(engine, run.job, Matter(command, bound, plan, risk))
    words = needs.in_words(need)
    result = _("Nothing was done; this is what would be done.")
    if against:
        result = _("It would be refused: {why}").format(why=against[0])
    return Reply(
        result,
        body=(Lines([*map(str, lines)]), Lines(agreeing.numbered(plan))),
        hint=_("It would wait for {need}.").format(need=words) if words else "",
    )


async def _recheck(run: Run, context: Context, before: Matter, request: Request | None) -> Matter:
    """Everything once more under the locks; the world must not have moved."""
    await agreeing.look_again(run, context, before, request)
    command, bound = before.command, before.bound
    run.engine.holds.demand(run, command, bound, before.plan)
    for check in command.checks:
        await check(context, *bound.args, **bound.options)
    if command.planner is None:
        agreeing.demand_plan(run.engine, run.job, before, request)
        return before
    plan = await command.planner(context, *bound.args, **bound.options)
    if difference := before.plan.difference(plan):
        why = plan.failures[0].text if plan.failures else _("see below")
        raise Refused(
            _("The world moved while the job waited, so nothing was done: {why}").format(why=why),
            hint="\n".join(difference),
        )
    matter = await _matter(run, command, bound, plan)
    agreeing.demand_plan(run.engine, run.job, matter, request)
    return matter


async def _look_again(run: Run) -> Reply:
    command, bound, context = await _again(run)
    run.aim = aim_of(bound.objects)
    if command.recoverer is None:
        raise OutcomeUnknown(
            _("The bot was stopped while this ran; nobody knows how far it came."),
            hint=_("Look at the devices, then !job settle {job}.").format(job=run.job.id),
        )
    return await command.recoverer(context, *bound.args, **bound.options)


async def _again(run: Run) -> tuple[Command, Bound, Context]:
    """The command of a stored job, with its values and notes, for looking at it again."""
    command, line = _parse(run)
    bound = command.bind(line[len(command.path) :], _Stored(run.engine.world, run.engine.policy))
    run.objects = tuple(name for _kind, name in bound.objects)
    context = Context(run, run.engine.rights(run.job.person, run.job.room))
    context.notes = await run.notes()
    return command, bound, context


@dataclass(frozen=True)
class _Stored:
    """A `Lookup` for names that were found before, so that a dead host makes none unknown."""

    world: World
    policy: Policy

    def find(self, kind: str, text: str) -> DomU | Host | str:
        if kind == "person":
            return self.policy.named(text)
        if kind == "domu":
            return DomU(text)
        if kind == "dom0" and text in self.world.hosts:
            return self.world.hosts[text]
        raise OutcomeUnknown(_("{name} is no longer in the config.").format(name=clean(text, 60)))
