"""What somebody looks for in the record, as it is typed: ``by anna on vm-* since 2h``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from bot.core.audit import Entry
from bot.core.text import clean
from bot.core.units import span
from bot.errors import UsageError
from bot.i18n import _

#: the two letters that are none of ASCII until they are lowered, so that a store finds them not
_ODD = str.maketrans("\u0130\u212a", "\ufffd\ufffd")
#: what JSON in ASCII writes as it is
_RUN = re.compile(r"[ !#-\[\]-~]+")
#: the keys under which an entry names one job, and those under which it names several
_JOB = ("job", "answer")
_JOBS = ("released", "jobs")


@dataclass(frozen=True)
class Query:
    """What an entry has to be like; what is empty does not matter, ``*`` stands for anything."""

    by: str = ""
    on: str = ""
    verb: str = ""
    kind: str = ""
    job: int | None = None
    #: as `Entry.at`; the first moment that counts, and the first that counts no more
    since: str = ""
    until: str = ""
    #: the first number that counts no more
    before: int | None = None
    #: each occurs somewhere in what the entry says
    text: tuple[str, ...] = ()

    def wants(self, entry: Entry) -> bool:
        """Whether *entry* is all of that."""
        return (
            (not self.since or entry.at >= self.since)
            and (not self.until or entry.at < self.until)
            and (self.before is None or entry.number < self.before)
            and (not self.kind or like(self.kind, entry.kind))
            and self._wants_data(entry.data)
        )

    def _wants_data(self, data: Any) -> bool:
        return (
            (self.job is None or _names_job(data, self.job))
            and (not self.by or _any(self.by, _values(data, ("person", "sender"))))
            and (not self.on or _any(self.on, _objects(data)))
            and (not self.verb or _any(self.verb, _verbs(data)))
            and all(_occurs(word, data) for word in self.text)
        )

    @property
    def runs(self) -> list[list[str]]:
        """What the data of every wanted entry has in its text, both in small letters: one of each.

        For a store to leave out most of what is not wanted; `wants` decides.
        """
        said = [part for pattern in (self.by, self.on, self.verb) for part in pattern.split("*")]
        every = [[run] for part in (*said, *self.text) for run in runs_of(part)]
        if self.job is None:
            return every
        one = [f'"{key}": {self.job}' for key in _JOB]
        return [*every, [*one, *(f'"{key}": ' for key in _JOBS)]]

    def older_than(self, number: int) -> Query:
        """The same, of what is older than the entry *number*."""
        return replace(self, before=number)

    def __str__(self) -> str:
        """The words that `parse` makes the same of, wherever and whenever they are typed."""
        words = [
            word
            for each in fields(self)
            if each.name != "text" and (value := getattr(self, each.name)) not in ("", None)
            for word in (each.name, str(value))
        ]
        words += [word for text in self.text for word in ("text", text)]
        return shlex.join(words)


def parse(words: Sequence[str], now: float, first: int = 0) -> Query:
    """What *words* ask for at *now* (seconds since 1970).

    Raises `UsageError` that knows the wrong word, counted from *first*.
    """
    found: dict[str, Any] = {}
    text: list[str] = []
    places = enumerate(words, first)
    for place, name in places:
        if name not in _FILTERS:
            text.append(name)
        elif name in found:
            raise UsageError(_("{filter} was said before.").format(filter=name), word=place)
        else:
            after, word = next(places, (place + 1, ""))
            value = _read(name, word, now, after)
            if name == "text":
                text.append(value)
            else:
                found[name] = value
    return Query(**found, text=tuple(word for word in text if word))


def _read(name: str, word: str, now: float, place: int) -> Any:
    """What the filter *name* makes of *word*, which is the one at *place*."""
    known = _FILTERS[name]
    if not word:
        raise UsageError(
            _("{filter} wants a word after it.").format(filter=name), hint=known.how(), word=place
        )
    try:
        return known.read(word, now)
    except UsageError as error:
        error.word = place
        raise


def like(pattern: str, text: str) -> bool:
    """Whether *text* is as *pattern* says, in capitals or not; ``*`` stands for anything."""
    first, *others = fold(pattern).split("*")
    text = fold(text)
    if not others:
        return text == first
    *middle, last = others
    if not text.startswith(first):
        return False
    place = len(first)
    for part in middle:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return len(text) - len(last) >= place and text.endswith(last)


def fold(text: str) -> str:
    """*text* in small letters, so that capitals make no difference."""
    return text.translate(_ODD).lower()


def runs_of(text: str) -> list[str]:
    """The parts of *text* that JSON does not write in another way, in small letters."""
    return _RUN.findall(fold(text))


def _any(pattern: str, values: Sequence[str]) -> bool:
    return any(like(pattern, value) for value in values)


def _values(data: Any, keys: Sequence[str]) -> list[str]:
    return [value for key in keys if key in data for value in leaves(data[key])]


def _names_job(data: Any, job: int) -> bool:
    named = [data.get(key) for key in _JOB]
    return any(type(one) is int and one == job for one in named) or (
        str(job) in _values(data, _JOBS)
    )


def _objects(data: Any) -> list[str]:
    """Everything that an entry is about: as it says, or else the words that were typed."""
    line = data.get("line")
    return _values(data, ("objects", "where")) + (line.split() if isinstance(line, str) else [])


def _verbs(data: Any) -> list[str]:
    """``domu.migrate``, and what people type for it."""
    verbs = _values(data, ("verb",))
    return verbs + [verb.partition(".")[2] for verb in verbs]


def _occurs(word: str, data: Any) -> bool:
    wanted = fold(word)
    return any(wanted in fold(value) for value in leaves(data))


def leaves(value: Any) -> Iterator[str]:
    """Every text and number within *value*, however deep."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as inner:
                waiting += reversed(inner.values())
            case list() as items:
                waiting += reversed(items)
            case None | bool():
                pass
            case leaf:
                yield str(leaf)


def _word(word: str, _now: float) -> str:
    return word


def _number(word: str, _now: float) -> int:
    match = re.fullmatch(r"#?([0-9]{1,18})", word)
    if match is None:
        raise UsageError(_("{text} is not a number.").format(text=clean(repr(word), 60)))
    return int(match[1])


def _since(word: str, now: float) -> str:
    return _stamp(word, now, end=False)


def _until(word: str, now: float) -> str:
    return _stamp(word, now, end=True)


def _stamp(word: str, now: float, *, end: bool) -> str:
    """The moment of *word*, as `Entry.at` has it; of a whole day its end, or else its start."""
    try:
        if re.fullmatch(r"(?:[0-9]+[a-z]+)+", word):
            when = datetime.fromtimestamp(max(0.0, now - span(word)), UTC)
        elif re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", word):
            when = datetime.combine(datetime.fromisoformat(word), time(), UTC)
            when += timedelta(days=1) if end else timedelta()
        else:
            when = datetime.fromisoformat(word)
            when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError, UsageError):
        raise UsageError(
            _("{text} is no time.").format(text=clean(repr(word), 60)), hint=_times()
        ) from None
    return when.isoformat(timespec="milliseconds")


def _times() -> str:
    return _("Write it like 2h (ago), 2026-11-25 or 2026-11-25T03:00, which is UTC.")


@dataclass(frozen=True)
class _Filter:
    """A word that says what the word after it means."""

    #: makes the value of the word, now
    read: Callable[[str, float], Any]
    #: how it is used
    how: Callable[[], str]


_FILTERS = {
    "by": _Filter(_word, lambda: _("by PERSON: a name, or a chat id")),
    "on": _Filter(_word, lambda: _("on OBJECT: a DomU, a Dom0 or a volume, like vm-*")),
    "verb": _Filter(_word, lambda: _("verb VERB: like domu.migrate or domu.*")),
    "kind": _Filter(_word, lambda: _("kind KIND: asked, denied, plan, sent, returned, ended…")),
    "job": _Filter(_number, lambda: _("job JOB: its number")),
    "since": _Filter(_since, _times),
    "until": _Filter(_until, _times),
    "before": _Filter(_number, lambda: _("before NUMBER: older than this entry")),
    "text": _Filter(_word, lambda: _("text WORD: for a word that is a filter itself")),
}
