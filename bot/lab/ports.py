"""A guest on the network: a TCP port that talks while the guest runs, and is silent otherwise."""

from __future__ import annotations

import asyncio
import contextlib

from bot.lab.domains import Life
from bot.lab.guests import Guest
from bot.lab.world import World

#: seconds between two heartbeats
BEAT = 0.25


class GuestPort:
    """Echoes lines and counts heartbeats, wherever the guest runs."""

    def __init__(self, world: World, guest: Guest) -> None:
        self._world = world
        self._guest = guest
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.close()

    def runs(self) -> bool:
        """Whether the guest can answer now: alive on some host that does not hang."""
        return any(
            domain.life is Life.ALIVE and domain.guest.uuid == self._guest.uuid
            for host in self._world.hosts.values()
            if host.alive
            for domain in host.domains.values()
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        beats = self._world.chores.start(self._beat(writer))
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(2**12):
                    await self._world.until(self.runs)
                    writer.write(data)
        finally:
            beats.cancel()
            self._writers.discard(writer)
            writer.close()

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        count = 0
        while not writer.is_closing():
            await self._world.until(self.runs)
            count += 1
            writer.write(f"{self._guest.name} {count}\n".encode())
            await asyncio.sleep(BEAT)
