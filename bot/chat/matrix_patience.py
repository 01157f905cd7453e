"""Trying again, later each time, what must not hold up anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import structlog

from bot.errors import ChatUnavailable

_log = structlog.get_logger()

#: seconds between two tries of the same
SHORTEST, LONGEST = 1.0, 600.0


class Patience:
    """Lets one thing fail a round; what failed waits, twice as long each time."""

    def __init__(self) -> None:
        #: by what failed: the loop's time of the next try, and the pause before it
        self._due: dict[str, tuple[float, float]] = {}
        self._failed = False

    def begin_round(self) -> None:
        """From here on something may fail again."""
        self._failed = False

    def allows(self, what: str) -> bool:
        """Whether *what* is to be tried now."""
        now = asyncio.get_running_loop().time()
        return not self._failed and now >= self._due.get(what, (now, 0.0))[0]

    def forget(self, what: str) -> None:
        self._due.pop(what, None)

    async def over(self, what: str, visit: Awaitable[object]) -> bool:
        """Do *visit*; false, and in the log, where nobody answered."""
        try:
            await visit
        except ChatUnavailable as error:
            self._failed = True
            _due, pause = self._due.get(what, (0.0, SHORTEST / 2))
            pause = min(pause * 2, LONGEST)
            self._due[what] = (asyncio.get_running_loop().time() + pause, pause)
            _log.warning("matrix.door_stuck", what=what, error=str(error), pause=pause)
            return False
        self.forget(what)
        return True
