"""An ssh port on loopback that opens and shuts, and who gets in there: the same for every door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncssh

from bot.lab import faults
from bot.lab.account import Account
from bot.lab.world import World

#: answers one command, or one session where there is no command
Serve = Callable[["asyncssh.SSHServerProcess[bytes]"], Awaitable[None]]


class SshPort:
    """The ssh port of the device *name*; *options* are those of `asyncssh.listen`."""

    def __init__(
        self,
        world: World,
        name: str,
        host_key: asyncssh.SSHKey,
        account: Account,
        serve: Serve,
        **options: Any,
    ) -> None:
        self.world = world
        self.name = name
        self.account = account
        self._host_key = host_key
        self._serve = serve
        self._options = options
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.number = 0

    @property
    def listens(self) -> bool:
        return self._acceptor is not None

    async def open(self) -> None:
        """Listen, unless it does; on the same port as before where it was open already."""
        if self.listens:
            return
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.number,
            server_factory=lambda: _Admission(self),
            server_host_keys=[self._host_key],
            process_factory=self._serve,
            encoding=None,
            allow_scp=False,
            agent_forwarding=False,
            # a terminal's bytes reach the command as they come
            line_editor=False,
            config=[],
            gss_host=None,
            **self._options,
        )
        self.number = self._acceptor.get_port()

    def shut(self) -> None:
        """Listen no more, and cut every connection."""
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        for connection in tuple(self.connections):
            connection.abort()


class _Admission(asyncssh.SSHServer):
    """Who gets in."""

    def __init__(self, port: SshPort) -> None:
        self._port = port
        self._account = port.account
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._port.connections.add(conn)
        if self._port.world.faults.take(faults.REFUSE, self._port.name):
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._port.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return self._account.key is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == self._account.user and key == self._account.key

    def password_auth_supported(self) -> bool:
        return self._account.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (self._account.user, self._account.password)
