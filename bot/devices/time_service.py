"""What the bot asks of a machine's time service, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from bot.core.time_service import TimeService
from bot.devices.session import Session


class TimeServiceDriver(ABC):
    """A time service on one machine.  Put a subclass in ``bot/devices/time_services/`` for another.

    Reads need no rights; what changes something is run by ``sudo -n`` and raises `DeviceError` with
    what the machine said where it may not.  Each change is sent once.
    """

    #: as it is called in answers and in the config
    driver: ClassVar[str]
    #: where several are installed, the one with the lowest number is asked first
    order: ClassVar[int]
    #: whether it takes `ask_again` and `step`; else only a restart makes it look at once
    can_be_told: ClassVar[bool]
    #: seconds: started anew it steps what is farther off, by the configuration that it comes with
    steps_from: ClassVar[float]

    def __init__(self, name: str, session: Session) -> None:
        #: of the machine
        self.name = name
        self.session = session

    @abstractmethod
    async def look(self) -> TimeService | None:
        """How it is; None where it is not installed."""

    @abstractmethod
    async def ask_again(self) -> bool:
        """Let it ask its sources at once (changes); False where it has no way to be told."""

    @abstractmethod
    async def step(self) -> bool:
        """Let it set the clock at once to what its sources say; False where it cannot be told.

        Changes: the clock jumps, backwards too.
        """

    @abstractmethod
    async def restart(self) -> None:
        """Start it anew (changes).  It may step the clock then, as its own configuration says."""
