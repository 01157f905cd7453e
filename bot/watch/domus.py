"""Where the DomUs are: all of them, by two looks at every host.

What may still be moving is no finding; what cannot be seen because a host is silent is not gone.
"""

from __future__ import annotations

from typing import Any

from bot.api import (
    AlertState,
    Census,
    Finding,
    Kind,
    Look,
    Roll,
    Severity,
    Sight,
    Thing,
    _,
    moment,
    watch,
)

#: in so many looks in a row a guest must be nowhere: one that reboots is nowhere for a moment
GONE_AFTER = 2


@watch("domus", every=60.0)
async def domus(look: Look) -> Sight:
    """DomUs that crashed, run twice, are left half-moved, or are gone without the bot's doing."""
    # in this order: what a job begins after its start is in the record, what it began before is
    # locked, and what it ended before is seen as it is
    head = await look.record_head()
    working = look.at_work
    roll = await look.roll()
    changed = await look.changed_since(look.memory.get("head", head))
    findings, unsure = _seen(roll, working)
    last = look.memory.get("ran", {})
    missing = _missing(look, roll, {name: last[name] for name in last if name not in changed})
    for name, was in missing.items():
        if roll.silent or was["uuid"] in working or was["missing"] < GONE_AFTER:
            unsure.add(name)
        else:
            findings.append(_gone(name, was, look.now))
    if roll.silent:
        # another copy may be where nobody can look
        unsure |= {name for alert in look.alerts for name in alert.names}
    look.memory |= {"head": head, "ran": missing | _running(roll, working, look.now)}
    return Sight(tuple(findings), frozenset((Thing.DOMU, name) for name in unsure))


def _seen(roll: Roll, working: frozenset[str]) -> tuple[list[Finding], set[str]]:
    """What is wrong with the guests that are somewhere, and of whom nothing can be said now."""
    findings, unsure = [], set[str]()
    for name, census in roll.censuses.items():
        at_work = any(copy.domain.uuid in working for copy in census.copies)
        if len(census.whole) > 1 and not census.moving:
            if name == min(copy.domain.plain_name for copy in census.whole):
                findings.append(_twice(census))
        elif census.moving or at_work:
            unsure.add(name)
        elif finding := _left(census):
            findings.append(finding)
    return findings, unsure


def _missing(look: Look, roll: Roll, last: dict[str, Any]) -> dict[str, Any]:
    """The guests that ran at the *last* look and are nowhere now, with how often that was so.

    One that a person closed is let go: it is where it should be.
    """
    closed = {alert.key for alert in look.alerts if alert.state is AlertState.CLOSED}
    here = {copy.domain.uuid for census in roll.censuses.values() for copy in census.copies}
    return {
        # while a host is silent nobody can say whether it is missing
        name: was | {"missing": was["missing"] + (not roll.silent)}
        for name, was in last.items()
        if name not in roll.censuses and was["uuid"] not in here and f"gone {name}" not in closed
    }


def _running(roll: Roll, working: frozenset[str], now: float) -> dict[str, Any]:
    """What to remember of the guests that run; a job that is at work on one may end it."""
    return {
        name: {"uuid": copy.domain.uuid, "host": copy.host, "at": now, "missing": 0}
        for name, census in roll.censuses.items()
        for copy in census.whole[:1]
        if copy.domain.uuid not in working
    }


def _left(census: Census) -> Finding | None:
    """What is wrong with a guest that nothing moves and no job is at work on."""
    kinds = {copy.domain.kind for copy in census.copies}
    if Kind.CRASHED in kinds:
        title = _("{guest} crashed.").format(guest=census.guest)
        hint = _(
            "{prefix}console {guest} shows its last words, {prefix}domu show {guest} where its "
            "remains are."
        )
        return _finding("crashed", census, Severity.CRITICAL, title, hint)
    if any(c.domain.half_moved and c.domain.kind is not Kind.DYING for c in census.copies):
        title = _("{guest} is left half-moved, and nothing moves it.").format(guest=census.guest)
        hint = _("Start nothing. {prefix}domu show {guest} shows each copy.")
        return _finding("half-moved", census, Severity.WARNING, title, hint)
    return None


def _twice(census: Census) -> Finding:
    places = " + ".join(f"{copy.domain.name}@{copy.host}" for copy in census.whole)
    title = _("{guest} runs more than once: {places}.").format(guest=census.guest, places=places)
    hint = _("Touch nothing: two copies write to the same disks. {prefix}domu show {guest}")
    return _finding("twice", census, Severity.CRITICAL, title, hint, loud=True)


def _gone(name: str, was: dict[str, Any], now: float) -> Finding:
    # critical: a guest that dies is destroyed by Xen as one that was shut down is, and nobody can
    # tell the two apart; who shuts one down on purpose holds it, and a hold mutes this
    return Finding(
        f"gone {name}",
        Severity.CRITICAL,
        _("{guest} is gone: it is on no host, and the bot did not end it.").format(guest=name),
        frozenset({(Thing.DOMU, name)}),
        details=_("It ran on {host} at {when}.").format(
            host=was["host"], when=moment(was["at"], now)
        ),
        hint=_("Where that is as it should be: {prefix}alert close, by reply to this."),
        group="domus",
        since=was["at"],
    )


def _finding(
    what: str, census: Census, severity: Severity, title: str, hint: str, *, loud: bool = False
) -> Finding:
    names = {census.guest, *(copy.domain.plain_name for copy in census.copies)}
    return Finding(
        f"{what} {census.guest}",
        severity,
        title,
        frozenset((Thing.DOMU, name) for name in names),
        details=census.sentence(),
        # the prefix is filled in where it is read
        hint=hint.replace("{guest}", census.guest),
        group="" if loud else "domus",
        loud=loud,
    )
