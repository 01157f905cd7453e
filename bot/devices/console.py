"""What the bot asks of a guest's console, and of a server's serial port."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.errors import Refused


class Way(Enum):
    """How a console was read, from the one that touches nothing on."""

    #: from the log that the host keeps of all that was printed
    LOG = "log"
    #: attached without a terminal: nothing can be typed, but what was waiting there is read away
    VIEW = "view"
    #: attached with a terminal
    VISIT = "visit"
    #: the server's own serial port, through its lights-out processor
    SERIAL = "serial"


@dataclass(frozen=True)
class ConsoleLog:
    """The end of what a host keeps of a guest's console."""

    text: str
    #: seconds since 1970 by the host's clock: when the guest last printed something
    printed: float


@dataclass(frozen=True)
class Visited:
    """What a console showed to who was attached, and how many of the keys were typed."""

    text: str
    typed: int


class ConsoleHeld(Refused):
    """Somebody else holds the console."""
