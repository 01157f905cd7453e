"""What nobody's job may touch, and hosts that take no guest in.  No I/O here.

A hold counts for the thing that it was placed on, whatever that is called later: a DomU is known by
its name and by its UUID, a volume by its name and by its WWN, a host by its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from bot.core.plan import Plan, Thing
from bot.core.units import moment
from bot.i18n import _

#: the kinds of arguments that name a thing which can be held
_NAMED_AS = {"domu": Thing.DOMU, "dom0": Thing.HOST, "volume": Thing.VOLUME}


class HoldKind(Enum):
    """What a hold is about."""

    DOMU = "domu"
    HOST = "host"
    VOLUME = "volume"
    #: a host that guests may leave, and none may come to
    MAINTENANCE = "maintenance"

    def of(self, name: str) -> str:
        """*name* with what it is, for people."""
        words = {
            HoldKind.DOMU: _("DomU {name}"),
            HoldKind.HOST: _("Dom0 {name}"),
            HoldKind.VOLUME: _("volume {name}"),
            HoldKind.MAINTENANCE: _("Dom0 {name}"),
        }
        return words[self].format(name=name)


#: what a held thing is touched by: its name, and what it is known by in truth
_TOUCHED_AS = {
    HoldKind.DOMU: (Thing.DOMU, Thing.UUID),
    HoldKind.HOST: (Thing.HOST,),
    HoldKind.VOLUME: (Thing.VOLUME, Thing.WWN),
}


@dataclass(frozen=True)
class Aim:
    """What a command would touch, as far as that is known, and where it would bring a guest."""

    touches: frozenset[tuple[Thing, str]] = frozenset()
    arrivals: frozenset[str] = frozenset()


def aim_of(named: Iterable[tuple[str, str]], plan: Plan | None = None) -> Aim:
    """The aim of a command: the objects *named* in its line, and what its *plan* found."""
    things = {(_NAMED_AS[kind], name) for kind, name in named if kind in _NAMED_AS}
    if plan is None:
        return Aim(frozenset(things))
    return Aim(plan.touches | things, frozenset(plan.memory))


@dataclass(frozen=True)
class Hold:
    """One hold of one person; times are seconds since 1970."""

    id: int
    kind: HoldKind
    name: str
    #: the UUID or the WWN that it had when it was held; empty where none was known
    identity: str
    reason: str
    by: str
    #: the job that placed it
    job: int
    since: float
    #: None: until somebody releases it
    until: float | None = None
    #: "active" until it ended or was released
    state: str = "active"

    def lasts(self, now: float) -> bool:
        """Whether it counts, which it does before its birth as well: it protects."""
        return self.until is None or now < self.until

    def bars(self, aim: Aim) -> bool:
        """Whether what has this *aim* must not be done while this stands."""
        if self.kind is HoldKind.MAINTENANCE:
            return self.name in aim.arrivals
        name, *identity = _TOUCHED_AS[self.kind]
        if (name, self.name) in aim.touches:
            return True
        return bool(self.identity) and any(
            (thing, self.identity) in aim.touches for thing in identity
        )

    def same_thing(self, other: Hold) -> bool:
        """Whether both are about one thing."""
        if self.kind is not other.kind:
            return False
        known = self.identity and other.identity
        return self.name == other.name or (bool(known) and self.identity == other.identity)

    def sentence(self, now: float) -> str:
        """Who holds what, until when, and why; for people."""
        values = {
            "what": self.kind.of(self.name),
            "who": self.by,
            "since": moment(self.since, now),
            "until": moment(self.until, now) if self.until is not None else "",
            "why": self.reason,
        }
        if self.kind is HoldKind.MAINTENANCE:
            said = _("{what} is in maintenance since {since} and takes no guest in ({who}): {why}")
        elif self.until is None:
            said = _("{what} is held by {who} since {since}, until it is released: {why}")
        else:
            said = _("{what} is held by {who} until {until}: {why}")
        return said.format(**values)


def against(holds: Iterable[Hold], aim: Aim) -> list[Hold]:
    """Those of *holds* that bar what has this *aim*, oldest first."""
    return sorted((hold for hold in holds if hold.bars(aim)), key=lambda hold: hold.id)
