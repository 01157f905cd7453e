"""Keeping the bot alive: whenever it dies it is started again, and the demo says so."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable

from bot.demo.process import Child
from bot.errors import BotError
from bot.i18n import _

#: seconds before the next start after each quick death in a row
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
#: a bot that lived so long did not die of its start
SETTLED = 10.0
#: so many quick deaths before it was ever in the room, and the start has failed
TRIES = 3


class CannotStart(BotError):
    """A part of the demonstration does not start."""

    code = "demo"


class Keeper:
    """Runs *child*, attends to each of its lives, and starts it again until it is told to stop."""

    def __init__(
        self,
        child: Child,
        attend: Callable[[Process], Awaitable[None]],
        say: Callable[[str], None],
        *,
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        self._child = child
        self._attend = attend
        self._say = say
        self._pauses = pauses
        self._stopping = False
        #: set once somebody saw the bot in the room
        self.arrived = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return self._child.process.pid if self._child.process is not None else None

    async def run(self) -> None:
        """Returns after `stop`; raises `CannotStart` if the bot never came so far as to arrive."""
        quick, ended = 0, ""
        while not self._stopping:
            lived = await self._one_life(ended)
            if self._stopping:
                return
            ended = self._child.end()
            quick = 0 if lived > SETTLED else quick + 1
            if quick >= TRIES and not self.arrived.is_set():
                raise CannotStart(
                    _("{name} does not start: {end}").format(name=self._child.name, end=ended),
                    hint=self._child.last_lines(),
                )
            await asyncio.sleep(self._pauses[min(quick, len(self._pauses)) - 1] if quick else 0)

    async def stop(self, grace: float) -> None:
        """End the bot for good; what it says until then is still attended to."""
        self._stopping = True
        await self._child.stop(grace)

    async def _one_life(self, before: str) -> float:
        """Start the bot, say so if it ended *before*, attend to it; returns how long it lived."""
        loop = asyncio.get_running_loop()
        born = loop.time()
        process = await self._child.start()
        if before:
            self._say(
                _("{name} had ended ({end}) and is started again (process {number})").format(
                    name=self._child.name, end=before, number=process.pid
                )
            )
        if self._stopping:
            await self._child.stop(0)
        await self._attend(process)
        await process.wait()
        return loop.time() - born
