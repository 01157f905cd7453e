"""Where a guest is, asked twice: the only way the bot ever says that something runs somewhere.

A perfect migration shows the guest on both hosts for seconds (recording 90-during-migration), so
one look proves nothing.  A census reads each host, then each again, and counts only when both
rounds agree and nothing is sending or receiving the guest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.devices.host import Host
from bot.devices.xen import Domain, Kind, Transfer
from bot.engine.world import Timing
from bot.errors import DeviceError
from bot.i18n import _


@dataclass(frozen=True)
class Sighting:
    """One copy of the guest on one host; half of one too."""

    host: str
    domain: Domain

    def __str__(self) -> str:
        return _("{name} on {host} (id {domid}, {kind})").format(
            name=self.domain.name,
            host=self.host,
            domid=self.domain.domid,
            kind=state_in_words(self.domain),
        )

    @property
    def sign(self) -> tuple[str, str, int, str, Kind]:
        """What must not differ between two rounds."""
        return self.host, self.domain.uuid, self.domain.domid, self.domain.name, self.domain.kind


@dataclass(frozen=True)
class Census:
    """What both rounds saw of one guest."""

    guest: str
    copies: tuple[Sighting, ...]
    #: why this does not count yet; empty where it does
    moving: str = ""

    @property
    def whole(self) -> tuple[Sighting, ...]:
        """The copies that are alive or paused under the guest's own name."""
        kinds = (Kind.ALIVE, Kind.PAUSED)
        return tuple(
            copy for copy in self.copies if not copy.domain.half_moved and copy.domain.kind in kinds
        )

    @property
    def home(self) -> str | None:
        """The one host on which the guest runs, and nowhere else even in part; else None."""
        alive = [copy for copy in self.copies if copy.domain.kind is Kind.ALIVE]
        if self.moving or len(self.copies) != 1 or len(alive) != 1 or alive[0].domain.half_moved:
            return None
        return alive[0].host

    def sentence(self) -> str:
        """Everything that was seen, for people."""
        if not self.copies:
            return _("{guest} is on no host.").format(guest=self.guest)
        return "; ".join(map(str, self.copies)) + "."


async def take(hosts: Sequence[Host], guest: str, uuid: str = "") -> Census:
    """Read every host, then every host again; raises `Unreachable` where one cannot be asked.

    A domain counts as the guest by its name, by a half-moved form of it, and by its UUID.
    """
    return judge(guest, uuid, [[await look(host) for host in hosts] for _round in range(2)])


@dataclass(frozen=True)
class View:
    """What one look at one host showed."""

    host: str
    domains: tuple[Domain, ...]
    transfers: tuple[Transfer, ...]


def judge(guest: str, uuid: str, rounds: Sequence[Sequence[View]]) -> Census:
    """What two *rounds* of looks say of one guest; raises nothing, and counts as `take` does."""
    counted = []
    moving = ""
    for views in rounds:
        seen: list[Sighting] = []
        for view in views:
            mine = _copies(view.host, view.domains, guest, uuid)
            seen += mine
            moving = moving or _transfer(view.host, view.transfers, guest, mine)
            uuid = uuid or next((copy.domain.uuid for copy in mine), "")
        counted.append(seen)
    first, second = ([copy.sign for copy in seen] for seen in counted)
    if first != second:
        moving = moving or _("two looks at {guest} differ").format(guest=guest)
    return Census(guest, tuple(counted[1]), moving)


async def settle(hosts: Sequence[Host], guest: str, uuid: str, timing: Timing) -> Census:
    """Repeat the census until it counts, or until the patience for it is over.

    One answer that is lost or cannot be read proves nothing either, so it is asked for again;
    raises `DeviceError` where that is so to the end.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timing.census_patience
    while True:
        try:
            census = await take(hosts, guest, uuid)
        except DeviceError:
            if loop.time() >= deadline:
                raise
        else:
            if not census.moving or loop.time() >= deadline:
                return census
        await asyncio.sleep(timing.census_every)


async def look(host: Host) -> View:
    """Look once at *host*; raises `DeviceError` where it cannot be asked."""
    domains = await host.toolstack.domains()
    return View(host.name, domains, await host.toolstack.transfers())


def _copies(host: str, domains: Sequence[Domain], guest: str, uuid: str) -> list[Sighting]:
    return [
        Sighting(host, domain)
        for domain in domains
        if domain.plain_name == guest or (uuid and domain.uuid == uuid)
    ]


def _transfer(
    host: str, transfers: Sequence[Transfer], guest: str, copies: Sequence[Sighting]
) -> str:
    half = any(copy.domain.half_moved for copy in copies)
    for transfer in transfers:
        named = transfer.guest in {guest, *(str(copy.domain.domid) for copy in copies)}
        unnamed = not transfer.guest and (half or not transfer.receives)
        if named or unnamed:
            return _("a transfer of {guest} is alive on {host} (process {pid})").format(
                guest=guest, host=host, pid=transfer.pid
            )
    return ""


def state_in_words(domain: Domain) -> str:
    """The state of *domain* for people; half-moved ones say so, unless they are dying anyway."""
    words = {
        Kind.ALIVE: _("running"),
        Kind.PAUSED: _("paused"),
        Kind.SUSPENDED: _("suspended"),
        Kind.SHUT_DOWN: _("shutting down"),
        Kind.CRASHED: _("crashed"),
        Kind.DYING: _("dying"),
        Kind.UNKNOWN: _("in a state that the bot does not know"),
    }
    state = words[domain.kind]
    if domain.half_moved and domain.kind is not Kind.DYING:
        return _("half-moved, {state}").format(state=state)
    return state
