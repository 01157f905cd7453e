"""All that is known of one clock at one time.  No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_trend import Trend
from bot.core.clocks import Reading, Whose


@dataclass(frozen=True)
class Move:
    """A live migration that a guest went through."""

    #: when it ended: seconds since 1970
    at: float
    #: the Dom0 that it went to
    to: str


@dataclass(frozen=True)
class Account:
    """One clock: how it is now, how it was, and what it hangs on."""

    measured: Measured
    sweep: Sweep
    trend: Trend
    #: of the Dom0 that a guest runs on
    host: Measured | None = None
    #: the last one of a guest
    moved: Move | None = None

    @property
    def whose(self) -> Whose:
        return self.measured.whose

    @property
    def offset(self) -> Reading | None:
        """How far it is ahead of the reference now; None where that is not known."""
        return self.sweep.offset(self.whose)

    @property
    def hosts_offset(self) -> Reading | None:
        """How far the clock of its Dom0 is ahead of the reference."""
        return None if self.host is None else self.sweep.offset(self.host.whose)
