"""Asking a time server: what it may answer, and what nobody may believe."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.devices.clock import NtpAnswer
from bot.devices.sntp import NtpClient, question, read_answer
from bot.errors import DeviceError, Unreachable

NONCE = 0x1234_5678_9ABC_DEF1
#: RFC 5905, figure 8, as a second hand wrote it
HEADER = struct.Struct(">BBbb3I4Q")
ERA = 2_208_988_800
#: 2024-02-29 in NTP's time
LEAP_DAY = (1_709_164_800 + ERA) << 32


def answer(
    *,
    leap: int = 0,
    version: int = 4,
    mode: int = 4,
    stratum: int = 2,
    delay: int = 0,
    dispersion: int = 0,
    about: bytes = b"\x0a\x09\x00\x0b",
    origin: int = NONCE,
    received: int = LEAP_DAY,
    sent: int = LEAP_DAY,
) -> bytes:
    """The datagram of a server."""
    return HEADER.pack(
        leap << 6 | version << 3 | mode,
        stratum,
        6,
        -25,
        delay,
        dispersion,
        int.from_bytes(about, "big"),
        0,
        origin,
        received,
        sent,
    )


def read(data: bytes) -> NtpAnswer | None:
    return read_answer("owl", data, NONCE)


class TestReading:
    def test_a_question_tells_nothing_but_its_nonce(self) -> None:
        assert question(NONCE) == bytes([0x23]) + bytes(39) + NONCE.to_bytes(8, "big")

    def test_an_answer_says_the_time_and_how_wrong_it_may_be(self) -> None:
        half = 1 << 31
        found = read(answer(delay=1 << 14, dispersion=1 << 15, received=LEAP_DAY | half))
        assert found == NtpAnswer(1_709_164_800.5, 1_709_164_800.0, 2, 0.125 + 0.5)

    def test_a_longer_answer_is_read_by_its_header(self) -> None:
        assert read(answer() + bytes(20)) == read(answer())

    @pytest.mark.parametrize("length", [0, 1, 47])
    def test_a_short_one_is_no_answer(self, length: int) -> None:
        assert read(answer()[:length]) is None

    @pytest.mark.parametrize("origin", [0, NONCE ^ 1, NONCE >> 1])
    def test_what_answers_another_question_is_no_answer(self, origin: int) -> None:
        assert read(answer(origin=origin)) is None

    @pytest.mark.parametrize("mode", [0, 1, 2, 3, 5, 6, 7])
    def test_only_a_server_answers(self, mode: int) -> None:
        assert read(answer(mode=mode)) is None

    @pytest.mark.parametrize("code", ["RATE", "DENY", "RSTR", "NTSN"])
    def test_a_kiss_of_death_is_a_refusal_with_its_code(self, code: str) -> None:
        with pytest.raises(DeviceError, match="owl refuses to tell the time") as refused:
            read(answer(leap=3, stratum=0, about=code.encode()))
        assert f"({code})" in str(refused.value)

    @pytest.mark.parametrize("about", [bytes(4), b"INIT", b"STEP", b"\x0a\x09\x00\x0b"])
    def test_one_without_a_time_of_its_own_still_says_what_its_clock_says(
        self, about: bytes
    ) -> None:
        found = read(answer(leap=3, stratum=0, about=about))
        assert found is not None
        assert not found.synchronised
        assert found.stratum == 16
        assert found.sent == 1_709_164_800

    @pytest.mark.parametrize(
        ("leap", "stratum", "synchronised"),
        [
            (0, 0, False),
            (0, 1, True),
            (1, 15, True),
            (2, 2, True),
            (3, 2, False),
            (0, 16, False),
            (0, 255, False),
        ],
    )
    def test_leap_and_stratum_say_whether_it_is_synchronised(
        self, leap: int, stratum: int, synchronised: bool
    ) -> None:
        found = read(answer(leap=leap, stratum=stratum))
        assert found is not None
        assert found.synchronised is synchronised

    @pytest.mark.parametrize("blank", ["received", "sent"])
    def test_an_answer_without_a_time_is_an_error(self, blank: str) -> None:
        data = answer(received=0) if blank == "received" else answer(sent=0)
        with pytest.raises(DeviceError, match="owl answers without telling the time"):
            read(data)

    @pytest.mark.parametrize(
        "day", [datetime(2024, 2, 29, tzinfo=UTC), datetime(2036, 2, 7, 6, 28, 15, tzinfo=UTC)]
    )
    def test_the_first_era_ends_in_2036(self, day: datetime) -> None:
        found = read(answer(sent=(int(day.timestamp()) + ERA) << 32))
        assert found is not None
        assert found.sent == day.timestamp()

    def test_the_second_era_begins_then(self) -> None:
        day = datetime(2040, 1, 1, tzinfo=UTC).timestamp()
        found = read(answer(sent=(int(day) + ERA - 2**32) << 32))
        assert found is not None
        assert found.sent == day

    @given(st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1))
    def test_every_time_of_ours_is_read_back(self, seconds: int, fraction: int) -> None:
        # 1970 to 2038, so both eras
        stamp = ((seconds + ERA) << 32 | fraction) & 0xFFFF_FFFF_FFFF_FFFF
        found = read(answer(received=stamp or 1, sent=stamp or 1))
        assert found is not None
        assert found.sent == pytest.approx(seconds + fraction / 2**32, abs=1e-6)

    @given(st.binary(max_size=100))
    def test_whatever_comes_is_no_answer(self, data: bytes) -> None:
        assert read(data) is None

    @given(st.binary(min_size=48, max_size=48))
    def test_whatever_a_server_says_is_read_or_refused_in_words(self, data: bytes) -> None:
        ours = bytes([data[0] & 0xF8 | 4]) + data[1:24] + NONCE.to_bytes(8, "big") + data[32:]
        found = None
        try:
            found = read(ours)
        except DeviceError as error:
            said = str(error)
        assert said.isprintable() if found is None else found.bound >= 0


class Server(asyncio.DatagramProtocol):
    """Answers each question with what *answers* makes of its nonce."""

    def __init__(self, answers: Callable[[int], list[bytes]]) -> None:
        self._answers = answers
        self._transport: asyncio.DatagramTransport | None = None
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        assert self._transport is not None
        self.asked += 1
        for each in self._answers(int.from_bytes(data[40:48], "big")):
            self._transport.sendto(each, addr)


@asynccontextmanager
async def serving(
    answers: Callable[[int], list[bytes]], *, timeout: float = 20
) -> AsyncIterator[tuple[NtpClient, Server]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: Server(answers), local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    try:
        yield NtpClient("owl", "127.0.0.1", port, timeout=timeout), server
    finally:
        transport.close()


class TestAsking:
    async def test_the_right_answer_is_waited_for_among_wrong_ones(self) -> None:
        def among(nonce: int) -> list[bytes]:
            wrong = [b"", b"hello", answer(origin=nonce ^ 1), answer(origin=nonce, mode=3)]
            return [*wrong, answer(origin=nonce, stratum=7), answer(origin=nonce, stratum=9)]

        async with serving(among) as (client, server):
            found = await client.ask()
        assert found.stratum == 7
        assert server.asked == 1

    async def test_each_question_has_a_nonce_of_its_own(self) -> None:
        seen: list[int] = []

        def listen(nonce: int) -> list[bytes]:
            seen.append(nonce)
            return [answer(origin=nonce)]

        async with serving(listen) as (client, _server):
            for _each in range(3):
                await client.ask()
        assert len(set(seen)) == 3

    async def test_a_refusal_comes_as_an_error(self) -> None:
        def refuse(nonce: int) -> list[bytes]:
            return [answer(origin=nonce, leap=3, stratum=0, about=b"RATE")]

        async with serving(refuse) as (client, _server):
            with pytest.raises(DeviceError, match=r"owl refuses to tell the time \(RATE\)"):
                await client.ask()

    async def test_a_silent_server_is_unreachable_after_the_time_given(self) -> None:
        async with serving(lambda _nonce: [], timeout=0.05) as (client, server):
            with pytest.raises(Unreachable, match="owl did not answer as a time server"):
                await client.ask()
        assert server.asked == 1

    async def test_a_server_that_answers_only_others_is_silent(self) -> None:
        async with serving(lambda nonce: [answer(origin=nonce ^ 1)], timeout=0.05) as (client, _s):
            with pytest.raises(Unreachable, match="owl did not answer as a time server"):
                await client.ask()

    async def test_a_closed_port_is_unreachable_at_once(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        with pytest.raises(Unreachable, match="owl cannot be reached"):
            await NtpClient("owl", "127.0.0.1", port, timeout=20).ask()

    async def test_a_name_that_nobody_knows_is_unreachable(self) -> None:
        with pytest.raises(Unreachable, match="owl"):
            await NtpClient("owl", "owl.invalid", 123, timeout=20).ask()
