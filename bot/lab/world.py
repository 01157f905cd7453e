"""The one world that every device of the lab shows a side of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from random import Random
from typing import Any, Protocol

from bot.lab import faults as names
from bot.lab.chores import Chores
from bot.lab.clock import RECORDED, Clock
from bot.lab.clocks.link import Link
from bot.lab.clocks.timepiece import Timepiece
from bot.lab.consoles import scenes
from bot.lab.dom0 import Dom0, Machine
from bot.lab.domains import Life
from bot.lab.faults import Fault, Faults, UnknownFault
from bot.lab.ilo.processor import Ilo
from bot.lab.power import Power
from bot.lab.violations import Watch
from bot.lab.volumes import Array, Disks


@dataclass(frozen=True)
class Pace:
    """How long things take, in seconds."""

    migration: float = 6.0
    create: float = 0.3
    #: from the first line on the console to the login prompt
    boot: float = 4.0
    shutdown: float = 1.0
    destroy: float = 1.0
    #: a slow answer is late by this
    slow: float = 3.0
    #: a machine that lost its power is noticed after this by those that talk to it
    notice: float = 1.0
    #: until the power is as it was asked for
    power: float = 2.0
    #: until a host that has power answers
    host_boot: float = 8.0


_NEAR = Link()


class Breakable(Protocol):
    """Something between two hosts that breaks when one of them dies."""

    def involves(self, host: str) -> bool:
        """Whether *host* is one of its ends."""

    def host_died(self, host: str) -> None:
        """Learn that *host* lost its power."""

    def cut(self) -> None:
        """Lose the transport."""

    @property
    def copying(self) -> bool:
        """Whether it is in mid-copy."""


class World:
    """Hosts, arrays, guests and time; the same seed gives the same world."""

    def __init__(
        self,
        machines: Iterable[Machine],
        arrays: Iterable[Array],
        *,
        pace: Pace | None = None,
        seed: int = 0,
        epoch: float = RECORDED,
        first_pid: int = 1000,
    ) -> None:
        self.clock = Clock(epoch)
        self.pace = pace or Pace()
        self.random = Random(seed)  # noqa: S311 - a world that can be replayed, no secret
        self.faults = Faults()
        self.chores = Chores()
        self.watch = Watch()
        self.arrays = {array.name: array for array in arrays}
        self.transfers: list[Breakable] = []
        self._changed = asyncio.Event()
        first = next(iter(self.arrays.values()))
        self.hosts = {
            machine.name: Dom0(
                machine, Disks(machine.name, first), self.clock, self.changed, first_pid
            )
            for machine in machines
        }
        #: the clocks of hosts and guests, by name
        self.timepieces = {name: Timepiece(self.clock) for name in self.hosts}
        #: how slow it is to get to hosts and guests, by name; what is not named is near
        self.links: dict[str, Link] = {}
        #: the guests that take commands over ssh, and those that tell the time
        self.by_ssh: tuple[str, ...] = ()
        self.by_ntp: tuple[str, ...] = ()
        self.power = {name: Power(self, host) for name, host in self.hosts.items()}
        ilos = (Ilo(self, host, self.power[host.name]) for host in self.hosts.values())
        self.ilos = {ilo.name: ilo for ilo in ilos}

    def link(self, name: str) -> Link:
        """The way to the host or guest *name*."""
        return self.links.get(name, _NEAR)

    def runs(self, guest: str) -> bool:
        """Whether the guest called so can answer: it is alive on a host that does not hang."""
        return any(
            domain.life is Life.ALIVE and domain.guest.name == guest
            for host in self.hosts.values()
            if host.alive
            for domain in host.domains.values()
        )

    def exists(self, guest: str) -> bool:
        """Whether the guest called so is somewhere, be it suspended: what it talks to waits."""
        waits = {Life.ALIVE, Life.PAUSED, Life.SUSPENDED}
        return any(
            domain.life in waits and domain.guest.name == guest
            for host in self.hosts.values()
            if host.powered
            for domain in host.domains.values()
        )

    async def until_it_runs(self, guest: str) -> bool:
        """Wait while the guest called so is suspended; whether it runs then, or is gone."""
        await self.until(lambda: self.runs(guest) or not self.exists(guest))
        return self.runs(guest)

    def clock_of(self, guest: str) -> Timepiece:
        """The clock of the guest called so, made where it has none yet."""
        if guest not in self.timepieces:
            self.timepieces[guest] = Timepiece(self.clock)
            self.timepieces[guest].leader = partial(self._clock_below, guest)
        return self.timepieces[guest]

    def _clock_below(self, guest: str) -> Timepiece | None:
        """That of the Dom0 that the guest called so runs on."""
        for host in self.hosts.values():
            if any(each.runs and each.guest.name == guest for each in host.domains.values()):
                return self.timepieces[host.name]
        return None

    def changed(self) -> None:
        """Look for broken rules and wake who waits for a change."""
        self.watch.look(self.clock.now(), self.hosts.values())
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds* is true, looking after each change of the world."""
        while not holds():
            await self._changed.wait()

    def fault(self, fault: Fault) -> None:
        """Set *fault*, or let it strike where it is one that strikes at once."""
        known = (*self.timepieces, *self.arrays, *self.ilos)
        if fault.where and fault.where not in known:
            raise UnknownFault(f"nothing is called {fault.where!r}")
        if fault.name in names.AT_ONCE:
            self._strike(fault)
        else:
            self.faults.add(fault)
        if fault.name == names.CUT:
            self._cut_now(fault)

    def console(self, guest: str, scene: str) -> None:
        """Let the console of *guest* show *scene*; raises `UnknownFault` where it cannot."""
        for host in self.hosts.values():
            for domain in host.domains.values():
                system = host.consoles.guest(domain)
                if domain.runs and domain.guest.name == guest and system is not None:
                    if not scenes.show(system, scene):
                        raise UnknownFault(f"no scene is called {scene!r}")
                    return
        raise UnknownFault(f"no guest called {guest!r} runs")

    def _strike(self, fault: Fault) -> None:
        host = self.hosts.get(fault.where)
        if host is None:
            raise UnknownFault(f"{fault.name} needs a host")
        strikes: dict[str, Callable[[], None]] = {
            names.KILL_HOST: self.power[host.name].lose,
            names.HANG_HOST: self.power[host.name].hang,
            names.REVIVE: self.power[host.name].come_back,
            names.MISSING_LINK: lambda: self._lose_link(host, fault.match),
            names.STALE_LINK: lambda: self._spoil_link(host, fault.match),
        }
        strikes[fault.name]()

    def _cut_now(self, fault: Fault) -> None:
        """A cut that is set while a migration copies strikes that one at once."""
        for transfer in tuple(self.transfers):
            here = not fault.where or transfer.involves(fault.where)
            if here and transfer.copying and self.faults.take(names.CUT, fault.where):
                transfer.cut()

    def _lose_link(self, host: Dom0, name: str) -> None:
        if host.disks.links.pop(name, None) is None:
            raise UnknownFault(f"{host.name} has no link {name!r}")
        self.changed()

    def _spoil_link(self, host: Dom0, name: str) -> None:
        """Lead the link *name* to the disk of another volume, as after a LUN was used again."""
        right = host.disks.links.get(name)
        others = [device for device in host.disks.devices if device != right]
        if right is None or not others:
            raise UnknownFault(f"{host.name} has no link {name!r}")
        host.disks.links[name] = others[0]
        self.changed()

    def picture(self) -> dict[str, Any]:
        """Who runs where, how far clocks are ahead, what rules were broken; for the socket."""
        now = self.clock.now()
        return {
            "hosts": {
                host.name: {
                    "alive": host.alive,
                    "power": "on" if host.powered else "off",
                    "free_memory": host.free_memory,
                    "domains": [
                        {
                            "name": domain.name,
                            "domid": domain.domid,
                            "uuid": domain.guest.uuid,
                            "memory": domain.memory,
                            "state": domain.letters(now),
                            "runs": domain.runs,
                        }
                        for domain in host.domains.values()
                    ],
                }
                for host in self.hosts.values()
            },
            "clocks": {name: piece.offset for name, piece in self.timepieces.items()},
            "violations": [asdict(violation) for violation in self.watch.seen],
        }

    async def close(self) -> None:
        """End everything that goes on by itself."""
        await self.chores.close()
