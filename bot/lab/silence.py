"""A port that takes connections and says nothing: a host whose system hangs."""

from __future__ import annotations

import asyncio


class Silence:
    """A mute listener on loopback."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.BaseTransport] = set()

    async def open(self, port: int) -> None:
        """Listen on *port*, unless it does already."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: _Mute(self._connections), "127.0.0.1", port
            )

    def close(self) -> None:
        """Listen no more, and let go of who waits."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self._connections):
            connection.close()


class _Mute(asyncio.Protocol):
    def __init__(self, connections: set[asyncio.BaseTransport]) -> None:
        self._connections = connections
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._connections.discard(self._transport)
