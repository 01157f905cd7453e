"""chrony, as the one of Debian 12 showed it (tests/data/clocks/chrony-4.3-*, chronyc(1)).

Below the class: one pure function for each command.  The parsers are total: what is not understood
is a `DeviceError`, never left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.text import clean
from bot.core.time_service import Source, Standing, Sync, TimeService
from bot.devices import units
from bot.devices.said import must_succeed, not_understood
from bot.devices.session import Call, Output
from bot.devices.time_service import TimeServiceDriver
from bot.errors import DeviceError
from bot.i18n import _

_UNITS = ("chrony", "chronyd")
_DEAD = ("506 Cannot talk to daemon", "Could not open connection to daemon")
#: reference ids of no source at all, and of the machine's own clock (127.127.1.1)
_NO_SOURCE = ("00000000", "7F7F0101")
_NOT_SYNCHRONISED = "Not synchronised"
_LEAPS = ("Normal", "Insert second", "Delete second", _NOT_SYNCHRONISED)
#: fields after the name, which may be anything
_TRACKING_REST = 12
_SOURCE_REST = 7
_STANDINGS = {
    "*": Standing.SELECTED,
    "+": Standing.COMBINED,
    "-": Standing.SPARE,
    "x": Standing.FALSE,
    "~": Standing.UNUSABLE,
    "?": Standing.UNUSABLE,
}


@dataclass(frozen=True)
class Tracking:
    """How chronyd holds the clock to be; seconds, positive for ahead."""

    synchronised: bool
    offset: float
    bound: float
    ppm: float


class Chrony(TimeServiceDriver):
    driver = "chrony"
    order = 1
    can_be_told = True
    #: ``makestep 1 3`` in Debian's chrony.conf
    steps_from = 1.0

    async def look(self) -> TimeService | None:
        """By `chronyc`, which needs no rights; raises `DeviceError` where chronyd refuses it."""
        tracking = await self.session.run(tracking_call())
        if tracking is None:
            return None
        if isinstance(tracking, Sync):
            if await units.runs(self.session, *_UNITS):
                raise DeviceError(_("chronyd runs, but does not answer chronyc."))
            return TimeService(self.driver, Sync.DEAD)
        sources = await self.session.run(sources_call())
        if not tracking.synchronised:
            return TimeService(self.driver, Sync.UNSYNCHRONISED, sources=sources)
        return TimeService(
            self.driver,
            Sync.SYNCHRONISED,
            tracking.offset,
            tracking.bound,
            tracking.ppm,
            sources,
        )

    async def ask_again(self) -> bool:
        """Four good answers from each source, some two seconds apart (`chronyc burst`)."""
        await self.session.run(units.change("chronyc", "burst", "4/4"))
        return True

    async def step(self) -> bool:
        """At once (`chronyc makestep`)."""
        await self.session.run(units.change("chronyc", "makestep"))
        return True

    async def restart(self) -> None:
        """It steps the clock where chrony.conf has ``makestep``; Debian's does from 1 s on."""
        await units.restart(self.session, *_UNITS)


def tracking_call() -> Call[Tracking | Sync | None]:
    """How the clock is; `Sync.DEAD` where the daemon does not run, None without chrony."""
    return Call(("chronyc", "-n", "-c", "tracking"), read_tracking)


def read_tracking(output: Output) -> Tracking | Sync | None:
    """``chronyc -c tracking``: 14 fields in one line."""
    if output.exit == units.NOT_FOUND:
        return None
    if any(words in output.stdout + output.stderr for words in _DEAD):
        return Sync.DEAD
    line = must_succeed(output, "chronyc").stdout.strip()
    refid, _comma, rest = line.partition(",")
    fields = rest.rsplit(",", _TRACKING_REST)
    if len(fields) != _TRACKING_REST + 1 or len(fields[-1]) == 0:
        raise not_understood("chronyc tracking", line)
    leap = fields[-1]
    if leap not in _LEAPS or len(refid) != len(_NO_SOURCE[0]):
        raise not_understood("chronyc tracking", line)
    slow, fast, delay, dispersion = _numbers(line, [fields[i] for i in (3, 6, 9, 10)])
    return Tracking(
        leap != _NOT_SYNCHRONISED and refid.upper() not in _NO_SOURCE,
        # field 5 is how slow the clock is (verified: fast-tracking.json), field 8 how fast it runs
        -slow,
        dispersion + delay / 2,
        fast,
    )


def sources_call() -> Call[tuple[Source, ...]]:
    """What chronyd thinks of its sources."""
    return Call(("chronyc", "-n", "-c", "sources"), read_sources)


def read_sources(output: Output) -> tuple[Source, ...]:
    """``chronyc -c sources``: 10 fields for each, without the tilde that the table has."""
    lines = must_succeed(output, "chronyc").stdout.splitlines()
    return tuple(_source(line) for line in lines if line.strip())


def _source(line: str) -> Source:
    mode, _comma, rest = line.partition(",")
    state, _comma, rest = rest.partition(",")
    fields = rest.rsplit(",", _SOURCE_REST)
    if mode not in ("^", "=", "#") or state not in _STANDINGS or len(fields) != _SOURCE_REST + 1:
        raise not_understood("chronyc sources", line)
    name, stratum, _poll, reach, _last, _adjusted, _measured, _error = fields
    answered = _reach(line, reach)
    # unlike in tracking, positive is ahead here (verified: wrong-sources.json)
    stratum_number, offset, bound = _numbers(line, [stratum, fields[5], fields[7]])
    standing = _STANDINGS[state]
    if state == "?" and not answered:
        standing = Standing.SILENT
    if not answered:
        return Source(clean(name, 80), standing, int(stratum_number) or None, 0)
    return Source(clean(name, 80), standing, int(stratum_number), answered, offset, bound)


def _reach(line: str, reach: str) -> int:
    """How many of the last eight were answered: a register of bits, printed in octal."""
    if not (reach.isascii() and reach.isdigit() and len(reach) <= 3 and not set(reach) & {*"89"}):
        raise not_understood("chronyc sources", line)
    return int(reach, 8).bit_count()


def _numbers(line: str, fields: Sequence[str]) -> list[float]:
    try:
        found = [float(field) for field in fields]
    except ValueError as error:
        raise not_understood("chronyc", line) from error
    if not all(map(math.isfinite, found)):
        raise not_understood("chronyc", line)
    return found
