"""How a clock goes by what was measured of it: its rate, its steps, and where it is going to be.

No I/O here; times and offsets are in seconds, rates in ppm: a clock of 1 ppm gains a microsecond a
second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.core.clocks import Reading, Sample, Thresholds

#: off by exactly so much, for one reading or two: 2^32 nanoseconds, a carry that got lost
ARTEFACT = 2**32 * 1e-9
#: a clock that is off by so much for as many readings in a row really is
_BELIEVED = 3
#: a bound above this says nothing about 2^32 ns
_TELLING = 0.4
#: what is faster, a second, is a step, unless it lasts: few clocks drift by more, and the kernel by
#: itself turns none faster (adjtimex(2), 500 ppm); chrony does (`maxslewrate`, 83333 ppm)
FASTEST = 500e-6
#: the rate is by the readings of so long at most
_WINDOW = 6 * 3600.0
#: and by as many of them at least: two that differ may as well stand on both sides of a small step
_LEAST = 3
#: and by as many at most, for all pairs of them are looked at
_MOST = 24
#: a rate says what will be for so many times as long as it was seen
_FORETOLD = 6
#: and for so many seconds or more only where it was seen for so many
_FAR, _SURE = 3600.0, 1800.0
#: below this part of a threshold it is no more reached
_CALM = 0.8
_PPM = 1e6


@dataclass(frozen=True)
class Rate:
    """How fast a clock gains (positive) or loses, in ppm, and by how much that may be wrong."""

    ppm: float
    bound: float
    #: seconds from the first to the last reading that it is by
    over: float = 0.0

    @property
    def certain(self) -> bool:
        """Whether it gains or loses at all."""
        return abs(self.ppm) > self.bound

    @property
    def least(self) -> float:
        """How many ppm it gains (positive) or loses for certain."""
        return math.copysign(max(0.0, abs(self.ppm) - self.bound), self.ppm)


@dataclass(frozen=True)
class Step:
    """Between two samples the clock jumped by more than clocks drift, and it did so once."""

    #: when the sample before and the one after it were taken
    since: float
    at: float
    by: Reading


@dataclass(frozen=True)
class Trend:
    """What a clock's samples say together."""

    #: when it began: the last step, or the first sample; None where there are no samples
    since: float | None = None
    #: None where too little is known
    rate: Rate | None = None
    #: the oldest first
    steps: tuple[Step, ...] = ()
    last: Sample | None = None

    def reaches(self, thresholds: Thresholds) -> tuple[float, float] | None:
        """The next threshold, and in how many seconds it is reached by what is certain of the rate.

        None where the offset does not grow for certain, or is beyond the last threshold.
        """
        if self.last is None or self.rate is None or not self.rate.least:
            return None
        now, rate = self.last.reading, self.rate.least / _PPM
        if now.certain and now.offset * rate < 0:
            return None
        wanted = thresholds.next(now.offset)
        if wanted is None:
            return None
        return wanted, (math.copysign(wanted, rate) - now.offset) / rate

    def foretells(self, seconds: float) -> bool:
        """Whether the rate was seen for long enough to say where the clock will be in *seconds*.

        A clock that wanders about the truth goes one way for a while.
        """
        least = max(seconds / _FORETOLD, _SURE if seconds >= _FAR else 0.0)
        return self.rate is not None and self.rate.over >= least


def trend(samples: Sequence[Sample]) -> Trend:
    """What *samples* of one clock against one reference say, the oldest first."""
    good = list(believed(samples))
    if not good:
        return Trend()
    steps = tuple(_steps(good))
    since = steps[-1].at if steps else good[0].at
    begin = max(since, good[-1].at - _WINDOW)
    rate = _rate([each for each in good if each.at >= begin])
    return Trend(since, rate, steps, good[-1])


def is_artefact(before: Reading | None, now: Reading, apart: float = 0.0) -> bool:
    """Whether *now* is off by 2^32 ns to within its bound, from *before* or from zero.

    *before* is the last reading that was none, taken *apart* seconds ago.
    """

    def carried(reading: Reading, leeway: float) -> bool:
        bound = reading.bound + leeway
        return bound < _TELLING and abs(abs(reading.offset) - ARTEFACT) <= bound

    if before is None:
        return carried(now, 0.0)
    back_at_it = abs((now - before).offset) <= (now - before).bound + FASTEST * apart
    return not back_at_it and (carried(now, 0.0) or carried(now - before, FASTEST * apart))


def level(offset: Reading, thresholds: Thresholds, standing: int = 0) -> int:
    """How many thresholds are reached, 0 to 3, where as many as *standing* were before.

    It rises only where the offset has reached one for certain, and falls only where it is below 80%
    of it for certain, so that nothing near a threshold goes up and down.
    """
    reached = sum(offset.least >= each for each in thresholds.all)
    while standing > reached and offset.most < _CALM * thresholds.all[standing - 1]:
        standing -= 1
    return max(reached, standing)


def spread(sample: Sample) -> Reading:
    """What *sample* claims: one of several readings holds all that they said."""
    far = max(sample.high - sample.reading.offset, sample.reading.offset - sample.low, 0.0)
    return Reading(sample.reading.offset, sample.reading.bound + far)


def believed(samples: Iterable[Sample]) -> Iterator[Sample]:
    """*samples* but for artefacts, the oldest first; what stays off by one is none."""
    before: Sample | None = None
    doubted: list[Sample] = []
    for each in samples:
        if _doubtful(before, each):
            doubted.append(each)
            if len(doubted) < _BELIEVED:
                continue
        else:
            doubted = [each]
        yield from doubted
        before, doubted = each, []


def _doubtful(before: Sample | None, now: Sample) -> bool:
    offset, last = now.reading.offset, 0.0 if before is None else before.reading.offset
    # most readings are nowhere near, and need no closer look
    near = any(abs(abs(off) - ARTEFACT) < 1 for off in (offset, offset - last))
    if now.count > 1 or not near:
        return False
    if before is None:
        return is_artefact(None, now.reading)
    return is_artefact(spread(before), now.reading, now.at - before.at)


def _steps(samples: Sequence[Sample]) -> Iterator[Step]:
    """What is too fast for a drift, but where one rate fits several neighbours: that is one."""
    run: list[Step] = []
    for before, now in pairwise(samples):
        by = spread(now) - spread(before)
        if by.least <= FASTEST * (now.at - before.at):
            yield from _alone(run)
            run = []
            continue
        step = Step(before.at, now.at, by)
        if run and not _one_rate([*run, step]):
            yield from _alone(run)
            run = []
        run.append(step)
    yield from _alone(run)


def _alone(run: list[Step]) -> list[Step]:
    return run if len(run) == 1 else []


def _one_rate(steps: Sequence[Step]) -> bool:
    """Whether a clock that goes at one rate can have gone by each of *steps*; all are certain."""
    lowest = max(each.by.lowest / (each.at - each.since) for each in steps)
    highest = min(each.by.highest / (each.at - each.since) for each in steps)
    return lowest <= highest


def _rate(samples: Sequence[Sample]) -> Rate | None:
    """Between which rates all those of the last *samples* lie that one rate fits at all.

    Where a clock goes at one rate and each reading holds the truth, that rate is among them: any
    two readings leave a span of rates, and it is in all of them.
    """
    lowest, highest, fitting = -math.inf, math.inf, list[tuple[float, float, float]]()
    for each in reversed(_fewer(samples)):
        at, claim = each.at, spread(each)
        least, most = claim.lowest, claim.highest
        low = max((lowest, *((later - most) / (then - at) for then, later, _ in fitting)))
        high = min((highest, *((later - least) / (then - at) for then, _, later in fitting)))
        if low > high:
            # the clock is being turned: what it did before says nothing about what it does now
            break
        lowest, highest = low, high
        fitting.append((at, least, most))
    if len(fitting) < _LEAST:
        return None
    over = fitting[0][0] - fitting[-1][0]
    return Rate((lowest + highest) / 2 * _PPM, (highest - lowest) / 2 * _PPM, over)


def _fewer(samples: Sequence[Sample]) -> Sequence[Sample]:
    """*samples*, or so many of them at most as are looked at: the surest of each time."""
    if len(samples) <= _MOST:
        return samples
    every = len(samples) / _MOST
    parts = (samples[round(n * every) : round((n + 1) * every)] for n in range(_MOST))
    return [min(part, key=lambda each: spread(each).bound) for part in parts]
