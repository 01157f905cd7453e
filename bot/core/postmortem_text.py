"""The post-mortem of an incident as people read it, in Markdown: everything foreign stays text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, tzinfo

from bot.core import postmortem
from bot.core.alerts import Alert
from bot.core.incidents import Entry, EntryKind
from bot.core.markdown import code, table, text
from bot.core.postmortem import Action, Case
from bot.core.render import duration
from bot.core.text import clean
from bot.core.units import moment
from bot.i18n import _

#: how many digits of a hash people compare
_SHORT = 12


def report(case: Case) -> str:
    """The post-mortem of *case*, ready to be sent and to be gone on with by hand."""
    title = _("Post-mortem of incident {number}: {title}").format(
        number=case.incident.id, title=text(case.incident.title, 200)
    )
    parts = [
        [f"# {title}"],
        _head(case),
        [_h(_("Summary")), "", *_summary(case)],
        [_h(_("Times")), "", *_times(case)],
        [_h(_("People")), "", *_people(case)],
        [_h(_("What was affected")), "", *_affected(case)],
        [_h(_("Timeline")), "", *_timeline(case)],
        [_h(_("Actions")), "", *_actions(case)],
        [_h(_("Alerts")), "", *_alerts(case)],
        [_h(_("Tasks")), "", *_tasks(case)],
        _pictures(case),
        [_h(_("Lessons learned")), "", *_lessons()],
        [_h(_("Evidence")), "", *_evidence(case)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _h(words: str) -> str:
    return f"## {words}"


def _head(case: Case) -> list[str]:
    incident, moments = case.incident, postmortem.times(case)
    severity = _("**SEV{severity}** (1 is the worst, 4 the least)").format(
        severity=incident.severity
    )
    if incident.open:
        state = _("**still open**, this is a draft of {now}").format(now=_both(case, case.now))
    else:
        took = _span(moments.to_resolve)
        state = _("resolved {when}, {took} after the first sign").format(
            when=_both(case, incident.resolved or case.now), took=took
        )
    return [
        f"- {_('Severity')}: {severity}",
        f"- {_('State')}: {state}",
        f"- {_('Lead')}: {text(incident.lead) or '–'}",
        f"- {_('Scribe')}: {text(incident.scribe) or '–'}",
    ]


def _summary(case: Case) -> list[str]:
    incident = case.incident
    written = text(incident.summary) or _(
        "*To be written: what happened, who noticed it, and what ended it.*"
    )
    lines = [written]
    if incident.hypothesis:
        cause = _("Last thought to be the cause: {text}")
        lines += ["", cause.format(text=text(incident.hypothesis))]
    return lines


def _times(case: Case) -> list[str]:
    moments, local = postmortem.times(case), str(case.zone)
    rows = [
        (_("Detected (the first sign)"), moments.detected, None),
        (_("Incident opened"), moments.opened, moments.to_open),
        (_("Acknowledged (the first person on it)"), moments.acknowledged, moments.to_acknowledge),
        (_("Resolved"), moments.resolved, moments.to_resolve),
    ]
    cells = [
        (what, _whole(when, case.zone), _whole(when, UTC), _span(after))
        for what, when, after in sorted(rows, key=lambda row: row[1] or float("inf"))
    ]
    headings = (_("What"), text(local), "UTC", _("After the first sign"))
    if _only_utc(case):
        return table((headings[0], *headings[2:]), [(cell[0], *cell[2:]) for cell in cells])
    return table(headings, cells)


def _people(case: Case) -> list[str]:
    names = {"lead": _("lead"), "scribe": _("scribe")}
    rows = [
        f"- {text(person)}" + (f": {', '.join(names[role] for role in roles)}" if roles else "")
        for person, roles in postmortem.roles(case).items()
    ]
    return rows or [_("Nobody is known.")]


def _affected(case: Case) -> list[str]:
    return [f"- {code(name)}" for name in case.incident.affects] or [_("Nothing was named.")]


def _timeline(case: Case) -> list[str]:
    rows: list[tuple[str, ...]] = []
    before: tuple[date, ...] = (date.min, date.min)
    for entry in case.timeline:
        local, utc = (datetime.fromtimestamp(entry.at, zone) for zone in (case.zone, UTC))
        days = (local.date(), utc.date())
        # the day is said once, and where it is another one
        stamps = [
            when.strftime("%H:%M:%S" if day == last else "%Y-%m-%d %H:%M:%S")
            for when, day, last in zip((local, utc), days, before, strict=True)
        ]
        before = days
        mark = _record_mark(case, entry.audit)
        rows.append((*stamps, text(entry.person, 80), _deed(entry), mark))
    headings = (text(str(case.zone)), "UTC", _("Who"), _("What"), _("Record"))
    if _only_utc(case):
        return table(headings[1:], [row[1:] for row in rows])
    return table(headings, rows)


def _deed(entry: Entry) -> str:
    """What *entry* tells, of a person who is named beside it; as Markdown."""
    said = text(deed(entry))
    turning = (EntryKind.OPENED, EntryKind.RESOLVED, EntryKind.REOPENED)
    return f"**{said}**" if entry.kind in turning else said


def deed(entry: Entry) -> str:
    """What *entry* tells, of a person who is named beside it."""
    values = {"text": entry.text, "sender": "?"} | dict(entry.data)
    if entry.kind is EntryKind.UPDATE_DUE:
        values["due"] = moment(float(entry.data["due"]), entry.at)
    if entry.kind is EntryKind.AFFECTS:
        values["objects"] = ", ".join(map(str, entry.data.get("objects", ())))
    if entry.kind is EntryKind.ALERT and "alert" not in entry.data:
        return entry.text
    words = _DEEDS.get(entry.kind)
    return words().format(**values) if words is not None else entry.text


#: as functions, for the language is known only when somebody reads
_DEEDS: dict[EntryKind, Callable[[], str]] = {
    EntryKind.OPENED: lambda: _("opened the incident: {text}"),
    EntryKind.JOINED: lambda: _("joined"),
    EntryKind.LEAD: lambda: _("made {lead} lead"),
    EntryKind.SCRIBE: lambda: _("made {scribe} scribe"),
    EntryKind.SEVERITY: lambda: _("set the severity to SEV{severity}"),
    EntryKind.AFFECTS: lambda: _("affected: {objects}"),
    EntryKind.PINNED: lambda: _("pinned what {sender} wrote: {text}"),
    EntryKind.STATUS: lambda: _("status: {text}"),
    EntryKind.TASK: lambda: _("task {task} for {for}: {text}"),
    EntryKind.DONE: lambda: _("did task {task}: {text}"),
    EntryKind.UPDATE_DUE: lambda: _("next update due at {due}"),
    EntryKind.HANDOVER: lambda: _("handed over to {lead}"),
    EntryKind.RESOLVED: lambda: _("resolved it: {text}"),
    EntryKind.REOPENED: lambda: _("reopened it"),
    EntryKind.ALERT: lambda: _("alert {alert} {state}: {text}"),
}


def _actions(case: Case) -> list[str]:
    rows = [_action(case, action) for action in case.jobs]
    if not rows:
        return [_("The bot did nothing to what was affected.")]
    return table((_("Job"), _("Who"), _("What"), _("How it ended"), _("Took")), rows)


def _action(case: Case, action: Action) -> tuple[str, ...]:
    took = None
    if action.began is not None and action.ended is not None:
        took = action.ended - action.began
    end = text(action.state) or _("not on the timeline")
    return (str(action.job), text(action.person), code(action.line, 200), end, _span(took))


def _alerts(case: Case) -> list[str]:
    if not case.alerts:
        return [_("No alert belongs to it.")]
    headings = (_("Alert"), _("Severity"), _("What"), _("Since"), _("Acknowledged"), _("Over"))
    return table(headings, [_alert(alert) for alert in case.alerts])


def _alert(alert: Alert) -> tuple[str, ...]:
    acked = _whole(alert.acked, UTC)
    if alert.by:
        acked = _("{when} by {who}").format(when=acked, who=text(alert.by))
    return (
        str(alert.id),
        alert.severity.words,
        text(alert.title, 300),
        _whole(alert.since, UTC),
        acked,
        _whole(alert.ended, UTC),
    )


def _tasks(case: Case) -> list[str]:
    tasks = sorted(case.incident.tasks, key=lambda task: (task.done, task.number))
    return [
        f"- [{'x' if task.done else ' '}] {text(task.text)} ({text(task.person, 80)})"
        for task in tasks
    ] or [_("None was written down.")]


def _pictures(case: Case) -> list[str]:
    before, _name, after = _("[picture {name}]").partition("{name}")
    found = [
        "- {when}: {name} ({who})".format(
            when=_whole(float(entry.data.get("said", entry.at)), case.zone),
            name=text(clean(entry.text.removeprefix(before).removesuffix(after), 200)),
            who=text(str(entry.data.get("sender", "?")), 80),
        )
        for entry in case.timeline
        if entry.kind is EntryKind.PINNED
        and entry.text.startswith(before)
        and entry.text.endswith(after)
    ]
    for entry in case.timeline:
        if entry.kind is EntryKind.RECORD and "picture" in entry.data:
            found += ["- " + _kept_picture(case, entry)]
    return [_h(_("Pictures")), "", *found] if found else []


def _kept_picture(case: Case, entry: Entry) -> str:
    """What is kept of a console, with its picture where that lies beside the report."""
    digest = str(entry.data["picture"])
    said = _("{when}: {what}, sha256 {digest}").format(
        when=_whole(entry.at, case.zone), what=text(entry.text), digest=code(digest)
    )
    file = case.pictures.get(digest)
    return said if file is None else f"{said}\n\n  ![{text(file)}]({file})"


def _lessons() -> Iterator[str]:
    for number, words in enumerate(
        (_("What went well?"), _("What went wrong?"), _("Where were we lucky?"))
    ):
        yield from ["", f"### {words}", "", "- "] if number else [f"### {words}", "", "- "]


def _evidence(case: Case) -> list[str]:
    found = postmortem.evidence(case)
    written = _("Written {now} from {count} entries of the timeline.").format(
        now=_both(case, case.now), count=len(case.entries)
    )
    if not found:
        return [f"- {written}"]
    span = _("The record has {count} entries of this incident, from {first} to {last}.").format(
        count=len(found),
        first=_record_mark(case, found[0][0]),
        last=_record_mark(case, found[-1][0]),
    )
    how = _("{verify} reads the whole record anew; {show} tells each step of a job.").format(
        verify=code(f"{case.prefix}audit verify"), show=code(f"{case.prefix}audit show JOB")
    )
    return [f"- {line}" for line in (written, span, how)]


def _record_mark(case: Case, number: int | None) -> str:
    if number is None:
        return ""
    return code(f"#{number} {case.hashes.get(number, '')[:_SHORT]}".rstrip())


def _only_utc(case: Case) -> bool:
    return str(case.zone) == "UTC"


def _whole(when: float | None, zone: tzinfo) -> str:
    return "" if when is None else datetime.fromtimestamp(when, zone).strftime("%Y-%m-%d %H:%M:%S")


def _both(case: Case, when: float) -> str:
    """*when* in local time and in UTC."""
    utc = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if _only_utc(case):
        return utc
    local = datetime.fromtimestamp(when, case.zone).strftime("%Y-%m-%d %H:%M")
    return f"{local} {text(str(case.zone))} ({utc})"


def _span(seconds: float | None) -> str:
    return "" if seconds is None else duration(max(0.0, seconds))
