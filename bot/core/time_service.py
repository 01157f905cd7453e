"""What a machine's time service says of itself: the daemon that keeps the clock right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Sync(Enum):
    """Whether a clock is kept right by its time service."""

    SYNCHRONISED = "synchronised"
    #: it runs, and follows no source
    UNSYNCHRONISED = "unsynchronised"
    #: it is installed, and does not run
    DEAD = "dead"


class Standing(Enum):
    """What a time service thinks of one of its sources."""

    SELECTED = "selected"
    #: as good as the selected one
    COMBINED = "combined"
    #: usable, and not used
    SPARE = "spare"
    #: it disagrees with the others
    FALSE = "false"
    #: too variable or too far to be used
    UNUSABLE = "unusable"
    #: it does not answer
    SILENT = "silent"


@dataclass(frozen=True)
class Source:
    """One server that a time service asks."""

    name: str
    standing: Standing
    stratum: int | None = None
    #: how many of the last eight questions it answered; None where nobody says
    answered: int | None = None
    #: seconds by which the *clock* is ahead of it (negative: behind), None where it is not known.
    #: Time services say it the other way round: drivers turn the sign
    offset: float | None = None
    bound: float | None = None

    @property
    def silent(self) -> bool:
        """Whether it answered none of the last questions."""
        return self.standing is Standing.SILENT or self.answered == 0


@dataclass(frozen=True)
class TimeService:
    """How the time service of a machine is."""

    #: as its driver is called: chrony, ntpd, timesyncd
    name: str
    sync: Sync
    #: seconds by which the service itself holds the clock to be ahead (negative: behind)
    offset: float | None = None
    #: how much that may be wrong by its own account
    bound: float | None = None
    #: of how fast it holds the clock to run by itself: parts per million, positive for too fast
    ppm: float | None = None
    sources: tuple[Source, ...] = ()

    @property
    def runs(self) -> bool:
        return self.sync is not Sync.DEAD

    @property
    def unheard(self) -> bool:
        """Whether none of its sources answers: chrony calls itself synchronised all the same."""
        return bool(self.sources) and all(each.silent for each in self.sources)


@dataclass(frozen=True)
class Kernel:
    """What a machine's kernel takes its time from."""

    #: current_clocksource; empty where it is not known
    clocksource: str = ""
    #: Xen's ``independent_wallclock``: False where the guest's clock follows its Dom0's and cannot
    #: be set; None where the kernel knows no such thing, and the guest's clock is its own
    independent: bool | None = None
