"""The chat in encrypted rooms of a real homeserver, with a client that is not ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from bot.chat.crossing import Secrets
from bot.chat.matrix import MatrixChat
from bot.core.chat import Kind, Message, Post, Proof, Text
from bot.demo.synapse import Synapse
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client
from tests.e2e.peer import Peer

pytestmark = pytest.mark.e2e

ENCRYPTION = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}


@dataclass
class Scene:
    """A new encrypted room of a new person whose account, bot and room are the test's own."""

    place: Place
    person: str
    secrets: Secrets
    url: str

    @asynccontextmanager
    async def peer(self, *, signed: bool = True, user: str = "") -> AsyncIterator[Peer]:
        """A device of the person; *signed* by them or not."""
        folder = self.place.folder / f"peer-{uuid4().hex[:6]}"
        async with Peer(self.url, user or self.person, folder) as peer:
            if signed:
                await peer.publish(self.secrets)
                await peer.sign(self.secrets)
            yield peer


@pytest.fixture
async def scene(homeserver: Synapse, tmp_path: Path) -> Scene:
    name = uuid4().hex[:8]
    await homeserver.register(f"bot-{name}", "password")
    await homeserver.register(f"anna-{name}", "password")
    async with Client(homeserver.url, f"anna-{name}", "password") as anna:
        room = await anna.create_room(name, (f"@bot-{name}:localhost",), initial_state=[ENCRYPTION])
    place = Place(
        homeserver.url,
        f"#{name}:localhost",
        room,
        f"bot-{name}",
        tmp_path,
        (f"@anna-{name}:localhost",),
    )
    return Scene(place, f"anna-{name}", Secrets.make(f"@anna-{name}:localhost"), homeserver.url)


def post(room: str, text: str, **more: object) -> Post:
    return Post(room, f"t-{uuid4().hex}", Text(text, text), **more)  # type: ignore[arg-type]


async def heard(inbox: Inbox, count: int = 1) -> Message:
    """The last of *count* messages."""
    await inbox.until(lambda: len(inbox.messages) >= count)
    return inbox.messages[count - 1]


async def greet(scene: Scene, peer: Peer, chat: MatrixChat) -> None:
    """Return once the peer and the bot see one another in the room."""
    await peer.until(
        lambda: scene.place.bot_id in peer.client.rooms[scene.place.room_id].users or None
    )
    await peer.sees_device(scene.place.bot_id)


async def test_a_signed_device_is_heard_and_hears(scene: Scene) -> None:
    inbox = Inbox()
    async with scene.peer() as peer, scene.place.running(inbox) as chat:
        await greet(scene, peer, chat)
        await peer.say(scene.place.room_id, "!ping")
        message = await heard(inbox)
        assert (message.body, message.kind, message.proof) == ("!ping", Kind.LINE, Proof.SIGNED)
        assert message.seal

        await chat.send(post(scene.place.alias, "pong"))
        await peer.reads("pong")


async def test_an_unsigned_device_is_told_apart_and_reads_only_what_is_meant_for_it(
    scene: Scene,
) -> None:
    inbox = Inbox()
    async with (
        scene.peer() as signed,
        scene.peer(signed=False) as unsigned,
        scene.place.running(inbox) as chat,
    ):
        await greet(scene, unsigned, chat)
        await unsigned.say(scene.place.room_id, "!ping")
        assert (await heard(inbox)).proof is Proof.UNSIGNED

        await chat.send(post(scene.place.alias, "secret"))
        await chat.send(post(scene.place.alias, "sign your device", to_unsigned=True))
        await unsigned.reads("sign your device")
        await signed.reads("sign your device")
        await signed.reads("secret")
        assert len(unsigned.unread) == 1
