"""Entries as people read them, known kinds and unknown ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.audit import GENESIS, Entry, seal
from bot.core.audit_text import row, story

VALUES = st.recursive(
    st.text(max_size=20) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


def entry(kind: str, data: dict[str, Any]) -> Entry:
    return seal(7, "2026-11-25T03:00:00.250+00:00", kind, data, GENESIS)


def test_a_row_says_who_asked_for_what() -> None:
    asked = entry("asked", {"job": 3, "person": "anna", "line": "!ping", "event": "$x", "via": "p"})

    assert row(asked) == (asked.short, "2026-11-25T03:00:00", "asked: job 3 · anna · !ping")


def test_a_row_names_a_stranger_by_the_chat_id() -> None:
    assert row(entry("denied", {"sender": "@x:y", "line": "!a"}))[2] == "denied: @x:y · !a"
    assert row(entry("denied again", {"sender": "@x:y", "more": 12}))[2] == (
        "denied again: @x:y · 12 more"
    )


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("plan", {"verb": "domu.migrate", "objects": ["fz", "vm"]}, "domu.migrate fz, vm"),
        ("requested", {"verb": "domu.destroy", "objects": ["vm"]}, "domu.destroy vm"),
        ("reloaded", {"verb": "config.reload", "difference": []}, "config.reload"),
        (
            "granted",
            {
                "verb": "access.grant",
                "objects": ["bea"],
                "to": "bea",
                "right": "domu.migrate on vm",
                "reason": "power work",
            },
            "access.grant bea · domu.migrate on vm · power work",
        ),
        (
            "hold placed",
            {"verb": "hold.place", "objects": ["vm"], "kind": "domu", "reason": "one"},
            "hold.place vm · one",
        ),
        (
            "glass ended",
            {"verb": "access.break_glass", "objects": [], "of": "bea"},
            "access.break_glass bea",
        ),
        ("released", {"released": [4, 5]}, "released: 4, 5"),
        ("policy", {"digest": "a1" * 32, "keys": ["role r"]}, "keys: role r"),
        ("expired", {"verb": "domu.start", "objects": ["vm"]}, "domu.start vm"),
    ],
)
def test_a_row_without_a_line_says_what_was_done_to_what(
    kind: str, data: dict[str, Any], says: str
) -> None:
    said = entry(kind, {"job": 5, "person": "anna"} | data)

    assert row(said)[2] == f"{kind}: job 5 · anna · {says}"


def test_a_row_says_no_more_of_a_step_than_the_step_says() -> None:
    about = {"job": 5, "person": "anna", "verb": "domu.migrate", "objects": ["vm", "fz"]}

    assert row(entry("step", about | {"step": "move vm"}))[2] == "step: job 5 · anna · move vm"
    assert row(entry("sent", about | {"where": "fy", "words": "xl list"}))[2] == (
        "sent: job 5 · anna · fy · xl list"
    )


def test_a_denial_names_its_rule_or_that_there_is_none() -> None:
    denied = {"person": "bea", "line": "!a", "state": "failed", "code": "denied"}

    assert row(entry("denied", denied | {"rule": "none"}))[2] == "denied: bea · !a · no rule"
    assert row(entry("denied", denied | {"rule": "* (role r)"}))[2] == (
        "denied: bea · !a · * (role r)"
    )
    assert story(entry("denied", denied | {"rule": "none"}))[0].endswith("bea · !a · no rule")
    ended = denied | {"code": "refused"}
    assert row(entry("ended", ended))[2] == "ended: bea · !a · failed · refused"


def test_a_return_says_the_code_even_if_it_is_nought() -> None:
    returned = {"job": 3, "person": "anna", "where": "fy", "exit": 0}

    assert row(entry("returned", returned))[2] == "returned: job 3 · anna · fy · exit 0"


def test_the_story_shows_the_whole_command_and_short_hashes() -> None:
    sent = story(entry("sent", {"person": "anna", "where": "fy", "words": "sudo " + "x" * 500}))
    agreed = story(entry("approved", {"person": "bea", "digest": "a1" * 32, "job": 3}))

    assert sent == ["03:00:00.250 #7 sent: anna · fy · sudo " + "x" * 500]
    assert agreed == ["03:00:00.250 #7 approved: bea · digest: a1a1a1a1a1a1"]


def test_the_story_lists_the_steps_of_a_plan() -> None:
    plan = {"person": "anna", "verb": "domu.migrate", "objects": ["vm", "fz"]}

    said = story(entry("plan", plan | {"steps": [["fy", "xl migrate vm fz"], ["fz", "xl list"]]}))
    after = story(entry("step", plan | {"step": "move vm to fz"}))

    assert said == [
        "03:00:00.250 #7 plan: anna · verb: domu.migrate · objects: vm, fz",
        "    1. fy: xl migrate vm fz",
        "    2. fz: xl list",
    ]
    assert after == ["03:00:00.250 #7 step: anna · move vm to fz"]


def test_a_kind_that_nobody_foresaw_says_all_it_has() -> None:
    assert story(entry("eclipsed", {"moon": "full", "count": 3}))[0].endswith(
        "eclipsed: moon: full · count: 3"
    )


@given(st.text(max_size=30), st.dictionaries(st.text(max_size=9), VALUES, max_size=5))
def test_whatever_is_in_the_record_is_shown_on_lines_of_its_own(
    kind: str, data: dict[str, Any]
) -> None:
    for line in (*row(entry(kind, data)), *story(entry(kind, data))):
        assert line.isprintable()
        assert "\n" not in line
