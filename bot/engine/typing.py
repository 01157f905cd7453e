"""Showing in a room that the bot is at work there: a nicety, so nothing waits for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bot.core.chat import Chat

#: seconds that a command takes before it is shown; quick answers need none of it
MOMENT = 0.5
#: seconds after which it is shown again: a chat forgets it after about 30, should the bot die
RENEW = 20.0


class Typing:
    """In each room, the jobs that are at work there."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._jobs: dict[str, set[int]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        #: set when nothing is at work any more in the room
        self._over: dict[str, asyncio.Event] = {}
        self._long: asyncio.Queue[str] = asyncio.Queue()

    def begin(self, room: str, job: int) -> None:
        """*job* is at work in *room*."""
        jobs = self._jobs.setdefault(room, set())
        if not jobs:
            loop = asyncio.get_running_loop()
            self._timers[room] = loop.call_later(MOMENT, self._long.put_nowait, room)
        jobs.add(job)

    def end(self, room: str, job: int) -> None:
        """*job* is at work no longer: it waits for something, or has ended."""
        jobs = self._jobs.get(room, set())
        jobs.discard(job)
        if jobs or room not in self._jobs:
            return
        del self._jobs[room]
        self._timers.pop(room).cancel()
        if over := self._over.pop(room, None):
            over.set()

    async def run(self) -> None:
        """Show it, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                room = await self._long.get()
                if room in self._jobs and room not in self._over:
                    self._over[room] = asyncio.Event()
                    group.create_task(self._show(room, self._over[room]))

    async def _show(self, room: str, over: asyncio.Event) -> None:
        while not over.is_set():
            await self._chat.typing(room, on=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW):
                    await over.wait()
        await self._chat.typing(room, on=False)
