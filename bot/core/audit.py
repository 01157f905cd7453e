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

# made once: `json.dumps` makes a new one for each call, which costs as much as its work
_sealed = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_kept = json.JSONEncoder(sort_keys=True)


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
    content = _sealed.encode([number, at, kind, data, previous])
    return Entry(number, at, kind, data, previous, hashlib.sha256(content.encode()).hexdigest())


def text_of(data: Mapping[str, Any]) -> str:
    """*data* as the store keeps it: JSON in ASCII, in the one way that it can be written."""
    return _kept.encode(data)


def data_of(text: object) -> Mapping[str, Any]:
    """What `text_of` made *text* of; anything else is unreadable, were it only a blank more."""
    try:
        data = json.loads(text) if isinstance(text, str) else None
        if isinstance(data, dict) and text_of(data) == text:
            return data
    except (ValueError, RecursionError):
        pass
    return {"unreadable": str(text)}


class Chain:
    """Reads a record from its start, in as many pieces as it comes."""

    def __init__(self) -> None:
        #: how many entries follow from the start
        self.count = 0
        #: the hash of the last of them
        self.previous = GENESIS
        self._broken: Entry | None = None

    @property
    def whole(self) -> bool:
        """Whether every entry so far follows from the one before it."""
        return self._broken is None

    def read(self, entries: Iterable[Entry]) -> bool:
        """Go on with *entries*; whether the record is `whole` so far."""
        for entry in entries if self.whole else ():
            number = self.count + 1
            if entry != seal(number, entry.at, entry.kind, entry.data, self.previous):
                self._broken = entry
                break
            self.count, self.previous = number, entry.hash
        return self.whole

    def end(self, head: tuple[int, str]) -> Verdict:
        """The verdict, where *head* is the number and the hash that must be the last."""
        if self._broken is not None:
            sentence = _(
                "The record was changed: entry {number} does not follow from the one before it."
            ).format(number=self._broken.number)
        elif (self.count, self.previous) != head:
            sentence = _(
                "The record was cut: {count} entries are there, {expected} were written."
            ).format(count=self.count, expected=head[0])
        else:
            sentence = _("The record is whole: {count} entries, the last is #{count} {hash}.")
            sentence = sentence.format(count=self.count, hash=self.previous[:12])
        whole = self.whole and (self.count, self.previous) == head
        return Verdict(whole, sentence, self.count, self.previous)


def verify(entries: Iterable[Entry], head: tuple[int, str]) -> Verdict:
    """Read the record from its start to *head*, the number and hash that must be the last."""
    chain = Chain()
    chain.read(entries)
    return chain.end(head)
