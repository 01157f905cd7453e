"""A command of a Dom0 on a terminal, in memory: the visit of `bot.devices.session`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bot.devices.session import Output, Visit
from bot.lab import programs
from bot.lab.command import Keyboard, start
from bot.lab.dom0 import Dom0
from bot.lab.world import World


def received(pieces: Sequence[str]) -> str:
    """What a program printed in *pieces*, as a session reads it: what is no UTF-8 is U+FFFD."""
    return "".join(pieces).encode("utf-8", "surrogateescape").decode(errors="replace")


class Terminal:
    """One command that was given a terminal; its two streams are one there."""

    def __init__(self, world: World, dom0: Dom0, words: tuple[str, ...]) -> None:
        self._pieces: list[str] = []
        self._news = asyncio.Event()
        self._keyboard: Keyboard = asyncio.Queue()
        self._execution = start(
            world,
            dom0,
            words,
            programs.run,
            out=self._print,
            err=self._print,
            keyboard=self._keyboard,
        )
        self._execution.when_ended(self._news.set)

    def _print(self, text: str) -> None:
        self._pieces.append(text)
        self._news.set()

    async def visit(self, visit: Visit, typed: Callable[[bytes], None]) -> Output:
        """Look, type and leave; *typed* is told each key.

        Where the visitor is cut off the command is hung up.  Raises `TimeoutError` where it does
        not end after it was left.
        """
        try:
            count = await self._look_and_type(visit, typed)
            self._keyboard.put_nowait(visit.leave)
            async with asyncio.timeout(visit.longest):
                code = await self._execution.wait()
        finally:
            self._execution.kill()
        return Output(received(self._pieces), "", code, count)

    async def _look_and_type(self, visit: Visit, typed: Callable[[bytes], None]) -> int:
        """How many keys were typed."""
        await self._news_within(visit.longest)
        await self._quiet(visit)
        if not visit.keys or not visit.may_type(received(self._pieces)):
            return 0
        for number, key in enumerate(visit.keys):
            if self._execution.ended:
                return number
            typed(key)
            self._keyboard.put_nowait(key)
            await self._quiet(visit)
        return len(visit.keys)

    async def _news_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _quiet(self, visit: Visit) -> None:
        """Read until nothing came for a while, or for long enough."""
        loop = asyncio.get_running_loop()
        end = loop.time() + visit.longest
        while not self._execution.ended and (left := end - loop.time()) > 0:
            self._news.clear()
            if not await self._news_within(min(visit.quiet, left)):
                return
