"""Hearing from the bot that it is ready, as systemd would: by a datagram (sd_notify(3))."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Mapping


class Readiness:
    """An ear for each life of a program; *ready* is set by the first that says so."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        #: no file, so its path cannot be too long for a socket (unix(7), "Abstract sockets")
        self._name = f"nounou-demo-{secrets.token_hex(16)}"
        #: what the program must find in its environment
        self.environment: Mapping[str, str] = {"NOTIFY_SOCKET": f"@{self._name}"}

    def open(self) -> None:
        """Listen, until `close`."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(f"\0{self._name}")
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _hear(self) -> None:
        if b"READY=1" in self._socket.recv(4096).splitlines():
            self.ready.set()
