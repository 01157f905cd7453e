"""On a real homeserver: a picture of a console arrives, in a plain room and in an encrypted one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from nio.crypto.attachments import decrypt_attachment  # type: ignore[import-untyped]

from bot.core.chat import Post, PostKind, Text
from bot.screen.picture import draw
from bot.screen.terminal import replay
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client
from tests.e2e.secret_room import Scene, heard, meet, post

pytestmark = pytest.mark.e2e

CAPTION = "vm's console on fy, 10:45:12"
PICTURE = draw(replay("\x1b[31mKernel panic\x1b[0m - not syncing\r\n"), "vm-fy.png", CAPTION)
INFO = {
    "mimetype": "image/png",
    "size": len(PICTURE.png),
    "w": PICTURE.size[0],
    "h": PICTURE.size[1],
}


def shot(place: Place, under: str) -> Post:
    return replace(post(place.alias, CAPTION), under=under, picture=PICTURE)


def is_shown(content: dict[str, Any], root: str) -> bool:
    """Whether *content* is the picture with its caption in the thread that *root* begins."""
    return (
        content["msgtype"] == "m.image"
        and (content["body"], content["filename"]) == (CAPTION, "vm-fy.png")
        and content["info"] == INFO
        and content["m.relates_to"]["rel_type"] == "m.thread"
        and content["m.relates_to"]["event_id"] == root
    )


async def test_in_a_plain_room(place: Place, nounou: Client) -> None:
    inbox = Inbox()
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        await nounou.say(place.room_id, "!console vm")
        await heard(inbox)
        job = await chat.send(post(place.alias, "vm shows a kernel panic."))
        picture = shot(place, job)

        sent = await chat.send(picture)
        assert await chat.send(picture) == sent

        seen = await nounou.wait_for(lambda message: message.event_id == sent)
        assert is_shown(seen.content, job)
        assert await nounou.download(seen.content["url"]) == PICTURE.png
        assert (await chat.quoted(place.alias, sent)).body == "[picture vm-fy.png]"  # type: ignore[union-attr]


async def test_in_an_encrypted_room_it_is_read_and_taken_back(scene: Scene) -> None:
    inbox, place = Inbox(), scene.place
    async with (
        scene.peer() as peer,
        Client(scene.url, scene.person, "password") as anna,
        place.running(inbox) as chat,
    ):
        await meet(scene, peer, inbox)
        job = await chat.send(post(place.alias, "vm shows a kernel panic."))
        sent = await chat.send(shot(place, job))

        content = await peer.reads(CAPTION)
        assert is_shown(content, job)
        assert "url" not in content
        file = content["file"]
        sealed = await anna.download(file["url"])
        assert PICTURE.png[:8] not in sealed
        opened = decrypt_attachment(sealed, file["key"]["k"], file["hashes"]["sha256"], file["iv"])
        assert opened == PICTURE.png

        gone = Post(place.alias, "gone", Text("", ""), edits=sent, kind=PostKind.REMOVAL)
        await chat.send(gone)
        event = await anna.ask("GET", f"rooms/{place.room_id}/event/{sent}")
        assert event["content"] == {}
