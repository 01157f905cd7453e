"""The world's time, told by the running loop's clock: on a virtual-time loop, virtual."""

from __future__ import annotations

import asyncio

#: when the recordings of Xen 4.17 were made; the wall clock of a world that is given no other
RECORDED = 1795420800.0


class Clock:
    """Seconds since the world began, and the wall clock that its hosts show."""

    def __init__(self, epoch: float = RECORDED) -> None:
        self._epoch = epoch
        self._started = asyncio.get_running_loop().time()

    def now(self) -> float:
        """Seconds since the world began."""
        return asyncio.get_running_loop().time() - self._started

    def wall(self) -> float:
        """Seconds since 1970, as `date +%s` shows them."""
        return self._epoch + self.now()
