"""Patterns of names as a shell has them (``*``, ``?``, ``[a-z]``), and what two of them share.

`fnmatch.fnmatchcase` says what a pattern matches.  Here two patterns are walked side by side, over
one sign of each kind that either can tell apart; a walk that gets too long is given up, with the
answer that grants nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

#: steps after which a walk is given up; two names with a few wildcards take some dozens
_LONGEST_WALK = 1_000

#: the parts of a pattern, each of which matches one sign, but ``*`` any number
_Parts = tuple[str, ...]


def any_matches(patterns: Iterable[str], text: str) -> bool:
    """Whether at least one of *patterns* matches *text*."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def overlap(one: str, other: str) -> bool:
    """Whether some text matches both; true as well where that takes too long to say."""
    left, right = _parts(one), _parts(other)
    signs = _signs(one, other)
    seen = {(0, 0)}
    walk = [(0, 0)]
    while walk and len(seen) < _LONGEST_WALK:
        here, there = walk.pop()
        ends = _rest(left, here), _rest(right, there)
        if len(left) in ends[0] and len(right) in ends[1]:
            return True
        steps = {
            (a, b)
            for sign in signs
            for a in _after(left, ends[0], sign)
            for b in _after(right, ends[1], sign)
        }
        walk += steps - seen
        seen |= steps
    return bool(walk)


def contains(wider: str, narrower: str) -> bool:
    """Whether *wider* matches all that *narrower* does; false where that takes too long to say."""
    if wider in ("*", narrower):
        return True
    left, right = _parts(narrower), _parts(wider)
    signs = _signs(wider, narrower)
    start = (0, _rest(right, 0))
    seen = {start}
    walk = [start]
    while walk and len(seen) < _LONGEST_WALK:
        here, there = walk.pop()
        ends = _rest(left, here)
        if len(left) in ends and len(right) not in there:
            return False
        steps = set()
        for sign in signs:
            reached = frozenset(
                rest for place in _after(right, there, sign) for rest in _rest(right, place)
            )
            steps |= {(place, reached) for place in _after(left, ends, sign)}
        walk += steps - seen
        seen |= steps
    return not walk


def _rest(parts: _Parts, place: int) -> frozenset[int]:
    """Where one may be that is at *place*: a star may match nothing."""
    places = {place}
    while place < len(parts) and parts[place] == "*":
        place += 1
        places.add(place)
    return frozenset(places)


def _after(parts: _Parts, places: Iterable[int], sign: str) -> set[int]:
    """Where one is after *sign*, from any of *places*."""
    return {
        place if parts[place] == "*" else place + 1
        for place in places
        if place < len(parts) and fnmatchcase(sign, parts[place])
    }


def _signs(*patterns: str) -> list[str]:
    """One sign of each kind that *patterns* can tell apart.

    Where a part begins or ceases to match is at a sign that stands in it, or right behind one.
    """
    codes = {0}
    for sign in "".join(patterns):
        codes |= {ord(sign), min(ord(sign) + 1, sys.maxunicode)}
    return [chr(code) for code in sorted(codes)]


@lru_cache(maxsize=1024)
def _parts(pattern: str) -> _Parts:
    """*pattern* in parts that match one sign each; a bracket that is never closed is a sign."""
    parts: list[str] = []
    place = 0
    while place < len(pattern):
        end = _closed(pattern, place) if pattern[place] == "[" else place + 1
        parts.append(pattern[place:end])
        place = end
    return tuple(parts)


def _closed(pattern: str, start: int) -> int:
    """The end of the bracket that opens at *start*."""
    first = start + 2 if pattern.startswith("!", start + 1) else start + 1
    close = pattern.find("]", first + 1 if pattern.startswith("]", first) else first)
    return start + 1 if close < 0 else close + 1
