"""The array's telnet server: login, echo, prompt, pager, few sessions (reference A.1)."""

from __future__ import annotations

import contextlib

import telnetlib3

from bot.lab import faults
from bot.lab.account import Account
from bot.lab.array.cli import Cli
from bot.lab.volumes import Array
from bot.lab.weather import Weather
from bot.lab.world import World

PROMPT = "\r\n# "
MORE = "Press any key to continue (Q to quit)"
#: lines on one page
PAGE = 24
#: error 1069 comes when there are more (the error is reference A.1, this number is the lab's)
SESSIONS = 5
#: wrong logins before it hangs up (the lab's number)
ATTEMPTS = 3


class Hangup(Exception):
    """The other side left, or a fault cut the link."""


class ArrayDoor:
    """The telnet port of one array."""

    def __init__(self, world: World, array: Array, account: Account) -> None:
        self._world = world
        self._array = array
        self._account = account
        self._server: telnetlib3.server.Server | None = None
        self._lines: set[Line] = set()
        self.port = 0

    @property
    def name(self) -> str:
        return self._array.name

    async def open(self) -> None:
        """Listen; on the same port as before where it was open already."""
        self._server = await telnetlib3.create_server(
            "127.0.0.1",
            self.port,
            shell=self._serve,
            encoding=False,
            connect_maxwait=0.3,
            timeout=0,
        )
        sockets = self._server.sockets or ()
        self.port = sockets[0].getsockname()[1]

    async def adapt(self) -> None:
        """Close or open the door as the faults have it."""
        shut = self._world.faults.standing(faults.REFUSE, self._array.name)
        if shut:
            self.close()
        elif self._server is None:
            await self.open()

    def close(self) -> None:
        """Listen no more, and close every session."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for line in tuple(self._lines):
            line.hang_up()

    async def _serve(
        self, reader: telnetlib3.TelnetReader, writer: telnetlib3.TelnetWriter
    ) -> None:
        line = Line(reader, writer)
        self._lines.add(line)
        try:
            with contextlib.suppress(Hangup, ConnectionError):
                if not self._world.faults.take(faults.REFUSE, self._array.name):
                    await self._dialogue(line)
        finally:
            self._lines.discard(line)
            line.hang_up()

    async def _dialogue(self, line: Line) -> None:
        cli = Cli(self._array, self._world.clock)
        for _attempt in range(ATTEMPTS):
            if await self._log_in(line):
                break
            line.write("\r\nLogin incorrect\r\n")
        else:
            return
        if len(self._lines) > SESSIONS:
            line.say(
                cli.failure(
                    1069,
                    "Not enough rendering resources available. Too many concurrent user sessions.",
                )
            )
            return
        line.say(cli.banner())
        line.write(PROMPT)
        while (command := (await line.read(echo=True)).strip()) not in {"exit", "quit"}:
            await self._command(line, cli, command)
            line.write(PROMPT)

    async def _log_in(self, line: Line) -> bool:
        line.write("\r\nlogin: ")
        user = await line.read(echo=True)
        line.write("Password: ")
        password = await line.read(echo=False)
        return (user, password) == (self._account.user, self._account.password)

    async def _command(self, line: Line, cli: Cli, command: str) -> None:
        weather = Weather.of(self._world, self._array.name, command)
        await weather.before(self._world)
        answer = cli.answer(command)
        await weather.after(self._world)
        if weather.drop:
            raise Hangup
        if weather.garble:
            line.write_bytes(faults.garble(answer.encode()))
        elif cli.settings.pager:
            await self._pages(line, answer)
        else:
            line.say(answer)

    async def _pages(self, line: Line, answer: str) -> None:
        """Print page by page; Q leaves the rest."""
        lines = answer.splitlines()
        for start in range(0, len(lines), PAGE):
            if start:
                line.write(MORE)
                key = await line.key()
                line.write("\r" + " " * len(MORE) + "\r")
                if key in "qQ":
                    return
            line.say("\n".join(lines[start : start + PAGE]) + "\n")


class Line:
    """One telnet connection: keys in, text out."""

    def __init__(self, reader: telnetlib3.TelnetReader, writer: telnetlib3.TelnetWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._after_return = False

    def write(self, text: str) -> None:
        self.write_bytes(text.encode())

    def write_bytes(self, data: bytes) -> None:
        self._writer.write(data)

    def say(self, text: str) -> None:
        """Write *text*, whose lines end in a line feed, as a terminal wants it."""
        self.write(text.replace("\n", "\r\n"))

    async def key(self) -> str:
        """One key; of ``\\r\\n`` and ``\\r\\0`` only the first counts."""
        while True:
            data = await self._reader.read(1)
            if not data:
                raise Hangup
            key = data.decode("latin-1")
            second = self._after_return and key in "\n\0"
            self._after_return = key == "\r"
            if not second:
                return key

    async def read(self, *, echo: bool) -> str:
        """One line, echoed as it is typed."""
        typed = ""
        while (key := await self.key()) not in "\r\n":
            erase = key in "\b\x7f"
            if echo:
                self.write(("\b \b" if typed else "") if erase else key)
            typed = typed[:-1] if erase else typed + key
        self.write("\r\n")
        return typed

    def hang_up(self) -> None:
        if not self._writer.is_closing():
            self._writer.close()
