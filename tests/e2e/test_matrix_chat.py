"""The chat on a real homeserver."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from bot.core.chat import Post, Text
from bot.demo.synapse import Synapse
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client

pytestmark = pytest.mark.e2e


@pytest.fixture
async def place(homeserver: Synapse, nounou: Client, tmp_path: Path) -> Place:
    """A room where the administrator and a new bot account are."""
    name = uuid4().hex[:8]
    await homeserver.register(f"bot-{name}", "password")
    room_id = await nounou.create_room(name, (f"@bot-{name}:localhost",))
    return Place(homeserver.url, f"#{name}:localhost", room_id, f"bot-{name}", tmp_path)


async def in_room(nounou: Client, place: Place) -> None:
    await nounou.until(
        lambda: True if place.bot_id in nounou.members.get(place.room_id, ()) else None
    )


async def test_a_line_typed_in_the_room_is_delivered_and_an_answer_is_seen(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()

    async with place.running(inbox) as chat:
        await in_room(nounou, place)
        asked = await nounou.say(place.alias, "!ping")
        await inbox.until(lambda: bool(inbox.messages))
        post = Post(place.alias, "t1", Text("pong", "<b>pong</b>"), about=asked)
        answer = await chat.send(post)
        seen = await nounou.wait_for(lambda m: m.event_id == answer)

    assert [(m.room, m.sender, m.body) for m in inbox.messages] == [
        (place.alias, "@nounou:localhost", "!ping")
    ]
    assert (seen.sender, seen.body) == (place.bot_id, "pong")
    assert seen.content["msgtype"] == "m.notice"
    assert seen.content["formatted_body"] == "<b>pong</b>"
