"""Where a Dom0's stand-ins reach the world: one connection a command."""

from __future__ import annotations

import asyncio
import contextlib

from bot.lab import programs
from bot.lab.command import Execution, start
from bot.lab.dom0 import Dom0
from bot.lab.place import Place
from bot.lab.world import World


class Backdoor:
    """The unix socket of one Dom0."""

    def __init__(self, world: World, dom0: Dom0, place: Place) -> None:
        self._world = world
        self._dom0 = dom0
        self._place = place
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        path = self._place.socket(self._dom0.name)
        self._server = await asyncio.start_unix_server(self._serve, path)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._answer(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(4), "big")
        request = (await reader.readexactly(size)).decode("utf-8", "surrogateescape")
        pid, ppid, *words = request.split("\0")
        execution = start(
            self._world,
            self._dom0,
            tuple(words),
            programs.run,
            out=lambda text: _send(writer, b"o", text),
            err=lambda text: _send(writer, b"e", text),
            ppid=int(ppid),
            pid=int(pid),
        )
        gone = self._world.chores.start(_watch(reader, execution))
        code = await execution.wait()
        gone.cancel()
        _send(writer, b"x", str(code))
        await writer.drain()


async def _watch(reader: asyncio.StreamReader, execution: Execution) -> None:
    """Kill *execution* when its stand-in dies."""
    with contextlib.suppress(ConnectionError):
        await reader.read()
    execution.kill()


def _send(writer: asyncio.StreamWriter, kind: bytes, text: str) -> None:
    body = text.encode("utf-8", "surrogateescape")
    if not writer.is_closing():
        writer.write(kind + len(body).to_bytes(4, "big") + body)
