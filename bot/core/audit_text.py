"""Entries of the record as people read them, whatever kind they are of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.core.audit import Entry
from bot.core.audit_query import leaves
from bot.core.text import clean
from bot.i18n import _

#: what an entry is about at once, in this order, and how long it may get in a row
_BRIEF = {
    "line": 100,
    "step": 100,
    "where": 40,
    "words": 100,
    "right": 100,
    "error": 40,
    "why": 100,
    "reason": 100,
    "rule": 100,
    "state": 20,
    "code": 20,
}
#: what says nothing that the rest does not
_LEFT_OUT = {"room", "event", "person", "sender", "job", "steps", "exit", "more", "seconds"}
#: what the plan of a job has said before, and the kinds of entries that come after it
_KNOWN, _AFTER_PLAN = {"verb", "objects"}, {"step", "sent", "returned", "ended"}
#: what says nothing without the name of its list
_LISTS = ("released", "held", "not replayed", "keys")
#: what nobody wants to read in full
_HASHES = {"digest", "hash", "head", "previous"}
#: the longest value of an entry that is shown whole
_LONGEST = 2000


def row(entry: Entry) -> tuple[str, str, str]:
    """What people compare, the time, and the news, for a table of many entries."""
    said = [*_who(entry.data), *_aim(entry), *_brief(entry), *_lists(entry.data)]
    return entry.short, entry.at[:19], f"{clean(entry.kind, 40)}: {' · '.join(said)}"


def story(entry: Entry) -> list[str]:
    """Everything that *entry* says, one line and more where it lists steps."""
    data = entry.data
    person = data.get("person", data.get("sender"))
    said = [] if person is None else [_text(person, 80)]
    said += [*_brief(entry, _LONGEST), *_others(entry)]
    head = _("{time} #{number} {kind}: {said}").format(
        time=clean(entry.at[11:23]),
        number=entry.number,
        kind=clean(entry.kind, 40),
        said=" · ".join(said),
    )
    return [head, *_steps(data.get("steps"))]


def _who(data: Any) -> Iterator[str]:
    """Which job, and whose; a stranger by the chat id."""
    if _says(job := data.get("job")):
        yield _("job {job}").format(job=_text(job, 20))
    if _says(person := data.get("person", data.get("sender"))):
        yield _text(person, 80)


def _aim(entry: Entry) -> Iterator[str]:
    """What was done to what, where neither the line that was typed nor a plan before says it."""
    data = entry.data
    if _says(data.get("line")) or entry.kind in _AFTER_PLAN or not _says(data.get("verb")):
        return
    objects = data.get("objects") or data.get("of") or ""
    yield f"{_text(data['verb'], 60)} {_text(objects, 100)}".rstrip()


def _brief(entry: Entry, longest: int = 0) -> Iterator[str]:
    """The news, each as long as in a row, or as *longest*."""
    data = entry.data
    denied = {"state", "code"} if entry.kind == "denied" else set()
    for key, limit in _BRIEF.items():
        if not _says(data.get(key)) or key in denied:
            continue
        if (key, data[key]) == ("rule", "none"):
            yield _("no rule")
        elif longest or data[key] != "ok":
            yield _text(data[key], longest or limit)
    yield from _numbers(data)


def _lists(data: Any) -> Iterator[str]:
    for key in _LISTS:
        if _says(data.get(key)):
            yield f"{key}: {_text(data[key], 100)}"


def _numbers(data: Any) -> Iterator[str]:
    """What is no news without a word to it."""
    if _says(code := data.get("exit")):
        yield _("exit {code}").format(code=_text(code, 20))
    if _says(more := data.get("more")):
        yield _("{count} more").format(count=_text(more, 20))


def _others(entry: Entry) -> Iterator[str]:
    """What nobody foresaw here: under its own name."""
    known = _KNOWN if entry.kind in _AFTER_PLAN else set()
    for key, value in entry.data.items():
        if key in _BRIEF or key in _LEFT_OUT or key in known or not _says(value):
            continue
        text = _text(value, _LONGEST)
        yield f"{clean(key, 40)}: {text[:12] if key in _HASHES else text}"


def _steps(steps: object) -> list[str]:
    if not isinstance(steps, list):
        return []
    return [f"    {number}. {_step(step)}" for number, step in enumerate(steps, 1)]


def _step(step: object) -> str:
    """Where, and by which words."""
    match step:
        case [where, words]:
            return f"{_text(where, 100)}: {_text(words, _LONGEST)}"
    return _text(step, _LONGEST)


def _says(value: object) -> bool:
    return value not in (None, "", [], {})


def _text(value: object, limit: int) -> str:
    """*value* on one line; of what has parts, each."""
    parts = leaves(value) if isinstance(value, list | dict) else [str(value)]
    return clean(", ".join(parts), limit)
