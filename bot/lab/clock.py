"""The world's time, told by the running loop's clock: on a virtual-time loop, virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

#: when the recordings of Xen 4.17 were made; the wall clock of a world that is given no other
RECORDED = 1795420800.0


class Clock:
    """Seconds since the world began, and the wall clock that its hosts show."""

    def __init__(self, epoch: float = RECORDED) -> None:
        self._started = asyncio.get_running_loop().time()
        self._wall: Callable[[], float] = lambda: epoch + self.now()

    def now(self) -> float:
        """Seconds since the world began."""
        return asyncio.get_running_loop().time() - self._started

    def wall(self) -> float:
        """Seconds since 1970, as `date +%s` shows them."""
        return self._wall()

    def follow(self, wall: Callable[[], float]) -> None:
        """Show what *wall* shows: a world that is met over real wires has the real time."""
        self._wall = wall
