"""A thing of the site that somebody names without saying what it is: found by looking, now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.core.holds import HoldKind
from bot.core.text import clean, did_you_mean
from bot.devices.host import Host
from bot.devices.storage import StorageArray
from bot.engine.inventory import Inventory
from bot.errors import DeviceError, Refused, UsageError
from bot.i18n import _


@dataclass(frozen=True)
class Sought:
    """What was typed: a name, and what it is where that was said."""

    name: str
    kind: HoldKind | None = None

    def fits(self, kind: HoldKind) -> bool:
        return self.kind in (None, kind)

    def __str__(self) -> str:
        return self.name if self.kind is None else f"{self.kind.value}:{self.name}"


@dataclass(frozen=True)
class Found:
    """What there is by a name."""

    kind: HoldKind
    name: str
    #: its UUID or WWN; empty where none is known, or where there are several
    identity: str = ""
    #: what could not be asked meanwhile
    problems: tuple[str, ...] = ()


async def find(inventory: Inventory, sought: Sought, may: Callable[[str], bool]) -> Found:
    """The one guest, host or volume that *sought* names; hints name only what *may* be seen.

    Raises `UsageError` where there is none or where it is not said which, `Refused` where that
    cannot be told, since something does not answer.
    """
    look = _Look(inventory, sought)
    await look.everywhere()
    found = look.found
    if not found and look.problems:
        raise Refused(
            _("There is no {name} on what answers.").format(name=sought), hint=look.trouble
        )
    if not found:
        raise UsageError(
            _missing(sought), hint=did_you_mean(sought.name, filter(may, look.names)), word=1
        )
    if len(found) > 1:
        raise UsageError(several(sought.name, found), word=1)
    [(kind, identities)] = found.items()
    identity = identities.pop() if len(identities) == 1 else ""
    return Found(kind, sought.name, identity, tuple(look.problems))


def _missing(sought: Sought) -> str:
    sentences = {
        None: _("There is no DomU, Dom0 or volume called {name}."),
        HoldKind.DOMU: _("There is no DomU called {name}."),
        HoldKind.HOST: _("There is no Dom0 called {name}."),
        HoldKind.VOLUME: _("There is no volume called {name}."),
    }
    return sentences[sought.kind].format(name=clean(sought.name, 60))


def several(name: str, kinds: Iterable[HoldKind]) -> str:
    """What to write where *name* is said of several *kinds* of things."""
    whole = sorted(f"{kind.value}:{name}" for kind in kinds)
    return _("{name} is several things; say which: {names}.").format(
        name=name, names=", ".join(whole)
    )


class _Look:
    """One look at all that may have the name."""

    def __init__(self, inventory: Inventory, sought: Sought) -> None:
        self._inventory = inventory
        self._sought = sought
        #: what has the name: each kind with the UUIDs or WWNs that were seen
        self.found: dict[HoldKind, set[str]] = {}
        #: every name that was seen
        self.names: set[str] = set()
        self.problems: list[str] = []

    @property
    def trouble(self) -> str:
        return "\n".join(self.problems)

    async def everywhere(self) -> None:
        world = self._inventory.world
        looks = []
        if self._sought.fits(HoldKind.HOST):
            for name in world.hosts:
                self._saw(HoldKind.HOST, name)
        if self._sought.fits(HoldKind.DOMU):
            looks += [self._guests(host) for host in world.hosts.values()]
        if self._sought.fits(HoldKind.VOLUME):
            looks += [self._volumes(array) for array in world.arrays.values()]
        await asyncio.gather(*looks)

    async def _guests(self, host: Host) -> None:
        try:
            domains = await host.toolstack.domains()
            defined = await host.toolstack.defined()
        except DeviceError as error:
            self._silent(host.name, error)
            # a hold only protects: who was last seen there is held before it is seen again
            for name in self._inventory.guests.get(host.name, ()):
                self._saw(HoldKind.DOMU, name)
            return
        for domain in domains:
            self._saw(HoldKind.DOMU, domain.plain_name, domain.uuid)
        for name in defined:
            self._saw(HoldKind.DOMU, name)

    async def _volumes(self, array: StorageArray) -> None:
        try:
            volumes = await array.volumes()
        except DeviceError as error:
            self._silent(array.name, error)
            return
        for volume in volumes:
            self._saw(HoldKind.VOLUME, volume.name, volume.wwn)

    def _silent(self, name: str, error: DeviceError) -> None:
        self.problems.append(_("{name} cannot be asked: {why}").format(name=name, why=error))

    def _saw(self, kind: HoldKind, name: str, identity: str = "") -> None:
        self.names.add(name)
        if name == self._sought.name:
            self.found.setdefault(kind, set()).update(filter(None, [identity]))
