"""What clocks say, and how sure it is.  No I/O here; all times are in seconds.

A reading is honest: the truth lies within its bound, or the machine lied.  What is less than its
bound is no offset at all, but "within the error".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.i18n import _


class Role(Enum):
    """What a clock belongs to."""

    #: a time server that the config holds to be right
    REFERENCE = "reference"
    #: the machine that the bot runs on
    BOT = "bot"
    HOST = "dom0"
    GUEST = "domu"


@dataclass(frozen=True)
class Whose:
    """Whose clock it is."""

    role: Role
    name: str

    def __str__(self) -> str:
        return _("the bot's own clock") if self.role is Role.BOT else self.name


#: the clock that everything is read against first
BOT = Whose(Role.BOT, "bot")


@dataclass(frozen=True)
class Reading:
    """How far one clock is ahead of another, and by how much that may be wrong at most."""

    #: positive: ahead (fast); negative: behind (slow)
    offset: float
    bound: float

    def __sub__(self, other: Reading) -> Reading:
        """How far this clock is ahead of the one of *other*, both read against a third."""
        return Reading(self.offset - other.offset, self.bound + other.bound)

    @property
    def certain(self) -> bool:
        """Whether it is off at all; else the offset is within the error."""
        return abs(self.offset) > self.bound

    @property
    def least(self) -> float:
        """How far it is off at least, whichever way."""
        return max(0.0, abs(self.offset) - self.bound)

    @property
    def most(self) -> float:
        """How far it can be off, whichever way."""
        return abs(self.offset) + self.bound

    @property
    def lowest(self) -> float:
        return self.offset - self.bound

    @property
    def highest(self) -> float:
        return self.offset + self.bound


@dataclass(frozen=True)
class Agreement:
    """Which clocks agree with one another, and which stand apart."""

    together: frozenset[Whose]
    #: where the truth is, by those that agree, against what all were read against
    truth: Reading
    #: how many of them have a voice, of how many there are
    voices: int
    of: int

    @property
    def most(self) -> bool:
        """Whether those that agree have more than half of at least three voices."""
        return self.of >= 3 and self.voices * 2 > self.of

    def joined(self, readings: Mapping[Whose, Reading], tolerance: float) -> Agreement:
        """With all those of *readings* that can be right to *tolerance* too, without a voice."""
        fit = (
            whose
            for whose, reading in readings.items()
            if (reading - self.truth).least <= tolerance
        )
        return replace(self, together=self.together.union(fit))


def agreement(readings: Mapping[Whose, Reading], tolerance: float) -> Agreement | None:
    """The largest set of clocks that can all be right to *tolerance*; None where there is none.

    Each clock claims an interval, and the point is sought that the most of them hold (K. Marzullo,
    1984, as NTP's own selection does).  Of two sets of one size the narrower claim wins.
    """
    claims = {
        whose: (reading.lowest - tolerance, reading.highest + tolerance)
        for whose, reading in readings.items()
    }
    best: Agreement | None = None
    for low in sorted({low for low, _high in claims.values()}):
        holding = {whose: claim for whose, claim in claims.items() if claim[0] <= low <= claim[1]}
        high = min(high for _low, high in holding.values())
        truth = Reading((low + high) / 2, (high - low) / 2)
        found = Agreement(frozenset(holding), truth, len(holding), len(claims))
        if best is None or _better(found, best):
            best = found
    return best


def _better(one: Agreement, other: Agreement) -> bool:
    if len(one.together) != len(other.together):
        return len(one.together) > len(other.together)
    return one.truth.bound < other.truth.bound


@dataclass(frozen=True)
class Sample:
    """What was known of a clock at one time, or of several times in one."""

    #: seconds since 1970, by the bot's clock
    at: float
    #: against the reference
    reading: Reading
    #: the lowest and highest offset of the times that it stands for
    low: float
    high: float
    #: for how many readings it stands
    count: int = 1

    @classmethod
    def of(cls, at: float, reading: Reading) -> Sample:
        """A sample of a single reading."""
        return cls(at, reading, reading.offset, reading.offset)


@dataclass(frozen=True)
class Thresholds:
    """From which offset on it is told, in rising order (docs/clocks.md says why each)."""

    notice: float = 0.05
    trouble: float = 1.0
    disaster: float = 300.0

    @property
    def all(self) -> Sequence[float]:
        return (self.notice, self.trouble, self.disaster)

    def next(self, offset: float) -> float | None:
        """The first that an offset of this size has not reached; None beyond the last."""
        return next((each for each in self.all if abs(offset) < each), None)
