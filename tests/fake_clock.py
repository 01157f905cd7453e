"""A clock at the end of a slow way, as `date` tells of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.devices.session import Call, Output, Session, T
from tests.engine.alive import EPOCH


@dataclass
class FakeClock(Session):
    """A command line that knows no command but `date`."""

    #: seconds that it is ahead
    offset: float = 0.0
    #: seconds on the way there, and back
    going: float = 0.001
    coming: float = 0.001
    #: raised instead of an answer
    broken: Exception | None = None
    #: what it prints instead of its time
    prints: str = ""
    asked: int = 0

    async def run(self, call: Call[T]) -> T:
        if call.words != ("date", "+%s.%N"):
            return call.parse(Output("", f"sh: 1: {call.words[0]}: not found\n", 127))
        self.asked += 1
        if self.broken is not None:
            raise self.broken
        await _later(self.going)
        # as a whole number: doubles hold such times to a quarter of a microsecond alone
        time = round((EPOCH + asyncio.get_running_loop().time() + self.offset) * 10**6) * 1000
        await _later(self.coming)
        return call.parse(Output(self.prints or f"{time // 10**9}.{time % 10**9:09}\n"))

    async def close(self) -> None:
        pass


async def _later(seconds: float) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()
