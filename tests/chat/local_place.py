"""One bot's local chat without a bot, and the persons who come to its socket."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bot.chat import local, local_room
from bot.chat.local import LocalChat
from bot.core.chat import Batch, Message, Post, Text
from bot.errors import StoreError
from bot.unix import address_of

PATIENCE = 10.0
ME = pwd.getpwuid(os.getuid()).pw_name
ROOM = local.chat_id(ME)


class Ear:
    """The store behind the chat."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.broken = 0
        #: lines that hit a bug
        self.poison: set[str] = set()
        self.changed = asyncio.Event()

    async def receive(self, batch: Batch) -> None:
        if self.broken:
            self.broken -= 1
            raise StoreError
        for message in batch.messages:
            if message.body in self.poison:
                raise KeyError(message.body)
        self.batches.append(batch)
        self.changed.set()

    @property
    def messages(self) -> list[Message]:
        return [message for batch in self.batches for message in batch.messages]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await self.changed.wait()
                self.changed.clear()


class Person:
    """The other end of the socket, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def heard(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self.reader.readline(), PATIENCE)
        if not line:
            raise EOFError
        frame: dict[str, Any] = json.loads(line)
        return frame

    async def tell(self, **frame: object) -> None:
        self.writer.write(json.dumps(frame).encode() + b"\n")
        await self.writer.drain()

    async def enter(self, seen: int | None = None) -> list[dict[str, Any]]:
        """Be let in; what was missed."""
        assert (await self.heard())["type"] == "welcome"
        await self.tell(type="hello", seen=seen)
        if seen is not None:
            return []
        count = (await self.heard())["count"]
        return [await self.heard() for _each in range(min(count, local_room.LATEST))]

    async def ended(self) -> None:
        """Return once the bot has hung up; what it said before is passed over."""
        with suppress(EOFError, ConnectionError):
            while True:
                await self.heard()

    def close(self) -> None:
        self.writer.close()


class Place:
    """One bot's local chat, and the persons who came."""

    def __init__(self, folder: Path, *users: str, request_timeout: float = PATIENCE) -> None:
        self.folder = folder
        self.path = folder / "chat.sock"
        self.ear = Ear()
        #: who is whom; a reload changes it
        self.persons_by_id = {f"local:{user}": "anna" for user in users or (ME,)}
        self.chat = LocalChat(
            self.path,
            folder / "local",
            self.persons_by_id.get,
            request_timeout=request_timeout,
            pause=0,
        )
        self.persons: list[Person] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Place]:
        running = asyncio.create_task(self.chat.run(self.ear.receive, None))
        await until(lambda: self.path.exists() or running.done())
        try:
            yield self
        finally:
            for person in self.persons:
                person.close()
            running.cancel()
            await asyncio.wait([running])
            await self.chat.close()
            if not running.cancelled():
                running.result()

    async def person(self) -> Person:
        with address_of(self.path) as address:
            person = Person(*await asyncio.open_unix_connection(address, limit=2**22))
        self.persons.append(person)
        return person

    async def entered(self, seen: int | None = None) -> Person:
        person = await self.person()
        await person.enter(seen)
        return person


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0)


def post(txn: str = "t", text: str = "pong", **more: Any) -> Post:
    return Post(ROOM, txn, Text(text, f"<b>{text}</b>"), **more)
