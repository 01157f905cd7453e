"""How an incident stands is what its entries come to, in whatever order they were made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.core.incident_text import digest, line, said, status
from bot.core.incidents import Entry, EntryKind, Incident

OPENED = 1_800_000_000.0
PEOPLE = ("anna", "bruno")
#: for each kind, what its data may be
DATA: dict[EntryKind, st.SearchStrategy[Mapping[str, Any]]] = {
    EntryKind.OPENED: st.fixed_dictionaries({"severity": st.integers(1, 4)}),
    EntryKind.LEAD: st.fixed_dictionaries({"lead": st.sampled_from(PEOPLE)}),
    EntryKind.HANDOVER: st.fixed_dictionaries({"lead": st.sampled_from(PEOPLE)}),
    EntryKind.SCRIBE: st.fixed_dictionaries({"scribe": st.sampled_from(PEOPLE)}),
    EntryKind.SEVERITY: st.fixed_dictionaries({"severity": st.integers(1, 4)}),
    EntryKind.AFFECTS: st.fixed_dictionaries(
        {"objects": st.lists(st.sampled_from(("vm", "fz", "fy")))}
    ),
    EntryKind.PINNED: st.fixed_dictionaries(
        {"event": st.just("$e"), "sender": st.sampled_from(PEOPLE), "said": st.just(OPENED)}
    ),
    EntryKind.TASK: st.fixed_dictionaries(
        {"task": st.integers(1, 5), "for": st.sampled_from(PEOPLE)}
    ),
    EntryKind.DONE: st.fixed_dictionaries({"task": st.integers(1, 5)}),
    EntryKind.UPDATE_DUE: st.fixed_dictionaries({"due": st.floats(OPENED, OPENED + 1e6)}),
    EntryKind.ALERT: st.fixed_dictionaries(
        {"alert": st.integers(1, 5), "state": st.sampled_from(("firing", "resolved"))}
    ),
}


@st.composite
def timelines(draw: st.DrawFn) -> list[Entry]:
    kinds = draw(st.lists(st.sampled_from(EntryKind), min_size=1, max_size=30))
    return [
        Entry(
            id=number,
            at=OPENED + number,
            kind=kind,
            person=draw(st.sampled_from(PEOPLE)),
            text=draw(st.text(max_size=20)),
            data=draw(DATA.get(kind, st.just({}))),
        )
        for number, kind in enumerate(kinds, 1)
    ]


def folded(entries: list[Entry]) -> Incident:
    return Incident(1, "mail is down", "!room", OPENED).with_entries(entries)


@given(timelines(), st.integers(0, 30))
def test_it_stands_the_same_whether_it_is_read_at_once_or_bit_by_bit(
    entries: list[Entry], cut: int
) -> None:
    assert folded(entries[:cut]).with_entries(entries[cut:]) == folded(entries)


@given(timelines())
def test_whatever_happened_it_is_told(entries: list[Entry]) -> None:
    incident = folded(entries)

    text = status(incident, entries, [], "!", OPENED + 100).text().plain
    assert text.startswith("🚨" if incident.open else "✅")
    assert line(entries[-1], OPENED) in text
    assert "anna" in digest(incident, entries, [], "anna", OPENED + 100).text().plain
    assert all("{" not in said(entry) for entry in entries if "{" not in entry.text)


@given(timelines())
def test_the_last_word_counts_and_nothing_that_was_added_is_lost(entries: list[Entry]) -> None:
    incident = folded(entries)

    ends = [e.kind for e in entries if e.kind in (EntryKind.RESOLVED, EntryKind.REOPENED)]
    assert incident.open == (not ends or ends[-1] is EntryKind.REOPENED)
    named = {name for e in entries for name in e.data.get("objects", ())}
    assert set(incident.affects) == named
    assert {e.data["alert"] for e in entries if e.kind is EntryKind.ALERT} == set(incident.alerts)
    tasks = [(e.text, e.data["task"]) for e in entries if e.kind is EntryKind.TASK]
    assert [(task.text, task.number) for task in incident.tasks] == tasks
    acting = (EntryKind.RECORD, EntryKind.ALERT)
    assert set(incident.people) == {e.person for e in entries if e.kind not in acting}


def test_a_long_incident_stays_a_short_message() -> None:
    entries = [
        Entry(n, OPENED + n, EntryKind.TASK, "anna", "x" * 2000, {"task": n, "for": "bruno"})
        for n in range(1, 200)
    ]

    text = status(folded(entries), entries, [], "!", OPENED).text().plain

    assert "… and 191 more" in text
    assert len(text) < 4000


def test_a_sentence_with_braces_is_only_text() -> None:
    entry = Entry(1, OPENED, EntryKind.NOTE, "anna", "{person} {0} {")

    assert line(entry, OPENED) == "08:00 UTC anna: {person} {0} {"


def test_the_news_stand_by_their_times_and_what_the_record_has_from_before_is_none() -> None:
    told = [
        Entry(1, OPENED, EntryKind.OPENED, "anna", "mail", {"severity": 2}),
        Entry(2, OPENED + 50, EntryKind.NOTE, "anna", "the newest"),
        Entry(3, OPENED + 20, EntryKind.RECORD, "", "heard of late", audit=7),
        *(Entry(n, OPENED - n, EntryKind.RECORD, "", "of before", audit=n) for n in range(10, 30)),
    ]

    shown = status(folded(told), told, [], "!", OPENED).text().plain

    assert "of before" not in shown
    assert shown.index("heard of late") < shown.index("the newest")
