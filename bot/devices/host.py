"""A Dom0 as the engine sees it: its toolstack, its links to the array, long commands run on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bot.devices.power import LightsOut
from bot.devices.xen import Toolstack


@dataclass(frozen=True)
class Link:
    """Where ``/dev/NAME`` leads on a host, and which volume answered there just now."""

    path: str
    #: the device behind the link, empty where the link does not exist
    device: str
    #: the WWN that a fresh inquiry gave (lower case, 32 digits), empty where nothing answered
    wwn: str
    size: int = 0


class Links(Protocol):
    """The links from friendly names to the array's volumes, kept by the site's script."""

    async def resync(self) -> None:
        """Run the site's script that looks for volumes and keeps the links (changes the host)."""

    async def look(self, path: str) -> Link:
        """Follow *path* and ask the device behind it who it is; never from a cache."""


class Phase(Enum):
    """How far a detached command is."""

    ABSENT = "absent"
    RUNNING = "running"
    ENDED = "ended"
    #: its process is gone and it left no exit code: the host went down, or it was killed
    VANISHED = "vanished"
    #: nobody ever started it, and now nobody can: its place is taken
    BARRED = "barred"


@dataclass(frozen=True)
class Detached:
    """What the files of a detached command say; `exit` only where it ended."""

    phase: Phase
    exit: int | None = None
    stdout: str = ""
    stderr: str = ""


class Launcher(Protocol):
    """Long commands, run detached on the host: a lost link or a dead bot kills nothing.

    Each has a directory on the host, named by the caller and made atomically: it starts once.
    """

    async def start(self, name: str, words: tuple[str, ...]) -> None:
        """Start *words* detached under *name*.

        Raises `Refused` when *name* was used before, `OutcomeUnknown` when the link dropped:
        then `look`, and `bar` before anything is concluded from its absence.
        """

    async def look(self, name: str) -> Detached:
        """How far the command under *name* is, with what it printed."""

    async def bar(self, name: str) -> Detached:
        """Take the place of *name* so that it can never start, unless it did; then as `look`."""


class Ownership(Protocol):
    """The lock file by which one bot owns a host."""

    async def claim(self, site: str) -> str:
        """Write *site* into the lock file where there is none; return the id that is there now."""


@dataclass(frozen=True)
class Host:
    """One Dom0 with everything that can be asked of it."""

    name: str
    #: how the other Dom0s call it in a migrate command
    address: str
    toolstack: Toolstack
    links: Links
    launcher: Launcher
    ownership: Ownership
    #: None where the config names none
    lights_out: LightsOut | None = None
    #: the serial number that its server has, by the config; empty where nothing is enrolled
    serial: str = ""

    def __str__(self) -> str:
        return self.name
