"""A command line that is only there as a shell over ssh, with a prompt: a lights-out processor's.

`bot.app` alone may import this.  The password appears in no error and no log.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import warnings
from pathlib import Path
from typing import Any

import asyncssh
from cryptography.utils import CryptographyDeprecationWarning

from bot.devices.session import Call, Output, T
from bot.devices.shell_dialogue import Dialogue, command_line
from bot.devices.ssh_failures import reasons
from bot.devices.wire import Lost, endless, lost, silent
from bot.errors import Unreachable
from bot.i18n import _

#: what an iLO 2 or 3 speaks and asyncssh does not by itself (field reference D)
OLD = {
    "kex_algs": "+diffie-hellman-group1-sha1",
    "encryption_algs": "+aes128-cbc,3des-cbc",
    "mac_algs": "+hmac-md5",
    "server_host_key_algs": "+ssh-rsa,ssh-dss",
    "signature_algs": "+ssh-rsa,ssh-dss",
}
#: seconds without a call after which it logs out: an iLO has few sessions, and people want them
IDLE = 15.0
#: seconds for a polite `exit`
FAREWELL = 2.0
#: seconds in which nothing more may come behind a prompt; else it was a part of the answer
SETTLE = 0.05


class ShellSession:
    """The shell of one device, logged in when it is first needed; one call at a time.

    *prompt* ends everything that the device prints; *leave* logs out.  Exactly one of *password*
    and *key_file* is given.
    """

    def __init__(
        self,
        *,
        name: str,
        address: str,
        port: int,
        user: str,
        password: str | None,
        key_file: Path | None,
        known_hosts: Path,
        prompt: re.Pattern[str],
        connect_timeout: float,
        command_timeout: float,
        old_algorithms: bool = False,
        leave: str = "exit",
        idle: float = IDLE,
    ) -> None:
        self.name = name
        self._address = address
        self._port = port
        self._user = user
        self._password = password
        self._key_file = key_file
        self._known_hosts = known_hosts
        self._prompt = prompt
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout
        self._old = old_algorithms
        self._leave = leave
        self._idle = idle
        self._turn = asyncio.Lock()
        self._wire: _Wire | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._leaving: asyncio.Task[None] | None = None

    async def run(self, call: Call[T]) -> T:
        """Send *call* when it is its turn; `Session` says what it raises."""
        line = command_line(self.name, call.words)
        async with self._turn:
            self._stay()
            try:
                output = await self._attempt(call, line)
            except Lost:
                output = await self._attempt(call, line)
            finally:
                self._leave_later()
        return call.parse(output)

    async def close(self) -> None:
        """Log out; the next `run` logs in again."""
        async with self._turn:
            self._stay()
            wire, self._wire = self._wire, None
            if wire is not None:
                await wire.farewell(self._leave)

    def _stay(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _leave_later(self) -> None:
        def leave() -> None:
            self._leaving = asyncio.create_task(self.close())

        if self._wire is not None:
            self._alarm = asyncio.get_running_loop().call_later(self._idle, leave)

    async def _attempt(self, call: Call[Any], line: str) -> Output:
        wire = await self._logged_in()
        limit = call.timeout or self._command_timeout
        dialogue = Dialogue(line, self._prompt)
        try:
            async with asyncio.timeout(limit):
                typed = await wire.ask(dialogue, call)
        except TimeoutError as error:
            raise silent(self.name, call, limit, sent=True) from error
        except (asyncssh.Error, OSError) as error:
            raise lost(self.name, call, sent=True) from error
        finally:
            if not wire.ready:
                self._drop()
        if dialogue.overflows:
            raise endless(self.name, call)
        return Output(dialogue.answer(), typed=typed)

    def _drop(self) -> None:
        """Hang up where the dialogue did not come to its end: nobody knows who would hear more."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    async def _logged_in(self) -> _Wire:
        if self._wire is not None and self._wire.gone:
            self._drop()
        if self._wire is None:
            try:
                async with asyncio.timeout(self._connect_timeout):
                    self._wire = await self._log_in()
            except EOFError as error:
                sentence = _("{name} closed the session before its prompt came.")
                hint = _("Perhaps others have all of its few sessions; close one, or try again.")
                raise Unreachable(sentence.format(name=self.name), hint=hint) from error
            except (asyncssh.Error, OSError, ValueError) as error:
                raise self._explained(error) from error
        return self._wire

    async def _log_in(self) -> _Wire:
        connection = await self._connect()
        with contextlib.ExitStack() as undo:
            undo.callback(connection.abort)
            wire = _Wire(connection)
            await connection.create_session(lambda: wire, term_type="dumb", encoding=None)
            try:
                await wire.read_until(Dialogue("", self._prompt))
            except ConnectionError as error:
                raise EOFError from error
            undo.pop_all()
        return wire

    async def _connect(self) -> asyncssh.SSHClientConnection:
        if self._old:
            _expect_old()
        return await asyncssh.connect(
            self._address,
            self._port,
            config=[],
            username=self._user,
            known_hosts=self._hosts(),
            agent_path=None,
            x509_trusted_certs=None,
            **self._credentials(),
            **(OLD if self._old else {}),
        )

    def _credentials(self) -> dict[str, Any]:
        if self._key_file is None:
            ways = ("password", "keyboard-interactive")
            return {"password": self._password, "client_keys": None, "preferred_auth": ways}
        try:
            key = asyncssh.read_private_key(str(self._key_file))
        except (OSError, ValueError) as error:
            sentence = _("The ssh key file for {name} cannot be read.")
            raise Unreachable(sentence.format(name=self.name)) from error
        return {
            "client_keys": [key],
            "preferred_auth": ("publickey",),
            "password_auth": False,
            "kbdint_auth": False,
        }

    def _hosts(self) -> asyncssh.SSHKnownHosts:
        try:
            return asyncssh.read_known_hosts(str(self._known_hosts))
        except (OSError, ValueError) as error:
            sentence = _("The known_hosts file for {name} cannot be read.")
            raise Unreachable(sentence.format(name=self.name)) from error

    def _explained(self, error: BaseException) -> Unreachable:
        """Why nobody could log in, in one sentence without any secret."""
        values = {
            "name": self.name,
            "user": self._user,
            "place": f"{self._address}:{self._port}",
            "seconds": self._connect_timeout,
        }
        hint = ""
        if isinstance(error, asyncssh.KeyExchangeFailed) and not self._old:
            hint = _("An old iLO needs old_algorithms: true in its lights_out section.")
        for kind, sentence in (
            (asyncssh.PermissionDenied, _("{name} refuses the login of {user}.")),
            *reasons(),
        ):
            if isinstance(error, kind):
                return Unreachable(sentence.format(**values), hint=hint)
        return Unreachable(_("{name} cannot be reached at {place}.").format(**values))


def _expect_old() -> None:
    """Switch off the warning that group 1 brings: the config asked for it."""
    warnings.filterwarnings(
        "ignore", "Diffie-Hellman over finite fields", CryptographyDeprecationWarning
    )


class _Wire(asyncssh.SSHClientSession[bytes]):
    """One shell on one connection: lines out, text in."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._came = asyncio.Queue[bytes]()
        #: false while an answer is under way, and for ever where its end was not seen
        self.ready = True
        #: true once the device closed it
        self.gone = False
        #: what a visit that is under way is left by
        self._leave = b""

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        self._came.put_nowait(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._came.put_nowait(b"")

    def _send(self, data: bytes) -> None:
        if self._channel is None or self.gone:
            raise ConnectionResetError
        self._channel.write(data)

    async def ask(self, dialogue: Dialogue, call: Call[Any]) -> int:
        """Say the line of *dialogue* and listen to the end; how many keys of a visit were typed."""
        while not self._came.empty() and not self.gone:
            # it came before the line was sent, so it is no answer to it
            self._came.get_nowait()
        self.ready = False
        self._send(dialogue.line.encode() + b"\r")
        typed = 0
        if call.visit is not None:
            typed = await self._visit(dialogue, call)
        else:
            await self.read_until(dialogue)
            self.ready = not dialogue.overflows
        return typed

    async def _visit(self, dialogue: Dialogue, call: Call[Any]) -> int:
        """Look, type, leave.

        It seems to have ended by itself where a prompt is seen before that.  But what is visited
        may print one, too: so that no later line can ever be typed there, the wire is hung up then.
        """
        visit = call.visit
        assert visit is not None
        self._leave, typed = visit.leave, 0
        await self._listen(dialogue, visit.quiet, visit.longest)
        if dialogue.whole:
            return 0
        if visit.keys and visit.may_type(dialogue.answer()):
            for key in visit.keys:
                self._send(key)
                typed += 1
                await self._listen(dialogue, visit.quiet, visit.longest)
        dialogue.ends_later()
        self._let_go()
        with contextlib.suppress(ConnectionError):
            # one that hangs up let go, too
            await self.read_until(dialogue)
            self.ready = not dialogue.overflows
        return typed

    def _let_go(self) -> None:
        """Leave what is visited, if anything is."""
        leave, self._leave = self._leave, b""
        if leave:
            self._send(leave)

    async def read_until(self, dialogue: Dialogue) -> None:
        """Read until *dialogue* is whole, and nothing more came for a moment; or too much did."""
        while not dialogue.overflows:
            dialogue.feed(await self._read())
            while dialogue.whole:
                try:
                    async with asyncio.timeout(SETTLE):
                        dialogue.feed(await self._read())
                except (TimeoutError, ConnectionError):
                    return

    async def _listen(self, dialogue: Dialogue, quiet: float, longest: float) -> None:
        """Read until nothing came for *quiet* seconds, or for *longest* in all."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                while not dialogue.overflows:
                    async with asyncio.timeout(quiet):
                        dialogue.feed(await self._read())

    async def _read(self) -> bytes:
        data = await self._came.get()
        if not data:
            # for whoever asks next
            self._came.put_nowait(b"")
            raise ConnectionResetError
        return data

    async def farewell(self, leave: str) -> None:
        """Log out, without waiting long for it."""
        with contextlib.suppress(OSError, asyncssh.Error):
            async with asyncio.timeout(FAREWELL):
                self._send(leave.encode() + b"\r")
                while not self.gone:
                    await self._read()
        await self._end()

    async def _end(self) -> None:
        self.close()
        with contextlib.suppress(OSError, asyncssh.Error):
            async with asyncio.timeout(FAREWELL):
                await self._connection.wait_closed()

    def close(self) -> None:
        """Hang up; what is visited is left first, whatever ended the dialogue."""
        with contextlib.suppress(OSError):
            self._let_go()
        self._connection.close()
