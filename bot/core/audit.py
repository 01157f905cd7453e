"""A record that cannot be rewritten unseen: each entry carries the hash of the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.i18n import _

#: what the first entry follows
GENESIS = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One line of the record, numbered from 1."""

    number: int
    #: UTC, ISO 8601
    at: str
    kind: str
    data: Mapping[str, Any]
    previous: str
    hash: str

    @property
    def short(self) -> str:
        """What people compare: the number and the first digits of the hash."""
        return f"#{self.number} {self.hash[:12]}"


@dataclass(frozen=True)
class Verdict:
    """What reading the whole record said."""

    ok: bool
    sentence: str
    count: int = 0
    head: str = GENESIS


def seal(number: int, at: str, kind: str, data: Mapping[str, Any], previous: str) -> Entry:
    """The entry with its hash over everything that it says and the entry before it."""
    content = json.dumps([number, at, kind, data, previous], sort_keys=True, separators=(",", ":"))
    return Entry(number, at, kind, data, previous, hashlib.sha256(content.encode()).hexdigest())


def verify(entries: Iterable[Entry], head: tuple[int, str]) -> Verdict:
    """Read the record from its start to *head*, the number and hash that must be the last."""
    previous, count = GENESIS, 0
    for entry in entries:
        count += 1
        expected = seal(count, entry.at, entry.kind, entry.data, previous)
        if entry != expected:
            return Verdict(
                False,
                _(
                    "The record was changed: entry {number} does not follow from the one before it."
                ).format(number=entry.number),
                count - 1,
                previous,
            )
        previous = entry.hash
    if (count, previous) != head:
        return Verdict(
            False,
            _("The record was cut: {count} entries are there, {expected} were written.").format(
                count=count, expected=head[0]
            ),
            count,
            previous,
        )
    return Verdict(
        True,
        _("The record is whole: {count} entries, the last is #{count} {hash}.").format(
            count=count, hash=previous[:12]
        ),
        count,
        previous,
    )
