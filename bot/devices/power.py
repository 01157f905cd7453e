"""What the bot asks of a server's lights-out processor, whatever its make."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from bot.devices.session import Session


class Power(Enum):
    """Whether a server has power."""

    ON = "on"
    OFF = "off"


class PowerChange(Enum):
    """What can be done to a server's power."""

    #: as its button does
    ON = "on"
    #: as its button does: the operating system is asked to shut down
    OFF = "off"
    #: at once: nobody is asked
    CUT = "cut"
    #: at once, and on again
    RESET = "reset"


@dataclass(frozen=True)
class Server:
    """Which server a lights-out processor belongs to."""

    #: as it is written on the server; by this it is known again
    serial: str
    model: str
    #: what it calls itself; empty where nothing says so
    name: str
    #: of the lights-out processor
    firmware: str


@dataclass(frozen=True)
class LogEntry:
    """One line of the server's own event log."""

    number: int
    severity: str
    #: as the device writes it
    when: str
    text: str


class LightsOut(ABC):
    """The lights-out processor of one server.  Put a subclass in ``bot/devices/lights_out/``.

    Reads raise `Unreachable` when it cannot be asked and `DeviceError` when its answer is an error
    or cannot be understood; nothing is ever guessed.
    """

    driver: ClassVar[str]
    #: what ends everything that it prints
    prompt: ClassVar[re.Pattern[str]]

    def __init__(self, name: str, session: Session) -> None:
        self.name = name
        self.session = session

    @abstractmethod
    async def server(self) -> Server:
        """Which server this is."""

    @abstractmethod
    async def power(self) -> Power:
        """Whether the server has power now."""

    @abstractmethod
    async def change(self, change: PowerChange) -> None:
        """Ask for *change*; it is under way when this returns, and `power` says when it is done.

        Changes the server, so it is sent once: `OutcomeUnknown` where the link broke after it.
        """

    @abstractmethod
    async def log(self, last: int) -> tuple[LogEntry, ...]:
        """The *last* entries of the server's event log, the newest first."""

    @abstractmethod
    async def view_serial(self, seconds: float) -> str:
        """What the server's serial port shows within *seconds*; nothing is typed.

        Raises `ConsoleHeld` where another session has it.
        """

    @abstractmethod
    async def free_serial(self) -> None:
        """Take the serial port from whoever has it (throws them out)."""
