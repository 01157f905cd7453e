"""How long the chat was not heard from, and what becomes of the commands that are found then."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Post, Proof, Status
from bot.core.events import Ended
from bot.core.jobs import WAITING, Event, State
from bot.core.render import Reply, duration
from bot.core.risk import Risk
from bot.core.text import clean, words
from bot.engine import approvals, audit_log, guards, jobs, outbox, proofs, store
from bot.engine.cancelling import CANCELLED, cancelled
from bot.engine.engine import Engine
from bot.engine.jobs import Job
from bot.engine.run import Run
from bot.errors import UsageError
from bot.i18n import _, ngettext

#: where the store keeps when the chat was last heard from, in seconds since 1970
HEARD = "heard"
#: seconds between two writes of it: an idle night costs few, and after a crash the bot takes its
#: absence for this much longer than it was, which errs on the side of asking
_NOTED_EVERY = 10.0
#: how many lines a list has at most: what fits a phone without scrolling for long
_LINES = 20
#: how many jobs one line releases: each that is held is named, and no line is too long to be taken
_RELEASED = 100
#: how many commands one status speaks of: their ids must leave room for the text of the event
_ALSO = 200


class Presence:
    """When the chat was last heard from, in this life of the bot and before it."""

    def __init__(self, clock: Callable[[], float], limit: float) -> None:
        self._clock = clock
        self._limit = limit
        #: how the clock stood then; None before the first time ever
        self._heard: float | None = None
        #: how the loop's time stood then; None where that was an earlier life
        self._moment: float | None = None
        #: what the store has
        self._noted = -math.inf

    async def load(self, tx: AsyncConnection, *, first: bool) -> None:
        """Learn when an earlier life of the bot heard from the chat, unless this is the *first*."""
        noted = await store.get(tx, HEARD)
        if noted is not None:
            self._heard = self._noted = float(noted)
        elif not first:
            self._heard = -math.inf  # nobody wrote down when

    def away(self) -> float | None:
        """For how many seconds nothing was heard, where that is longer than the limit; else None.

        Infinite where it cannot be known: a clock that went back since an earlier life.
        """
        if self._heard is None:
            return None
        passed = self._clock() - self._heard
        if self._moment is not None:
            passed = max(passed, asyncio.get_running_loop().time() - self._moment)
        elif passed < 0:
            passed = math.inf
        return passed if passed > self._limit else None

    @property
    def due(self) -> bool:
        """Whether the store should be told again; a clock that went back is told at once."""
        often = min(_NOTED_EVERY, self._limit / 4)
        return not 0 <= self._clock() - self._noted < often

    async def note(self, tx: AsyncConnection) -> float:
        """Write down that the chat is heard from now, where that is due; returns what is noted."""
        if not self.due:
            return self._noted
        now = self._clock()
        await store.put(tx, HEARD, repr(now))
        return now

    def heard(self, *, noted: float | None = None) -> None:
        """The chat was heard from now; the store has *noted* it, where something was stored."""
        self._heard, self._moment = self._clock(), asyncio.get_running_loop().time()
        if noted is not None:
            self._noted = noted


async def look_back(engine: Engine, tx: AsyncConnection, away: float | None, last: int) -> None:
    """What becomes of the jobs up to number *last* that waited when the bot stopped.

    They changed nothing, so they begin anew, in their old order.  Those that somebody cancelled
    end, and where the bot was *away* the others are held, but for what was typed on its own host
    a moment ago, and for what waits for somebody's word anyway.
    """
    why = await jobs.noted(tx, CANCELLED, WAITING)
    asking = await approvals.open_jobs(tx)
    left = []
    for job in await jobs.in_states(tx, WAITING):
        if job.id > last:
            continue  # the chat brought it meanwhile
        if job.state is not State.QUEUED:
            await jobs.move(tx, job.id, Event.REQUEUE, engine.clock())
        queued = replace(job, state=State.QUEUED)
        if job.id in why:
            begun = job.started is not None
            await Run(engine, queued).end_within(tx, cancelled(why[job.id], begun=begun))
        elif job.id not in asking and not _just_typed(engine, job):
            left.append(queued)
    if away is not None:
        await hold(engine, tx, left, away, new=False)


def _just_typed(engine: Engine, job: Job) -> bool:
    """Whether *job* came by the local chat so short a time ago that somebody surely waits for it.

    How long the homeserver was not heard from says nothing of it: that chat is there for then.
    """
    age = engine.clock() - job.created
    return job.proof is Proof.LOCAL and 0 <= age <= engine.timing.away


async def hold(
    engine: Engine, tx: AsyncConnection, queued: Iterable[Job], away: float, *, new: bool
) -> None:
    """Hold *queued* jobs until a person releases them, and list them, one message a room.

    What interrupts or destroys is only listed: it ends here.  What proves nothing is left to be
    denied.  *new*: they came during the absence; else they had changed nothing before it.
    """
    believed = [job for job in queued if proofs.believed(engine, job.proof)]
    everything = [(job, risk_of(engine, job)) for job in believed]
    if not everything:
        return
    for room in dict.fromkeys(job.room for job, _risk in everything):
        here = [(job, risk) for job, risk in everything if job.room == room]
        await outbox.put(tx, _list(engine, room, here, _heading(away, len(here), new=new)))
    for job, risk in everything:
        await jobs.mark(tx, job.id, risk=int(risk))
        run = Run(engine, job)
        if _is_released(risk):
            await run.hold(tx)
        else:
            await run.end_within(tx, _missed(engine, job))
    data = {
        "seconds": round(away) if math.isfinite(away) else None,
        "held": [job.id for job, risk in everything if _is_released(risk)],
        "not replayed": [job.id for job, risk in everything if not _is_released(risk)],
    }
    await audit_log.append(tx, "away", data, engine.clock())


def risk_of(engine: Engine, job: Job) -> Risk:
    """What the command of *job* may do at worst; one that cannot be understood does nothing.

    Words that need a right of their own may interrupt at least: their plan alone knows more.
    """
    try:
        line = words(job.line.removeprefix(engine.prefix))
        command = engine.registry.find(line)
        if command is None:
            return Risk.READS
        if not command.further:
            return command.risk
        bound = command.bind(line[len(command.path) :], guards.Names(engine.policy))
    except UsageError:
        return Risk.READS
    more = Risk.READS if command.verb(bound) == command.needs else Risk.INTERRUPTS
    return max(command.risk, more)


def _is_released(risk: Risk) -> bool:
    """Whether a command of this *risk* may still be run late, once a person says so."""
    return risk < Risk.INTERRUPTS


def _missed(engine: Engine, job: Job) -> Ended:
    reply = Reply(
        _("The bot was away, so this was not begun; nothing was changed."),
        hint=_("Send {line} again if you still want it.").format(
            line=clean(engine.shown(job.line), 120)
        ),
    )
    return Ended(State.FAILED, "away", reply)


def _heading(away: float, count: int, *, new: bool) -> str:
    since = (
        _("I was away for {time}.").format(time=duration(away))
        if math.isfinite(away)
        else _("I was away, and cannot say for how long.")
    )
    if new:
        what = ngettext(
            "{count} command came meanwhile and was not run:",
            "{count} commands came meanwhile and were not run:",
            count,
        )
    else:
        what = ngettext(
            "{count} command from before had changed nothing yet and was not run:",
            "{count} commands from before had changed nothing yet and were not run:",
            count,
        )
    return f"{since} {what.format(count=count)}"


def _list(engine: Engine, room: str, here: Sequence[tuple[Job, Risk]], heading: str) -> Post:
    lines = [_line(engine, job, risk) for job, risk in here[:_LINES]]
    if more := len(here) - len(lines):
        lines.append(_("and {count} more").format(count=more))
    held = [job for job, risk in here if _is_released(risk)]
    stamp = f"{int(engine.clock() * 1000):x}"
    return Post(
        room,
        engine.txn(f"away-{here[0][0].id}-{stamp}"),
        Reply(heading, "\n".join(lines), _how_to_go_on(engine, room, held)).text("⏸"),
        status=_status(held),
        mentions=tuple(dict.fromkeys(job.sender for job in held))[:_LINES],
    )


def _line(engine: Engine, job: Job, risk: Risk) -> str:
    line = _("{job} {person}: {line}").format(
        job=job.id, person=clean(job.person, 40), line=clean(engine.shown(job.line), 80)
    )
    return line if _is_released(risk) else _("{line} (not replayed)").format(line=line)


def _how_to_go_on(engine: Engine, room: str, held: Sequence[Job]) -> str:
    if not held:
        return _("What interrupts or destroys is never run late: send it again.")
    numbers = [str(job.id) for job in held]
    first, *more = [
        " ".join(numbers[start : start + _RELEASED]) for start in range(0, len(numbers), _RELEASED)
    ]
    sentence = _("{prefix}job release {jobs} runs them, {prefix}job cancel JOB drops one.")
    lines = [sentence.format(prefix=engine.prefix, jobs=first)]
    lines += [f"{engine.prefix}job release {jobs}" for jobs in more]
    release = engine.registry.find(["job", "release"])
    if release is not None and not engine.rooms.take(room, release):
        there = ", ".join(engine.rooms.that_take(release))
        lines.append(_("Not in this room: type it in {rooms}.").format(rooms=there))
    return "\n".join(lines)


def _status(held: Sequence[Job]) -> Status | None:
    """What machines are told: all of these wait for a person."""
    if not held:
        return None
    first, *others = held[:_ALSO]
    also = tuple(job.event_id for job in others)
    return Status(first.event_id, first.id, State.HELD.value, False, waits="person", also=also)
