"""The ssh server of one iLO: one account, few sessions, and with an iLO 2 only the ssh of old."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import asyncssh
from cryptography.utils import CryptographyDeprecationWarning

from bot.lab import faults
from bot.lab.account import Account
from bot.lab.ilo.processor import Ilo
from bot.lab.ilo.terminal import Hangup, Terminal
from bot.lab.ssh_port import SshPort

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
        old = ilo.generation.old_algorithms
        if old:
            # cryptography warns of group 1, which is what this door is for
            warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning)
        options = OLD if old else {}
        self._ssh = SshPort(ilo.world, ilo.name, key, account, self._serve, **options)
        self._sessions = 0

    @property
    def port(self) -> int:
        return self._ssh.number

    async def open(self) -> None:
        """Listen; on the same port as before where it was open already."""
        await self._ssh.open()

    async def adapt(self) -> None:
        """Close or open the door as the faults have it."""
        if self.ilo.world.faults.standing(faults.REFUSE, self.ilo.name):
            self.close()
        else:
            await self.open()

    def close(self) -> None:
        """Listen no more, and cut every connection."""
        self._ssh.shut()

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
