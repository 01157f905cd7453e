"""A real telnet server that talks like an MSA array, with the bad habits that a test asks for.

Prompts, pager and echo are those of the field reference, part A; none of it is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import telnetlib3

from bot.devices.telnet import TelnetSession

USER, PASSWORD = "manage", "pa55w0rd"
PROMPT = b"\r\n# "
BANNER = b"\r\n\r\nP2000 G3\r\nSystem Name: nols\r\n# of volumes: 4\r\nVersion: T252R07\r\n"


def xml(request: str, *rows: str, code: int = 0, response: str = "done") -> bytes:
    """A reply to *request* in the array's XML, ending in its verdict."""
    status = (
        '<OBJECT basetype="status" name="status" oid="9">'
        f'<PROPERTY name="response">{response}</PROPERTY>'
        f'<PROPERTY name="return-code">{code}</PROPERTY></OBJECT>'
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
        f'<RESPONSE VERSION="L100" REQUEST="{request}">\r\n{"".join(rows)}{status}\r\n</RESPONSE>'
    ).encode()


@dataclass
class TelnetArray:
    """What the array was told, and how it answers."""

    port: int = 0
    lines: list[str] = field(default_factory=list)
    keys: bytes = b""
    logins: int = 0
    #: printed for a line, between echo and prompt; a tuple is printed piece by piece
    replies: dict[str, bytes | tuple[bytes, ...]] = field(default_factory=dict)
    #: printed before the echo
    noise: bytes = b""
    #: what happens instead of a reply: "silent", "cut", "question", "pager", "flood"
    habits: dict[str, str] = field(default_factory=dict)
    greets: bool = True
    left: asyncio.Event = field(default_factory=asyncio.Event)
    taken_in: asyncio.Event = field(default_factory=asyncio.Event)

    _open: list[Any] = field(default_factory=list)

    def session(
        self, *, password: str = PASSWORD, connect_timeout: float = 20, command_timeout: float = 20
    ) -> TelnetSession:
        return TelnetSession(
            name="nols",
            address="127.0.0.1",
            port=self.port,
            user=USER,
            password=password,
            connect_timeout=connect_timeout,
            command_timeout=command_timeout,
        )

    def hang_up(self) -> None:
        """Close the sessions that are open, as an array does after their idle time."""
        while self._open:
            self._open.pop().close()

    async def serve(self, reader: Any, writer: Any) -> None:
        wire = _Line(reader, writer)
        self._open.append(writer)
        try:
            if self.greets and await self._admit(wire):
                self.logins += 1
                while await self._obey(wire, await wire.line()):
                    pass
            elif not self.greets:
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()
            self.left.set()

    async def _admit(self, wire: _Line) -> bool:
        await wire.print(b"\r\nnols login: ")
        user = await wire.line()
        await wire.print(user.encode() + b"\r\nPassword: ")
        if (user, await wire.line()) != (USER, PASSWORD):
            await wire.print(b"\r\nLogin incorrect\r\nnols login: ")
            await wire.line()
            return False
        await wire.print(BANNER + PROMPT)
        return True

    async def _obey(self, wire: _Line, line: str) -> bool:
        self.lines.append(line)
        self.taken_in.set()
        if line == "exit":
            return False
        await wire.print(self.noise + line.encode() + b"\r\n")
        habit = self.habits.get(line, "")
        if habit == "silent":
            await wire.line()
        if habit in ("silent", "cut"):
            return False
        if habit == "flood":
            await wire.print(b"<RESPONSE>" + b"x" * (2 * 2**20))
        if habit == "question":
            await wire.print(b"All data will be lost. Do you want to continue? (y/n) ")
            self.keys += (await wire.line()).encode()
        reply = self.replies.get(line, xml(line))
        pieces = reply if isinstance(reply, tuple) else (reply,)
        for piece in pieces:
            await wire.print(piece)
            if habit == "pager":
                await wire.print(b"\r\nPress any key to continue (Q to quit)")
                self.keys += await wire.key()
                await wire.print(b"\r" + b" " * 40 + b"\r")
        await wire.print(PROMPT)
        return True


class _Line:
    def __init__(self, reader: Any, writer: Any) -> None:
        self._reader = reader
        self._writer = writer

    async def print(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def line(self) -> str:
        data: bytes = await self._reader.readline()
        if not data:
            raise ConnectionResetError
        return data.decode().strip("\r\n\0")

    async def key(self) -> bytes:
        data: bytes = await self._reader.read(1)
        return data


@asynccontextmanager
async def telnet_array() -> AsyncIterator[TelnetArray]:
    """An array on a free port."""
    array = TelnetArray()
    server = await telnetlib3.create_server(
        "127.0.0.1",
        0,
        shell=array.serve,
        encoding=False,
        line_mode=True,
        connect_maxwait=0.2,
        timeout=0,
    )
    assert server.sockets is not None
    array.port = server.sockets[0].getsockname()[1]
    try:
        yield array
    finally:
        server.close()
        await server.wait_closed()
