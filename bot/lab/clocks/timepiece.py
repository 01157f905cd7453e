"""The clock of one machine, as it runs against the world's own time."""

from __future__ import annotations

from bot.lab.clock import Clock


class Timepiece:
    """Shows the world's time, and how far off it is: *offset* seconds ahead, *ppm* too fast."""

    def __init__(self, clock: Clock, offset: float = 0.0, ppm: float = 0.0) -> None:
        self._clock = clock
        self._since = clock.now()
        self._base = offset
        self._ppm = ppm

    @property
    def offset(self) -> float:
        """Seconds that it is ahead of the world's time now."""
        return self._base + (self._clock.now() - self._since) * self._ppm * 1e-6

    def wall(self) -> float:
        """Seconds since 1970, as its machine has them."""
        return self._clock.wall() + self.offset

    def step(self, seconds: float) -> None:
        """Jump ahead by *seconds*, or back where they are negative."""
        self._anchor(self.offset + seconds)

    def drift(self, ppm: float) -> None:
        """Run too fast by *ppm* from now on, or too slow where it is negative."""
        self._anchor(self.offset)
        self._ppm = ppm

    def _anchor(self, offset: float) -> None:
        self._base = offset
        self._since = self._clock.now()
