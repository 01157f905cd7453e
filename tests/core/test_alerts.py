"""The life of an alert, as a table and as what people read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.alert_text import told
from bot.core.alerts import (
    TRANSITIONS,
    Alert,
    AlertEvent,
    AlertState,
    Severity,
    after,
)
from bot.core.calling import EVERYBODY, Call, persons
from bot.core.policy import Policy
from bot.errors import Refused

NOW = 1_800_000_000.0


def alert(number: int = 1, state: AlertState = AlertState.FIRING, **more: object) -> Alert:
    values: dict[str, object] = {
        "id": number,
        "source": "hosts",
        "key": f"k{number}",
        "post": 1,
        "severity": Severity.CRITICAL,
        "title": "fy does not answer",
        "details": "",
        "hint": "{prefix}status",
        "url": "",
        "objects": frozenset(),
        "loud": False,
        "state": state,
        "since": NOW,
        "seen": NOW,
        "ended": None,
        "times": 1,
    }
    return Alert(**(values | more))  # type: ignore[arg-type]


def test_a_source_may_say_anything_at_any_time() -> None:
    for state in AlertState:
        for event in (AlertEvent.FIRE, AlertEvent.END, AlertEvent.WORSEN):
            assert after(state, event) in AlertState


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(AlertState)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (AlertState.ACKNOWLEDGED, AlertEvent.ACKNOWLEDGE),
        (AlertState.CLOSED, AlertEvent.ACKNOWLEDGE),
        (AlertState.RESOLVED, AlertEvent.ACKNOWLEDGE),
        (AlertState.CLOSED, AlertEvent.CLOSE),
        (AlertState.RESOLVED, AlertEvent.CLOSE),
    ],
)
def test_what_a_person_asks_for_too_late_is_refused(state: AlertState, event: AlertEvent) -> None:
    with pytest.raises(Refused, match=state.words):
        after(state, event)


@given(st.lists(st.sampled_from(AlertEvent)))
def test_an_alert_that_its_source_ends_is_over_whatever_came_before(
    events: list[AlertEvent],
) -> None:
    state = AlertState.FIRING
    for event in events:
        state = TRANSITIONS[state].get(event, state)

    assert after(state, AlertEvent.END) is AlertState.RESOLVED


def test_one_alert_is_told_with_its_number_its_state_and_how_to_go_on() -> None:
    said = told([alert()], "", "!", NOW).text().plain.splitlines()

    assert said == [
        "🔥 alert 1: fy does not answer",
        "Critical, since 08:00 UTC.",
        "!status",
        "!alert ack 1 (or ✅ on this) says that you are on it.",
    ]


def test_of_many_the_worst_are_named_and_the_rest_is_counted() -> None:
    many = [alert(n, severity=Severity.WARNING) for n in range(1, 100)]
    said = told([*many, alert(100)], "", "!", NOW).text().plain.splitlines()

    assert said[0] == "🔥 100 alerts: 100 firing"
    assert said[1].startswith("🔥 100: ")
    assert said[9] == "… and 92 more: !alert list"


def test_roles_persons_and_everybody_can_be_called() -> None:
    policy = Policy(
        persons={"@a:x": "anna", "@b:x": "bruno", "@c:x": "chris"},
        roles={"anna": ("nounou",), "bruno": ("apprentice",)},
        rights={},
    )

    assert persons(policy, ["nounou", "chris"]) == {"anna", "chris"}
    assert persons(policy, [EVERYBODY]) == {"anna", "bruno", "chris"}
    assert persons(policy, ["nobody"]) == set()


def test_who_comes_in_later_is_called_from_the_third_time_on() -> None:
    call = Call(("nounou",), 60.0, (EVERYBODY,))

    assert [call.whom(n) for n in (1, 2, 3)] == [
        ("nounou",),
        ("nounou",),
        ("nounou", EVERYBODY),
    ]
