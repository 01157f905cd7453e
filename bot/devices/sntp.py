"""Asking a time server, as RFC 4330 says for who only reads.

`bot.app` alone may import this.  One small datagram each way: there is no kept-up library that asks
without blocking.
"""

from __future__ import annotations

import asyncio
import secrets
import struct

from bot.core.text import clean
from bot.devices.clock import NtpAnswer
from bot.errors import DeviceError, Unreachable
from bot.i18n import _

#: LI, VN and mode; stratum; poll; precision; root delay, root dispersion; reference id; then the
#: times reference, originate, receive, transmit (RFC 5905, figure 8)
_PACKET = struct.Struct("!BBbbII4sQQQQ")
_CLIENT = 4 << 3 | 3
_SERVER = 4
#: seconds from 1900, the beginning of NTP's era 0, to 1970
_ERA = 2_208_988_800
_UNSYNCHRONISED = 3
_FARTHEST = 15
#: codes of a server that tells the time, though it has none that is sure (RFC 5905, figure 13)
_NOT_YET = (b"INIT", b"STEP")


class NtpClient:
    """Asks the time server at *address*; *timeout* in seconds."""

    def __init__(self, name: str, address: str, port: int, *, timeout: float) -> None:
        self.name = name
        self._address = address
        self._port = port
        self._timeout = timeout

    async def ask(self) -> NtpAnswer:
        """One question, one answer; raises `Unreachable`, and `DeviceError` for a refusal."""
        # what only the server that was asked can repeat; the bot's own time is none of its business
        nonce = secrets.randbits(64) | 1
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                transport, answer = await loop.create_datagram_endpoint(
                    lambda: _Answer(self.name, nonce), remote_addr=(self._address, self._port)
                )
                try:
                    transport.sendto(question(nonce))
                    return await answer.found
                finally:
                    transport.close()
        except TimeoutError as error:
            raise Unreachable(
                _("{name} did not answer as a time server within {seconds:g} s.").format(
                    name=self.name, seconds=self._timeout
                )
            ) from error
        except OSError as error:
            raise Unreachable(
                _("{name} cannot be reached as a time server.").format(name=self.name)
            ) from error


def question(nonce: int) -> bytes:
    """The datagram that asks for the time."""
    return _PACKET.pack(_CLIENT, 0, 0, 0, 0, 0, b"", 0, 0, 0, nonce)


def read_answer(name: str, data: bytes, nonce: int) -> NtpAnswer | None:
    """What *data* answers to the question with *nonce*; None for what is no answer to it.

    Raises `DeviceError` where the server refuses to tell.
    """
    if len(data) < _PACKET.size:
        return None
    flags, stratum, _poll, _precision, delay, dispersion, about, _ref, ours, received, sent = (
        _PACKET.unpack_from(data)
    )
    if ours != nonce or flags & 7 != _SERVER:
        return None
    if stratum == 0 and (not sent or (about.isalpha() and about not in _NOT_YET)):
        # a "kiss-o'-death": its code stands where the name of the reference would
        code = clean(about.decode("ascii", "replace"), 4)
        raise DeviceError(
            _("{name} refuses to tell the time ({code}).").format(name=name, code=code)
        )
    if not received or not sent:
        raise DeviceError(_("{name} answers without telling the time.").format(name=name))
    return NtpAnswer(
        _seconds(received),
        _seconds(sent),
        # what a server sends for the 16 of one that is not synchronised (RFC 5905, section 7.3)
        stratum or _FARTHEST + 1,
        (delay / 2 + dispersion) / 2**16,
        synchronised=flags >> 6 != _UNSYNCHRONISED and 0 < stratum <= _FARTHEST,
    )


def _seconds(stamp: int) -> float:
    """Seconds since 1970; a time before 1968 is one of the next era, from 2036 on."""
    era = 0 if stamp >> 63 else 2**32
    return (stamp >> 32) + era - _ERA + (stamp & 0xFFFFFFFF) / 2**32


class _Answer(asyncio.DatagramProtocol):
    """Waits for the answer, and for nothing else that comes."""

    def __init__(self, name: str, nonce: int) -> None:
        self.found: asyncio.Future[NtpAnswer] = asyncio.get_running_loop().create_future()
        self._name = name
        self._nonce = nonce

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self.found.done():
            return
        try:
            answer = read_answer(self._name, data, self._nonce)
        except DeviceError as error:
            self.found.set_exception(error)
        else:
            if answer is not None:
                self.found.set_result(answer)

    def error_received(self, exc: Exception) -> None:
        if not self.found.done():
            self.found.set_exception(exc)
