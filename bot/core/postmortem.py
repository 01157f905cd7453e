"""What an incident was, as programs and reports read it.  No I/O here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from bot.core.alerts import Alert, AlertState
from bot.core.incidents import Entry, EntryKind, Incident

#: of the JSON: raised when what is there changes its meaning
FORMAT = 1
#: the alert's states in which nobody has to be called for it any more
_HEARD = (AlertState.ACKNOWLEDGED, AlertState.CLOSED)


@dataclass(frozen=True)
class Case:
    """An incident with everything that is known of it."""

    incident: Incident
    entries: Sequence[Entry]
    alerts: Sequence[Alert] = ()
    #: the hash of each entry of the record that is on the timeline, by its number
    hashes: Mapping[int, str] = field(default_factory=dict)
    #: in which the times are told, beside UTC
    zone: tzinfo = UTC
    #: when it was written down
    now: float = 0.0
    prefix: str = "!"
    #: the files beside the report that are pictures of consoles, by their hashes
    pictures: Mapping[str, str] = field(default_factory=dict)

    @property
    def timeline(self) -> list[Entry]:
        """All entries by their times: what was heard later stands where it happened."""
        return sorted(self.entries, key=lambda entry: (entry.at, entry.id))

    @property
    def jobs(self) -> list[Action]:
        """What was done, in the order of the jobs."""
        found: dict[int, Action] = {}
        for entry in self.timeline:
            if entry.kind is EntryKind.RECORD and entry.job is not None:
                before = found.get(entry.job, Action(entry.job))
                found[entry.job] = before.after(entry)
        # what ended unseen, or was denied before it was a deed, is on the timeline alone
        return [found[job] for job in sorted(found) if found[job].line]


@dataclass(frozen=True)
class Action:
    """One job of an incident."""

    job: int
    person: str = ""
    line: str = ""
    began: float | None = None
    ended: float | None = None
    state: str = ""

    def after(self, entry: Entry) -> Action:
        """What is known of it after *entry*, which is about it."""
        data, kind = entry.data, entry.data.get("kind")
        values = asdict(self)
        if not self.line:
            values["line"] = str(data.get("line", ""))
        if kind in ("requested", "plan", "ended", "denied"):
            values["person"] = entry.person
        if kind == "plan" and self.began is None:
            values["began"] = entry.at
        if kind in ("ended", "denied"):
            values |= {"ended": entry.at, "state": str(data.get("state", kind))}
        if kind == "denied":
            values["state"] = "denied"
        return Action(**values)


@dataclass(frozen=True)
class Times:
    """The moments that count, in seconds since 1970; None for what did not come yet."""

    #: the first sign: since when the first alert is so, or the opening
    detected: float
    opened: float
    #: when the first person took it on
    acknowledged: float | None
    resolved: float | None

    @property
    def to_open(self) -> float:
        return self.opened - self.detected

    @property
    def to_acknowledge(self) -> float | None:
        return None if self.acknowledged is None else self.acknowledged - self.detected

    @property
    def to_resolve(self) -> float | None:
        return None if self.resolved is None else self.resolved - self.detected


def times(case: Case) -> Times:
    """When it was detected, taken on and resolved."""
    opened, alerts = case.incident.opened, case.alerts
    detected = min([opened, *(alert.since for alert in alerts)])
    by_hand = [entry.at for entry in case.entries if entry.kind is EntryKind.OPENED]
    heard = [alert.acked for alert in alerts if alert.acked is not None]
    heard += [
        entry.at
        for entry in case.entries
        if entry.kind is EntryKind.ALERT
        and entry.data.get("state") in {state.value for state in _HEARD}
    ]
    first = min([*by_hand, *heard], default=None)
    taken_on = None if first is None else max(first, detected)
    return Times(detected, opened, taken_on, case.incident.resolved)


def roles(case: Case) -> dict[str, list[str]]:
    """Everybody who took part, with what they were: lead, scribe; in the order of their coming."""
    found: dict[str, list[str]] = {}
    for entry in case.timeline:
        if entry.person and entry.person != "bot":
            found.setdefault(entry.person, [])
        for role in ("lead", "scribe"):
            person = str(entry.data.get(role, ""))
            if entry.kind is EntryKind.OPENED and role == "lead":
                person = entry.person
            if person and role not in found.setdefault(person, []):
                found[person].append(role)
    return found


def evidence(case: Case) -> list[tuple[int, str]]:
    """The number and the hash of each entry of the record that is on the timeline, in order."""
    numbers = sorted({entry.audit for entry in case.entries if entry.audit is not None})
    return [(number, case.hashes.get(number, "")) for number in numbers]


def document(case: Case) -> str:
    """All of it as JSON, in ASCII; times are ISO 8601 in UTC."""
    incident, moments = case.incident, times(case)
    whole = {
        "format": FORMAT,
        "written": _iso(case.now),
        "incident": {
            "number": incident.id,
            "title": incident.title,
            "severity": incident.severity,
            "state": "open" if incident.open else "resolved",
            "summary": incident.summary,
            "hypothesis": incident.hypothesis,
            "affects": list(incident.affects),
            "people": roles(case),
        },
        "times": {
            **{name: _iso(value) for name, value in asdict(moments).items()},
            "seconds_from_detection": {
                "to_open": moments.to_open,
                "to_acknowledge": moments.to_acknowledge,
                "to_resolve": moments.to_resolve,
            },
        },
        "timeline": [_entry(entry, case) for entry in case.timeline],
        "jobs": [_action(action) for action in case.jobs],
        "alerts": [_alert(alert) for alert in case.alerts],
        "tasks": [asdict(task) for task in incident.tasks],
        "pictures": [{"file": file, "sha256": hash_} for hash_, file in case.pictures.items()],
        "record": [{"number": number, "hash": hash_} for number, hash_ in evidence(case)],
    }
    return json.dumps(whole, indent=1) + "\n"


def _entry(entry: Entry, case: Case) -> dict[str, Any]:
    said = {"at": _iso(entry.at), "kind": entry.kind.value, "person": entry.person}
    said |= {"text": entry.text}
    more = {"data": dict(entry.data), "record": entry.audit, "job": entry.job}
    return said | more


def _action(action: Action) -> dict[str, Any]:
    return asdict(action) | {"began": _iso(action.began), "ended": _iso(action.ended)}


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "number": alert.id,
        "source": alert.source,
        "severity": alert.severity.name.lower(),
        "title": alert.title,
        "objects": list(alert.names),
        "state": alert.state.value,
        "since": _iso(alert.since),
        "acknowledged": _iso(alert.acked),
        "by": alert.by,
        "ended": _iso(alert.ended),
        "times": alert.times,
        "url": alert.url,
    }


def _iso(when: float | None) -> str | None:
    if when is None:
        return None
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")
