"""One iLO: what it knows about its server, and who is on its serial port."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.lab import faults
from bot.lab.dom0 import Dom0
from bot.lab.ilo.events import EventLog
from bot.lab.ilo.generations import GENERATIONS
from bot.lab.ilo.serial_port import SerialPort
from bot.lab.power import Power, Turn

if TYPE_CHECKING:
    from bot.lab.world import World


class Ilo:
    """The iLO of one host; it answers whatever becomes of the host."""

    def __init__(self, world: World, host: Dom0, power: Power) -> None:
        self.world = world
        self.host = host
        self.power = power
        self.name = f"{host.name}-ilo"
        self.generation = GENERATIONS[host.machine.ilo]
        self.serial_number = serial_number(host.name)
        self.log = EventLog(world.clock.wall())
        self.port = SerialPort(host.name)
        self._throw_out: Callable[[], None] | None = None
        power.listeners.append(self._turned)

    @property
    def shown_serial_number(self) -> str:
        """The serial number that it shows: another server's, where that fault is set."""
        if self.world.faults.standing(faults.ILO_OTHER_SERVER, self.name):
            return serial_number("another server")
        return self.serial_number

    @property
    def port_taken(self) -> bool:
        """Whether some session is on the serial port."""
        somebody = self.world.faults.standing(faults.ILO_VSP_BUSY, self.name)
        return somebody or self._throw_out is not None

    @contextmanager
    def on_port(
        self, shown: Callable[[str], None], thrown_out: Callable[[], None]
    ) -> Iterator[None]:
        """Be on the serial port; one session at a time, so look at `port_taken` first."""
        self._throw_out = thrown_out
        self.port.listeners.append(shown)
        try:
            yield
        finally:
            self.port.listeners.remove(shown)
            if self._throw_out is thrown_out:
                self._throw_out = None

    def free_port(self) -> None:
        """Throw out who is on the serial port."""
        self.world.faults.lift(faults.ILO_VSP_BUSY, self.name)
        if self._throw_out is not None:
            thrown_out, self._throw_out = self._throw_out, None
            thrown_out()

    def _turned(self, turn: Turn) -> None:
        self.log.note(self.world.clock.wall(), turn)
        self.port.turn(turn)


def serial_number(name: str) -> str:
    """The serial number on the server called *name*, in HP's form."""
    return f"CZJ{zlib.crc32(name.encode()) % 10**7:07d}"
