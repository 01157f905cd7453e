"""What the consoles of the DomUs show, by the logs that hosts keep of them.

Nothing is attached to a console for this: what no log shows is not seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from bot.api import (
    Condition,
    DeviceError,
    Finding,
    Kind,
    Look,
    Notice,
    Refused,
    Roll,
    Shot,
    Sight,
    Sighting,
    Thing,
    Unreachable,
    clean,
    console_alerts,
    watch,
)

#: logs of one host that are read in one look; the others are read in the next
MOST_READ = 20
#: seconds in which nothing is printed, after which a session counts as left open
LEFT_ALONE = 300.0


@watch("consoles", every=120.0)
async def consoles(look: Look) -> Sight:
    """DomUs whose console shows a panic, a boot that hangs, bad disks, or a session left open."""
    working = look.at_work
    roll = await look.roll()
    by_host: dict[str, list[Sighting]] = {}
    for copy in _still(roll):
        if copy.domain.uuid not in working:
            by_host.setdefault(copy.host, []).append(copy)
    looked = await asyncio.gather(*(_host(look, copies) for copies in by_host.values()))
    seen = {name for names in looked for name in names}
    if not roll.silent:
        _forget(look, roll)
    standing = {alert.key for alert in look.alerts}
    findings = [each for name in sorted(seen) for each in _findings(look, name, standing)]
    return Sight(tuple(findings), _unseen(look, roll, seen))


def _still(roll: Roll) -> Iterator[Sighting]:
    """The guests that are in one place, and do not move."""
    for census in roll.censuses.values():
        if len(census.copies) == 1 and not census.moving:
            (copy,) = census.copies
            here = copy.domain.kind in (Kind.ALIVE, Kind.PAUSED, Kind.CRASHED)
            if here and not copy.domain.half_moved:
                yield copy


def _unseen(look: Look, roll: Roll, seen: set[str]) -> frozenset[tuple[Thing, str]]:
    names = set(roll.censuses)
    if roll.silent:
        names |= {name for alert in look.alerts for name in alert.names}
    # what people saw at a host's own serial port is none of this watch
    hosts = frozenset((Thing.HOST, name) for name in look.world.hosts)
    return hosts | {(Thing.DOMU, name) for name in names - seen}


def _guests(look: Look) -> dict[str, dict[str, Any]]:
    """What is remembered of each guest."""
    guests: dict[str, dict[str, Any]] = look.memory.setdefault("guests", {})
    return guests


def _forget(look: Look, roll: Roll) -> None:
    guests = _guests(look)
    for name in [name for name in guests if name not in roll.censuses]:
        del guests[name]


async def _host(look: Look, copies: Sequence[Sighting]) -> list[str]:
    """Look at the consoles on one host, one after the other; those of whom something is known."""
    guests, seen, read = _guests(look), list[str](), 0

    def last_read(copy: Sighting) -> float:
        return float(guests.get(copy.domain.plain_name, {}).get("read", 0.0))

    for copy in sorted(copies, key=last_read):
        name = copy.domain.plain_name
        try:
            printed = await look.world.hosts[copy.host].toolstack.console_printed(name)
            if printed is None:
                continue
            if _as_before(look, copy, printed):
                seen.append(name)
            elif read < MOST_READ:
                read += 1
                if await _read(look, copy):
                    seen.append(name)
        except Unreachable:
            break
        except (DeviceError, Refused):
            # one whose name no path may hold has no log either
            continue
    return seen


def _as_before(look: Look, copy: Sighting, printed: float) -> bool:
    """Whether nothing was printed since the last time that this log was read."""
    known = _guests(look).get(copy.domain.plain_name)
    if known is None or not known["settled"]:
        return False
    if (known["host"], known["domid"], known["printed"]) != (
        copy.host,
        copy.domain.domid,
        printed,
    ):
        return False
    for name, entry in known["shown"].items():
        if entry["there"] and entry["at"] and Condition[name] in console_alerts.PROMPTS:
            entry["at"] = look.now
    return True


async def _read(look: Look, copy: Sighting) -> bool:
    """Read the log of one guest; whether there is one."""
    guests, name, now = _guests(look), copy.domain.plain_name, look.now
    shot = await look.console(copy)
    if shot is None or shot.printed is None:
        return False
    last = guests.get(name)
    shown: dict[str, dict[str, Any]] = last["shown"] if last is not None else {}
    # a host's clock may be wrong; what is new since the last time is no older than that
    happened = min(now, max(shot.printed, last["read"] if last is not None else 0.0))
    if last is not None and last["host"] != copy.host:
        # the log is that of another time on this host: nobody knows how old it is
        happened = 0.0
    elif last is not None and last["domid"] != copy.domain.domid:
        _ended(shown)
    same = last is not None and (last["host"], last["printed"]) == (copy.host, shot.printed)
    _learn(shown, shot, happened, now)
    guests[name] = {
        "host": copy.host,
        "domid": copy.domain.domid,
        "printed": shot.printed,
        # a log says the second in which it grew: the rest of that second is read in the next look
        "settled": same,
        "read": now,
        "quiet": last["quiet"] if last is not None and same else now,
        "shown": shown,
    }
    return True


def _ended(shown: dict[str, dict[str, Any]]) -> None:
    """The guest was started anew: what its console showed before is over, but stands in the log."""
    for entry in shown.values():
        entry["at"] = 0.0


def _learn(shown: dict[str, dict[str, Any]], shot: Shot, happened: float, now: float) -> None:
    """Note what *shot* shows, the news of which *happened* by then; 0 if nobody knows when."""
    if shot.screen.empty:
        # a log that was begun anew says nothing of how things are
        return
    found: dict[Condition, list[list[str]]] = {}
    for notice in shot.notices:
        lines = found.setdefault(notice.condition, [])
        lines.append([clean(notice.evidence, console_alerts.LONGEST), clean(notice.about, 40)])
    boot = console_alerts.booted(shot.screen)
    for name in list(shown):
        condition, entry = Condition[name], shown[name]
        entry["there"] = condition in found
        if not entry["there"] and (
            not entry["at"] or console_alerts.over(condition, found, now - entry["at"], boot=boot)
        ):
            del shown[name]
    for condition, lines in found.items():
        last = shown.get(condition.name)
        lines = lines[-console_alerts.MOST :]
        if last is None or _is_new(condition, last, lines):
            at = now if happened and condition in console_alerts.PROMPTS else happened
            since = last["since"] if last is not None and last["at"] else at
            shown[condition.name] = {"lines": lines, "since": since, "at": at, "there": True}


def _is_new(condition: Condition, entry: dict[str, Any], lines: list[list[str]]) -> bool:
    """Whether *lines* show more than is known."""
    if condition in console_alerts.PROMPTS and entry["at"]:
        return True
    return any(line not in entry["lines"] for line in lines)


def _findings(look: Look, name: str, standing: set[str]) -> Iterator[Finding]:
    """What is wrong with a guest."""
    known = _guests(look)[name]
    left_alone = look.now - known["quiet"] >= LEFT_ALONE
    for word, entry in known["shown"].items():
        condition = Condition[word]
        if condition not in console_alerts.SEVERITIES or not _lasts(condition, entry, look.now):
            continue
        notices = [Notice(condition, evidence, about) for evidence, about in entry["lines"]]
        found = console_alerts.finding(
            Thing.DOMU, name, known["host"], notices, since=entry["since"]
        )
        # somebody who works there is not accused
        if condition not in console_alerts.SESSIONS or left_alone or found.key in standing:
            yield found


def _lasts(condition: Condition, entry: dict[str, Any], now: float) -> bool:
    if not entry["at"]:
        return False
    return condition in console_alerts.UNTIL_BOOT or now - entry["at"] < console_alerts.AWHILE
