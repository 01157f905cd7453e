"""What ends by time: one loop that sleeps until the next thing is due, and then ends it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.errors import StoreError

log = structlog.get_logger()

#: seconds that it sleeps at most: a wall clock that was set anew is noticed after so many
LONGEST = 30.0


@dataclass(frozen=True)
class _Duty:
    name: str
    next_due: Callable[[], float | None]
    end: Callable[[float], Awaitable[None]]


class Timekeeper:
    """Ends grants, holds, requests and whatever else lasts for a time, each at its time.

    What came due while no bot ran is ended at once when it starts.  Where the store fails, it is
    tried again *again* seconds later; nothing may rely on an end that is only written here.
    """

    def __init__(self, clock: Callable[[], float], *, again: float) -> None:
        self._clock = clock
        self._again = again
        self._duties: list[_Duty] = []
        self._poked = asyncio.Event()

    def due(
        self,
        name: str,
        next_due: Callable[[], float | None],
        end: Callable[[float], Awaitable[None]],
    ) -> None:
        """Call *end* with the time whenever that reaches *next_due*, which costs next to nothing.

        *next_due* says when the next of these things ends, None where nothing does; *end* ends all
        that is due by then, and may raise `StoreError`.
        """
        self._duties.append(_Duty(name, next_due, end))

    def poke(self) -> None:
        """Something may end earlier than what was known until now."""
        self._poked.set()

    async def run(self) -> None:
        """End what is due, sleep, and begin anew, for ever."""
        while True:
            self._poked.clear()
            pause = self._until_next() if await self.end_what_is_due() else self._again
            try:
                async with asyncio.timeout(pause):
                    await self._poked.wait()
            except TimeoutError:
                pass

    async def end_what_is_due(self) -> bool:
        """Do so once; returns whether nothing is left that needs a second try."""
        return all([await self._do(duty) for duty in self._duties])

    async def _do(self, duty: _Duty) -> bool:
        """End what is due of *duty*; returns whether that needs no second try."""
        now = self._clock()
        if not _is_due(duty, now):
            return True
        try:
            await duty.end(now)
        except StoreError as error:
            log.error("not ended in time", what=duty.name, why=str(error))
            return False
        return not _is_due(duty, now)

    def _until_next(self) -> float:
        times = [when for duty in self._duties if (when := duty.next_due()) is not None]
        # a millisecond, since the sum of a clock and a pause may be rounded to just before
        return min(max(0.001, min(times, default=math.inf) - self._clock()), LONGEST)


def _is_due(duty: _Duty, now: float) -> bool:
    when = duty.next_due()
    return when is not None and when <= now
