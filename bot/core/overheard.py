"""What of the record belongs on the timeline of an incident, and in which words.  No I/O here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.audit import Entry
from bot.core.audit_query import leaves
from bot.core.audit_text import row
from bot.core.jobs import State, in_words
from bot.core.risk import Risk
from bot.core.text import clean
from bot.i18n import _

#: the longest sentence of an entry
LONGEST = 500
#: commands whose doing stands on the timeline, or in the record, under another kind
_TOLD_OTHERWISE = ("incident.", "alert.", "access.", "hold.", "host.maintenance")
#: commands that name other jobs by number
_ABOUT_JOBS = ("job.", "access.approve")
#: the name of a thing may come after its kind, as in ``domu:vm``
_WORD = re.compile(r"[^\s,;:'\"]+")


@dataclass(frozen=True)
class Errand:
    """A job that the record names: what was typed, its class, and the right that it needs."""

    line: str
    risk: Risk
    verb: str


@dataclass
class Concern:
    """What an incident is about, as far as the record has been read; it learns as it reads."""

    #: the things that are affected, by name
    affects: Collection[str]
    people: Collection[str] = ()
    #: the jobs that are on its timeline, and the glasses that were broken for it
    jobs: set[int] = field(default_factory=set)
    glasses: set[int] = field(default_factory=set)

    def takes(self, entry: Entry, errands: Mapping[int, Errand]) -> bool:
        """Whether *entry* belongs on the timeline; *errands*: the jobs that it names."""
        if entry.kind not in _SENTENCES or _is_noise(entry, errands):
            return False
        if not self._is_about(entry, errands):
            return False
        if (job := _number(entry.data.get("job"))) is not None:
            self.jobs.add(job)
        return True

    def _is_about(self, entry: Entry, errands: Mapping[int, Errand]) -> bool:
        data, named = entry.data, set(jobs_in(entry.data))
        if named & self.jobs or _number(data.get("glass")) in self.glasses:
            return True
        if entry.kind == "granted":
            return data.get("to") in self.people
        lines = [data.get("line"), *(errands[job].line for job in named if job in errands)]
        said = {word for line in lines if isinstance(line, str) for word in _WORD.findall(line)}
        verb = str(data.get("verb", ""))
        if verb.startswith(_ABOUT_JOBS) and {*map(str, self.jobs)} & said:
            return True
        return not said.union(leaves(data.get("objects"))).isdisjoint(self.affects)


def jobs_in(data: Mapping[str, Any]) -> Iterator[int]:
    """The numbers of the jobs that an entry names."""
    for key in ("job", "jobs", "released", "held", "not replayed"):
        value = data.get(key)
        for each in value if isinstance(value, list) else [value]:
            if (number := _number(each)) is not None:
                yield number


def sentence(entry: Entry, errands: Mapping[int, Errand]) -> str:
    """What *entry* says of whoever did it, as ``approved job 7``; bounded."""
    said = _SENTENCES.get(entry.kind)
    if said is None:
        return clean(row(entry)[2], LONGEST)
    errand = errands.get(_number(entry.data.get("job")) or 0)
    line = {"line": errand.line} if errand is not None else {}
    return clean(said(line | dict(entry.data)), LONGEST)


def person(entry: Entry) -> str:
    """Who did it; a stranger by the chat id."""
    return clean(str(entry.data.get("person", entry.data.get("sender", ""))), 80)


def _is_noise(entry: Entry, errands: Mapping[int, Errand]) -> bool:
    """Whether the timeline would say it twice, or it is a question and no deed."""
    data, kind = entry.data, entry.kind
    errand = errands.get(_number(data.get("job")) or 0)
    # what was done before a crash is answered after it by a bot that did not look at its words
    verb = str(data.get("verb") or (errand.verb if errand is not None else ""))
    if kind not in ("plan", "ended"):
        return kind == "denied" and verb.startswith("incident.")
    if verb.startswith(("incident.", "alert.")):
        return True
    succeeded = kind == "plan" or data.get("state") == State.SUCCEEDED.value
    if verb.startswith(_TOLD_OTHERWISE) and succeeded:
        return True
    only_reads = errand is not None and errand.risk is Risk.READS
    return kind == "ended" and (data.get("code") == "usage" or only_reads)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _line(data: Mapping[str, Any]) -> str:
    if isinstance(line := data.get("line"), str) and line:
        return clean(line, 120)
    return clean(f"{data.get('verb', '')} {_objects(data)}", 120)


def _objects(data: Mapping[str, Any]) -> str:
    return clean(", ".join(leaves(data.get("objects"))), 120)


def _jobs(value: object) -> str:
    return clean(", ".join(leaves(value)), 120) or "-"


def _requested(data: Mapping[str, Any]) -> str:
    needs = {
        "second": _("asked for job {job}, which another person has to approve: {line}"),
        "confirm": _("asked for job {job}, which has to be confirmed: {line}"),
    }.get(str(data.get("need")), _("asked for job {job}: {line}"))
    said = needs.format(job=data.get("job"), line=_line(data))
    if (glass := data.get("glass")) is not None:
        said += " " + _("(without a second person, glass {number})").format(number=glass)
    return said


def _ended(data: Mapping[str, Any]) -> str:
    try:
        state = in_words(State(data.get("state")))
    except ValueError:
        state = str(data.get("state"))
    return _("job {job} {state}: {line} → {result}").format(
        job=data.get("job"), state=state, line=_line(data), result=data.get("result") or "-"
    )


def _denied(data: Mapping[str, Any]) -> str:
    why = data.get("result") or data.get("rule") or _("not a member")
    return _("was denied: {line} ({why})").format(line=_line(data), why=why)


def _denied_again(data: Mapping[str, Any]) -> str:
    return _("was denied {count} more times").format(count=data.get("more"))


def _of_job(words: Callable[[], str]) -> Callable[[Mapping[str, Any]], str]:
    """*words* about the job of an entry, with why where somebody said so."""

    def said(data: Mapping[str, Any]) -> str:
        asked_by = data.get("asked_by") or data.get("person") or "?"
        text = words().format(job=data.get("job"), line=_line(data), who=asked_by)
        return f"{text} ({data['why']})" if data.get("why") else text

    return said


def _of_hold(words: Callable[[], str]) -> Callable[[Mapping[str, Any]], str]:
    def said(data: Mapping[str, Any]) -> str:
        what = f"{data.get('kind', '')} {_objects(data)}".strip()
        return words().format(what=what, who=data.get("by"), why=data.get("reason"))

    return said


def _granted(data: Mapping[str, Any]) -> str:
    return _("gave {who} the right {right} for a time: {why}").format(
        who=data.get("to"), right=data.get("right"), why=data.get("reason")
    )


def _glass(data: Mapping[str, Any]) -> str:
    return _("broke the glass: {why}").format(why=data.get("reason"))


def _glass_ended(data: Mapping[str, Any]) -> str:
    return _("the glass of {who} is whole again, after {count} jobs").format(
        who=data.get("of"), count=data.get("jobs")
    )


def _pictured(data: Mapping[str, Any]) -> str:
    words = {
        "before": _("kept the console of {guest} on {host} before it: {seen}"),
        "after": _("kept the console of {guest} on {host} after it: {seen}"),
    }.get(str(data.get("moment")), _("kept the console of {guest} on {host}: {seen}"))
    return words.format(**{key: data.get(key) for key in ("guest", "host", "seen")})


def _clock_step(data: Mapping[str, Any]) -> str:
    return _("measured how the clock of {guest} went meanwhile: {seen}").format(
        guest=data.get("guest"), seen=data.get("seen")
    )


def _away(data: Mapping[str, Any]) -> str:
    seconds = data.get("seconds")
    return _("was away for {time}; held: {held}; not replayed: {rest}").format(
        time=_("some time") if seconds is None else f"{seconds} s",
        held=_jobs(data.get("held")),
        rest=_jobs(data.get("not replayed")),
    )


def _released(data: Mapping[str, Any]) -> str:
    return _("released what was held: job {jobs}").format(jobs=_jobs(data.get("released")))


#: the kinds of entries that belong on a timeline; the steps of a job are for ``audit show``
_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "requested": _requested,
    "approved": _of_job(lambda: _("approved job {job} of {who}: {line}")),
    "confirmed": _of_job(lambda: _("confirmed job {job}: {line}")),
    "not approved": _of_job(lambda: _("said no to job {job} of {who}: {line}")),
    "withdrawn": _of_job(lambda: _("took job {job} back: {line}")),
    "taken back": _of_job(lambda: _("took back the message of job {job}")),
    "expired": _of_job(lambda: _("nobody answered for job {job} in time: {line}")),
    "plan": _of_job(lambda: _("began job {job}: {line}")),
    "resumed": _of_job(lambda: _("job {job} is looked after, because the bot came back: {line}")),
    "ended": _ended,
    "denied": _denied,
    "denied again": _denied_again,
    "hold placed": _of_hold(lambda: _("holds {what}: {why}")),
    "hold released": _of_hold(lambda: _("released {what}, held by {who}: {why}")),
    "hold ended": _of_hold(lambda: _("the hold of {who} on {what} is over: {why}")),
    "granted": _granted,
    "glass broken": _glass,
    "glass ended": _glass_ended,
    "pictured": _pictured,
    "clock step": _clock_step,
    "away": _away,
    "released": _released,
}
