"""A Matrix chat that runs on a fake homeserver, and what it delivered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bot.chat.matrix import MatrixChat
from bot.chat.matrix_login import Credentials
from bot.core.chat import Batch
from tests.chat.homeserver import ALIAS, FakeHomeserver

PATIENCE = 20.0


class Scene:
    """A chat that runs on a fake homeserver."""

    def __init__(self, homeserver: FakeHomeserver, folder: Path) -> None:
        self.homeserver = homeserver
        self.folder = folder
        self.token: str | None = None
        self.bodies: list[str] = []
        self.errors: list[Exception] = []
        #: where this is, a batch with messages is stored for ever, and sets it
        self.stuck: asyncio.Event | None = None
        self._changed = asyncio.Condition()

    async def receive(self, batch: Batch) -> None:
        if self.errors and batch.messages:
            raise self.errors.pop(0)
        if self.stuck and batch.messages:
            self.stuck.set()
            await asyncio.Event().wait()
        async with self._changed:
            self.token = batch.token
            self.bodies += [message.body for message in batch.messages]
            self._changed.notify_all()

    async def got(self, count: int) -> list[str]:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(self.bodies) >= count)
        return self.bodies

    async def started(self) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.token is not None)

    async def batch(self) -> None:
        """Wait for the next batch, an empty one too."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait()

    def chat(self, url: str, **more: Any) -> MatrixChat:
        credentials = Credentials("bot", more.pop("password", "password"), more.pop("token", None))
        rooms = more.pop("rooms", [ALIAS])
        pauses = {"shortest_pause": 0.001, "longest_pause": 0.01, "sync_timeout": PATIENCE}
        pauses["breath"] = 0.0
        return MatrixChat(
            url, credentials, rooms, self.folder, lambda user: True, pins, **(pauses | more)
        )

    @asynccontextmanager
    async def running(self, **more: Any) -> AsyncIterator[MatrixChat]:
        """The chat, started and its first token stored."""
        async with self.homeserver.running() as url:
            chat = self.chat(url, **more)
            task = asyncio.create_task(chat.run(self.receive, self.token))
            try:
                await self.started()
                yield chat
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                await chat.close()


async def pins(user: str, key: str) -> bool:
    """Whoever comes is who they say."""
    return True
