"""Incidents: troubles that several people handle together.  No I/O here.

Everything about an incident is an entry of its timeline, which is only ever added to; how it stands
is what its entries come to, one after the other.  So whatever two people do at once, both is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


class EntryKind(Enum):
    """What an entry of a timeline tells."""

    OPENED = "opened"
    JOINED = "joined"
    #: *data* ``{"lead": PERSON}``
    LEAD = "lead"
    #: *data* ``{"scribe": PERSON}``
    SCRIBE = "scribe"
    #: *data* ``{"severity": 1}``, 1 being the worst
    SEVERITY = "severity"
    #: *data* ``{"objects": ["vm", …]}``
    AFFECTS = "affects"
    NOTE = "note"
    #: a message of the room; *data* ``{"event": ID, "sender": WHO, "said": seconds}``
    PINNED = "pinned"
    #: what is thought to be the cause now, as text
    STATUS = "status"
    #: *data* ``{"task": N, "for": PERSON}``
    TASK = "task"
    #: *data* ``{"task": N}``
    DONE = "done"
    #: *data* ``{"due": seconds since 1970}``
    UPDATE_DUE = "update due"
    HANDOVER = "handover"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    #: from the record: jobs, approvals, denials, holds…; *data* has the record's kind and hash
    RECORD = "record"
    #: *data* ``{"alert": N, "state": …}``; without data where there are more than are kept
    ALERT = "alert"


@dataclass(frozen=True)
class Entry:
    """One line of a timeline; *at* in seconds since 1970."""

    id: int
    at: float
    kind: EntryKind
    person: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    #: the number of the entry of the record that it comes from
    audit: int | None = None
    job: int | None = None


@dataclass(frozen=True)
class Task:
    """Something that somebody took on."""

    number: int
    text: str
    person: str
    done: bool = False


@dataclass(frozen=True)
class Incident:
    """How an incident stands, by all the entries so far."""

    id: int
    title: str
    room: str
    opened: float
    #: 1 (worst) to 4
    severity: int = 3
    lead: str = ""
    scribe: str = ""
    affects: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    hypothesis: str = ""
    tasks: tuple[Task, ...] = ()
    #: when the next update is due
    due: float | None = None
    #: when it was resolved, and how; None while it is open
    resolved: float | None = None
    summary: str = ""
    #: numbers of alerts that belong to it
    alerts: tuple[int, ...] = ()

    @property
    def open(self) -> bool:
        return self.resolved is None

    def with_entry(self, entry: Entry) -> Incident:
        """How it stands after *entry*; what an entry cannot mean changes nothing."""
        change = _CHANGES.get(entry.kind)
        after = replace(self, **change(self, entry)) if change is not None else self
        by_hand = entry.kind not in (EntryKind.RECORD, EntryKind.ALERT)
        if by_hand and entry.person and entry.person not in after.people:
            after = replace(after, people=(*after.people, entry.person))
        return after

    def with_entries(self, entries: Iterable[Entry]) -> Incident:
        """How it stands after all of *entries*, in their order."""
        after = self
        for entry in entries:
            after = after.with_entry(entry)
        return after


def _affected(incident: Incident, entry: Entry) -> dict[str, Any]:
    names = dict.fromkeys((*incident.affects, *map(str, entry.data.get("objects", ()))))
    return {"affects": tuple(names)}


def _tasked(incident: Incident, entry: Entry) -> dict[str, Any]:
    task = Task(int(entry.data["task"]), entry.text, str(entry.data["for"]))
    return {"tasks": (*incident.tasks, task)}


def _did(incident: Incident, entry: Entry) -> dict[str, Any]:
    number = entry.data.get("task")
    return {
        "tasks": tuple(
            replace(task, done=True) if task.number == number else task for task in incident.tasks
        )
    }


def _alerted(incident: Incident, entry: Entry) -> dict[str, Any]:
    number = entry.data.get("alert")
    if number is None or number in incident.alerts:
        return {}
    return {"alerts": (*incident.alerts, int(number))}


_CHANGES = {
    EntryKind.OPENED: lambda incident, entry: {
        "severity": int(entry.data.get("severity", incident.severity)),
        "lead": entry.person,
    },
    EntryKind.LEAD: lambda incident, entry: {"lead": str(entry.data["lead"])},
    EntryKind.HANDOVER: lambda incident, entry: {"lead": str(entry.data["lead"])},
    EntryKind.SCRIBE: lambda incident, entry: {"scribe": str(entry.data["scribe"])},
    EntryKind.SEVERITY: lambda incident, entry: {"severity": int(entry.data["severity"])},
    EntryKind.AFFECTS: _affected,
    EntryKind.STATUS: lambda incident, entry: {"hypothesis": entry.text, "due": None},
    EntryKind.TASK: _tasked,
    EntryKind.DONE: _did,
    EntryKind.UPDATE_DUE: lambda incident, entry: {"due": float(entry.data["due"])},
    EntryKind.RESOLVED: lambda incident, entry: {
        "resolved": entry.at,
        "summary": entry.text,
        "due": None,
    },
    EntryKind.REOPENED: lambda incident, entry: {"resolved": None, "summary": ""},
    EntryKind.ALERT: _alerted,
}
