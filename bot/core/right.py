"""A right as the configuration writes it, and what it speaks of.

``domu.migrate, domu.stop on web-* except web-db to fy, fz in #nounou:example.org``: verbs, then in
any order the objects, those excepted, the arguments of the command, and the rooms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.patterns import any_matches, contains, overlap, wildcards
from bot.i18n import _

#: what names of objects, arguments and rooms may be made of
_PATTERN = re.compile(r"[!-+\--~]{1,255}")
_VERB = re.compile(r"[a-z0-9_.*?\[\]!-]{1,64}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_ROOM = re.compile(r"[#!*?\[].*")
#: longer than anybody reads
LONGEST = 1000
#: patterns and wildcards in one right at most: whether one right lies within others is worked out
#: while everybody waits
MOST_PATTERNS, MOST_WILDCARDS = 60, 20

#: the words that begin a clause of their own; any other is the name of a parameter
RESERVED = ("on", "except", "in")

#: the kind of object that the verbs of a noun speak of; those of any other noun speak of all kinds
_KINDS = {"domu": "domu", "host": "dom0", "volume": "volume"}


def speaks_of(verb: str, kind: str) -> bool:
    """Whether the objects in rights to *verb* are (also) those of *kind*."""
    return _KINDS.get(verb.partition(".")[0], kind) == kind


@dataclass(frozen=True)
class Asked:
    """A command as rights judge it."""

    verb: str
    #: the names of the objects that rights to this verb speak of
    objects: tuple[str, ...] = ()
    #: the words by their parameter; what was left out is not there
    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: whether it shows only those objects that its asker has the right to
    filters: bool = False
    #: the names of its other objects, which only what is denied with ``on`` speaks of
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Right:
    """Patterns of verbs, and of what they may be done to, how, and where."""

    verbs: tuple[str, ...]
    objects: tuple[str, ...] = ("*",)
    excepted: tuple[str, ...] = ()
    #: the patterns by parameter, in the order of their names
    arguments: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: nothing: everywhere
    rooms: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Right:
        """Read a right; raises `ValueError`, which says in a sentence what is wrong with it."""
        if len(text) > LONGEST:
            raise ValueError(_("a right has {count} signs at most").format(count=LONGEST))
        tokens = re.findall(r"[^\s,]+|,", text)
        verbs = _some(tokens, _VERB, "")
        clauses: dict[str, tuple[str, ...]] = {}
        while tokens:
            word = tokens.pop(0)
            if _PARAMETER.fullmatch(word) is None:
                raise ValueError(_("{word} cannot begin a clause").format(word=_shown(word)))
            word = word.replace("-", "_")
            if word in clauses:
                raise ValueError(_("{word} stands there twice").format(word=_shown(word)))
            clauses[word] = _some(tokens, _ROOM if word == "in" else _PATTERN, word)
        _demand_short([*verbs, *(each for patterns in clauses.values() for each in patterns)])
        return cls(
            verbs,
            clauses.pop("on", ("*",)),
            clauses.pop("except", ()),
            rooms=clauses.pop("in", ()),
            arguments=tuple(sorted(clauses.items())),
        )

    def __str__(self) -> str:
        clauses = [("", self.verbs)]
        if self.objects != ("*",):
            clauses.append(("on ", self.objects))
        clauses += [("except ", self.excepted), *((f"{n} ", p) for n, p in self.arguments)]
        clauses.append(("in ", self.rooms))
        return " ".join(f"{word}{', '.join(each)}" for word, each in clauses if each)

    @property
    def limited(self) -> bool:
        """Whether it speaks of some objects only."""
        return self.objects != ("*",) or bool(self.excepted)

    def has_verb(self, verb: str) -> bool:
        return any_matches(self.verbs, verb)

    def has_object(self, name: str) -> bool:
        return any_matches(self.objects, name) and not any_matches(self.excepted, name)

    def has_room(self, room: str) -> bool:
        return not self.rooms or any_matches(self.rooms, room)

    def allows(self, asked: Asked, name: str | None) -> bool:
        """Whether it gives *asked* on the object *name*; None where no object is named.

        Every word of an argument that it speaks of has to match.
        """
        if not self.has_verb(asked.verb):
            return False
        for parameter, patterns in self.arguments:
            words = asked.arguments.get(parameter, ())
            if not words or not all(any_matches(patterns, word) for word in words):
                return False
        if name is None:
            return asked.filters or not self.limited
        return self.has_object(name)

    def concerns(self, asked: Asked) -> bool:
        """Whether a denial of it meets *asked*: one object and one word of each argument do."""
        if not self.has_verb(asked.verb):
            return False
        for parameter, patterns in self.arguments:
            words = asked.arguments.get(parameter, ())
            if not any(any_matches(patterns, word) for word in words):
                return False
        return not self.limited or bool(self.met(asked))

    def met(self, asked: Asked) -> tuple[str, ...]:
        """The objects of *asked* that a denial of it meets.

        With ``on`` these are of any kind: who denies ``* on fz`` wants nobody to do anything there.
        """
        names = asked.objects if self.objects == ("*",) else (*asked.objects, *asked.others)
        return tuple(filter(self.has_object, names))

    def overlaps_verb(self, verb: str) -> bool:
        """Whether it speaks of any verb that the pattern *verb* matches."""
        return any(overlap(each, verb) for each in self.verbs)

    def parts(self) -> Iterator[Right]:
        """The same in rights to one pattern of verbs on one pattern of objects each."""
        for verb in self.verbs:
            for name in self.objects:
                yield Right((verb,), (name,), self.excepted, self.arguments, self.rooms)

    def covers(self, part: Right) -> bool:
        """Whether whatever *part* (see `parts`) allows, this allows as well; no where unsure."""
        given = dict(part.arguments)
        return (
            (part.limited or not self.limited)
            and _within(part.verbs, self.verbs)
            and _within(part.objects, self.objects)
            and all(
                _within((each,), part.excepted) or not _meet((each,), part.objects)
                for each in self.excepted
            )
            and all(
                parameter in given and _within(given[parameter], patterns)
                for parameter, patterns in self.arguments
            )
            and (not self.rooms or (bool(part.rooms) and _within(part.rooms, self.rooms)))
        )

    def touches(self, other: Right) -> bool:
        """Whether there may be a command that both speak of; yes where unsure."""
        mine = dict(self.arguments)
        return (
            _meet(self.verbs, other.verbs)
            and (not self.limited or not other.limited or self._shares_objects(other))
            and all(
                _meet(mine[parameter], patterns)
                for parameter, patterns in other.arguments
                if parameter in mine
            )
            and (not self.rooms or not other.rooms or _meet(self.rooms, other.rooms))
        )

    def _shares_objects(self, other: Right) -> bool:
        return any(
            overlap(one, two)
            and not _within((two,), self.excepted)
            and not _within((one,), other.excepted)
            for one in self.objects
            for two in other.objects
        )


def _demand_short(patterns: Sequence[str]) -> None:
    if len(patterns) > MOST_PATTERNS:
        raise ValueError(
            _("a right has {count} names and patterns at most; write several rights").format(
                count=MOST_PATTERNS
            )
        )
    if sum(map(wildcards, patterns)) > MOST_WILDCARDS:
        raise ValueError(
            _("a right has {count} wildcards (* ? [) at most; write several rights").format(
                count=MOST_WILDCARDS
            )
        )


def _some(tokens: list[str], shape: re.Pattern[str], after: str) -> tuple[str, ...]:
    """Take a list of patterns off the front of *tokens*; they stand behind the word *after*."""
    found = []
    while True:
        if not tokens or tokens[0] == ",":
            raise ValueError(_no_pattern(after))
        word = tokens.pop(0)
        if shape.fullmatch(word) is None or _PATTERN.fullmatch(word) is None:
            raise ValueError(_no_such_pattern(word, after))
        found.append(word)
        if tokens[:1] != [","]:
            return tuple(found)
        del tokens[0]


def _no_pattern(after: str) -> str:
    if not after:
        return _("a right begins with a verb, like domu.migrate")
    if after == "in":
        return _("no room stands behind 'in' (in YAML, put a right with a # in quotes)")
    return _("nothing stands behind {word}").format(word=_shown(after))


def _no_such_pattern(word: str, after: str) -> str:
    if not after:
        return _("{word} is not a pattern of verbs").format(word=_shown(word))
    if after == "in":
        return _("{word} is neither a room's alias nor its id").format(word=_shown(word))
    return _("{word} is not a pattern of names").format(word=_shown(word))


def _shown(word: str) -> str:
    return repr(word[:60])


def _within(narrower: tuple[str, ...], wider: tuple[str, ...]) -> bool:
    """Whether each of *narrower* is contained in one of *wider*."""
    return all(any(contains(wide, each) for wide in wider) for each in narrower)


def _meet(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return any(overlap(one, other) for one in some for other in others)
