"""Whether clocks are right: every Dom0's, every DomU's, the reference, and the bot's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from bot.api import (
    Account,
    Course,
    Finding,
    Look,
    Measured,
    Reading,
    Role,
    Roll,
    Severity,
    Sight,
    Sweep,
    Thing,
    clock_alerts,
    clock_reference,
    watch,
)

#: seconds after which an alert tells anew how things are, where nothing happens
AGAIN = 3600.0
#: by this part of it an offset has to change to be told anew before
NOTABLE = 0.2
#: seconds for which a reference is held to drift on while that cannot be seen: clocks wander
HELD = 3600.0

_THINGS = {Role.HOST: Thing.HOST, Role.GUEST: Thing.DOMU}


@watch("clocks", every=300.0)
async def clocks(look: Look) -> Sight:
    """Clocks that are off or will be soon, time services that do not run, a wrong reference."""
    working = look.at_work
    roll = await look.roll()
    sweep, accounts = await look.clocks()
    busy = _busy(roll, working | look.at_work)
    findings, unseen = list(_reference(look, sweep)), set[tuple[Thing, str]]()
    findings += _drifting(look, sweep, accounts)
    alone, truth = not sweep.doubted and "drifting" not in look.memory, _truth(look, sweep)
    last, clocks = look.memory.get("clocks", {}), dict[str, Any]()
    for it in accounts:
        key = clock_alerts.key_of(it.whose)
        known = last.get(key, {})
        at_work = it.whose.role is Role.GUEST and it.whose.name in busy
        if it.whose.role in _THINGS and (at_work or _unknown(it.measured)):
            unseen.add((_THINGS[it.whose.role], it.whose.name))
        if not at_work:
            findings += _judged(look, it, _offset(it, truth), known, alone=alone)
        if known:
            clocks[key] = known
    look.memory["clocks"] = clocks
    return Sight(tuple(findings), frozenset(unseen))


def _busy(roll: Roll, working: frozenset[str]) -> set[str]:
    """The guests that move, or that a job is at work on."""
    return {
        name
        for name, census in roll.censuses.items()
        if census.moving or any(copy.domain.uuid in working for copy in census.copies)
    }


def _unknown(measured: Measured) -> bool:
    """Whether its clock could not be read, though there is a way to it."""
    return measured.reading is None and measured.measurable


def _judged(
    look: Look, it: Account, offset: Reading | None, known: dict[str, Any], *, alone: bool
) -> Iterator[Finding]:
    """What is wrong with one clock that is *offset* from the truth; *known* is remembered of it."""
    rules = look.clock_rules
    twice = look.memory["readings"].get(clock_alerts.key_of(it.whose), {}).get("twice", False)
    course = Course(**known.get("course", {})).after(
        it, offset, rules.thresholds, rules.ahead, twice=twice, alone=alone
    )
    known["course"] = asdict(course)
    if course == Course():
        # of most clocks there is nothing to remember
        del known["course"]
    found = clock_alerts.finding(
        it, course, offset, rules.thresholds, settable=look.world.can_log_in(it.whose)
    )
    if found is None:
        known.pop("told", None)
    else:
        yield _steady(found, known, [course.level, course.soon, course.service], offset, look.now)


def _truth(look: Look, sweep: Sweep) -> Reading | None:
    """Where the truth is, as most clocks say; None where the reference is not known to be wrong."""
    found = sweep.agreement()
    if sweep.doubted and found is not None:
        return found.truth
    return clock_reference.others(sweep) if "told" in look.memory.get("drifting", {}) else None


def _offset(it: Account, truth: Reading | None) -> Reading | None:
    """How far the clock is from *truth*, or from the reference where that one is held right."""
    if truth is None:
        return it.offset
    return None if it.measured.reading is None else it.measured.reading - truth


def _steady(
    found: Finding, known: dict[str, Any], same: list[Any], offset: Reading | None, now: float
) -> Finding:
    """*found* in the words of the last look, where nothing happened that people want to read.

    That is where *same* and the hint are the same, and *offset* is nearly so.
    """
    told, off = known.get("told"), offset.offset if offset is not None else 0.0
    same = [*same, found.hint]
    if told is not None and told["same"] == same and now - told["at"] < AGAIN:
        leeway = max(NOTABLE * abs(told["offset"]), offset.bound if offset is not None else 0.0)
        if abs(off - told["offset"]) <= leeway:
            return replace(found, title=told["title"], details=told["details"])
    known["told"] = {
        "same": same,
        "at": now,
        "offset": off,
        "title": found.title,
        "details": found.details,
    }
    return found


def _reference(look: Look, sweep: Sweep) -> Iterator[Finding]:
    """What is wrong with the reference, once it was so in two looks in a row, or foretold."""
    own = next((each for each in sweep.measured if each.whose.role is Role.REFERENCE), None)
    word = "doubted" if sweep.doubted else ""
    if own is not None and own.reading is None:
        word = "silent"
    last = look.memory.get("reference", {})
    if not word:
        look.memory.pop("reference", None)
        return
    drift = look.memory.get("drifting", {})
    if sweep.doubted and "told" in drift and last.get("word") != word:
        # what was foretold needs no second look
        last = {"word": word, "since": drift["since"]}
    twice = last.get("word") == word
    since = float(last["since"]) if twice else look.now
    look.memory["reference"] = {"word": word, "since": since}
    if not twice:
        return
    if own is not None and own.reading is None:
        yield clock_alerts.silent(own.whose, own.why, since)
    if sweep.doubted:
        yield clock_alerts.doubted(sweep, since, look.clock_rules.thresholds)


def _drifting(look: Look, sweep: Sweep, accounts: list[Account]) -> Iterator[Finding]:
    """A reference that will be off soon, once it was seen in two looks in a row."""
    rules, known = look.clock_rules, look.memory.pop("drifting", {})
    found = clock_reference.away(
        sweep, accounts, rules.thresholds, rules.ahead, told="told" in known
    )
    if found is None:
        # near the threshold it is doubted in one look, and not in the next
        held = "told" in known and look.now - known["seen"] <= HELD
        if held or (known and sweep.doubted):
            look.memory["drifting"] = known
        if held and not sweep.doubted and sweep.reference.role is Role.REFERENCE:
            yield _again(sweep, known)
        return
    look.memory["drifting"] = known | {"since": known.get("since", look.now), "seen": look.now}
    if known:
        rate = Reading(found.rate.ppm, found.rate.bound)
        told = clock_alerts.drifts(sweep, found, known["since"])
        yield _steady(told, look.memory["drifting"], [], rate, look.now)


def _again(sweep: Sweep, known: dict[str, Any]) -> Finding:
    """The alert about a reference that drifts, as it was told."""
    told = known["told"]
    return Finding(
        f"reference {sweep.reference.name}",
        Severity.INFO,
        told["title"],
        details=told["details"],
        hint=told["same"][-1],
        since=known["since"],
    )
