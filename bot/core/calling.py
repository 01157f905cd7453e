"""Who is called about alerts, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.core.alerts import Severity
from bot.core.policy import Policy

#: the word for every member
EVERYBODY = "everybody"
#: with which call those come in who are called only later
WIDER_FROM = 3


@dataclass(frozen=True)
class Call:
    """Who is called, as roles, persons or `EVERYBODY`; *repeat* in seconds, None for never."""

    mention: tuple[str, ...] = ()
    repeat: float | None = None
    then: tuple[str, ...] = ()

    def whom(self, number: int) -> tuple[str, ...]:
        """Who is called for the *number*th time, the first being 1."""
        return self.mention if number < WIDER_FROM else (*self.mention, *self.then)


@dataclass(frozen=True)
class Calling:
    """What the config says of alerts."""

    by_severity: Mapping[Severity, Call] = field(default_factory=dict)
    messages_a_minute: int = 6
    #: seconds
    comes_back: float = 300.0

    def of(self, severity: Severity) -> Call:
        return self.by_severity.get(severity, Call())


def persons(policy: Policy, names: Iterable[str]) -> frozenset[str]:
    """The members whom *names* mean: roles, persons or `EVERYBODY`."""
    wanted = frozenset(names)
    members = frozenset(policy.persons.values())
    if EVERYBODY in wanted:
        return members
    return frozenset(
        person for person in members if person in wanted or wanted & {*policy.roles.get(person, ())}
    )
