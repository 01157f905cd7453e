"""The post-mortem says what happened to whoever was not there, and nothing foreign is markup."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.core import postmortem
from bot.core.alerts import Alert, AlertState, Severity
from bot.core.incidents import Entry, EntryKind, Incident
from bot.core.markdown import code, text
from bot.core.plan import Thing
from bot.core.postmortem import Case
from bot.core.postmortem_text import report

#: 2027-01-15 02:12 UTC, at night in Paris
START = 1_799_979_120.0

ALERT = Alert(
    id=4,
    source="domus",
    key="gone vm",
    post=2,
    severity=Severity.CRITICAL,
    title="DomU vm is gone",
    details="",
    hint="",
    url="",
    objects=frozenset({(Thing.DOMU, "vm")}),
    loud=False,
    state=AlertState.RESOLVED,
    since=START - 90,
    seen=START,
    ended=START + 1500,
    times=1,
    by="anna",
    acked=START - 30,
)


def entries(*told: tuple[float, EntryKind, str, str, dict[str, Any]]) -> list[Entry]:
    return [
        Entry(
            number,
            START + at,
            kind,
            person,
            said,
            data,
            audit=data.get("audit"),
            job=data.get("job"),
        )
        for number, (at, kind, person, said, data) in enumerate(told, 1)
    ]


def played() -> Case:
    """A guest is gone at night, and two people bring it back."""
    began = {"kind": "plan", "line": "!migrate vm fz", "verb": "domu.migrate", "job": 12}
    told = entries(
        (0, EntryKind.OPENED, "anna", "mail is down", {"severity": 2, "audit": 40, "job": 9}),
        (0, EntryKind.AFFECTS, "anna", "", {"objects": ["vm"]}),
        (1, EntryKind.ALERT, "anna", "DomU vm is gone", {"alert": 4, "state": "acknowledged"}),
        (60, EntryKind.SCRIBE, "anna", "", {"scribe": "ben"}),
        (120, EntryKind.STATUS, "anna", "host fy lost its second path", {}),
        (180, EntryKind.TASK, "anna", "call the vendor", {"task": 1, "for": "ben"}),
        (190, EntryKind.TASK, "ben", "tell the users", {"task": 2, "for": "ben"}),
        (240, EntryKind.RECORD, "anna", "began job 12: !migrate vm fz", began | {"audit": 44}),
        (250, EntryKind.DONE, "ben", "tell the users", {"task": 2}),
        (
            300,
            EntryKind.RECORD,
            "anna",
            "job 12 succeeded: !migrate vm fz → vm runs on fz, and only there.",
            began | {"kind": "ended", "state": "succeeded", "audit": 49},
        ),
        (1620, EntryKind.RESOLVED, "anna", "a cable was loose; vm runs on fz", {"audit": 51}),
        # heard of later, but it happened before
        (-30, EntryKind.NOTE, "ben", "the users call", {}),
    )
    incident = Incident(3, "mail is down", "!room", START).with_entries(told)
    hashes = {number: f"{number:02x}" * 32 for number in (40, 44, 49, 51)}
    return Case(incident, told, [ALERT], hashes, ZoneInfo("Europe/Paris"), START + 3600)


EXAMPLE = Path(__file__).parents[2] / "docs" / "postmortem.md"


def test_it_reads_as_the_example_that_is_shown() -> None:
    _before, example, _after = EXAMPLE.read_text(encoding="utf-8").split("````\n")
    assert report(played()) == example


def test_the_times_count_from_the_first_sign() -> None:
    moments = postmortem.times(played())
    assert moments.detected == START - 90
    assert moments.to_acknowledge == 60
    assert moments.to_open == 90
    assert moments.to_resolve == 1710


def test_an_open_incident_without_anything_else_is_a_draft() -> None:
    told = entries((0, EntryKind.OPENED, "anna", "mail is down", {}))
    case = Case(Incident(1, "mail is down", "!room", START).with_entries(told), told, now=START)
    found = report(case)
    assert "**still open**, this is a draft of 2027-01-15 02:12 UTC" in found
    assert "Nothing was named." in found
    assert "No alert belongs to it." in found
    assert "The bot did nothing to what was affected." in found
    assert "Europe" not in found


def test_pictures_that_were_pinned_are_listed_by_name() -> None:
    data = {"sender": "carla", "said": START - 60}
    told = entries((9, EntryKind.PINNED, "ben", "[picture panel.jpg]", data))

    assert "## Pictures\n\n- 2027-01-15 03:11:00: panel.jpg (carla)\n" in report(
        replace(played(), entries=told)
    )


def test_programs_read_the_same() -> None:
    whole = json.loads(postmortem.document(played()))
    assert whole["format"] == 1
    assert whole["incident"]["people"] == {"ben": ["scribe"], "anna": ["lead"]}
    assert whole["times"]["seconds_from_detection"]["to_resolve"] == 1710
    assert whole["timeline"][0]["text"] == "the users call"
    assert whole["jobs"][0]["state"] == "succeeded"
    assert whole["record"][0] == {"number": 40, "hash": "28" * 32}
    assert whole["tasks"][0] == {
        "number": 1,
        "text": "call the vendor",
        "person": "ben",
        "done": False,
    }


def shape(markdown: str) -> list[tuple[str, str]]:
    """What a reader makes of *markdown*: everything but its words."""
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    return [(token.type, token.tag) for token in _all(parser.parse(markdown))]


def _all(tokens: Iterable[Token]) -> Iterable[Token]:
    for token in tokens:
        if token.type not in ("text", "text_special", "code_inline"):
            yield token
        yield from _all(token.children or ())


NASTY = [
    "# a heading",
    "[a link](https://evil.example)",
    "![a picture](x)",
    "<b>bold</b><script>alert(1)</script>",
    "https://evil.example/path",
    "www.evil.example",
    "mailto:a@b.example",
    "@room look here",
    "@anna:example.org",
    "**bold** _it_ ~~gone~~ `code`",
    "a | b || c \\| d \\",
    "- [ ] a task",
    "1. one",
    "1) one",
    "+ one",
    "> said",
    "=====",
    "-----",
    "```\ncode\n```",
    "line\n\n# heading\n\n<div>",
    "&lt;b&gt; &amp; &#35;",
    "[ref]: https://evil.example",
    "[^1] footnote",
    "$math$ and ^sup^",
    "\u202eright to left\u200b",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_what_people_write_stays_words(nasty: str) -> None:
    assert shape(report(with_words(nasty))) == shape(report(with_words("words")))


@given(st.text(min_size=1, max_size=60).filter(lambda said: bool(code(said))))
def test_no_text_at_all_is_markup(said: str) -> None:
    assert shape(report(with_words("a" + said))) == shape(report(with_words("words")))


@given(st.text(st.sampled_from("ab #-+=.)1>`*_[](){}<>|~\\!&@:/w\n\t$^"), min_size=1, max_size=30))
def test_no_signs_of_markup_are_markup(said: str) -> None:
    for wrapped in (text(said + "z"), f"- {text(said + 'z')}", f"# {text(said + 'z')}"):
        plain = shape(wrapped.replace(text(said + "z"), "words"))
        assert shape(wrapped) == plain, wrapped


def test_nobody_is_called_and_nothing_is_linked() -> None:
    found = text("@room see https://evil.example or www.evil.example")
    assert "@room" not in found
    assert "://" not in found
    assert "www." not in found


def with_words(said: str) -> Case:
    """The same case, but everything that is foreign says *said*."""
    case = played()
    told = [
        replace(
            each,
            text=said,
            person=said,
            data={
                key: said if key in ("lead", "scribe", "line", "state", "for", "sender") else value
                for key, value in each.data.items()
            }
            | ({"objects": [said]} if each.kind is EntryKind.AFFECTS else {}),
        )
        for each in case.entries
    ]
    incident = Incident(3, said, "!room", START).with_entries(told)
    alert = replace(ALERT, title=said, by=said)
    return replace(case, incident=incident, entries=told, alerts=[alert])
