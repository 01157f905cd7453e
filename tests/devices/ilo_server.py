"""A real ssh server that talks like an iLO, with the bad habits that a test asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from bot.devices.lights_out.ilo import LEAVE, Ilo
from bot.devices.ssh_shell import IDLE, ShellSession
from tests.devices.ilo_screens import screens

USER, PASSWORD = "nounou", "pa55w0rd"
#: what an iLO 2 speaks, and nothing else
ONLY_OLD: dict[str, Any] = {
    "kex_algs": ["diffie-hellman-group1-sha1"],
    "encryption_algs": ["aes128-cbc", "3des-cbc"],
    "mac_algs": ["hmac-md5", "hmac-sha1"],
    "signature_algs": ["ssh-rsa", "ssh-dss"],
}
OPENED = (
    "\r\nVirtual Serial Port Active: COM2\r\n\r\nStarting virtual serial port.\r\n"
    "Press 'ESC (' to return to the CLI Session.\r\n\r\n"
)


@dataclass
class IloServer:
    """What the server was told, and how it answers."""

    folder: Path
    generation: str = "ilo4"
    port: int = 0
    lines: list[str] = field(default_factory=list)
    logins: int = 0
    #: printed for a line, between echo and prompt; a sequence is printed piece by piece
    replies: dict[str, str | Sequence[str]] = field(default_factory=dict)
    #: what happens instead of a reply: "silent", "cut", "cut first", "flood"
    habits: dict[str, str] = field(default_factory=dict)
    #: what the serial port shows, and what was typed there
    serial: str = "fz login: "
    typed: bytes = b""
    lets_go: bool = True
    #: so many sessions are closed before their prompt
    full: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    taken_in: asyncio.Event = field(default_factory=asyncio.Event)

    def session(self, **changes: Any) -> ShellSession:
        options: dict[str, Any] = {
            "name": "fz-ilo",
            "address": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "password": PASSWORD,
            "key_file": None,
            "known_hosts": self.folder / "known_hosts",
            "prompt": Ilo.prompt,
            "connect_timeout": 20,
            "command_timeout": 20,
            "idle": IDLE,
        }
        return ShellSession(**options | changes)

    async def serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        seen = screens(self.generation)
        if self.full:
            self.full -= 1
            process.exit(1)
            return
        self.logins += 1
        self._say(process, seen.banner + seen.prompt)
        line = b""
        while True:
            byte = await process.stdin.read(1)
            if not byte:
                self.left.set()
                return
            if byte != b"\r":
                line += byte
                process.stdout.write(byte)
                continue
            said, line = line.decode(), b""
            self.lines.append(said)
            self._say(process, "\r\n")
            if said == "exit":
                self.left.set()
                process.exit(0)
                return
            if not await self._answer(process, said):
                return
            self._say(process, seen.prompt)

    async def _answer(self, process: asyncssh.SSHServerProcess[bytes], line: str) -> bool:
        """Answer *line*; whether there is a prompt then."""
        habit = self.habits.get(line, "")
        if habit == "cut" or (habit == "cut first" and self.lines.count(line) == 1):
            process.get_extra_info("connection").abort()
            return False
        if habit == "silent":
            self.taken_in.set()
            await process.wait_closed()
            return False
        if habit == "flood":
            self._say(process, "x" * (3 * 2**20))
            return True
        if line == "vsp" and "vsp" not in self.replies:
            return await self._port(process)
        reply = self.replies.get(line)
        if reply is None:
            reply = screens(self.generation)[line]
        for piece in [reply] if isinstance(reply, str) else reply:
            self._say(process, piece)
            # so that it arrives by itself
            await asyncio.sleep(0)
        return True

    async def _port(self, process: asyncssh.SSHServerProcess[bytes]) -> bool:
        self._say(process, OPENED + self.serial)
        typed = b""
        while not (self.lets_go and typed.endswith(LEAVE)):
            byte = await process.stdin.read(1)
            if not byte:
                self.left.set()
                return False
            typed += byte
            self.typed += byte
            if byte == b"\r":
                self._say(process, "\r\nPassword: ")
        self._say(process, "\r\n")
        return True

    def _say(self, process: asyncssh.SSHServerProcess[bytes], text: str) -> None:
        process.stdout.write(text.encode())


class _Door(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@asynccontextmanager
async def ilo_server(
    folder: Path, generation: str = "ilo4", *, key: str = "ssh-ed25519", **algorithms: Any
) -> AsyncIterator[IloServer]:
    """A server on a free port, with keys and known_hosts files for it in *folder*."""
    ilo = IloServer(folder, generation)
    size: dict[str, Any] = {"key_size": 1024} if key == "ssh-rsa" else {}
    host_key = asyncssh.generate_private_key(key, **size)
    own_key = asyncssh.generate_private_key("ssh-ed25519")
    own_key.write_private_key(str(folder / "id"))
    own_key.write_public_key(str(folder / "authorized"))
    server = await asyncssh.create_server(
        _Door,
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        authorized_client_keys=str(folder / "authorized"),
        process_factory=ilo.serve,
        encoding=None,
        line_editor=False,
        **algorithms,
    )
    ilo.port = server.get_port()
    line = f"[127.0.0.1]:{ilo.port} ".encode()
    (folder / "known_hosts").write_bytes(line + host_key.export_public_key())
    (folder / "wrong_hosts").write_bytes(line + own_key.export_public_key())
    try:
        yield ilo
    finally:
        server.close()
        await server.wait_closed()
