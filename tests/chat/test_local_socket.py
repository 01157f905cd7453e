"""The socket of the local chat: hostile, deaf and silent clients, and places that will not do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from bot.errors import ConfigError
from bot.unix import address_of
from tests.chat.local_place import PATIENCE, Place, post, until


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path).open() as place:
        yield place


HOSTILE = [
    b"not json\n",
    b"[]\n",
    b"{}\n",
    b'{"type": "say"}\n',
    b'{"type": "say", "id": 5, "body": "!ping"}\n',
    b'{"type": "say", "id": "5", "body": "!ping"}\n',
    b'{"type": "say", "id": "00000000000000000000000000000001", "body": "!ping"}\n',
    b'{"type": "say", "id": "00000000-0000-0000-0000-000000000001", "body": ["!ping"]}\n',
    b'{"type": "obey", "id": "00000000-0000-0000-0000-000000000001", "body": "!ping"}\n',
    b"\xff\xfe\x00\n",
    b"[" * 100_000 + b"\n",
    b"x" * 2**20 + b"\n",
    b"x" * 2**20,
    b'{"type": "say", "id": "00000000-0000-0000-0000-000000000001", "body": "!half a li',
]


@pytest.mark.parametrize("junk", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("greeted", [True, False])
async def test_a_client_that_says_nonsense_is_dropped_and_others_are_heard(
    place: Place, junk: bytes, greeted: bool
) -> None:
    hostile = await place.person()
    if greeted:
        await hostile.enter()
    hostile.writer.write(junk)
    with suppress(OSError):
        hostile.writer.write_eof()
    await hostile.ended()

    person = await place.entered()
    await person.tell(type="say", id=str(uuid4()), body="a\ud800b")

    assert (await person.heard())["type"] == "taken"
    assert [message.body for message in place.ear.messages] == ["a?b"]


async def test_a_client_that_says_nothing_is_dropped_in_time(tmp_path: Path) -> None:
    async with Place(tmp_path, request_timeout=0.05).open() as place:
        silent = await place.person()

        await silent.ended()


async def test_a_client_that_does_not_read_is_dropped_and_holds_up_nobody(tmp_path: Path) -> None:
    async with Place(tmp_path, request_timeout=0.2).open() as place:
        deaf = await place.entered()
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        person = await place.entered()

        async with asyncio.timeout(PATIENCE):
            for number in range(20):
                await place.chat.send(post(str(number), "x" * 60_000))
                assert (await person.heard())["n"] == number + 1

        await until(lambda: len(place.chat._clients) == 1)


async def test_one_user_may_connect_only_so_often(place: Place) -> None:
    for _each in range(8):
        await place.entered()

    refused = await (await place.person()).heard()

    assert refused["type"] == "refused"
    assert "8 times" in refused["why"]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_a_socket_that_a_dead_bot_left_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    with address_of(tmp_path / "chat.sock") as address:
        left.bind(address)
    left.close()

    async with Place(tmp_path).open() as place:
        await until(lambda: place.path.exists() and mode(place.path) == 0o666)
        await place.entered()
    assert not place.path.exists()


async def test_a_socket_at_which_somebody_listens_is_left_alone(place: Place) -> None:
    other = Place(place.folder)

    with pytest.raises(ConfigError, match="another program listens"):
        await other.chat.run(other.ear.receive, None)

    await place.entered()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.write_text("a letter"), "no socket"),
        (lambda path: path.parent.rmdir(), "No such file"),
    ],
)
async def test_a_place_that_will_not_do_is_said_at_the_start(
    tmp_path: Path, spoil: Callable[[Path], object], why: str
) -> None:
    (tmp_path / "run").mkdir()
    place = Place(tmp_path / "run")
    spoil(place.path)

    with pytest.raises(ConfigError, match=why):
        await place.chat.run(place.ear.receive, None)


async def test_a_path_may_be_longer_than_a_socket_address(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)

    async with Place(deep).open() as place:
        await place.entered()
        assert place.path.is_socket()
