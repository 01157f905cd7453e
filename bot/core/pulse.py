"""Whether the loop that listens to a chat is alive, for whoever restarts the bot when it is not."""

from __future__ import annotations

import math
from collections.abc import Callable


class Pulse:
    """Kept by the loop, read by others; *clock* is one that never jumps.

    A loop may wait for long, so it promises before each wait when it will be back at the latest.
    """

    def __init__(self, clock: Callable[[], float], *, start: float = 60.0) -> None:
        self._clock = clock
        self._due = clock() + start
        self._heard: float | None = None

    def back_within(self, seconds: float) -> None:
        """Promise to give another sign of life within *seconds*."""
        self._due = self._clock() + seconds

    def heard(self) -> None:
        """The chat answered as it should."""
        self._heard = self._clock()

    @property
    def alive(self) -> bool:
        """Whether the last promise is kept so far, whatever the chat answers."""
        return self._clock() <= self._due

    @property
    def endless(self) -> bool:
        """Whether the last promise has no end: there is no homeserver that could be silent."""
        return math.isinf(self._due)

    @property
    def silence(self) -> float | None:
        """Seconds since the chat was last heard from; None where it never was.

        One that promised to be back at no time need not be heard again: it is never silent.
        """
        if self._heard is None:
            return None
        return 0.0 if self._due == math.inf else self._clock() - self._heard
