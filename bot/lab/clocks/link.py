"""The way to a machine: how long words take there, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass
class Link:
    """How slow a link is, in seconds; the delay is that of there and back together."""

    delay: float = 0.0
    #: up to so much more each way, by chance
    jitter: float = 0.0
    #: which part of the delay falls on the way there; the rest on the way back
    there: float = 0.5

    def going(self, luck: Random) -> float:
        """Seconds on the way there."""
        return self.delay * self.there + luck.uniform(0.0, self.jitter)

    def coming(self, luck: Random) -> float:
        """Seconds on the way back."""
        return self.delay * (1.0 - self.there) + luck.uniform(0.0, self.jitter)


def later(seconds: float, act: Callable[[], None]) -> None:
    """Let *act* happen after *seconds*; at once where there are none."""
    if seconds:
        asyncio.get_running_loop().call_later(seconds, act)
    else:
        act()
