"""How time services get a clock right again: closed forms, for any span of time at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["chrony", "ntpd", "timesyncd"]


@dataclass(frozen=True)
class Rate:
    """How fast a clock is slewed."""

    #: seconds in which a small deviation falls to 37 %
    time: float
    #: seconds a second, at most
    most: float


@dataclass(frozen=True)
class Manner:
    """The ways of one kind of time service, with Debian's configuration."""

    unit: str
    rate: Rate
    #: ppm of drift that it can take away
    drift: float
    #: so many answers of its first quick questions pass before it does anything
    patience: int
    #: it steps what is off by more than this …
    step: float
    #: … in its first so many updates only; None: always
    updates: int | None = None
    #: … and that lasts for so many seconds
    lasting: float = 0.0
    #: it gives up and ends where the clock is off by more
    panic: float = math.inf


#: chrony.conf(5): maxslewrate 83333 ppm, corrtimeratio 3 (times 64 s), Debian's makestep 1 3;
#: ntpd(8): 500 ppm, step above 128 ms after stepout (300 s in ntpsec), panic above 1000 s, Debian
#: starts it with -g; timesyncd-manager.c: NTP_MAX_ADJUST 0.4 s, and the kernel's loop below that
MANNERS: dict[Kind, Manner] = {
    "chrony": Manner("chrony", Rate(192.0, 0.083333), 100_000.0, 3, step=1.0, updates=3),
    "ntpd": Manner(
        "ntpsec", Rate(256.0, 500e-6), 500.0, 3, step=0.128, lasting=300.0, panic=1000.0
    ),
    "timesyncd": Manner("systemd-timesyncd", Rate(256.0, 500e-6), 500.0, 0, step=0.4),
}


def slewed(deviation: float, seconds: float, rate: Rate) -> float:
    """What is left of *deviation* after *seconds*: at the most that is allowed, then ever less.

    It never grows and never changes its sign, and looking in between changes nothing.
    """
    size = abs(deviation)
    gentle = rate.most * rate.time
    if size > gentle:
        needed = (size - gentle) / rate.most
        if seconds <= needed:
            return math.copysign(size - rate.most * seconds, deviation)
        size, seconds = gentle, seconds - needed
    return math.copysign(size * math.exp(-seconds / rate.time), deviation)
