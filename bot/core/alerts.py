"""Alerts: what is wrong, how bad it is, and how it comes to an end.  No I/O here.

An alert is known by its source and a key of that source, so that the same trouble told twice is one
alert.  It *fires* until somebody *acknowledges* it, and ends when its source says that it is over.
One that a person *closed* is over for people, though its source may go on to say that it is there:
then it does not fire again before it was gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum

from bot.core.plan import Thing
from bot.errors import Refused
from bot.i18n import _

#: what an alert is about: (kind, name), as plans and holds name things
Objects = frozenset[tuple[Thing, str]]


class Severity(IntEnum):
    """How bad it is, in rising order."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2

    @property
    def sign(self) -> str:
        return {Severity.INFO: "ℹ️", Severity.WARNING: "⚠", Severity.CRITICAL: "🔥"}[self]

    @property
    def words(self) -> str:
        """The severity for people."""
        return {
            Severity.INFO: _("info"),
            Severity.WARNING: _("warning"),
            Severity.CRITICAL: _("critical"),
        }[self]


class AlertState(Enum):
    """Where an alert is on its way."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    #: a person said that it is over, its source did not
    CLOSED = "closed"
    RESOLVED = "resolved"

    @property
    def words(self) -> str:
        """The state for people."""
        return {
            AlertState.FIRING: _("firing"),
            AlertState.ACKNOWLEDGED: _("acknowledged"),
            AlertState.CLOSED: _("closed"),
            AlertState.RESOLVED: _("resolved"),
        }[self]


#: in which people still have to do with it
OPEN = (AlertState.FIRING, AlertState.ACKNOWLEDGED)


class AlertEvent(Enum):
    """What can happen to an alert."""

    #: its source says that it is so
    FIRE = "fire"
    #: its source says that it is over
    END = "end"
    #: its source says that it is worse than what was acknowledged
    WORSEN = "worsen"
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"


#: state → event → next state; what is missing cannot happen.  The table is total for its source,
#: which can say anything at any time
TRANSITIONS: Mapping[AlertState, Mapping[AlertEvent, AlertState]] = {
    AlertState.FIRING: {
        AlertEvent.FIRE: AlertState.FIRING,
        AlertEvent.WORSEN: AlertState.FIRING,
        AlertEvent.END: AlertState.RESOLVED,
        AlertEvent.ACKNOWLEDGE: AlertState.ACKNOWLEDGED,
        AlertEvent.CLOSE: AlertState.CLOSED,
    },
    AlertState.ACKNOWLEDGED: {
        AlertEvent.FIRE: AlertState.ACKNOWLEDGED,
        AlertEvent.WORSEN: AlertState.FIRING,
        AlertEvent.END: AlertState.RESOLVED,
        AlertEvent.CLOSE: AlertState.CLOSED,
    },
    AlertState.CLOSED: {
        AlertEvent.FIRE: AlertState.CLOSED,
        AlertEvent.WORSEN: AlertState.FIRING,
        AlertEvent.END: AlertState.RESOLVED,
    },
    AlertState.RESOLVED: {
        AlertEvent.FIRE: AlertState.FIRING,
        AlertEvent.WORSEN: AlertState.FIRING,
        AlertEvent.END: AlertState.RESOLVED,
    },
}


def after(state: AlertState, event: AlertEvent) -> AlertState:
    """The state that follows; raises `Refused` where a person asks for what cannot be."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise Refused(_("It is {state} already.").format(state=state.words)) from None


@dataclass(frozen=True)
class Finding:
    """One trouble, as a source tells it now."""

    #: by which the source knows it again, whatever else changes
    key: str
    severity: Severity
    #: one sentence: what is wrong
    title: str
    objects: Objects = frozenset()
    details: str = ""
    #: what to do next; commands are written without their prefix as {prefix}job show 7
    hint: str = ""
    url: str = ""
    #: findings of one group share a message; by itself where nothing is said
    group: str = ""
    #: whether holds and maintenance do not mute it, because somebody's data is being destroyed
    loud: bool = False
    #: seconds since 1970, where the source knows since when; else it is now
    since: float | None = None


@dataclass(frozen=True)
class Sight:
    """Everything that one source finds wrong at one time.

    What it does not name is over, but for what is about the *unseen*: nobody knows of those.
    """

    findings: tuple[Finding, ...] = ()
    unseen: Objects = frozenset()


@dataclass(frozen=True)
class Told:
    """One word of a program: this fires, or this is over."""

    finding: Finding
    firing: bool


#: what people read of a finding, under the same names in an `Alert`
TOLD = ("severity", "title", "details", "hint", "url", "objects", "loud")


@dataclass(frozen=True)
class Message:
    """One message in the room, about an alert or several of one group."""

    id: int
    group: str
    opened: float
    closed: float | None = None
    #: whether it says less than is known
    stale: bool = True
    #: when people were last called, and how often
    called: float | None = None
    calls: int = 0


@dataclass(frozen=True)
class Alert:
    """One alert as the store has it; times are seconds since 1970."""

    id: int
    source: str
    key: str
    #: the message in the room that tells it
    post: int
    severity: Severity
    title: str
    details: str
    hint: str
    url: str
    objects: Objects
    loud: bool
    state: AlertState
    since: float
    seen: float
    ended: float | None
    #: how often it fired
    times: int
    #: who acknowledged or closed it; empty for nobody
    by: str = ""
    acked: float | None = None

    @property
    def open(self) -> bool:
        """Whether people still have to do with it."""
        return self.state in OPEN

    def says(self, finding: Finding) -> bool:
        """Whether people already read of it what *finding* tells."""
        return all(getattr(self, name) == getattr(finding, name) for name in TOLD)

    @property
    def names(self) -> tuple[str, ...]:
        """What it is about, by name."""
        return tuple(sorted({name for _thing, name in self.objects}))
