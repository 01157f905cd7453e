"""Many clocks measured at one time, and compared with one another.  No I/O here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bot.core.clocks import BOT, Agreement, Reading, Role, Whose, agreement
from bot.core.time_service import Kernel, TimeService

#: by how much two clocks may drift apart between two readings, a second: ten times what RFC 5905
#: takes for a clock in order (PHI, 15 ppm), since the bot's own may be none
DRIFT = 150e-6


@dataclass(frozen=True)
class Instant:
    """What the bot's own two clocks said at one time, in seconds."""

    #: since 1970
    wall: float
    #: of the one that nobody sets or turns
    steady: float


def gone_apart(one: Instant, other: Instant) -> float:
    """By how much the bot's clock was set or turned between two times."""
    return abs((other.wall - one.wall) - (other.steady - one.steady))


def leeway(one: Instant, other: Instant) -> float:
    """By how much readings against the bot's clock at two times may differ with nothing wrong."""
    return DRIFT * abs(other.steady - one.steady) + gone_apart(one, other)


@dataclass(frozen=True)
class Measured:
    """What is known of one clock at one time."""

    whose: Whose
    #: seconds since 1970, by the bot's clock
    at: float
    #: against the bot's own clock; None where it could not be measured
    reading: Reading | None = None
    #: why not, in one sentence
    why: str = ""
    #: False where the config gives no way to it
    measurable: bool = True
    #: the Dom0 that a guest runs on; empty where that is not known
    host: str = ""
    #: None where none is installed, and where nobody could ask
    service: TimeService | None = None
    kernel: Kernel | None = None
    #: why nobody can tell which time service runs there, in one sentence
    unclear: str = ""
    #: when it was, by the bot's steady clock too; None where that is no matter
    instant: Instant | None = None

    @property
    def asked(self) -> bool:
        """Whether its kernel and its time service were asked, and answered."""
        return self.kernel is not None and not self.unclear


def difference(one: Measured, other: Measured) -> Reading | None:
    """How far *one* is ahead of *other*; None where either could not be measured."""
    if one.reading is None or other.reading is None:
        return None
    apart = one.reading - other.reading
    if BOT in (one.whose, other.whose):
        # against the bot's clock itself it was read, at that very time
        return apart
    here, there = (each.instant or Instant(each.at, each.at) for each in (one, other))
    return Reading(apart.offset, apart.bound + leeway(here, there))


@dataclass(frozen=True)
class Sweep:
    """All that was measured in one go."""

    at: float
    measured: tuple[Measured, ...]
    #: whose time is held to be right
    reference: Whose
    #: what two clocks may differ by and still agree, in seconds
    tolerance: float

    def of(self, whose: Whose) -> Measured | None:
        return self._by_whose.get(whose)

    # worked out once: a thousand clocks are each held against all others

    @cached_property
    def _by_whose(self) -> dict[Whose, Measured]:
        return {each.whose: each for each in self.measured}

    @cached_property
    def voices(self) -> frozenset[Whose]:
        """The clocks that count where it is asked which of them are right."""
        return frozenset(each.whose for each in self.measured if self._heard(each))

    @cached_property
    def _agreement(self) -> Agreement | None:
        readings = {each.whose: each.reading for each in self.measured if each.reading is not None}
        near, by = self._near, len(self._near & self.voices)
        right = readings.get(self.reference)
        if right is not None and by * 2 > len(self.voices):
            return Agreement(near, right, by, len(self.voices))
        found = agreement({whose: readings[whose] for whose in self.voices}, self.tolerance / 2)
        if found is not None:
            found = found.joined(readings, self.tolerance / 2)
        if right is not None and (found is None or not self._outvoted(found.together)):
            return Agreement(near, right, by, len(self.voices))
        return found

    def _outvoted(self, against: frozenset[Whose]) -> bool:
        """Whether those *against* the reference are more than those that may agree with it.

        A few guests that went astray together do not outvote all those that their Dom0s speak for.
        But against other guests alone do these count: many on one wrong Dom0 are still one voice.
        """
        sure = {
            each.whose
            for each in self.measured
            if each.reading is not None and each.reading.bound <= self.tolerance
        }
        guests = {whose for whose in sure if whose.role is Role.GUEST}
        spoken_for = len((self._near & guests) - self.voices)
        by = len(self._near & self.voices) + min(spoken_for, len(against & guests))
        return len(against & sure) > by

    @cached_property
    def _near(self) -> frozenset[Whose]:
        """The clocks that may agree with the reference."""
        return frozenset(
            each.whose
            for each in self.measured
            if self._apart(each.whose, self.reference) <= self.tolerance
        )

    def _heard(self, each: Measured) -> bool:
        """Whether a clock has a voice.

        One that is vaguer than the tolerance would say whatever it is asked, and for a guest that
        goes with its Dom0 that one speaks.
        """
        if each.reading is None or each.reading.bound > self.tolerance:
            return False
        if each.whose.role is not Role.GUEST:
            return True
        if each.kernel is not None and each.kernel.independent is False:
            return False
        host = self.of(Whose(Role.HOST, each.host))
        if host is None or not self._heard(host):
            return True
        return self._apart(each.whose, host.whose) > self.tolerance

    def machines(self) -> Iterator[Measured]:
        """The Dom0s and DomUs."""
        return (each for each in self.measured if each.whose.role in (Role.HOST, Role.GUEST))

    def between(self, one: Whose, other: Whose) -> Reading | None:
        """How far *one* is ahead of *other*; None where either could not be measured."""
        here, there = self.of(one), self.of(other)
        return difference(here, there) if here is not None and there is not None else None

    def offset(self, whose: Whose) -> Reading | None:
        """How far *whose* is ahead of the reference; None where that could not be measured."""
        return self.between(whose, self.reference)

    def agreement(self) -> Agreement | None:
        """Which of the clocks agree, by the voices of those that do not hang on another.

        Where most may agree with the reference, they are those: between two clocks that stand as
        far apart as is tolerated there is room for many, and it proves nothing against either.
        """
        return self._agreement

    def _apart(self, one: Whose, other: Whose) -> float:
        """How far two clocks that were measured differ at least."""
        between = self.between(one, other)
        return between.least if between is not None else math.inf

    @property
    def doubted(self) -> bool:
        """Whether most clocks agree with one another, and not with the reference."""
        found = self.agreement()
        return found is not None and found.most and self.reference not in found.together
