"""A command line over ssh: one kept-open connection a host, a channel a call.

`bot.app` alone may import this.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from pathlib import Path
from typing import Any

import asyncssh

from bot.core.screen import COLUMNS, ROWS
from bot.devices.session import Call, Output, T, Visit
from bot.devices.ssh_failures import reasons
from bot.devices.wire import BOUND, Lost, endless, lost, silent
from bot.errors import DeviceError, Unreachable
from bot.i18n import _

#: calls at once on one connection; sshd's own MaxSessions is 10 (sshd_config, reference)
CHANNELS = 8
#: a host that left three of these unanswered is gone: noticed within 20 seconds
KEEPALIVE_SECONDS = 5
KEEPALIVES_MISSED = 3
#: what OpenSSH's client reports for a command that a signal ended
KILLED = 255
#: what a visit's terminal is: nothing newer than what every console speaks
TERMINAL = "vt100"


class SshSession:
    """The command line of one host, opened when it is first needed and again after a loss."""

    def __init__(
        self,
        *,
        name: str,
        address: str,
        port: int,
        user: str,
        key_file: Path,
        known_hosts: Path,
        connect_timeout: float,
        command_timeout: float,
    ) -> None:
        self.name = name
        self._address = address
        self._port = port
        self._user = user
        self._key_file = key_file
        self._known_hosts = known_hosts
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout
        self._channels = asyncio.Semaphore(CHANNELS)
        self._opening = asyncio.Lock()
        self._connection: asyncssh.SSHClientConnection | None = None
        #: how many attempts to connect failed, and why the last one did
        self._failures = 0
        self._failure = ""

    async def run(self, call: Call[T]) -> T:
        """Send *call* on a channel of its own; `Session` says what it raises."""
        command = command_line(self.name, call.words)
        async with self._channels:
            try:
                output = await self._attempt(call, command)
            except Lost:
                output = await self._attempt(call, command)
        return call.parse(output)

    async def close(self) -> None:
        """Close the connection; the next `run` opens another."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.close()
        try:
            async with asyncio.timeout(self._connect_timeout):
                await connection.wait_closed()
        except TimeoutError:
            connection.abort()

    async def _attempt(self, call: Call[T], command: str) -> Output:
        connection = await self._connected()
        answer = _Answer(call)
        terminal: dict[str, Any] = (
            {"term_type": TERMINAL, "term_size": (COLUMNS, ROWS)} if call.visit else {}
        )
        limit = call.timeout or self._command_timeout
        try:
            async with asyncio.timeout(limit):
                await connection.create_session(lambda: answer, command, encoding=None, **terminal)
                if call.visit is not None:
                    await answer.visit(call.visit)
                await answer.closed.wait()
        except TimeoutError as error:
            raise silent(self.name, call, limit, sent=answer.sent) from error
        except (asyncssh.Error, OSError) as error:
            raise lost(self.name, call, sent=answer.sent) from error
        finally:
            answer.abandon()
        if answer.exit is None:
            raise lost(self.name, call, sent=answer.sent)
        if answer.overflows:
            raise endless(self.name, call)
        return answer.output(answer.exit)

    async def _connected(self) -> asyncssh.SSHClientConnection:
        failures = self._failures
        async with self._opening:
            if self._connection is None or self._connection.is_closed():
                if self._failures != failures:
                    # it failed while this call waited for its turn to try the very same thing
                    raise Unreachable(self._failure)
                self._connection = await self._open()
            return self._connection

    async def _open(self) -> asyncssh.SSHClientConnection:
        try:
            async with asyncio.timeout(self._connect_timeout):
                return await self._connect()
        except (asyncssh.Error, OSError, ValueError) as error:
            self._failures += 1
            self._failure = self._explain(error)
            raise Unreachable(self._failure) from error

    async def _connect(self) -> asyncssh.SSHClientConnection:
        key, hosts = self._credentials()
        return await asyncssh.connect(
            self._address,
            self._port,
            config=[],
            username=self._user,
            client_keys=[key],
            known_hosts=hosts,
            agent_path=None,
            preferred_auth=("publickey",),
            password_auth=False,
            kbdint_auth=False,
            x509_trusted_certs=None,
            keepalive_interval=KEEPALIVE_SECONDS,
            keepalive_count_max=KEEPALIVES_MISSED,
        )

    def _credentials(self) -> tuple[asyncssh.SSHKey, asyncssh.SSHKnownHosts]:
        try:
            key = asyncssh.read_private_key(str(self._key_file))
        except (OSError, ValueError) as error:
            raise Unreachable(
                _("The ssh key file for {name} cannot be read.").format(name=self.name)
            ) from error
        try:
            return key, asyncssh.read_known_hosts(str(self._known_hosts))
        except (OSError, ValueError) as error:
            raise Unreachable(
                _("The known_hosts file for {name} cannot be read.").format(name=self.name)
            ) from error

    def _explain(self, error: BaseException) -> str:
        """Why no connection could be made, in one sentence without any secret."""
        values = {
            "name": self.name,
            "user": self._user,
            "place": f"{self._address}:{self._port}",
            "seconds": self._connect_timeout,
        }
        for kind, sentence in reasons():
            if isinstance(error, kind):
                return sentence.format(**values)
        return _("{name} cannot be reached at {place}.").format(**values)


def command_line(name: str, words: tuple[str, ...]) -> str:
    """*words* as one line for the remote shell, where each stays one word whatever it holds."""
    line = shlex.join(words)
    if "\0" in line or any("\ud800" <= letter <= "\udfff" for letter in line):
        raise DeviceError(
            _("A word for {name} cannot be sent; nothing was sent.").format(name=name)
        )
    return line


class _Answer(asyncssh.SSHClientSession[bytes]):
    """What comes back on one channel, kept up to the bound, or only the end of it."""

    def __init__(self, call: Call[Any]) -> None:
        self.closed = asyncio.Event()
        self.exit: int | None = None
        self.overflows = False
        self._call = call
        self._typed = 0
        self._news = asyncio.Event()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._streams = {None: bytearray(), asyncssh.EXTENDED_DATA_STDERR: bytearray()}

    @property
    def sent(self) -> bool:
        """True once what may change something can be on its way.

        asyncssh opens the channel right before the request; a visit changes nothing by coming.
        """
        return self._channel is not None if self._call.visit is None else self._typed > 0

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def session_started(self) -> None:
        if self._channel is not None and self._call.visit is None:
            self._channel.write_eof()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        stream, last = self._streams[datatype], self._call.last
        if last is None:
            room = BOUND - len(stream)
            self.overflows = self.overflows or len(data) > room
            stream += data[:room]
        else:
            stream += data
            del stream[:-last]
        self._news.set()

    def exit_status_received(self, status: int) -> None:
        self.exit = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self.exit = KILLED

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        self._news.set()

    async def visit(self, visit: Visit) -> None:
        """Look, type and leave, as `Visit` says; raises `TimeoutError` where it cannot leave."""
        await self._first_news(visit.longest)
        await self._quiet(visit)
        if visit.keys and visit.may_type(self._text(None)):
            for key in visit.keys:
                if not self._write(key):
                    break
                self._typed += 1
                await self._quiet(visit)
        if self._write(visit.leave):
            async with asyncio.timeout(visit.longest):
                await self.closed.wait()

    async def _first_news(self, seconds: float) -> None:
        """Wait for the first sign of life: the command itself takes its time to begin."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _quiet(self, visit: Visit) -> None:
        """Wait until nothing more comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(visit.longest):
                while not self.closed.is_set():
                    self._news.clear()
                    async with asyncio.timeout(visit.quiet):
                        await self._news.wait()

    def _write(self, data: bytes) -> bool:
        """Type *data* by itself; False where the command has ended."""
        if self._channel is None or self.closed.is_set() or self._channel.is_closing():
            return False
        self._channel.write(data)
        return True

    def abandon(self) -> None:
        """Let go of the channel where the answer did not come to its end."""
        if self._channel is None or self.closed.is_set():
            return
        if self._call.visit is not None and self._write(self._call.visit.leave):
            self._channel.close()  # once that is on its way
        else:
            self._channel.abort()

    def _text(self, stream: int | None) -> str:
        return bytes(self._streams[stream]).decode("utf-8", "replace")

    def output(self, code: int) -> Output:
        stdout, stderr = map(self._text, self._streams)
        return Output(stdout, stderr, code, self._typed)
