"""systemd-timesyncd, as the one of Debian 12 showed it (tests/data/clocks/timesyncd-252-*).

Below the class: one pure function for each command.  The parsers are total: what is not understood
is a `DeviceError`, never left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.core.text import clean
from bot.core.time_service import Source, Standing, Sync, TimeService
from bot.devices import units
from bot.devices.said import must_succeed, not_understood
from bot.devices.session import Call, Output
from bot.devices.time_service import TimeServiceDriver

_UNIT = "systemd-timesyncd"
_MESSAGE = re.compile(r"\{ (?P<fields>.*) \}")
#: the kernel's frequency in 2^-16 parts per million (adjtimex(2))
_PPM = 2**16
_WORDS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Followed:
    """What timesyncd says of the one server that it asks, and of the clock's rate."""

    source: Source | None
    ppm: float


class Timesyncd(TimeServiceDriver):
    driver = "timesyncd"
    order = 3
    can_be_told = False
    #: NTP_MAX_ADJUST in timesyncd-manager.c
    steps_from = 0.4

    async def look(self) -> TimeService | None:
        """By `timedatectl`, which every Debian has: whether timesyncd runs, systemd says.

        It is asked only where it runs: D-Bus could start it otherwise.  It tells its offset to no
        program.
        """
        units_found = await self.session.run(units.units_call(_UNIT))
        if not units_found or not units_found[0].installed:
            return None
        if not units_found[0].active:
            return TimeService(self.driver, Sync.DEAD)
        followed = await self.session.run(followed_call())
        flag = await self.session.run(synchronised_call())
        sources = (followed.source,) if followed.source is not None else ()
        sync = Sync.SYNCHRONISED if flag and sources else Sync.UNSYNCHRONISED
        return TimeService(self.driver, sync, ppm=followed.ppm, sources=sources)

    async def ask_again(self) -> bool:
        """It has no way to be told."""
        return False

    async def step(self) -> bool:
        """It cannot be told.  Started anew it steps what is more than 0.4 s off."""
        return False

    async def restart(self) -> None:
        """It asks its server at once then, and steps the clock where it is more than 0.4 s off."""
        await units.restart(self.session, _UNIT)


def followed_call() -> Call[Followed]:
    """Which server it asks."""
    return Call(("timedatectl", "show-timesync", "--all"), read_followed)


def read_followed(output: Output) -> Followed:
    """``timedatectl show-timesync --all``: a property a line, NTPMessage once a server answered."""
    said = _properties(output, "timedatectl show-timesync")
    try:
        server, address = said["ServerName"], said["ServerAddress"]
        ppm = -int(said["Frequency"]) / _PPM
    except (KeyError, ValueError) as error:
        raise not_understood("timedatectl show-timesync", output.stdout) from error
    if not server:
        return Followed(None, ppm)
    name = clean(server if server == address or not address else f"{server} ({address})", 80)
    return Followed(_source(name, said.get("NTPMessage", "")), ppm)


def _source(name: str, message: str) -> Source:
    if not message:
        return Source(name, Standing.SILENT)
    found = _MESSAGE.fullmatch(message)
    pairs = [each.partition("=") for each in found["fields"].split(", ")] if found else []
    fields = {key: value for key, equals, value in pairs if equals}
    try:
        stratum, packets = int(fields["Stratum"]), int(fields["PacketCount"])
        ignored = _WORDS[fields["Ignored"]]
    except (KeyError, ValueError) as error:
        raise not_understood("timedatectl show-timesync", message) from error
    if packets == 0:
        return Source(name, Standing.SILENT)
    return Source(name, Standing.UNUSABLE if ignored else Standing.SELECTED, stratum)


def synchronised_call() -> Call[bool]:
    """Whether the kernel holds its clock to be synchronised."""
    return Call(("timedatectl", "show", "-p", "NTP", "-p", "NTPSynchronized"), read_synchronised)


def read_synchronised(output: Output) -> bool:
    """``timedatectl show``: yes or no."""
    said = _properties(output, "timedatectl show")
    found = _WORDS.get(said.get("NTPSynchronized", ""))
    if found is None:
        raise not_understood("timedatectl show", output.stdout)
    return found


def _properties(output: Output, command: str) -> dict[str, str]:
    lines = must_succeed(output, command).stdout.splitlines()
    pairs = [line.partition("=") for line in lines if line.strip()]
    if not all(equals for _key, equals, _value in pairs):
        raise not_understood(command, output.stdout)
    return {key: value for key, _equals, value in pairs}
