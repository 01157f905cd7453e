"""Patterns of names as a shell has them (``*``, ``?``, ``[a-z]``), and what two of them share.

`fnmatch.fnmatchcase` says what a pattern matches.  Here two patterns are walked side by side, over
one sign of each kind that either can tell apart.  The work of a walk is bounded; one that takes
more is given up, with the answer that grants nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

#: comparisons of a sign or a part after which a walk is given up, some milliseconds; two names with
#: a few wildcards take some hundreds
_MOST_WORK = 20_000

#: the parts of a pattern, each of which matches one sign, but ``*`` any number
_Parts = tuple[str, ...]


def any_matches(patterns: Iterable[str], text: str) -> bool:
    """Whether at least one of *patterns* matches *text*."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def wildcards(pattern: str) -> int:
    """How many signs of *pattern* may stand for others."""
    return sum(map(pattern.count, "*?["))


@lru_cache(maxsize=4096)
def overlap(one: str, other: str) -> bool:
    """Whether some text matches both; true as well where that takes too long to say."""
    left, right = _parts(one), _parts(other)
    seen = {(0, 0)}
    walk, work = [(0, 0)], 0
    while walk and work < _MOST_WORK:
        here, there = walk.pop()
        ends = _rest(left, here), _rest(right, there)
        if len(left) in ends[0] and len(right) in ends[1]:
            return True
        pairs = [(a, b) for a in ends[0] if a < len(left) for b in ends[1] if b < len(right)]
        work += sum(len(left[a]) + len(right[b]) for a, b in pairs)
        steps = {
            (_next(left, a), _next(right, b)) for a, b in pairs if _share_a_sign(left[a], right[b])
        }
        walk += steps - seen
        seen |= steps
    return bool(walk)


@lru_cache(maxsize=4096)
def contains(wider: str, narrower: str) -> bool:
    """Whether *wider* matches all that *narrower* does; false where that takes too long to say."""
    if wider in ("*", narrower):
        return True
    left, right = _parts(narrower), _parts(wider)
    signs = [_signs_of(part, right) for part in left]
    start = (0, _rest(right, 0))
    seen = {start}
    walk, work = [start], 0
    while walk and work < _MOST_WORK:
        here, there = walk.pop()
        ends = _rest(left, here)
        if len(left) in ends and len(right) not in there:
            return False
        steps = set()
        for place in ends - {len(left)}:
            work += len(signs[place]) * len(there)
            steps |= {(_next(left, place), _after(right, there, sign)) for sign in signs[place]}
        walk += steps - seen
        seen |= steps
    return not walk


def _rest(parts: _Parts, place: int) -> frozenset[int]:
    """Where one may be that is at *place*: a star may match nothing."""
    star = place < len(parts) and parts[place] == "*"
    return frozenset((place, place + 1) if star else (place,))


def _next(parts: _Parts, place: int) -> int:
    """Where one is once the part at *place* has matched a sign."""
    return place if parts[place] == "*" else place + 1


def _after(parts: _Parts, places: Iterable[int], sign: str) -> frozenset[int]:
    """Where one may be after *sign*, from any of *places*."""
    fits = (place for place in places if place < len(parts) and _fits(sign, parts[place]))
    return frozenset(rest for place in fits for rest in _rest(parts, _next(parts, place)))


def _fits(sign: str, part: str) -> bool:
    return part in ("*", "?", sign) or (len(part) > 1 and fnmatchcase(sign, part))


def _share_a_sign(one: str, other: str) -> bool:
    """Whether two parts match one and the same sign."""
    return any(_fits(sign, one) and _fits(sign, other) for sign in _signs((one, other)))


def _signs_of(part: str, others: _Parts) -> list[str]:
    """One sign of each kind that *part* matches and *others* can tell apart."""
    if len(part) > 1:
        return [sign for sign in _signs((part, *others)) if fnmatchcase(sign, part)]
    return _signs(others) if part in ("*", "?") else [part]


def _signs(parts: _Parts) -> list[str]:
    """One sign of each kind that *parts* can tell apart.

    Where a bracket begins or ceases to match is at a sign that stands in it, or right behind one.
    """
    codes = {0}
    for part in parts:
        codes |= {ord(sign) for sign in part}
        if len(part) > 1:
            codes |= {min(ord(sign) + 1, sys.maxunicode) for sign in part}
    return [chr(code) for code in sorted(codes)]


@lru_cache(maxsize=1024)
def _parts(pattern: str) -> _Parts:
    """*pattern* in parts that match one sign each; a bracket that is never closed is a sign.

    Several stars in a row are one.
    """
    parts: list[str] = []
    place = 0
    while place < len(pattern):
        end = _closed(pattern, place) if pattern[place] == "[" else place + 1
        if pattern[place:end] != "*" or parts[-1:] != ["*"]:
            parts.append(pattern[place:end])
        place = end
    return tuple(parts)


def _closed(pattern: str, start: int) -> int:
    """The end of the bracket that opens at *start*."""
    first = start + 2 if pattern.startswith("!", start + 1) else start + 1
    close = pattern.find("]", first + 1 if pattern.startswith("]", first) else first)
    return start + 1 if close < 0 else close + 1
