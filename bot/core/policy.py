"""Who may do what: rights as verb and object patterns, deny wins, unknown means no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Right:
    """``domu.migrate on vm-*``: a verb pattern, and a pattern for the names of its objects."""

    verb: str
    object: str = "*"

    @classmethod
    def parse(cls, text: str) -> Right:
        """Read ``VERB`` or ``VERB on OBJECT``; raises `ValueError` for anything else."""
        match text.split():
            case [verb]:
                return cls(verb)
            case [verb, "on", name]:
                return cls(verb, name)
        raise ValueError(text)

    def covers(self, verb: str, name: str) -> bool:
        return fnmatchcase(verb, self.verb) and fnmatchcase(name, self.object)

    def __str__(self) -> str:
        return self.verb if self.object == "*" else f"{self.verb} on {self.object}"


@dataclass(frozen=True)
class Role:
    """What its members may do; a denial wins over any grant of any role."""

    allow: tuple[Right, ...] = ()
    deny: tuple[Right, ...] = ()


@dataclass(frozen=True)
class Rights:
    """Everything that one person may do, from all roles together."""

    allow: tuple[Right, ...] = ()
    deny: tuple[Right, ...] = ()

    def verb(self, verb: str) -> bool:
        """Whether *verb* may be done on anything at all."""
        if any(fnmatchcase(verb, right.verb) and right.object == "*" for right in self.deny):
            return False
        return any(fnmatchcase(verb, right.verb) for right in self.allow)

    def object(self, verb: str, name: str) -> bool:
        """Whether *verb* may be done on the object called *name*."""
        if any(right.covers(verb, name) for right in self.deny):
            return False
        return any(right.covers(verb, name) for right in self.allow)

    def every(self, verb: str) -> bool:
        """Whether *verb* may be done on every object, so that nothing must be hidden."""
        if any(fnmatchcase(verb, right.verb) for right in self.deny):
            return False
        return any(fnmatchcase(verb, right.verb) and right.object == "*" for right in self.allow)


@dataclass(frozen=True)
class Policy:
    """Persons by chat id, roles by person, rights by role."""

    persons: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rights: Mapping[str, Role] = field(default_factory=dict)

    def person(self, chat_id: str) -> str | None:
        """Who writes under *chat_id*; None for everybody that the config does not name."""
        return self.persons.get(chat_id)

    def of(self, person: str, room: str = "") -> Rights:
        """What *person* may do in *room*; nothing for somebody without a role."""
        roles = [self.rights[name] for name in self.roles.get(person, ()) if name in self.rights]
        return Rights(_all(role.allow for role in roles), _all(role.deny for role in roles))


def _all(groups: Iterable[tuple[Right, ...]]) -> tuple[Right, ...]:
    return tuple(right for group in groups for right in group)
