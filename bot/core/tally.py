"""What the bot counts of its own work, for whoever reads figures.  No I/O here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

#: upper ends of the classes into which durations are sorted, in seconds
CLASSES = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)


@dataclass
class Durations:
    """Durations by class; each counts in the first class that is not shorter."""

    counts: Counter[float] = field(default_factory=Counter)
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[next((end for end in CLASSES if seconds <= end), float("inf"))] += 1
        self.total += seconds


@dataclass
class Tally:
    """Counters since the start; only ever counted up."""

    #: ended jobs, by (verb, state)
    jobs: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: how long jobs took from the command to the answer, by verb
    durations: dict[str, Durations] = field(default_factory=dict)
    #: calls of devices, by (device, how they ended: ok or the code of the error)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: alerts that fired, by (source, severity)
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: requests of other programs, by (path, status)
    requests: Counter[tuple[str, int]] = field(default_factory=Counter)

    def ended(self, verb: str, state: str, seconds: float) -> None:
        """A job ended."""
        self.jobs[verb, state] += 1
        self.durations.setdefault(verb, Durations()).add(seconds)
