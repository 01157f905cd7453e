"""Two chats as one: who gets which room, and which of them may end the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.chat.local import LocalChat
from bot.chat.switchboard import Switchboard
from bot.core.chat import Batch, Chat, Message, OwnPosts, Post, Receive, Text
from bot.errors import ChatUnavailable, ConfigError

PATIENCE = 10.0


class Homeserver(Chat):
    """A main chat that does what the test says."""

    def __init__(self) -> None:
        self.since: str | None = None
        self.receive: Receive | None = None
        self.begun = asyncio.Event()
        self.ends = asyncio.Event()
        self.error: Exception | None = None
        self.sent: list[Post] = []
        self.typed: list[str] = []
        self.closed = False

    async def run(self, receive: Receive, since: str | None) -> None:
        self.receive, self.since = receive, since
        self.begun.set()
        await self.ends.wait()
        if self.error is not None:
            raise self.error

    async def own_posts(self, room: str, beginnings: tuple[str, ...], most: int) -> OwnPosts:
        return OwnPosts([post.text.plain for post in self.sent if post.room == room][:most])

    async def send(self, post: Post) -> str:
        self.sent.append(post)
        raise ChatUnavailable

    async def typing(self, room: str, *, on: bool) -> None:
        self.typed.append(room)

    def encrypted(self, room: str) -> bool | None:
        return True

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def homeserver() -> Homeserver:
    return Homeserver()


@pytest.fixture
def switchboard(homeserver: Homeserver, tmp_path: Path) -> Switchboard:
    local = LocalChat(tmp_path / "chat.sock", tmp_path / "local", {"local:anna": "anna"}.get)
    return Switchboard(homeserver, local)


def post(room: str) -> Post:
    return Post(room, "t", Text("x", "x"))


async def test_each_room_is_reached_where_it_is(
    homeserver: Homeserver, switchboard: Switchboard
) -> None:
    assert await switchboard.send(post("local:anna")) == "$local-t"
    with pytest.raises(ChatUnavailable):
        await switchboard.send(post("#nounou:localhost"))
    for room in ("local:anna", "#nounou:localhost"):
        await switchboard.typing(room, on=True)

    assert homeserver.sent == [post("#nounou:localhost")]
    assert homeserver.typed == ["#nounou:localhost"]
    assert switchboard.encrypted("#nounou:localhost") is True
    assert switchboard.encrypted("local:anna") is None


async def test_the_token_is_the_main_chats_and_both_bring_batches(
    homeserver: Homeserver, switchboard: Switchboard
) -> None:
    batches: list[Batch] = []

    async def receive(batch: Batch) -> None:
        batches.append(batch)

    running = asyncio.create_task(switchboard.run(receive, "s7"))
    await homeserver.begun.wait()
    assert homeserver.since == "s7"
    assert homeserver.receive is not None
    await homeserver.receive(Batch("s8", (Message("$1", "#r", "@a:b", "!ping"),)))
    homeserver.ends.set()
    await asyncio.wait_for(running, PATIENCE)

    assert [batch.token for batch in batches] == ["s8"]


async def test_a_main_chat_that_ends_ends_the_local_one(
    homeserver: Homeserver, switchboard: Switchboard, tmp_path: Path
) -> None:
    running = asyncio.create_task(switchboard.run(_nothing, None))
    await homeserver.begun.wait()
    homeserver.ends.set()

    await asyncio.wait_for(running, PATIENCE)

    assert not (tmp_path / "chat.sock").exists()


async def test_what_stops_the_main_chat_is_raised_as_it_is(
    homeserver: Homeserver, switchboard: Switchboard
) -> None:
    homeserver.error = ConfigError("The token is revoked")
    homeserver.ends.set()

    with pytest.raises(ConfigError, match="revoked"):
        await asyncio.wait_for(switchboard.run(_nothing, None), PATIENCE)


async def test_a_socket_that_cannot_be_made_stops_the_start(
    homeserver: Homeserver, tmp_path: Path
) -> None:
    local = LocalChat(
        tmp_path / "no" / "folder" / "chat.sock", tmp_path / "local", lambda _chat_id: None
    )
    switchboard = Switchboard(homeserver, local)

    with pytest.raises(ConfigError, match="cannot listen"):
        await asyncio.wait_for(switchboard.run(_nothing, None), PATIENCE)


async def test_a_stop_stops_both(
    homeserver: Homeserver, switchboard: Switchboard, tmp_path: Path
) -> None:
    running = asyncio.create_task(switchboard.run(_nothing, None))
    await homeserver.begun.wait()

    running.cancel()
    await asyncio.wait([running])
    await switchboard.close()

    assert running.cancelled()
    assert homeserver.closed
    assert not (tmp_path / "chat.sock").exists()


async def _nothing(batch: Batch) -> None:
    """A store that takes everything."""
