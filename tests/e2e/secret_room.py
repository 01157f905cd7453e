"""An encrypted room of one test's own: the bot, and a person whose devices are signed or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bot.chat.crossing import Secrets
from bot.core.chat import Message, Post, Text
from bot.demo.synapse import Synapse
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client
from tests.e2e.peer import Peer

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
    async def peer(self, *, signed: bool = True) -> AsyncIterator[Peer]:
        """A device of the person; *signed* by them or not."""
        async with self.peer_of(self.person, self.secrets if signed else None) as peer:
            yield peer

    @asynccontextmanager
    async def peer_of(self, user: str, secrets: Secrets | None) -> AsyncIterator[Peer]:
        """A new device of *user*, whose identity *secrets* are from now on."""
        async with Peer(self.url, user, self.place.folder / f"peer-{uuid4().hex[:6]}") as peer:
            if secrets is not None:
                await peer.publish(secrets)
                await peer.sign(secrets)
            yield peer


async def prepared(homeserver: Synapse, folder: Path) -> Scene:
    """A new scene, in *folder*."""
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
        folder,
        (f"@anna-{name}:localhost",),
    )
    return Scene(place, f"anna-{name}", Secrets.make(f"@anna-{name}:localhost"), homeserver.url)


def post(room: str, text: str, **more: object) -> Post:
    return Post(room, f"t-{uuid4().hex}", Text(text, text), **more)  # type: ignore[arg-type]


async def heard(inbox: Inbox, count: int = 1) -> Message:
    """The last of *count* messages."""
    await inbox.until(lambda: len(inbox.messages) >= count)
    return inbox.messages[count - 1]


async def greet(scene: Scene, peer: Peer) -> None:
    """Return once the peer and the bot see one another in the room."""
    await peer.sees(scene.place.room_id, scene.place.bot_id)
    await peer.sees_device(scene.place.bot_id)


async def meet(scene: Scene, peer: Peer, inbox: Inbox) -> None:
    """As `greet`, and the bot has heard the peer."""
    await greet(scene, peer)
    await peer.say(scene.place.room_id, "!hello")
    await heard(inbox)
