"""A time server on loopback: what RFC 5905 says of an answer, and nothing else of NTP.

It shares no code with the bot's client, so that each is tried against the other.
"""

from __future__ import annotations

import asyncio

from bot.lab.clocks import ntp
from bot.lab.world import World

#: bytes of a packet without extensions (RFC 5905, figure 8)
SIZE = 48
#: the modes of a question and of an answer (RFC 5905, figure 10)
_CLIENT, _SERVER = 3, 4
#: the leap bits of a clock that is not synchronised (RFC 5905, figure 9)
_ALARM = 3
#: days from 1900-01-01 to 1970-01-01, of which 17 have a leap day before
_DAYS = 70 * 365 + 17


class NtpDoor:
    """The time server of one guest; silent while that does not run."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self._transport: asyncio.DatagramTransport | None = None
        self.port = 0

    async def open(self) -> None:
        """Listen on a free port."""
        loop = asyncio.get_running_loop()
        self._transport, _protocol = await loop.create_datagram_endpoint(
            lambda: _Questions(self), local_addr=("127.0.0.1", self.port)
        )
        self.port = self._transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def answer(self, question: bytes, who: tuple[str, int]) -> None:
        """Answer *question* to *who* asked it, if it is one."""
        if not is_question(question):
            return
        told = await ntp.ask(self.world, self.name)
        if told is not None and self._transport is not None:
            self._transport.sendto(packed(question, told), who)


class _Questions(asyncio.DatagramProtocol):
    def __init__(self, door: NtpDoor) -> None:
        self._door = door

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._door.world.chores.start(self._door.answer(data, addr))


def is_question(data: bytes) -> bool:
    """Whether *data* asks for the time."""
    return len(data) >= SIZE and data[0] & 7 == _CLIENT and 1 <= data[0] >> 3 & 7 <= 4


def packed(question: bytes, told: ntp.Told) -> bytes:
    """The answer to *question* (RFC 5905, figures 8 and 31)."""
    leap = 0 if told.synchronised else _ALARM
    # a server sends 0 for the stratum 16 that it has itself (RFC 5905, section 7.3)
    stratum = told.stratum if told.synchronised else 0
    time = stamp(told.time)
    return b"".join(
        (
            # leap, version as asked, mode
            bytes([leap << 6 | question[0] & 0o70 | _SERVER, stratum]),
            # the poll interval as asked, and a precision of 2**-20 s
            question[2:3] + (-20).to_bytes(1, "big", signed=True),
            _short(told.delay),
            _short(told.dispersion),
            bytes([127, 127, 1, 0]) if told.synchronised else b"INIT",
            # when the reference was heard; the question's own time; received, sent
            stamp(told.time - 1.0),
            question[40:48],
            time,
            time,
        )
    )


def stamp(time: float) -> bytes:
    """*time* in seconds since 1970 as NTP counts: 32 bits of seconds since 1900, 32 of a second."""
    whole = int(time // 1)
    seconds = (whole + _DAYS * 86_400) % 2**32
    return seconds.to_bytes(4, "big") + int((time - whole) * 2**32).to_bytes(4, "big")


def _short(seconds: float) -> bytes:
    """16 bits of seconds, 16 of a second."""
    return min(int(seconds * 2**16), 2**32 - 1).to_bytes(4, "big")
