"""The ssh server of one iLO: one account, few sessions, and with an iLO 2 only the ssh of old."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from typing import Any

import asyncssh
from cryptography.utils import CryptographyDeprecationWarning

from bot.lab import faults
from bot.lab.ilo.processor import Ilo
from bot.lab.ilo.terminal import Hangup, Terminal

#: what an iLO 2 speaks (reference D); its host key has 1024 bits
OLD: dict[str, Any] = {
    "kex_algs": ["diffie-hellman-group1-sha1"],
    "encryption_algs": ["aes128-cbc", "3des-cbc"],
    "mac_algs": ["hmac-sha1", "hmac-md5"],
    "signature_algs": ["ssh-rsa"],
    "compression_algs": ["none"],
}
#: from memory
_FULL = "\r\nMaximum number of sessions reached.\r\n"


@dataclass(frozen=True)
class Account:
    """Who may log in."""

    user: str
    password: str


def host_key(ilo: Ilo) -> asyncssh.SSHKey:
    """A new host key of the kind that *ilo* has."""
    if ilo.generation.old_algorithms:
        return asyncssh.generate_private_key("ssh-rsa", ilo.name, key_size=1024)
    return asyncssh.generate_private_key("ecdsa-sha2-nistp256", ilo.name)


class IloDoor:
    """The ssh port of one iLO; open whatever becomes of its host."""

    def __init__(self, ilo: Ilo, key: asyncssh.SSHKey, account: Account) -> None:
        self.ilo = ilo
        self.account = account
        self._key = key
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._sessions = 0
        self.port = 0

    async def open(self) -> None:
        """Listen; on the same port as before where it was open already."""
        old = self.ilo.generation.old_algorithms
        if old:
            # cryptography warns of group 1, which is what this door is for
            warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning)
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=lambda: _Admission(self),
            server_host_keys=[self._key],
            process_factory=self._serve,
            encoding=None,
            line_editor=False,
            allow_scp=False,
            agent_forwarding=False,
            config=[],
            gss_host=None,
            **(OLD if old else {}),
        )
        self.port = self._acceptor.get_port()

    async def adapt(self) -> None:
        """Close or open the door as the faults have it."""
        if self.ilo.world.faults.standing(faults.REFUSE, self.ilo.name):
            self.close()
        elif self._acceptor is None:
            await self.open()

    def close(self) -> None:
        """Listen no more, and cut every connection."""
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        for connection in tuple(self.connections):
            connection.abort()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        line = _Line(process)
        if self._sessions >= self.ilo.generation.sessions:
            line.write(_FULL.encode())
            process.exit(1)
            return
        self._sessions += 1
        try:
            terminal = Terminal(self.ilo, line)
            if process.command is None:
                await terminal.converse(self.account.user, "127.0.0.1")
            else:
                await terminal.carry_out(process.command.strip())
            process.exit(0)
        except Hangup:
            process.channel.get_connection().abort()
        finally:
            self._sessions -= 1


class _Line:
    """The channel of one session."""

    def __init__(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self._process = process

    async def read(self) -> bytes:
        while True:
            # a terminal that changes its size, or sends a break, types nothing
            with contextlib.suppress(asyncssh.TerminalSizeChanged, asyncssh.BreakReceived):
                return await self._process.stdin.read(2**12)

    def write(self, data: bytes) -> None:
        if not self._process.channel.is_closing():
            self._process.stdout.write(data)


class _Admission(asyncssh.SSHServer):
    """Who gets in."""

    def __init__(self, door: IloDoor) -> None:
        self._door = door
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._door.connections.add(conn)
        if self._door.ilo.world.faults.take(faults.REFUSE, self._door.ilo.name):
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._door.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return Account(username, password) == self._door.account
