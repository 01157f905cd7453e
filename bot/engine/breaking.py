"""Breaking the glass, ending that early, and looking at what was done under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.approvals import Need
from bot.core.jobs import State
from bot.core.render import Reply, duration
from bot.core.text import clean
from bot.core.units import moment
from bot.engine import audit_log, jobs, outbox
from bot.engine.approvals import Standing
from bot.engine.context import Context
from bot.engine.engine import Engine
from bot.engine.glass import GLASS, Broken
from bot.engine.jobs import Job
from bot.engine.notices import everybody, notice
from bot.engine.schema import requests
from bot.errors import Refused, UsageError
from bot.i18n import _, ngettext

#: seconds that the glass stays broken at least: shorter is over before anything was confirmed
SHORTEST = 60.0
#: how many characters of a reason are kept
LONGEST_REASON = 300


@dataclass(frozen=True)
class Review:
    """One breaking of the glass, and the jobs that it spared the second person."""

    broken: Broken
    #: oldest first
    jobs: tuple[Job, ...]
    #: the numbers of those that ran so; the others were never begun
    ran: frozenset[int]


def demand_whole(ctx: Context) -> None:
    """Make sure that the asker's glass is whole; raises `Refused`, which says until when not."""
    now = ctx.engine.clock()
    broken = ctx.engine.glass.of(ctx.person, now)
    if broken is not None:
        raise Refused(
            _("Your glass is broken already, until {until}.").format(
                until=moment(broken.until, now)
            ),
            hint=_("{prefix}break-glass end ends it early.").format(prefix=ctx.prefix),
        )


def bounded(ctx: Context, seconds: float | None) -> float:
    """How long it stays broken; raises `Refused` where *seconds* are too few, or too many."""
    most = ctx.engine.approvals.break_glass
    if seconds is not None and seconds < SHORTEST:
        raise Refused(_("The glass stays broken for a minute at least."))
    if seconds is not None and seconds > most:
        raise Refused(_("The glass stays broken for {time} at most.").format(time=duration(most)))
    return most if seconds is None else seconds


async def break_glass(ctx: Context, seconds: float, reason: str) -> Broken:
    """Break the asker's glass for *seconds*, recorded and told to every member."""
    engine, now = ctx.engine, ctx.engine.clock()
    glass = engine.glass
    values = {
        "person": ctx.person,
        "reason": clean(reason, LONGEST_REASON),
        "job": ctx.job.id,
        "since": now,
        "until": now + seconds,
    }
    async with glass.write() as tx:
        broken = await glass.add(tx, **values)
        await jobs.done(tx, ctx.job.id, until_when(broken))
        record = values | {"glass": broken.id, "verb": "access.break_glass", "objects": []}
        recorded = await audit_log.append(tx, "glass broken", record, now)
        await engine.incidents.glass_broken(tx, broken, recorded, ctx.job.room)
        told = notice(engine, f"glass-{broken.id}", _told(engine, broken), everybody(engine))
        await outbox.put(tx, told)
    engine.outbox.wake()
    engine.timekeeper.poke()
    return broken


def _told(engine: Engine, broken: Broken) -> Reply:
    return Reply(
        _("{person} broke the glass until {until}: {reason}").format(
            person=broken.person,
            until=moment(broken.until, broken.since),
            reason=broken.reason,
        ),
        hint=_(
            "Until then nobody approves what {person} does. All of it is recorded: "
            "{prefix}break-glass review {number}"
        ).format(person=broken.person, prefix=engine.prefix, number=broken.id),
    )


def standing(ctx: Context) -> list[Broken]:
    """Every glass that is broken now."""
    return ctx.engine.glass.active(ctx.engine.clock())


def until_when(broken: Broken) -> str:
    """What was done to the glass, as a sentence."""
    return _("The glass is broken until {until}; every member is told.").format(
        until=moment(broken.until, broken.since)
    )


async def end_early(ctx: Context) -> str:
    """End the asker's breaking of the glass; returns what came of that, as a sentence."""
    broken = ctx.engine.glass.of(ctx.person, ctx.engine.clock())
    if broken is None:
        return _("Your glass is whole already.")
    sentence = _("The glass is whole again; every member is told.")
    await _end(ctx.engine, broken, ctx.job, sentence)
    return sentence


async def end_glass(engine: Engine, now: float) -> None:
    """End every breaking of the glass whose time is over by *now*; raises `StoreError`."""
    await engine.glass.settle()
    for broken in engine.glass.over(now):
        await _end(engine, broken)


async def _end(engine: Engine, broken: Broken, job: Job | None = None, said: str = "") -> None:
    """End it, because its time is over or because *job*, which has *said* so, ends it early."""
    now = engine.clock()
    by: dict[str, Any] = (
        {"person": audit_log.BOT} if job is None else {"person": job.person, "job": job.id}
    )
    async with engine.glass.write() as tx:
        if not await engine.glass.end(tx, broken.id, "ended", now):
            return
        count = sum((await _under(tx, broken.id)).values())
        record = {"glass": broken.id, "of": broken.person, "jobs": count}
        record |= {"verb": "access.break_glass", "objects": [], **by}
        await audit_log.append(tx, "glass ended", record, now)
        reply = _ended(engine, broken, count)
        await outbox.put(tx, notice(engine, f"glass-{broken.id}-end", reply, everybody(engine)))
        if job is not None:
            await jobs.done(tx, job.id, said)
    engine.outbox.wake()


def _ended(engine: Engine, broken: Broken, count: int) -> Reply:
    done = ngettext(
        "{count} command went without a second person.",
        "{count} commands went without a second person.",
        count,
    ).format(count=count)
    return Reply(
        _("The glass of {person} is whole again. {done}").format(person=broken.person, done=done),
        hint=_("{prefix}break-glass review {number}").format(
            prefix=engine.prefix, number=broken.id
        ),
    )


async def review(ctx: Context, number: int | None) -> Review | None:
    """The breaking *number*, or the latest one; None where the glass was never broken.

    Raises `UsageError` where there is none of that number.
    """
    glass = ctx.engine.glass
    if number is None:
        found = next(iter(await glass.latest(1)), None)
    else:
        found = await glass.numbered(number)
        if found is None:
            raise UsageError(
                _("The glass was never broken under the number {number}.").format(number=number),
                hint=_("{prefix}break-glass review shows the latest.").format(prefix=ctx.prefix),
                word=2,
            )
    if found is None:
        return None
    async with ctx.engine.store.read() as tx:
        under = await _under(tx, found.id)
        spared = [await jobs.get(tx, job) for job in sorted(under)]
    ran = frozenset(job for job in under if under[job])
    return Review(found, tuple(job for job in spared if job is not None), ran)


async def _under(tx: AsyncConnection, number: int) -> dict[int, bool]:
    """The jobs that the breaking *number* spared the second person, and whether each ran so."""
    noted = await jobs.noted(tx, GLASS, State)
    spared = [job for job, glass in noted.items() if glass == number]
    used = requests.c.job.in_(spared) & (requests.c.state == Standing.USED.value)
    rows = await tx.execute(
        select(requests.c.job, func.min(requests.c.need)).where(used).group_by(requests.c.job)
    )
    needs = {row[0]: row[1] for row in rows}
    # one that was asked anew once the glass was whole had its second person in the end
    return {job: job in needs for job in spared if needs.get(job) != int(Need.SECOND)}
