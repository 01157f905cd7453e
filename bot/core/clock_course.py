"""What is held of a clock from one look to the next: whether it is off, and since when.

No I/O here.  One reading may lie: what is wrong has to be seen twice in a row before it is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bot.core import clock_trend
from bot.core.clock_account import Account
from bot.core.clocks import Reading, Thresholds
from bot.core.time_service import Sync, TimeService

#: seconds without a source after which a time service that runs is told: it takes minutes to find
#: one after each start
LONG = 1800.0
#: a drift that is told is told on until the next threshold is this many times as far away
FARTHER = 1.5


@dataclass(frozen=True)
class Course:
    """What is held of one clock; all of it is what JSON can say."""

    #: how many thresholds are reached, as it is told
    level: int = 0
    #: and by the last reading alone
    seen: int = 0
    #: whether a drift will reach the next threshold soon, as it is told, and by the last look alone
    soon: bool = False
    soon_seen: bool = False
    #: what is wrong with the time service, as a word of `Sync`; empty for nothing
    service: str = ""
    #: by the last look alone, and since when
    service_seen: str = ""
    service_since: float = 0.0
    #: when anything was seen first; None while all is well
    since: float | None = None
    #: the last offset that was off for certain
    offset: float = 0.0
    #: whether the last reading said neither that it is off nor that it is not
    vague: bool = False

    @property
    def well(self) -> bool:
        """Whether nothing is told."""
        return not (self.level or self.soon or self.service)

    def after(
        self,
        it: Account,
        offset: Reading | None,
        thresholds: Thresholds,
        ahead: float,
        *,
        twice: bool = False,
        alone: bool = True,
    ) -> Course:
        """What is held after another look, in which the clock was *offset* from the truth.

        *ahead*: a drift that reaches the next threshold within so many seconds is told.  *twice*:
        the look before saw the same, and set it aside.  Not *alone*: it is the reference that
        drifts, or that is wrong, and no drift is told.
        """
        course = self._kept_by(it)
        if offset is not None:
            course = course._at(offset, thresholds, twice=twice)
            if alone:
                course = course._drifting(it, offset, thresholds, ahead)
            else:
                course = replace(course, soon=False, soon_seen=False)
        quiet = course.well and not (course.seen or course.soon_seen or course.service_seen)
        since = it.measured.at if self.since is None else self.since
        return replace(course, since=None if quiet else since)

    def _at(self, offset: Reading, thresholds: Thresholds, *, twice: bool) -> Course:
        seen = clock_trend.level(offset, thresholds, self.level)
        before = seen if twice else self.seen
        level = max(self.level, min(seen, before)) if seen > self.level else seen
        vague = bool(level) and not offset.certain
        if vague and self.vague and not offset.lowest <= self.offset <= offset.highest:
            # a slow link hides how far it is off, but not that it is no more where it was
            level = seen = 0
        known = offset.offset if offset.certain else self.offset
        known = known if level or seen else 0.0
        return replace(self, level=level, seen=seen, vague=vague, offset=known)

    def _drifting(
        self, it: Account, offset: Reading, thresholds: Thresholds, ahead: float
    ) -> Course:
        # what a time service takes away does not come to that
        kept = _kept(it)
        reached = None if kept else it.trend.reaches(thresholds)
        within = ahead * FARTHER if self.soon else ahead
        seen = reached is not None and reached[1] <= within
        if reached is not None and not self.soon:
            seen = seen and it.trend.foretells(reached[1])
        # it has come to the threshold, though not for certain yet
        there = (
            self.soon and not kept and abs(offset.offset) >= (*thresholds.all, math.inf)[self.level]
        )
        soon = there or (seen and (self.soon or self.soon_seen))
        return replace(self, soon=soon, soon_seen=seen or there)

    def _kept_by(self, it: Account) -> Course:
        measured = it.measured
        if not measured.asked:
            # nobody could ask
            return self
        service, at = measured.service, measured.at
        seen = "" if service is None or not _matters(it) else _wrong(service)
        since = self.service_since if seen == self.service_seen else at
        if seen == Sync.UNSYNCHRONISED.value:
            lasting = bool(self.service) or at - since >= LONG
        else:
            lasting = seen == self.service_seen
        told = seen if lasting else ("" if not seen else self.service)
        return replace(self, service=told, service_seen=seen, service_since=since)


def _wrong(service: TimeService) -> str:
    if service.runs and service.unheard:
        return Sync.UNSYNCHRONISED.value
    return "" if service.sync is Sync.SYNCHRONISED else service.sync.value


def _kept(it: Account) -> bool:
    """Whether a time service says that it keeps the clock right, and hears its sources."""
    service = it.measured.service
    return service is not None and _matters(it) and not _wrong(service)


def _matters(it: Account) -> bool:
    """Whether a time service makes any odds: not where the clock is the one of the Dom0."""
    return it.measured.kernel is None or it.measured.kernel.independent is not False
