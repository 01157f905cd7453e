"""Whether a real homeserver calls the person whom a post mentions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.chat.matrix import MatrixChat
from bot.core.chat import Post, Text
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client

pytestmark = pytest.mark.e2e

WORKING, DONE = Text("⏳ working", "⏳ working"), Text("✔ done", "✔ done")


@pytest.fixture
async def chat(place: Place, nounou: Client) -> AsyncIterator[MatrixChat]:
    """A chat that is in the room."""
    inbox = Inbox()
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        await nounou.say(place.room_id, "!say the bot knows that it is in the room after this")
        await inbox.until(lambda: bool(inbox.messages))
        yield chat


async def calls(nounou: Client, room_id: str) -> list[str]:
    """The events of the room that called nounou."""
    answer = await nounou.ask("GET", "notifications?only=highlight")
    return [
        each["event"]["event_id"] for each in answer["notifications"] if each["room_id"] == room_id
    ]


async def test_the_edit_that_mentions_the_asker_calls_them_and_no_other_post_does(
    chat: MatrixChat, place: Place, nounou: Client
) -> None:
    asked = await nounou.say(place.room_id, "!migrate vm fz")
    sent = await chat.send(Post(place.alias, "p", WORKING, asked, threaded=True))
    edit = Post(place.alias, "p-1", WORKING, asked, threaded=True, edits=sent)
    await chat.send(edit)
    await chat.send(Post(place.alias, "pong", DONE, asked))
    assert await calls(nounou, place.room_id) == []

    ended = await chat.send(replace(edit, txn="end", text=DONE, mentions=("@nounou:localhost",)))
    await nounou.wait_for(lambda message: message.event_id == sent and len(message.edits) == 2)

    assert await calls(nounou, place.room_id) == [ended]
