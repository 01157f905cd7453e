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
    here = {"host": copy.host, "domid": copy.domain.domid, "uuid": copy.domain.uuid}
    last = guests.get(name)
    shown: dict[str, dict[str, Any]] = last["shown"] if last is not None else {}
    if last is not None and _is_anew(last, here):
        for entry in shown.values():
            # what its console showed before is over, but stands in the log
            entry["at"] = 0.0
    same = last is not None and (last["host"], last["printed"]) == (copy.host, shot.printed)
    # a host's clock may be wrong; what is new since the last time is no older than that
    happened = min(now, max(shot.printed, last["read"] if last is not None else 0.0))
    # where it came from another host, this log is of an earlier stay: nobody knows how old it is
    moved = last is not None and last["host"] != copy.host
    _learn(shown, shot, 0.0 if moved else happened, now)
    guests[name] = here | {
        "printed": shot.printed,
        # a log says the second in which it grew: the rest of that second is read in the next look
        "settled": same,
        "read": now,
        "quiet": last["quiet"] if last is not None and same else now,
        "shown": shown,
    }
    return True


def _is_anew(last: dict[str, Any], here: dict[str, Any]) -> bool:
    """Whether the guest was started anew: what moves to another host keeps its UUID."""
    if last["uuid"] != here["uuid"]:
        return True
    return bool(last["host"] == here["host"] and last["domid"] != here["domid"])


def _learn(shown: dict[str, dict[str, Any]], shot: Shot, happened: float, now: float) -> None:
    """Note what *shot* shows, the news of which *happened* by then; 0 where none of it is news."""
    if shot.screen.empty:
        # a log that was begun anew says nothing of how things are
        return
    found = {notice.condition: notice for notice in shot.notices}
    if happened:
        _end(shown, shot, now)
    for name, entry in shown.items():
        entry["there"] = Condition[name] in found
    for condition, notice in found.items():
        at = now if condition in console_alerts.PROMPTS and happened else happened
        last = shown.get(condition.name)
        entry = {"since": at, "at": at, "host": shot.host} if last is None else last
        _note(entry, notice, at)
        shown[condition.name] = entry


def _end(shown: dict[str, dict[str, Any]], shot: Shot, now: float) -> None:
    """Forget what *shot* shows to be over."""
    boot = console_alerts.booted(shot.screen)
    found = {notice.condition for notice in shot.notices}
    stale = {Condition[name] for name, entry in shown.items() if not entry["at"]}
    for name in list(shown):
        condition, entry = Condition[name], shown[name]
        if condition not in found and (
            condition in stale
            or console_alerts.over(
                condition,
                found - stale,
                now - entry["at"],
                boot=boot and entry["host"] == shot.host,
            )
        ):
            del shown[name]


def _note(entry: dict[str, Any], notice: Notice, at: float) -> None:
    """Note in *entry* that *notice* was seen, which was so by then where it is new."""
    line = clean(notice.evidence, console_alerts.LONGEST)
    first = "line" not in entry
    # kernels that say no time print the same line again
    new = first or entry["line"] != line or notice.times > entry["times"]
    stands = bool(not first and entry["at"])
    entry |= {"line": line, "times": notice.times, "there": True}
    if stands and not at:
        # the log of an earlier stay says nothing of it
        return
    if new or (stands and notice.condition in console_alerts.PROMPTS):
        about = clean(notice.about, console_alerts.LONGEST_ABOUT)
        since = entry["since"] if stands else at
        entry |= {"since": since, "at": at, "evidence": line, "about": about}


def _findings(look: Look, name: str, standing: set[str]) -> Iterator[Finding]:
    """What is wrong with a guest."""
    known = _guests(look)[name]
    left_alone = look.now - known["quiet"] >= LEFT_ALONE
    for word, entry in known["shown"].items():
        condition = Condition[word]
        if condition not in console_alerts.SEVERITIES or not _lasts(condition, entry, look.now):
            continue
        notice = Notice(condition, entry["evidence"], entry["about"])
        found = console_alerts.finding(
            Thing.DOMU, name, known["host"], notice, since=entry["since"]
        )
        # somebody who works there is not accused
        if condition not in console_alerts.SESSIONS or left_alone or found.key in standing:
            yield found


def _lasts(condition: Condition, entry: dict[str, Any], now: float) -> bool:
    if not entry["at"]:
        return False
    return condition in console_alerts.UNTIL_BOOT or now - entry["at"] < console_alerts.AWHILE
