"""The chat on the bot's own host: who comes in, what is taken once, what is said to whom."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot.chat import local, local_room
from bot.chat.local import LocalChat
from bot.core.chat import Batch, Message, Post, PostKind, Proof, Status, Text
from bot.errors import ChatRefused, ChatUnavailable, ConfigError, StoreError
from bot.unix import address_of

PATIENCE = 10.0
ME = pwd.getpwuid(os.getuid()).pw_name
ROOM = local.chat_id(ME)


class Ear:
    """The store behind the chat."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.broken = 0
        self.changed = asyncio.Event()

    async def receive(self, batch: Batch) -> None:
        if self.broken:
            self.broken -= 1
            raise StoreError
        self.batches.append(batch)
        self.changed.set()

    @property
    def messages(self) -> list[Message]:
        return [message for batch in self.batches for message in batch.messages]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await self.changed.wait()
                self.changed.clear()


class Person:
    """The other end of the socket, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def heard(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self.reader.readline(), PATIENCE)
        if not line:
            raise EOFError
        frame: dict[str, Any] = json.loads(line)
        return frame

    async def tell(self, **frame: object) -> None:
        self.writer.write(json.dumps(frame).encode() + b"\n")
        await self.writer.drain()

    async def enter(self, seen: int | None = None) -> list[dict[str, Any]]:
        """Be let in; what was missed."""
        assert (await self.heard())["type"] == "welcome"
        await self.tell(type="hello", seen=seen)
        if seen is not None:
            return []
        count = (await self.heard())["count"]
        return [await self.heard() for _each in range(min(count, local_room.LATEST))]

    async def ended(self) -> None:
        """Return once the bot has hung up; what it said before is passed over."""
        with suppress(EOFError, ConnectionError):
            while True:
                await self.heard()

    def close(self) -> None:
        self.writer.close()


class Place:
    """One bot's local chat, and the persons who came."""

    def __init__(self, folder: Path, *users: str, request_timeout: float = PATIENCE) -> None:
        self.folder = folder
        self.path = folder / "chat.sock"
        self.ear = Ear()
        self.chat = LocalChat(
            self.path,
            folder / "local",
            dict.fromkeys(users or (ME,), "anna"),
            request_timeout=request_timeout,
            pause=0,
        )
        self.persons: list[Person] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Place]:
        running = asyncio.create_task(self.chat.run(self.ear.receive, None))
        await until(lambda: self.path.exists() or running.done())
        try:
            yield self
        finally:
            for person in self.persons:
                person.close()
            running.cancel()
            await asyncio.wait([running])
            await self.chat.close()
            if not running.cancelled():
                running.result()

    async def person(self) -> Person:
        with address_of(self.path) as address:
            person = Person(*await asyncio.open_unix_connection(address, limit=2**22))
        self.persons.append(person)
        return person

    async def entered(self, seen: int | None = None) -> Person:
        person = await self.person()
        await person.enter(seen)
        return person


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path).open() as place:
        yield place


def post(txn: str = "t", text: str = "pong", **more: Any) -> Post:
    return Post(ROOM, txn, Text(text, f"<b>{text}</b>"), **more)


async def test_a_line_is_stored_as_local_and_then_acknowledged(place: Place) -> None:
    person = await place.entered()
    key = str(uuid4())

    await person.tell(type="say", id=key, body="!ping")

    event = f"$local-{ME}-{key}"
    assert await person.heard() == {"type": "taken", "event": event}
    assert place.ear.messages == [Message(event, ROOM, ROOM, "!ping", proof=Proof.LOCAL)]
    assert place.ear.batches[0].token is None


async def test_a_line_is_not_acknowledged_before_it_is_stored(place: Place) -> None:
    person = await place.entered()
    key = str(uuid4())
    place.ear.broken = 2

    await person.tell(type="say", id=key, body="!ping")

    waits = {"type": "waits", "event": f"$local-{ME}-{key}", "why": str(StoreError())}
    assert [await person.heard() for _try in range(2)] == [waits] * 2
    assert (await person.heard())["type"] == "taken"
    assert len(place.ear.messages) == 1


async def test_who_is_nobody_in_the_configuration_is_told_so_and_reported_once(
    tmp_path: Path,
) -> None:
    async with Place(tmp_path, "somebody-else").open() as place:
        for _knock in range(2):
            person = await place.person()
            assert await person.heard() == {
                "type": "refused",
                "why": f"No member in the configuration has the Unix user {ME}.",
            }
            await person.ended()
        await place.ear.until(lambda: place.ear.batches)

        assert [report.key for batch in place.ear.batches for report in batch.reports] == [
            f"local-stranger-{ME}"
        ]
        assert place.ear.messages == []


async def test_what_the_bot_says_reaches_every_client_of_that_user(place: Place) -> None:
    persons = [await place.entered(), await place.entered()]
    status = Status("$c", 4, "running", final=False)

    event_id = await place.chat.send(post(edits="$e", status=status))

    said = {
        "type": "said",
        "n": 1,
        "event": event_id,
        "body": "pong",
        "edits": "$e",
        "status": status.content(),
    }
    assert [await person.heard() for person in persons] == [said] * 2


async def test_a_transaction_that_is_sent_twice_is_said_once_after_a_restart_too(
    tmp_path: Path,
) -> None:
    async with Place(tmp_path).open() as place:
        person = await place.entered()
        first = [await place.chat.send(post()), await place.chat.send(post())]
        assert (await person.heard())["n"] == 1

    async with Place(tmp_path).open() as place:
        person = await place.entered(seen=1)
        again = await place.chat.send(post())
        await place.chat.send(post("t2", "next"))
        heard = await person.heard()

    assert {*first, again} == {first[0]}
    assert (heard["n"], heard["body"]) == (2, "next")


async def test_a_client_that_comes_back_hears_what_it_has_not_seen(place: Place) -> None:
    person = await place.entered()
    await place.chat.send(post("1", "one"))
    assert (await person.heard())["n"] == 1
    person.close()
    for number in range(2, 5):
        await place.chat.send(post(str(number), str(number)))

    back = await place.entered(seen=1)

    assert [(await back.heard())["body"] for _each in range(3)] == ["2", "3", "4"]


async def test_of_an_edited_message_only_the_newest_state_is_told_later(place: Place) -> None:
    first = await place.chat.send(post("1", "one"))
    for number in range(2, 5):
        await place.chat.send(post(str(number), str(number), edits=first))

    person = await place.entered(seen=0)

    assert [(await person.heard())["body"] for _each in range(2)] == ["one", "4"]


async def test_a_new_client_is_told_how_many_answers_it_missed_and_the_latest(
    place: Place,
) -> None:
    person = await place.entered()
    await place.chat.send(post("0", "heard"))
    await person.heard()
    person.close()
    await place.chat.send(post("p", "at work", status=Status("$c", 1, "running", final=False)))
    for number in range(1, 6):
        await place.chat.send(post(str(number), str(number)))

    late = await place.person()
    assert (await late.heard())["type"] == "welcome"
    await late.tell(type="hello", seen=None)

    assert await late.heard() == {"type": "missed", "count": 5}
    assert [(await late.heard())["body"] for _each in range(3)] == ["3", "4", "5"]
    assert await (await place.person()).enter() == []


async def test_how_far_somebody_has_read_outlives_the_bot(tmp_path: Path) -> None:
    async with Place(tmp_path).open() as place:
        person = await place.entered()
        await place.chat.send(post("1", "heard"))
        await person.heard()
    async with Place(tmp_path).open() as place:
        await place.chat.send(post("2", "missed"))

        missed = await (await place.person()).enter()

    assert [said["body"] for said in missed] == ["missed"]


async def test_a_room_of_nobody_is_refused(place: Place) -> None:
    with pytest.raises(ChatRefused, match="no-such-user"):
        await place.chat.send(Post("local:no-such-user", "t", Text("x", "x")))


async def test_signs_on_messages_are_not_shown(place: Place) -> None:
    person = await place.entered()

    await place.chat.send(post("r", "✅", about="$c", kind=PostKind.REACTION))
    await place.chat.send(post("t", "pong"))

    assert (await person.heard())["body"] == "pong"


async def test_on_a_full_disk_it_is_said_at_once_and_sent_again_until_it_is_kept(
    tmp_path: Path,
) -> None:
    async with Place(tmp_path).open() as place:
        person = await place.entered()
        (tmp_path / "local").write_text("no folder")
        with pytest.raises(ChatUnavailable, match="cannot be kept"):
            await place.chat.send(post())
        assert (await person.heard())["n"] == 0

        (tmp_path / "local").unlink()
        await place.chat.send(post())

        assert (await person.heard())["n"] == 1


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
            for number in range(40):
                await place.chat.send(post(str(number), "x" * 60_000))
                assert (await person.heard())["n"] == number + 1

        await until(lambda: len(place.chat._clients) == 1)


async def test_one_user_may_connect_only_so_often(place: Place) -> None:
    for _each in range(8):
        await place.entered()

    refused = await (await place.person()).heard()

    assert refused["type"] == "refused"
    assert "8 times" in refused["why"]


async def test_a_socket_that_a_dead_bot_left_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    with address_of(tmp_path / "chat.sock") as address:
        left.bind(address)
    left.close()

    async with Place(tmp_path).open() as place:
        chat = asyncio.create_task(place.person())
        await (await chat).enter()
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


def test_a_log_stays_small_and_keeps_the_newest(tmp_path: Path) -> None:
    async def fill() -> None:
        room = local_room.LocalRoom(tmp_path / "anna.jsonl")
        for number in range(local_room.KEPT * 3):
            await room.say(post(str(number), "x" * 1000))

    asyncio.run(fill())
    size = (tmp_path / "anna.jsonl").stat().st_size
    room = local_room.LocalRoom(tmp_path / "anna.jsonl")
    asyncio.run(room.open())

    assert size < 2.2 * local_room.KEPT * 1200
    assert room.last == local_room.KEPT * 3
    assert len(room.after(0)) == local_room.KEPT
    assert (tmp_path / "anna.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_crash_tore_off_is_cut_away(tmp_path: Path) -> None:
    async def say(txn: str) -> int:
        room = local_room.LocalRoom(tmp_path / "anna.jsonl")
        return (await room.say(post(txn))).n

    asyncio.run(say("1"))
    with (tmp_path / "anna.jsonl").open("a") as file:
        file.write('{"n": 2, "event": "$loc')

    assert asyncio.run(say("2")) == 2
    assert asyncio.run(say("3")) == 3


def test_a_very_long_text_is_cut_and_says_so(tmp_path: Path) -> None:
    room = local_room.LocalRoom(tmp_path / "anna.jsonl")

    said = asyncio.run(room.say(post("1", "x" * 100_000)))

    assert len(said.body) < 70_000
    assert said.body.endswith("and 34464 characters more, which are not kept here")
