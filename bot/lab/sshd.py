"""The ssh server of one Dom0: the right user with the right key gets a command line."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Callable

import asyncssh

from bot.lab import faults, programs
from bot.lab.command import Keyboard, Write, start
from bot.lab.dom0 import Dom0
from bot.lab.machine import run_shell
from bot.lab.place import USER, Place
from bot.lab.silence import Silence
from bot.lab.weather import Weather
from bot.lab.world import World


class Dom0Door:
    """The ssh port of one Dom0."""

    def __init__(
        self,
        world: World,
        dom0: Dom0,
        place: Place,
        host_key: asyncssh.SSHKey,
        user_key: asyncssh.SSHKey,
    ) -> None:
        self.world = world
        self.dom0 = dom0
        self._place = place
        self._host_key = host_key
        self.user_key = user_key.convert_to_public()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._silence = Silence()
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.port = 0

    async def open(self) -> None:
        """Listen; on the same port as before where it was open already."""
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
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
        )
        self.port = self._acceptor.get_port()

    async def adapt(self) -> None:
        """Close or open the door as the faults have it, or as the host lives."""
        refused = self.world.faults.standing(faults.REFUSE, self.dom0.name)
        if self.dom0.hung and not refused:
            self._shut()
            await self._silence.open(self.port)
        elif refused or not self.dom0.alive:
            self.close()
        elif self._acceptor is None:
            self._silence.close()
            await self.open()

    def close(self) -> None:
        """Listen no more, and cut every connection."""
        self._silence.close()
        self._shut()

    def _shut(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        for connection in tuple(self.connections):
            connection.abort()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        line = process.command or ""
        weather = Weather.of(self.world, self.dom0.name, line)
        await weather.before(self.world)
        answer = _Answer(process, at_once=weather.fair)
        if process.term_type is None:
            code = await self._carry_out(line, answer.out, answer.err)
        else:
            code = await self._on_a_terminal(process, line, answer.out)
        await weather.after(self.world)
        if weather.drop:
            process.channel.get_connection().abort()
            return
        answer.send(garbled=weather.garble)
        process.exit(code)

    async def _carry_out(self, line: str, out: Write, err: Write) -> int:
        """Run *line*: plain words in the world, anything else by this machine's shell.

        Neither ends when the link drops: the world keeps them.
        """
        words = _plain_words(line)
        if words and words[0] != "sh" and programs.known(words[0]):
            execution = start(self.world, self.dom0, words, programs.run, out=out, err=err)
            return await execution.wait()
        task = self.world.chores.start(run_shell(self._place, self.dom0.name, line, out, err))
        await asyncio.wait({task})
        return 255 if task.cancelled() else int(task.result())

    async def _on_a_terminal(
        self, process: asyncssh.SSHServerProcess[bytes], line: str, out: Write
    ) -> int:
        """Run *line* on a terminal, where both streams are one; it is hung up with the link."""
        keyboard: Keyboard = asyncio.Queue()
        execution = start(
            self.world,
            self.dom0,
            _plain_words(line),
            programs.run,
            out=out,
            err=out,
            keyboard=keyboard,
        )
        reading = asyncio.ensure_future(_read(process, keyboard))
        closed = asyncio.ensure_future(process.channel.wait_closed())
        closed.add_done_callback(lambda _closed: execution.kill())
        try:
            return await execution.wait()
        finally:
            reading.cancel()
            closed.cancel()


async def _read(process: asyncssh.SSHServerProcess[bytes], keyboard: Keyboard) -> None:
    """Pass on what is typed, each read by itself."""
    with contextlib.suppress(asyncssh.Error):
        while not process.stdin.at_eof():
            try:
                keyboard.put_nowait(await process.stdin.read(2**12))
            except (asyncssh.TerminalSizeChanged, asyncssh.SignalReceived):
                continue


def _plain_words(line: str) -> tuple[str, ...]:
    """The words of a line that needs no shell: one that `shlex.join` would write; else nothing."""
    try:
        words = shlex.split(line)
    except ValueError:
        return ()
    return tuple(words) if shlex.join(words) == line else ()


class _Answer:
    """What a command prints: sent at once, or kept until the fault that strikes it is known."""

    def __init__(self, process: asyncssh.SSHServerProcess[bytes], *, at_once: bool) -> None:
        self._process = process
        self._at_once = at_once
        self._kept: list[tuple[Callable[[bytes], None], bytes]] = []

    def out(self, text: str) -> None:
        self._put(self._process.stdout.write, text)

    def err(self, text: str) -> None:
        self._put(self._process.stderr.write, text)

    def _put(self, write: Callable[[bytes], None], text: str) -> None:
        data = text.encode("utf-8", "surrogateescape")
        if not self._at_once:
            self._kept.append((write, data))
        elif not self._process.channel.is_closing():
            write(data)

    def send(self, *, garbled: bool) -> None:
        """Send what was kept."""
        for write, data in self._kept:
            if not self._process.channel.is_closing():
                write(faults.garble(data) if garbled else data)


class _Admission(asyncssh.SSHServer):
    """Who gets in."""

    def __init__(self, door: Dom0Door) -> None:
        self._door = door
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._door.connections.add(conn)
        if self._door.world.faults.take(faults.REFUSE, self._door.dom0.name):
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._door.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == self._door.user_key
