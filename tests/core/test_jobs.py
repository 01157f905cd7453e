"""The table of a job's life is total: each event either leads on or is a bug that raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.jobs import ENDED, HOLDING, TRANSITIONS, Event, State, after

LEGAL = {
    (State.QUEUED, Event.HOLD): State.HELD,
    (State.HELD, Event.RELEASE): State.QUEUED,
    (State.HELD, Event.FAIL): State.FAILED,
    (State.HELD, Event.CANCEL): State.CANCELLED,
    (State.QUEUED, Event.ASK): State.AWAITING_APPROVAL,
    (State.QUEUED, Event.WAIT): State.AWAITING_LOCKS,
    (State.QUEUED, Event.START): State.RUNNING,
    (State.QUEUED, Event.SUCCEED): State.SUCCEEDED,
    (State.QUEUED, Event.FAIL): State.FAILED,
    (State.QUEUED, Event.CANCEL): State.CANCELLED,
    (State.AWAITING_APPROVAL, Event.WAIT): State.AWAITING_LOCKS,
    (State.AWAITING_APPROVAL, Event.START): State.RUNNING,
    (State.AWAITING_APPROVAL, Event.REQUEUE): State.QUEUED,
    (State.AWAITING_APPROVAL, Event.FAIL): State.FAILED,
    (State.AWAITING_APPROVAL, Event.CANCEL): State.CANCELLED,
    (State.AWAITING_LOCKS, Event.START): State.RUNNING,
    (State.AWAITING_LOCKS, Event.REQUEUE): State.QUEUED,
    (State.AWAITING_LOCKS, Event.FAIL): State.FAILED,
    (State.AWAITING_LOCKS, Event.CANCEL): State.CANCELLED,
    (State.RUNNING, Event.REQUEUE): State.QUEUED,
    (State.RUNNING, Event.SUCCEED): State.SUCCEEDED,
    (State.RUNNING, Event.FAIL): State.FAILED,
    (State.RUNNING, Event.CANCEL): State.CANCELLED,
    (State.RUNNING, Event.LOSE): State.UNDETERMINED,
    (State.UNDETERMINED, Event.SUCCEED): State.SUCCEEDED,
    (State.UNDETERMINED, Event.FAIL): State.FAILED,
}


def test_the_table_has_a_row_for_each_state() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_legal_events_lead_on_and_all_others_raise(state: State, event: Event) -> None:
    if (state, event) in LEGAL:
        assert after(state, event) is LEGAL[state, event]
    else:
        with pytest.raises(RuntimeError, match=f"a job that is {state.value} cannot"):
            after(state, event)


@pytest.mark.parametrize("state", [each for each in State if each in ENDED - {State.UNDETERMINED}])
def test_an_end_is_final(state: State) -> None:
    assert TRANSITIONS[state] == {}


def test_only_a_person_ends_what_is_undetermined_and_never_by_running_it_again() -> None:
    reached = set(TRANSITIONS[State.UNDETERMINED].values())

    assert reached == {State.SUCCEEDED, State.FAILED}


def test_only_what_ran_can_be_undetermined() -> None:
    assert {state for state, event in LEGAL if event is Event.LOSE} == {State.RUNNING}


def test_what_is_held_begins_only_by_being_released() -> None:
    assert {event for event, state in TRANSITIONS[State.HELD].items() if state not in ENDED} == {
        Event.RELEASE
    }


def test_locks_are_held_from_the_start_to_the_known_end() -> None:
    assert {State.RUNNING, State.UNDETERMINED} == HOLDING


@given(st.lists(st.sampled_from(Event), max_size=12))
def test_no_sequence_of_events_leaves_a_final_state(events: list[Event]) -> None:
    state, final = State.QUEUED, None
    for event in events:
        try:
            state = after(state, event)
        except RuntimeError:
            continue
        assert final is None
        if state in ENDED - {State.UNDETERMINED}:
            final = state
