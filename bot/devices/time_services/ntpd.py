"""ntpd: ntpsec as the one of Debian 12 showed it (tests/data/clocks/ntpsec-1.2-*), and the classic.

Below the class: one pure function for each command.  The parsers are total: what is not understood
is a `DeviceError`, never left out.  Sources: ntpq(8); classic ntp's ntpq/ntpq.c for its words.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from bot.core.text import clean
from bot.core.time_service import Source, Standing, Sync, TimeService
from bot.devices import units
from bot.devices.said import must_succeed, not_understood
from bot.devices.session import Call, Output
from bot.devices.time_service import TimeServiceDriver
from bot.errors import DeviceError
from bot.i18n import _

_UNITS = ("ntpsec", "ntp", "ntpd")
#: ntpsec's words and classic ntp's; both end with 0
_DEAD = ("probably ntpd is not running", "Connection refused")
_SILENT = re.compile(r"timed out", re.IGNORECASE)
_EMPTY = re.compile(r"^\W*No association ID", re.IGNORECASE | re.MULTILINE)
#: one of ``rv``: a word, or words in quotes
_PAIR = re.compile(r'([a-z_]+)=("[^"]*"|[^,\s]*(?: [0-9]{4}-[^,\s]+)?)(?=,|$)')
_ALARM = "11"
_LEAPS = ("00", "01", "10", _ALARM)
_FARTHEST = 15
#: reference ids of the machine's own clock (the LOCAL driver)
_OWN = re.compile(r"127\.127\.1\.\d+|LOCAL\(\d+\)|LOCL")
_STANDINGS = {
    "*": Standing.SELECTED,
    "o": Standing.SELECTED,
    "+": Standing.COMBINED,
    "-": Standing.SPARE,
    "#": Standing.SPARE,
    ".": Standing.SPARE,
    "x": Standing.FALSE,
    " ": Standing.UNUSABLE,
}
_HEADER = "remote refid st t when poll reach delay offset jitter"
_NUMBER = r"-?\d+\.?\d*(?:e[+-]?\d+)?"
_PEER = re.compile(
    r"(?P<name>\S+)\s+(?P<refid>\S+)\s+(?P<stratum>\d{1,2}|-)\s+(?P<type>\S)"
    r"\s+(?:-|\d{1,9}[smhdy]?)\s+\d{1,9}[smhdy]?\s+(?P<reach>[0-7]{1,3})"
    rf"\s+(?P<delay>{_NUMBER})\s+(?P<offset>{_NUMBER})\s+(?P<jitter>{_NUMBER})\s*"
)
_POOL = ".POOL."
#: how wide the column of names is; an address of IPv6 is cut there without a word
_NAME_WIDTH = 15


@dataclass(frozen=True)
class Variables:
    """What ntpd says of the clock; seconds, positive for ahead."""

    synchronised: bool
    offset: float
    bound: float
    ppm: float


class Ntpd(TimeServiceDriver):
    driver = "ntpd"
    order = 2
    can_be_told = False
    #: ntpd(8): the step threshold, 128 ms
    steps_from = 0.128

    async def look(self) -> TimeService | None:
        """By `ntpq`, which needs no rights; raises `DeviceError` where ntpd refuses it."""
        said = await self.session.run(variables_call())
        if said is None:
            return None
        if isinstance(said, Sync):
            return TimeService(self.driver, Sync.DEAD)
        sources = await self.session.run(peers_call())
        # leap and stratum stay as they were when the last peer is lost (recorded: two-rv.json)
        follows = any(each.standing is Standing.SELECTED for each in sources)
        if not (said.synchronised and follows):
            return TimeService(self.driver, Sync.UNSYNCHRONISED, sources=sources)
        return TimeService(
            self.driver, Sync.SYNCHRONISED, said.offset, said.bound, said.ppm, sources
        )

    async def ask_again(self) -> bool:
        """It has no way to be told."""
        return False

    async def step(self) -> bool:
        """It cannot be told: it steps by itself what is more than 128 ms off for minutes.

        Started anew it steps sooner; more than 1000 s only with ``-g``, as Debian's ntpd has.
        """
        return False

    async def restart(self) -> None:
        """It steps the clock where it is more than 128 ms off, some ten seconds later."""
        await units.restart(self.session, *_UNITS)


def variables_call() -> Call[Variables | Sync | None]:
    """How the clock is; `Sync.DEAD` where the daemon does not run, None without ntpq."""
    return Call(("ntpq", "-c", "rv"), read_variables)


def read_variables(output: Output) -> Variables | Sync | None:
    """``ntpq -c rv``: names and values in lines that are broken anywhere between two."""
    if output.exit == units.NOT_FOUND:
        return None
    if any(words in output.stdout + output.stderr for words in _DEAD):
        return Sync.DEAD
    said = dict(_PAIR.findall(_answer(output).replace("\n", " ").replace("\r", "")))
    try:
        leap, stratum = said["leap"], int(said["stratum"])
        numbers = [float(said[name]) for name in ("offset", "rootdelay", "frequency")]
        # the classic one wrote rootdispersion until 4.2.6
        dispersion = float(said.get("rootdisp") or said["rootdispersion"])
    except (KeyError, ValueError) as error:
        raise not_understood("ntpq", output.stdout) from error
    if leap not in _LEAPS or not all(map(math.isfinite, (*numbers, dispersion))):
        raise not_understood("ntpq", output.stdout)
    offset, delay, frequency = numbers
    own = _OWN.fullmatch(said.get("refid", "")) is not None
    return Variables(
        leap != _ALARM and stratum <= _FARTHEST and not own,
        # milliseconds, and the server's time less the clock's
        -offset / 1000,
        (dispersion + delay / 2) / 1000,
        # what is added to the clock's own rate
        -frequency,
    )


def peers_call() -> Call[tuple[Source, ...]]:
    """What ntpd thinks of its sources."""
    return Call(("ntpq", "-pn"), read_peers)


def read_peers(output: Output) -> tuple[Source, ...]:
    """``ntpq -pn``: a table, with one character before each source for what it is worth."""
    if _EMPTY.search(output.stdout + output.stderr):
        return ()
    lines = [line for line in _answer(output).splitlines() if line.strip()]
    if len(lines) < 2 or " ".join(lines[0].split()) != _HEADER or set(lines[1]) != {"="}:
        raise not_understood("ntpq -pn", output.stdout)
    found = (_source(line) for line in lines[2:])
    return tuple(source for source in found if source is not None)


def _source(line: str) -> Source | None:
    """One line of the table; None for a pool, whose servers have lines of their own."""
    peer = _PEER.fullmatch(line[1:])
    if peer is None or line[0] not in _STANDINGS or int(peer["reach"], 8) > 0xFF:
        raise not_understood("ntpq -pn", line)
    if peer["refid"] == _POOL:
        return None
    name, answered = clean(peer["name"], 80), int(peer["reach"], 8).bit_count()
    if ":" in name and len(name) >= _NAME_WIDTH:
        name += "…"
    stratum = None if peer["stratum"] == "-" else int(peer["stratum"])
    if stratum is not None and not 0 <= stratum <= _FARTHEST:
        stratum = None
    standing = _STANDINGS[line[0]]
    if not answered:
        silent = Standing.SILENT if standing is Standing.UNUSABLE else standing
        return Source(name, silent, stratum, 0)
    offset, delay, jitter = (float(peer[name]) for name in ("offset", "delay", "jitter"))
    if not all(map(math.isfinite, (offset, delay, jitter))):
        raise not_understood("ntpq -pn", line)
    return Source(name, standing, stratum, answered, -offset / 1000, (delay / 2 + jitter) / 1000)


def _answer(output: Output) -> str:
    """What ntpq printed; raises where it says on stderr that it got nothing."""
    must_succeed(output, "ntpq")
    if _SILENT.search(output.stderr):
        raise DeviceError(
            _("ntpd runs, but does not answer ntpq."),
            hint=_("Let its ntp.conf not restrict the machine itself: restrict 127.0.0.1"),
        )
    if not output.stdout.strip():
        return must_succeed(Output("", output.stderr, 1), "ntpq").stdout
    return output.stdout
