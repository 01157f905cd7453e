"""The life of a job, as a table.  Rule: every change of a job's state goes through `after`.

A command becomes a job the moment it is stored.  It waits for a person (approval), then for its
locks, then runs; the four ends are final, but for `UNDETERMINED`, which a person settles.  A
running job goes back to `QUEUED` only in recovery, when it is proven that nothing was changed.
One that came while the bot was away is `HELD` until a person releases it.
"""

from __future__ import annotations

from enum import Enum

from bot.i18n import _


class State(Enum):
    """Where a job stands."""

    QUEUED = "queued"
    HELD = "held"
    AWAITING_APPROVAL = "awaiting approval"
    AWAITING_LOCKS = "awaiting locks"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDETERMINED = "undetermined"


class Event(Enum):
    """What can happen to a job."""

    HOLD = "hold"
    RELEASE = "release"
    ASK = "ask"
    WAIT = "wait"
    START = "start"
    REQUEUE = "requeue"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    LOSE = "lose"


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.QUEUED: {
        Event.HOLD: State.HELD,
        Event.ASK: State.AWAITING_APPROVAL,
        Event.WAIT: State.AWAITING_LOCKS,
        Event.START: State.RUNNING,
        Event.SUCCEED: State.SUCCEEDED,
        Event.FAIL: State.FAILED,
        Event.CANCEL: State.CANCELLED,
    },
    State.HELD: {
        Event.RELEASE: State.QUEUED,
        Event.FAIL: State.FAILED,
        Event.CANCEL: State.CANCELLED,
    },
    State.AWAITING_APPROVAL: {
        Event.WAIT: State.AWAITING_LOCKS,
        Event.START: State.RUNNING,
        Event.REQUEUE: State.QUEUED,
        Event.FAIL: State.FAILED,
        Event.CANCEL: State.CANCELLED,
    },
    State.AWAITING_LOCKS: {
        Event.START: State.RUNNING,
        Event.REQUEUE: State.QUEUED,
        Event.FAIL: State.FAILED,
        Event.CANCEL: State.CANCELLED,
    },
    State.RUNNING: {
        Event.REQUEUE: State.QUEUED,
        Event.SUCCEED: State.SUCCEEDED,
        Event.FAIL: State.FAILED,
        Event.CANCEL: State.CANCELLED,
        Event.LOSE: State.UNDETERMINED,
    },
    State.SUCCEEDED: {},
    State.FAILED: {},
    State.CANCELLED: {},
    State.UNDETERMINED: {
        Event.SUCCEED: State.SUCCEEDED,
        Event.FAIL: State.FAILED,
    },
}

ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.UNDETERMINED})
#: states in which a job has not begun and goes on by itself
WAITING = frozenset({State.QUEUED, State.AWAITING_APPROVAL, State.AWAITING_LOCKS})
#: states in which a job's locks are its own
HOLDING = frozenset({State.RUNNING, State.UNDETERMINED})


def after(state: State, event: Event) -> State:
    """The state that *event* leads to from *state*; an illegal event is a bug, so it raises."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise RuntimeError(f"a job that is {state.value} cannot {event.value}") from None


def in_words(state: State) -> str:
    """*state* for people."""
    return {
        State.QUEUED: _("queued"),
        State.HELD: _("held"),
        State.AWAITING_APPROVAL: _("awaiting approval"),
        State.AWAITING_LOCKS: _("awaiting locks"),
        State.RUNNING: _("running"),
        State.SUCCEEDED: _("succeeded"),
        State.FAILED: _("failed"),
        State.CANCELLED: _("cancelled"),
        State.UNDETERMINED: _("undetermined"),
    }[state]
