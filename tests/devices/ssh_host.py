"""A real ssh server whose commands are one word each, and a relay that can freeze."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from bot.devices.ssh import CHANNELS, SshSession

USER = "nounou"


@dataclass
class SshHost:
    """What the server was asked, and how it answers: by the first word of the command."""

    folder: Path
    port: int = 0
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    running: int = 0
    most_running: int = 0
    #: set when a command that hangs was taken in
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    #: set when as many commands run as a session has channels
    crowded: asyncio.Event = field(default_factory=asyncio.Event)
    #: set when a command ended, or was let go, and no other runs
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    #: what was typed at the console, as it came, and which terminals were asked for
    typed: list[bytes] = field(default_factory=list)
    terminals: list[str | None] = field(default_factory=list)
    #: set when somebody is at the console
    attached: asyncio.Event = field(default_factory=asyncio.Event)
    #: lets commands that wait go on
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def session(
        self,
        *,
        port: int | None = None,
        key_file: str = "id",
        known_hosts: str = "known_hosts",
        connect_timeout: float = 20,
        command_timeout: float = 20,
    ) -> SshSession:
        return SshSession(
            name="fy",
            address="127.0.0.1",
            port=port or self.port,
            user=USER,
            key_file=self.folder / key_file,
            known_hosts=self.folder / known_hosts,
            connect_timeout=connect_timeout,
            command_timeout=command_timeout,
        )

    async def serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        self.commands.append(command)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        if self.running == CHANNELS:
            self.crowded.set()
        try:
            await self._answer(process, command)
        finally:
            self.running -= 1
            if not self.running:
                self.idle.set()

    async def _answer(self, process: asyncssh.SSHServerProcess[bytes], command: str) -> None:
        verb, _, rest = command.partition(" ")
        match verb:
            case "say":
                process.stdout.write(rest.encode())
                process.exit(0)
            case "fail":
                process.stderr.write(b"no such thing\n")
                process.exit(3)
            case "bytes":
                process.stdout.write(b"a\xff\xc3b")
                process.exit(0)
            case "flood":
                process.stdout.write(b"x" * (3 * 2**20))
                process.exit(0)
            case "wait":
                await self.gate.wait()
                process.exit(0)
            case "hang":
                self.hanging.set()
                await process.wait_closed()
            case "cut":
                process.get_extra_info("connection").abort()
            case "once-cut" if self.commands.count(command) > 1:
                process.stdout.write(b"second time")
                process.exit(0)
            case "once-cut":
                process.get_extra_info("connection").abort()
            case "mute":
                process.channel.close()
            case "console":
                await self._console(process)
            case "killed":
                process.exit_with_signal("KILL")

    async def _console(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """Echo what is typed, until one lone byte comes; ``cut`` cuts the link."""
        self.terminals.append(process.get_terminal_type())
        process.stdout.write(b"vm login: ")
        self.attached.set()
        while (data := await process.stdin.read(2**16)) not in (b"", b"\x1d", b"cut"):
            self.typed.append(data)
            process.stdout.write(data)
        self.typed += [data] if data else []
        if data == b"cut":
            process.get_extra_info("connection").abort()
        process.exit(0)


class _Server(asyncssh.SSHServer):
    def __init__(self, host: SshHost) -> None:
        self._host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._host.connections += 1


@asynccontextmanager
async def ssh_host(folder: Path, host: SshHost | None = None) -> AsyncIterator[SshHost]:
    """*host* on a free port, with keys and known_hosts files for it in *folder*."""
    host = host or SshHost(folder)
    for name in ("host", "other_host", "id", "other_id"):
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(folder / name))
    (folder / "authorized").write_bytes(_public(folder / "id"))
    server = await asyncssh.create_server(
        lambda: _Server(host),
        "127.0.0.1",
        0,
        server_host_keys=[str(folder / "host")],
        authorized_client_keys=str(folder / "authorized"),
        process_factory=host.serve,
        encoding=None,
        line_editor=False,
    )
    host.port = server.get_port()
    trust(folder, host.port)
    try:
        yield host
    finally:
        host.gate.set()
        server.close()
        await server.wait_closed()


def trust(folder: Path, port: int) -> None:
    """Write known_hosts files for *port*: the right key, a wrong one, and none."""
    for name, key in (("known_hosts", "host"), ("wrong_hosts", "other_host")):
        line = f"[127.0.0.1]:{port} ".encode() + _public(folder / key)
        (folder / name).write_bytes(line)
    (folder / "no_hosts").write_bytes(b"")


def _public(path: Path) -> bytes:
    return asyncssh.read_private_key(str(path)).export_public_key()


class Relay:
    """Passes bytes on to a port, until it is frozen: then nobody hears anything any more."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._moving = asyncio.Event()
        self._moving.set()
        self.port = 0

    def freeze(self) -> None:
        self._moving.clear()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Relay]:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._moving.set()
            server.close()
            await server.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._copy(reader, far_writer), self._copy(far_reader, writer), return_exceptions=True
        )

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(2**16):
                await self._moving.wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
