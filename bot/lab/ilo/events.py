"""A server's event log, as its iLO keeps it.

On a real server what happens to the power stands in the iLO's own log (``/map1/log1``) and what
happens to the hardware in the server's (``/system1/log1``); here both show the one list.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from bot.lab.power import Turn

#: seen in public notes of an iLO 3, but for "removed", which is from memory
_WORDS = {
    Turn.ON: "Server power restored.",
    Turn.OFF: "Server power removed.",
    Turn.RESET: "Server reset.",
}
#: seconds before the world began, severity, words
_EARLIER = (
    (9_000_000.0, "NonCritical", "System Power Supply: General Failure (Power Supply 1)"),
    (300_600.0, "Informational", "Server power restored."),
    (300_500.0, "Informational", "Server reset."),
)


@dataclass(frozen=True)
class Record:
    """One entry; `when` is in seconds since 1970."""

    number: int
    severity: str
    when: float
    text: str

    @property
    def properties(self) -> tuple[str, ...]:
        """As `show` lists them (public fixtures of iLO 2; the same for later ones)."""
        when = time.gmtime(self.when)
        return (
            f"number={self.number}",
            f"severity={self.severity}",
            f"date={time.strftime('%m/%d/%Y', when)}",
            f"time={time.strftime('%H:%M', when)}",
            f"description={self.text}",
        )


class EventLog:
    """The entries so far, the oldest first."""

    def __init__(self, began: float) -> None:
        self.records: list[Record] = []
        for before, severity, text in _EARLIER:
            self.add(began - before, text, severity)

    def add(self, when: float, text: str, severity: str = "Informational") -> None:
        self.records.append(Record(len(self.records) + 1, severity, when, text))

    def note(self, when: float, turn: Turn) -> None:
        """Write down *turn* where it is one that is written down."""
        if turn in _WORDS:
            self.add(when, _WORDS[turn])
