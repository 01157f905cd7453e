"""The demonstration's side of the terminal protocol, spoken by hand."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from bot.chat.terminal import LONGEST_LINE, TerminalChat
from bot.core.chat import Batch

PATIENCE = 20.0


class OtherEnd:
    """The demonstration's side of the protocol."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.batches: asyncio.Queue[Batch] = asyncio.Queue()

    async def heard(self) -> dict[str, Any]:
        frame = json.loads(await asyncio.wait_for(self._reader.readline(), PATIENCE))
        assert isinstance(frame, dict)
        return frame

    async def say(self, **frame: Any) -> None:
        await self.write(json.dumps(frame).encode() + b"\n")

    async def write(self, line: bytes) -> None:
        self._writer.write(line)
        await self._writer.drain()

    async def welcome(self, *, own: bool = False) -> None:
        """Let a bot in that missed nothing; with *own*, tell it that its own posts can be had."""
        assert (await self.heard())["type"] == "hello"
        await self.say(type="welcome", n=0, **({"own": True} if own else {}))
        assert await self.batch() == Batch("0")

    async def message(self, n: int, body: object) -> None:
        await self.say(type="message", n=n, event_id=f"$t{n}", room="#r", sender="@a:b", body=body)

    async def receive(self, batch: Batch) -> None:
        self.batches.put_nowait(batch)

    async def batch(self) -> Batch:
        return await asyncio.wait_for(self.batches.get(), PATIENCE)

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@asynccontextmanager
async def both_ends() -> AsyncIterator[tuple[TerminalChat, OtherEnd]]:
    """A chat, and who holds its room."""
    ours, theirs = socket.socketpair()
    chat = TerminalChat(
        *await asyncio.open_connection(sock=ours, limit=LONGEST_LINE),
        request_timeout=PATIENCE,
        pause=0,
    )
    other = OtherEnd(*await asyncio.open_connection(sock=theirs))
    yield chat, other
    await other.close()
    await chat.close()
