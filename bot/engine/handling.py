"""What persons do to an incident: which one they mean, and their entry on its timeline.

Each entry is decided by how the incident stands in the transaction that writes it, together with
the record and with the note that its job is done: it is there once, whatever crashes, and of two
people who do the same thing at once the second is told so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core import incident_text
from bot.core.alerts import Alert
from bot.core.audit import Entry as Recorded
from bot.core.chat import Quoted
from bot.core.incidents import EntryKind
from bot.core.render import Reply
from bot.core.text import clean, did_you_mean, is_command
from bot.core.units import moment
from bot.engine import audit_log, incident_posts, incident_rows, jobs, outbox
from bot.engine.incident_rows import Timeline
from bot.engine.incidents import LONGEST_TEXT, LONGEST_TITLE, USUAL, names_of
from bot.engine.which_alerts import may_on_alert
from bot.errors import Refused, UsageError
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.context import Context
    from bot.engine.jobs import Job

#: what is still said of an incident that is resolved
_AFTERWARDS = frozenset(
    {EntryKind.NOTE, EntryKind.PINNED, EntryKind.TASK, EntryKind.DONE, EntryKind.REOPENED}
)


@dataclass(frozen=True)
class Act:
    """An entry that somebody makes, and what they are answered."""

    kind: EntryKind
    sentence: str
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""


#: what to do, by how the incident stands; raises `Refused` where it cannot be done (any more)
Decide = Callable[[Timeline], Act]


async def meant(
    ctx: Context, words: Sequence[str], *, last: bool = False, within: str = ""
) -> tuple[int, tuple[str, ...]]:
    """The number of the incident that *words* are about, and the rest of them.

    A first word ``#3`` names it; else it is the one in whose thread the message stands that is
    pointed at (*within*), or in whose thread this was typed, or in that of an alert that belongs to
    it; else the one that is open; with *last*, where none is, the last one.  Raises `UsageError`
    where it is not clear.
    """
    if words and re.fullmatch(r"#[0-9]{1,9}", words[0]):
        return int(words[0][1:]), tuple(words[1:])
    incidents = ctx.engine.incidents
    await incidents.settle()
    opened = incidents.open
    for event_id in (within, ctx.job.thread, ctx.job.answers):
        if (number := await incidents.of_message(event_id)) is not None:
            return number, tuple(words)
        told = {alert.id for alert in await ctx.engine.alerts.of_message(event_id)}
        if about := [each for each in opened if told & set(each.alerts)]:
            return about[0].id, tuple(words)
    if not opened and last:
        opened = await incidents.latest(1)
    if len(opened) == 1:
        return opened[0].id, tuple(words)
    if not opened:
        how = _("{prefix}incident open TITLE opens one.").format(prefix=ctx.prefix)
        raise Refused(_("No incident is open."), hint=how)
    raise UsageError(
        _("Several incidents are open; which one?"),
        hint="\n".join(
            [
                *map(incident_text.heading, opened),
                _("Write its number first, or type in its thread:"),
                _numbered(ctx, opened[-1].id),
            ]
        ),
    )


def _numbered(ctx: Context, number: int) -> str:
    """What was typed, ready to be typed again with the *number* of an incident."""
    path, rest = ctx.job.line.split(maxsplit=2)[:2], ctx.job.line.split(maxsplit=2)[2:]
    return ctx.shown(" ".join([*path, f"#{number}", *rest]))


async def told(ctx: Context, number: int) -> Reply:
    """How the incident *number* stands, as its pinned message tells it."""
    engine, found = ctx.engine, await standing(ctx, number)
    alerts = incident_posts.alerts_of(engine, found.incident)
    return incident_text.status(
        found.incident, found.entries, alerts, engine.prefix, engine.clock()
    )


async def standing(ctx: Context, number: int) -> Timeline:
    """The incident *number* with its timeline; raises `UsageError` where there is none."""
    found = await ctx.engine.incidents.timeline(number)
    if found is None:
        raise _unknown(ctx, number)
    return found


def _unknown(ctx: Context, number: int) -> UsageError:
    return UsageError(
        _("There is no incident {number}.").format(number=number),
        hint=_("{prefix}incident list --all lists them.").format(prefix=ctx.prefix),
    )


async def begin(
    ctx: Context, title: str, severity: int | None, alerts: Sequence[Alert]
) -> tuple[int, str]:
    """Open an incident; returns its number and what to say of that.

    Raises `Refused` where all of *alerts* belong to open ones already.
    """
    engine, job = ctx.engine, ctx.job
    async with engine.incidents.write() as tx:
        await _demand_new(tx, alerts)
        names = names_of(alerts)
        data = {"title": clean(title, LONGEST_TITLE), "severity": severity or USUAL}
        recorded = await _record(tx, ctx, "incident.open", EntryKind.OPENED, names, data)
        number = await engine.incidents.begin(
            tx,
            title=title,
            severity=severity or USUAL,
            person=job.person,
            room=job.room,
            job=job.id,
            alerts=alerts,
            audit=recorded.number,
        )
        sentence = _("Incident {number} is open; you lead it.").format(number=number)
        await jobs.done(tx, job.id, sentence)
    return number, sentence


async def _demand_new(tx: AsyncConnection, alerts: Sequence[Alert]) -> None:
    """Raise `Refused` where there are *alerts* and each belongs to an open incident."""
    left = {alert.id for alert in alerts}
    for each in await incident_rows.opened(tx) if alerts else ():
        found = await incident_rows.whole(tx, each)
        left -= set(found.incident.alerts) if found else set()
        if found and not left:
            raise Refused(
                _("Alert {number} belongs to an incident already.").format(number=alerts[0].id),
                hint=incident_text.heading(found.incident),
            )


async def act(ctx: Context, verb: str, number: int, decide: Decide) -> Reply:
    """Make the entry that *decide* makes of how the incident stands; raises as that does."""
    engine = ctx.engine
    async with engine.incidents.write() as tx:
        found = await incident_rows.whole(tx, number)
        if found is None:
            raise _unknown(ctx, number)
        done = decide(found)
        _demand_open(ctx, found, done.kind)
        names = found.incident.affects
        data = {"incident": number, "text": clean(done.text, LONGEST_TEXT), **done.data}
        recorded = await _record(tx, ctx, verb, done.kind, names, data)
        await engine.incidents.add(
            tx,
            number,
            done.kind,
            ctx.person,
            done.text,
            done.data,
            job=ctx.job.id,
            audit=recorded.number,
        )
        if done.kind is EntryKind.HANDOVER:
            await _hand_over(tx, ctx, number, str(done.data["lead"]))
        await jobs.done(tx, ctx.job.id, done.sentence)
    engine.outbox.wake()
    return Reply(done.sentence, hint=done.hint)


def _demand_open(ctx: Context, found: Timeline, kind: EntryKind) -> None:
    """Raise `Refused` where it is resolved, by whom and when, unless *kind* is said afterwards."""
    incident = found.incident
    if incident.open or kind in _AFTERWARDS:
        return
    resolved = found.last(EntryKind.RESOLVED)
    raise Refused(
        _("Incident {number} is already resolved, by {person} at {time}: {summary}").format(
            number=incident.id,
            person=resolved.person,
            time=moment(resolved.at, ctx.engine.clock()),
            summary=incident.summary,
        ),
        hint=_("{prefix}incident reopen #{number} opens it again.").format(
            prefix=ctx.prefix, number=incident.id
        ),
    )


async def _hand_over(tx: AsyncConnection, ctx: Context, number: int, to: str) -> None:
    """Tell *to* in the thread what has to be known."""
    engine = ctx.engine
    found = await incident_rows.whole(tx, number)
    assert found is not None
    alerts = incident_posts.alerts_of(engine, found.incident)
    digest = incident_text.digest(found.incident, found.entries, alerts, to, engine.clock())
    name = f"handover-{ctx.job.id}"
    await outbox.put(tx, incident_posts.in_thread(engine, found.incident, name, digest, [to]))


async def _record(
    tx: AsyncConnection,
    ctx: Context,
    verb: str,
    kind: EntryKind,
    names: Sequence[str],
    data: Mapping[str, Any],
) -> Recorded:
    job: Job = ctx.job
    said = {
        "person": job.person,
        "job": job.id,
        "verb": verb,
        "objects": list(names),
        "entry": kind.value,
        **data,
    }
    return await audit_log.append(tx, "incident", said, ctx.engine.clock())


async def pointed_at(ctx: Context) -> tuple[Quoted, str]:
    """The message that the command answers, and who wrote it, by name where that is known.

    Raises `UsageError` where it answers none, `Refused` where that cannot be read.
    """
    engine, job = ctx.engine, ctx.job
    if not job.answers:
        raise UsageError(
            _("It is not clear which message is meant."),
            hint=_("Answer the message with {prefix}incident pin, or put 📌 on it.").format(
                prefix=ctx.prefix
            ),
        )
    quoted = await engine.chat.quoted(job.room, job.answers)
    if quoted is None:
        raise Refused(_("That message cannot be read, so it is not on the timeline."))
    if is_command(quoted.body, engine.prefix):
        # what nobody may read is not to be read on a timeline either
        quoted = replace(quoted, body=engine.shown(quoted.body.strip()))
    return quoted, clean(engine.policy.person(quoted.sender) or quoted.sender, 80)


async def alerts_of(ctx: Context, number: int | None) -> list[Alert]:
    """The alert *number*, or those that the message tells which the command answers, worst first.

    Else those of the message in whose thread it was typed; only what the asker may see.

    Raises `UsageError` where there is none of that number that the asker may see.
    """
    alerts = ctx.engine.alerts
    if number is not None:
        found = await alerts.numbered(number)
        if found is None or not may_on_alert(ctx, "alert.show", found):
            raise UsageError(_("There is no alert {number}.").format(number=number))
        return [found]
    for event_id in (ctx.job.answers, ctx.job.thread):
        told = await alerts.of_message(event_id) if event_id else []
        if seen := [alert for alert in told if may_on_alert(ctx, "alert.show", alert)]:
            return seen
    return []


def lacks_lead(ctx: Context, person: str) -> str:
    """What to say where *person* may not do what who leads an incident does; else nothing."""
    if ctx.engine.rights(person, ctx.job.room).verb("incident.lead", objects=False):
        return ""
    return _("⚠ {person} lacks the right incident.lead, so cannot hand it over.").format(
        person=person
    )


def member(ctx: Context, words: Sequence[str]) -> str:
    """The one member whom *words* name; raises `UsageError` for anybody else."""
    policy = ctx.engine.policy
    members = sorted(set(policy.persons.values()))
    if len(words) != 1:
        raise UsageError(
            _("Which member?"), hint=_("There are: {names}.").format(names=", ".join(members))
        )
    person = policy.named(words[0])
    if person not in members:
        raise UsageError(
            _("Nobody is called {name} here.").format(name=clean(words[0], 60)),
            hint=did_you_mean(words[0], members)
            or _("There are: {names}.").format(names=", ".join(members)),
        )
    return person
