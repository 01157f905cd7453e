"""What people read of incidents: the pinned status, one entry, the digest for who takes over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.core import alert_text
from bot.core.alerts import Alert
from bot.core.incidents import Entry, EntryKind, Incident, Task
from bot.core.render import Lines, Reply
from bot.core.text import clean
from bot.core.units import moment
from bot.i18n import _

#: how many entries the pinned status ends with, and how many a digest has
LAST, LAST_OF_DIGEST = 5, 10
#: how much of one entry is shown where only the news are wanted
_LONGEST = 160
#: how many tasks, alerts and names are shown at most
_MOST = 8


def heading(incident: Incident) -> str:
    """Which incident it is, in one line."""
    sign = "🚨" if incident.open else "✅"
    return _("{sign} incident {number} · SEV{severity} · {title}").format(
        sign=sign, number=incident.id, severity=incident.severity, title=incident.title
    )


def status(
    incident: Incident, entries: Sequence[Entry], alerts: Sequence[Alert], prefix: str, now: float
) -> Reply:
    """The pinned message; *alerts* are the open ones that belong to it."""
    shown = [*_standing(incident, now), *_work(incident, alerts, now)]
    last = [line(entry, incident.opened) for entry in _news(incident, entries)[-LAST:]]
    return Reply(
        heading(incident), body=[Lines(shown), Lines(last)], hint=_how_on(incident, prefix)
    )


def digest(
    incident: Incident, entries: Sequence[Entry], alerts: Sequence[Alert], to: str, now: float
) -> Reply:
    """What *to* has to know who takes the incident over."""
    news = _news(incident, entries)
    done = [entry for entry in news if entry.kind is not EntryKind.JOINED]
    return Reply(
        _("{to}, you lead incident {number} now: {title}").format(
            to=to, number=incident.id, title=incident.title
        ),
        body=[
            Lines([*_standing(incident, now), *_work(incident, alerts, now)]),
            Lines([line(entry, incident.opened) for entry in done[-LAST_OF_DIGEST:]]),
        ],
    )


def _news(incident: Incident, entries: Sequence[Entry]) -> list[Entry]:
    """What happened, by its times; what the record has from before it was opened is no news."""
    news = [
        each for each in entries if each.kind is not EntryKind.RECORD or each.at >= incident.opened
    ]
    return sorted(news, key=lambda entry: (entry.at, entry.id))


def line(entry: Entry, opened: float, longest: int = _LONGEST) -> str:
    """*entry* in one line, with its time: the day where that is not the one of *opened*."""
    return f"{moment(entry.at, opened)} {clean(said(entry), longest)}"


def said(entry: Entry) -> str:
    """What *entry* tells, as a sentence without its time."""
    values = {"person": entry.person, "text": entry.text, **entry.data}
    if entry.kind is EntryKind.UPDATE_DUE:
        values["due"] = moment(float(entry.data["due"]), entry.at)
    if entry.kind is EntryKind.AFFECTS:
        values["objects"] = ", ".join(map(str, entry.data.get("objects", ())))
    if entry.kind is EntryKind.ALERT and "alert" not in entry.data:
        return entry.text
    if entry.kind is EntryKind.ALERT and entry.person:
        return _("alert {alert} {state} by {person}: {text}").format(**values)
    if entry.kind is EntryKind.RECORD and not entry.person:
        return entry.text
    return _SAID[entry.kind]().format(**values)


#: as functions, for the language is known only when somebody reads
_SAID: dict[EntryKind, Callable[[], str]] = {
    EntryKind.OPENED: lambda: _("{person} opened it: {text}"),
    EntryKind.JOINED: lambda: _("{person} joined"),
    EntryKind.LEAD: lambda: _("{lead} leads, said {person}"),
    EntryKind.SCRIBE: lambda: _("{scribe} is the scribe, said {person}"),
    EntryKind.SEVERITY: lambda: _("SEV{severity}, said {person}"),
    EntryKind.AFFECTS: lambda: _("affects {objects}, said {person}"),
    EntryKind.NOTE: lambda: _("{person}: {text}"),
    EntryKind.PINNED: lambda: _("{sender} wrote (pinned by {person}): {text}"),
    EntryKind.STATUS: lambda: _("{person} thinks: {text}"),
    EntryKind.TASK: lambda: _("task {task} for {for}: {text}"),
    EntryKind.DONE: lambda: _("{person} did task {task}: {text}"),
    EntryKind.UPDATE_DUE: lambda: _("next update due {due}, said {person}"),
    EntryKind.HANDOVER: lambda: _("{person} handed over to {lead}"),
    EntryKind.RESOLVED: lambda: _("{person} resolved it: {text}"),
    EntryKind.REOPENED: lambda: _("{person} reopened it"),
    EntryKind.ALERT: lambda: _("alert {alert} {state}: {text}"),
    EntryKind.RECORD: lambda: _("{person}: {text}"),
}


def _standing(incident: Incident, now: float) -> list[str]:
    others = [each for each in incident.people if each not in (incident.lead, incident.scribe)]
    who = [_("lead {lead}").format(lead=incident.lead)] if incident.lead else []
    if incident.scribe:
        who.append(_("scribe {scribe}").format(scribe=incident.scribe))
    if others:
        who.append(_("with {people}").format(people=_names(others)))
    lines = [" · ".join(who)]
    if incident.affects:
        lines.append(_("Affects {names}").format(names=_names(incident.affects)))
    # with its day: this is read for as long as it takes
    since, until = moment(incident.opened, 0.0), incident.resolved
    if until is None:
        lines.append(_("Since {since}").format(since=since))
    else:
        times = {"since": since, "until": moment(until, incident.opened)}
        lines.append(
            _("From {since} to {until}: {summary}").format(summary=incident.summary, **times)
        )
    if incident.hypothesis:
        lines.append(_("Thought to be the cause: {text}").format(text=incident.hypothesis))
    if incident.due is not None:
        late = _("⏰ An update was due at {due}") if incident.due <= now else _("Next update {due}")
        lines.append(late.format(due=moment(incident.due, incident.opened)))
    return lines


def _work(incident: Incident, alerts: Sequence[Alert], now: float) -> list[str]:
    """What is to be done, and what goes on: open tasks and open alerts."""
    tasks = [_task(each) for each in incident.tasks if not each.done]
    troubles = [alert_text.line(alert, now) for alert in alerts]
    return [*_bounded(tasks), *_bounded(troubles)]


def _task(task: Task) -> str:
    return _("☐ {number}. {text} ({person})").format(
        number=task.number, text=clean(task.text, _LONGEST), person=task.person
    )


def _bounded(lines: Sequence[str]) -> list[str]:
    left = len(lines) - _MOST
    more = [_("… and {count} more").format(count=left)] if left > 0 else []
    return [*lines[:_MOST], *more]


def _names(names: Sequence[str]) -> str:
    return ", ".join(_bounded(names))


def _how_on(incident: Incident, prefix: str) -> str:
    if not incident.open:
        return _(
            "{prefix}incident timeline #{number} shows all; {prefix}incident reopen #{number} "
            "goes on."
        ).format(prefix=prefix, number=incident.id)
    return _(
        "Type in this thread: {prefix}incident note TEXT, status, task, update; "
        "{prefix}incident resolve SUMMARY ends it."
    ).format(prefix=prefix)
