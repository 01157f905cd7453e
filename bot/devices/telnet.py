"""The command line of an MSA array over telnet: one kept-open session, one call at a time.

`bot.app` alone may import this.  The password and what is said during the login appear in no error
and no log.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import logging
import re
from typing import Any

import telnetlib3

from bot.devices.dialogue import LOGIN, PASSWORD, PROMPT, Need, Reply, command_line
from bot.devices.session import Call, Output, T
from bot.devices.wire import BOUND, Lost, endless, lost, silent
from bot.errors import Unreachable
from bot.i18n import _

#: first words of every session (field reference A.1, not recorded): XML without a pager, then the
#: language and units of what people may see; older firmware refuses some of the latter, which does
#: no harm, since only numbers in blocks and return codes are read
SET_UP = (
    ("set", "cli-parameters", "api", "pager", "off"),
    ("set", "cli-parameters", "locale", "english", "base", "2", "units", "auto"),
)
#: telnetlib3 logs every byte at its lowest level, the password too: never below this here
_wire_log = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.INFO)
#: seconds that option negotiation may take; an array that negotiates nothing costs none
NEGOTIATION = 0.5
#: seconds for a polite `exit`, so that the array's few sessions are not used up
FAREWELL = 2.0


class TelnetSession:
    """The command line of one array, logged in when it is first needed and again after a loss."""

    def __init__(
        self,
        *,
        name: str,
        address: str,
        port: int,
        user: str,
        password: str,
        connect_timeout: float,
        command_timeout: float,
    ) -> None:
        self.name = name
        self._address = address
        self._port = port
        self._user = user
        self._password = password
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout
        self._turn = asyncio.Lock()
        self._wire: _Wire | None = None

    async def run(self, call: Call[T]) -> T:
        """Send *call* when it is its turn; `Session` says what it raises."""
        line = command_line(call.words)
        async with self._turn:
            try:
                text = await self._attempt(call, line)
            except Lost:
                text = await self._attempt(call, line)
        return call.parse(Output(text))

    async def close(self) -> None:
        """Log out; the next `run` logs in again."""
        async with self._turn:
            wire, self._wire = self._wire, None
            if wire is not None:
                await wire.farewell()

    async def _attempt(self, call: Call[T], line: str) -> str:
        wire = await self._logged_in()
        limit = call.timeout or self._command_timeout
        try:
            async with asyncio.timeout(limit):
                reply = await wire.ask(line)
        except TimeoutError as error:
            raise silent(self.name, call, limit, sent=True) from error
        except OSError as error:
            raise lost(self.name, call, sent=True) from error
        finally:
            if not wire.ready:
                self._drop()
        if reply.overflows:
            raise endless(self.name, call)
        return reply.text()

    def _drop(self) -> None:
        """Close a wire whose dialogue did not come to its end: what it prints next is unknown."""
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
            except TimeoutError as error:
                raise Unreachable(
                    _("{name} did not come to its prompt within {seconds:g} s.").format(
                        name=self.name, seconds=self._connect_timeout
                    )
                ) from error
            except ConnectionRefusedError as error:
                raise Unreachable(
                    _("{name} refuses telnet connections.").format(name=self.name)
                ) from error
            except OSError as error:
                raise Unreachable(
                    _("{name} cannot be reached by telnet.").format(name=self.name)
                ) from error
        return self._wire

    async def _log_in(self) -> _Wire:
        with contextlib.ExitStack() as undo:
            wire = await _Wire.open(self._address, self._port)
            undo.callback(wire.close)
            await wire.until(LOGIN)
            wire.send(self._user)
            await wire.until(PASSWORD)
            wire.send(self._password)
            await self._enter(wire)
            for words in SET_UP:
                await wire.ask(command_line(words))
            undo.pop_all()
        return wire

    async def _enter(self, wire: _Wire) -> None:
        """Wait for the first prompt; a second login prompt, or the end, is a refusal."""
        try:
            admitted = not LOGIN.search(await wire.until(PROMPT, LOGIN))
        except ConnectionError:
            admitted = False
        if not admitted:
            sentence = _("{name} refuses the login of {user}.")
            raise Unreachable(sentence.format(name=self.name, user=self._user))


class _Wire:
    """One telnet connection: lines out, text in."""

    def __init__(self, reader: telnetlib3.TelnetReader, writer: telnetlib3.TelnetWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        #: false while a reply is under way, and for ever where its end was not seen
        self.ready = True

    @classmethod
    async def open(cls, address: str, port: int) -> _Wire:
        clients: list[telnetlib3.TelnetClient] = []

        def client(**options: Any) -> telnetlib3.TelnetClient:
            clients.append(telnetlib3.TelnetClient(**options))
            clients[-1].log = _wire_log
            return clients[-1]

        try:
            reader, writer = await telnetlib3.open_connection(
                address,
                port,
                client_factory=client,
                encoding=False,
                connect_maxwait=NEGOTIATION,
                send_environ=("TERM",),
                compression=False,
            )
        except asyncio.CancelledError:
            for made in clients:
                if made.writer is not None:
                    made.writer.close()
            raise
        writer.log = _wire_log
        return cls(reader, writer)

    @property
    def gone(self) -> bool:
        """True once the array closed it, idle for too long for example."""
        return self._writer.is_closing() or self._reader.at_eof()

    def send(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")

    async def until(self, *patterns: re.Pattern[str]) -> str:
        """Read until the text ends in one of *patterns*."""
        text = ""
        while not any(pattern.search(text) for pattern in patterns):
            text += await self._read()
            if len(text) > BOUND:
                raise ConnectionError
        return text

    async def ask(self, line: str) -> Reply:
        """Send *line* and read its reply to the end, turning pages and answering no."""
        self.ready = False
        reply = Reply(line)
        self.send(line)
        need = Need.NOTHING
        while need is not Need.COMMAND and not reply.overflows:
            need = reply.feed(await self._read())
            if need is Need.KEY:
                self._writer.write(b" ")
            elif need is Need.ANSWER:
                self.send("n")
        self.ready = need is Need.COMMAND
        return reply

    async def _read(self) -> str:
        data = await self._reader.read(2**16)
        if not data:
            raise ConnectionResetError
        return self._decoder.decode(data)

    async def farewell(self) -> None:
        """Log out, without waiting long for it."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(FAREWELL):
                self.send("exit")
                while True:
                    await self._read()
        self.close()

    def close(self) -> None:
        self._writer.close()
