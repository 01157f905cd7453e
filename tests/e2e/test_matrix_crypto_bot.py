"""A whole bot in an encrypted room: who is answered, who is refused, and what they read then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from bot.chat.crossing import Secrets
from bot.demo.synapse import Synapse
from tests.e2e import whole_bot
from tests.e2e.peer import Peer
from tests.e2e.secret_room import Scene, greet

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@asynccontextmanager
async def served(scene: Scene, **others: str) -> AsyncIterator[None]:
    """A bot that knows the scene's person as anna."""
    place = scene.place
    members = {"anna": f"@{scene.person}:localhost"} | others
    async with whole_bot.running(place.folder, scene.url, place.bot_id, place.alias, members):
        yield


async def answer(scene: Scene, peer: Peer, line: str, text: str) -> dict[str, Any]:
    """Say *line*; what the bot says with *text* in it, encrypted."""
    before = set(peer.read)
    await peer.say(scene.place.room_id, line)
    return await peer.until(
        lambda: next(
            (
                content
                for event_id, content in peer.read.items()
                if event_id not in before and text in content["body"] and content["body"] != line
            ),
            None,
        )
    )


async def test_a_signed_device_is_answered_and_an_unsigned_one_is_told_what_to_do(
    scene: Scene,
) -> None:
    async with scene.peer() as peer, served(scene):
        await greet(scene, peer)
        await answer(scene, peer, "!ping", "pong")
        async with scene.peer(signed=False) as unsigned:
            await greet(scene, unsigned)
            await answer(scene, unsigned, "!ping", "not signed by its owner")
            assert all("pong" not in content["body"] for content in unsigned.read.values())

            await unsigned.sign(scene.secrets)
            await answer(scene, unsigned, "!ping", "pong")


async def test_who_changed_their_identity_is_blocked_until_another_confirms_it(
    scene: Scene, homeserver: Synapse
) -> None:
    name = f"bruno-{uuid4().hex[:8]}"
    await homeserver.register(name, "password")
    bruno_id, secrets = f"@{name}:localhost", Secrets.make(f"@{name}:localhost")
    async with (
        scene.peer() as anna,
        scene.peer_of(name, secrets) as bruno,
        served(scene, bruno=bruno_id),
    ):
        await greet(scene, anna)
        await anna.invite(scene.place.room_id, bruno_id)
        await bruno.client.join(scene.place.room_id)
        await greet(scene, bruno)
        await answer(scene, bruno, "!ping", "pong")
        await answer(scene, anna, "!ping", "pong")

        fresh = Secrets.make(anna.user_id)
        await anna.publish(fresh)
        await anna.sign(fresh)
        await answer(scene, anna, "!ping", "Your identity key has changed")
        await answer(scene, anna, f"!trust anna {fresh.master.public}", "has changed")

        shown = await answer(scene, bruno, "!trust anna", "anna is blocked")
        fingerprint = shown["body"].rpartition("!trust anna ")[2].splitlines()[0]
        await answer(scene, bruno, f"!trust anna {fingerprint}", "anna is believed again")
        await answer(scene, anna, "!ping", "pong")
