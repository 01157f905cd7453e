"""The bot beside a strict client that nobody here wrote; each reads the other, or says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from bot.demo.node import Node
from bot.demo.synapse import Synapse
from tests.e2e import strict_peer
from tests.e2e.strict_peer import FOLDER, LEAST_NODE, Peer
from tests.e2e.strict_room import Room
from tests.e2e.web import installed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
async def node(tmp_path: Path) -> Node:
    return await installed(LEAST_NODE, FOLDER, tmp_path / "npm.log")


@pytest.fixture
async def persons(
    node: Node, homeserver: Synapse, tmp_path: Path
) -> AsyncIterator[tuple[Peer, Peer]]:
    """Two persons with a strict client each, whose devices nobody has signed yet."""
    async with AsyncExitStack() as stack:
        peers = []
        for person in ("anna", "otto"):
            user, log = f"{person}-{uuid4().hex[:8]}", tmp_path / f"{person}.log"
            await homeserver.register(user, "password")
            present = strict_peer.present(node, homeserver.url, user, log)
            peers.append(await stack.enter_async_context(present))
        yield peers[0], peers[1]


@pytest.fixture
async def room(node: Node, homeserver: Synapse, persons: tuple[Peer, Peer], tmp_path: Path) -> Room:
    """An encrypted room of the first person, to which a bot is invited."""
    name = uuid4().hex[:8]
    await homeserver.register(f"bot-{name}", "password")
    return Room(homeserver.url, name, persons[0], tmp_path)


async def test_the_peer_is_strict(persons: tuple[Peer, Peer]) -> None:
    """What an unsigned device sends, it does not read; what a signed one does, it does."""
    anna, otto = persons
    await anna.tell("sign")
    await otto.tell("believe", all=True)
    room = (await anna.tell("create", invite=[otto.user]))["room"]
    await otto.tell("join", room=room)

    unsigned = await otto.say(room, "can you hear me?")
    assert (await anna.hears(lambda heard: heard.id == unsigned)).unread is not None

    await otto.tell("sign")
    await otto.tell("believe", all=False)
    signed = await otto.say(room, "and now?")
    heard = await anna.hears(lambda heard: heard.id == signed)
    assert (heard.unread, heard.body) == (None, "and now?")


async def test_a_strict_client_and_the_bot_read_one_another(room: Room) -> None:
    """Also after a restart of the bot, which comes with the device that it had."""
    await room.peer.tell("sign")
    await room.make()
    devices = []
    for _ in range(2):
        async with room.served():
            answer = await room.answer("!ping", "pong")
            devices.append(await room.bots_devices())

        assert (answer.encrypted, answer.unread) == (True, None)
    assert [*devices[0].values()] == [{"signed": True}]
    assert devices[0] == devices[1]
    assert [heard.unread for heard in room.peer.heard.values() if heard.unread] == []


async def test_an_unsigned_device_is_told_so_and_is_answered_once_it_is_signed(room: Room) -> None:
    await room.peer.tell("believe", all=True)
    await room.make()
    async with room.served():
        refusal = await room.answer("!ping", "This device is not signed by its owner")
        assert (refusal.encrypted, refusal.unread) == (True, None)

        await room.peer.tell("sign")
        await room.peer.tell("believe", all=False)
        answer = await room.answer("!ping", "pong")

    assert (answer.encrypted, answer.unread) == (True, None)
    assert sum(heard.body == "pong" for heard in room.peer.heard.values()) == 1
