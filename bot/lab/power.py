"""The power of a host: its plug, its button, and what its system makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import TYPE_CHECKING, Any

from bot.lab.dom0 import Dom0
from bot.lab.domains import Life

if TYPE_CHECKING:
    from bot.lab.world import World


class Turn(Enum):
    """What happened to a host, for who shows it or writes it down."""

    ON = "the power came"
    BOOTED = "the system answers"
    STOPPING = "the system goes down"
    OFF = "the power went"
    RESET = "it was reset"
    HUNG = "the system hangs"


class Power:
    """What can be done to one host's power; what it asks for comes after a while."""

    def __init__(self, world: World, host: Dom0) -> None:
        self._world = world
        self.host = host
        #: told of each turn, right after it
        self.listeners: list[Callable[[Turn], None]] = []
        self._plan: asyncio.Task[None] | None = None

    def lose(self) -> None:
        """The power goes: every domain and process is gone."""
        self._drop_plan()
        self._off()

    def come_back(self) -> None:
        """The host has power and has booted, empty; its script makes the links anew at boot."""
        if self.host.alive:
            return
        self._drop_plan()
        if self.host.hung:
            self._stop()
        self.host.powered = True
        self._tell(Turn.ON)
        self._boot()

    def hang(self) -> None:
        """The system stops answering, its links and commands too; the power stays.

        Its domains stay where they are: the hypervisor goes on, their disks and networks do not.
        """
        if not self.host.alive:
            return
        self._drop_plan()
        self.host.hung = True
        self._stop(domains_too=False)
        self._tell(Turn.HUNG)

    def switch_on(self) -> None:
        """Let the power come, and the host boot."""
        if not self.host.powered:
            self._begin(self._start())

    def press(self) -> None:
        """What a short press of the button does: the system goes down, unless it hangs."""
        if self.host.alive:
            self._begin(self._go_down())
        else:
            self.switch_on()

    def reset(self) -> None:
        """Off and on again, at once; nobody is asked."""
        if self.host.powered:
            self._drop_plan()
            self._stop()
            self._tell(Turn.RESET)
            self._begin(self._start(powered=True))

    async def _start(self, *, powered: bool = False) -> None:
        if not powered:
            await asyncio.sleep(self._world.pace.power)
            self.host.powered = True
            self._tell(Turn.ON)
        await asyncio.sleep(self._world.pace.host_boot)
        self._boot()

    async def _go_down(self) -> None:
        """The guests shut down, then the system, then the power goes."""
        self._tell(Turn.STOPPING)
        pace = self._world.pace
        for domain in tuple(self.host.domains.values()):
            system = self.host.consoles.guest(domain)
            if system is not None and domain.life is Life.ALIVE:
                system.stop("reboot: Power down")
        await asyncio.sleep(pace.shutdown / 2)
        for domain in tuple(self.host.domains.values()):
            self.host.live(domain, Life.CLOSING)
        await asyncio.sleep(pace.shutdown / 2)
        for domain in tuple(self.host.domains.values()):
            self.host.drop(domain)
        await asyncio.sleep(pace.power)
        self._off()

    def _boot(self) -> None:
        host = self.host
        host.alive = True
        host.booted = self._world.clock.now()
        host.disks.devices.clear()
        host.disks.links.clear()
        host.disks.update()
        # the hardware's clock went on
        self._world.timepieces[host.name].boot()
        self._world.changed()
        self._tell(Turn.BOOTED)

    def _off(self) -> None:
        had = self.host.powered
        self.host.powered = False
        self._stop()
        if had:
            self._tell(Turn.OFF)

    def _stop(self, *, domains_too: bool = True) -> None:
        """Nothing of the host runs any more, and who talks to it finds out."""
        host = self.host
        host.alive = False
        if domains_too:
            host.hung = False
            for domain in tuple(host.domains.values()):
                host.drop(domain)
        for process in host.processes.clear():
            process.killed()
        for transfer in tuple(self._world.transfers):
            if transfer.involves(host.name):
                transfer.host_died(host.name)
        self._world.changed()

    def _begin(self, plan: Coroutine[Any, Any, None]) -> None:
        """Let *plan* go on by itself; what was asked for before it is forgotten."""
        self._drop_plan()
        self._plan = self._world.chores.start(plan)

    def _drop_plan(self) -> None:
        if self._plan is not None:
            self._plan.cancel()
            self._plan = None

    def _tell(self, turn: Turn) -> None:
        for listener in tuple(self.listeners):
            listener(turn)
