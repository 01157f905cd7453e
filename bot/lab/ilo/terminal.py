"""One ssh session on an iLO: its prompt, its echo, the serial port."""

from __future__ import annotations

import asyncio
from typing import Protocol

from bot.lab import faults
from bot.lab.ilo.cli import BUSY, PROMPT, Cli
from bot.lab.ilo.processor import Ilo
from bot.lab.weather import Weather

ESCAPE = "\x1b"


class Hangup(Exception):
    """The other side left, or a fault cut the link."""


class Line(Protocol):
    """What a session needs of its connection."""

    async def read(self) -> bytes:
        """What was typed next; empty when the other side has left."""

    def write(self, data: bytes) -> None:
        """Show *data*, unless the connection is gone."""


class Terminal:
    """A person or a program at the prompt of *ilo*."""

    def __init__(self, ilo: Ilo, line: Line) -> None:
        self._ilo = ilo
        self._line = line
        self._cli = Cli(ilo)
        self._typed = ""
        self._after_return = False

    async def converse(self, user: str, address: str) -> None:
        """Greet, and answer line after line until `exit`; raises `Hangup`."""
        self._write(self._cli.banner(user, address))
        while True:
            self._write(PROMPT)
            command = (await self._command()).strip()
            if command.lower() in {"exit", "quit"}:
                return
            await self.carry_out(command)

    async def carry_out(self, command: str) -> None:
        """Answer *command*; raises `Hangup`."""
        world = self._ilo.world
        weather = Weather.of(world, self._ilo.name, command)
        await weather.before(world)
        to_port = command.lower() == "vsp"
        answer = b"" if to_port else self._cli.answer(command).encode()
        await weather.after(world)
        if weather.drop:
            raise Hangup
        self._line.write(faults.garble(answer) if weather.garble else answer)
        if to_port:
            await self._on_port()

    async def _on_port(self) -> None:
        """Show the serial port until ``ESC (`` is typed, or somebody else frees it."""
        if self._ilo.port_taken:
            self._write(BUSY)
            return
        thrown_out = asyncio.Event()
        self._write(self._ilo.generation.vsp)
        with self._ilo.on_port(self._write, thrown_out.set):
            self._write(self._ilo.port.text)
            typing = asyncio.ensure_future(self._type())
            waiting = asyncio.ensure_future(thrown_out.wait())
            try:
                await asyncio.wait({typing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                typing.cancel()
                waiting.cancel()
        self._write("\r\n")
        if typing.done() and not typing.cancelled():
            typing.result()

    async def _type(self) -> None:
        """Give the server what is typed, until ``ESC (``."""
        while True:
            key = await self._key()
            if key == ESCAPE:
                second = await self._key()
                if second == "(":
                    return
                self._ilo.port.type(key)
                key = second
            self._ilo.port.type(key)

    async def _command(self) -> str:
        """One line, echoed as it is typed."""
        typed = ""
        while (key := await self._key()) != "\r":
            erase = key in "\b\x7f"
            self._write(("\b \b" if typed else "") if erase else key)
            typed = typed[:-1] if erase else typed + key
        self._write("\r\n")
        return typed

    async def _key(self) -> str:
        """One key; Enter is ``\\r``, however it comes."""
        while True:
            while not self._typed:
                data = await self._line.read()
                if not data:
                    raise Hangup
                self._typed = data.decode("latin-1")
            key, self._typed = self._typed[0], self._typed[1:]
            second = self._after_return and key in "\n\0"
            self._after_return = key == "\r"
            if not second:
                return "\r" if key == "\n" else key

    def _write(self, text: str) -> None:
        self._line.write(text.encode())
