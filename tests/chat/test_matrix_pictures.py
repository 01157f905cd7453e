"""A post with a picture: one image with its caption, in its thread, once; else words and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from nio.crypto.attachments import decrypt_attachment  # type: ignore[import-untyped]

from bot.chat.matrix_crypto import Crypto
from bot.chat.matrix_login import Account, Credentials
from bot.chat.matrix_posts import Posts
from bot.chat.matrix_wire import Wire
from bot.core.chat import Picture, Post, Text
from bot.errors import ChatUnavailable
from bot.screen.picture import draw
from bot.screen.terminal import replay
from tests.chat.homeserver import ALIAS, FakeHomeserver, Misbehaviour, answers, page
from tests.chat.scene import PATIENCE, Scene

PICTURE = draw(replay("vm login: "), "vm-fy.png", "vm on fy")
POST = Post(
    ALIAS,
    "t1",
    Text("vm on fy, 10:45", "<b>vm</b> on fy, 10:45"),
    about="$asked",
    threaded=True,
    mentions=("@nounou:localhost",),
    picture=PICTURE,
)
THREAD = {
    "rel_type": "m.thread",
    "event_id": "$asked",
    "is_falling_back": True,
    "m.in_reply_to": {"event_id": "$asked"},
}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FakeHomeserver(), tmp_path)


async def test_a_picture_is_one_message_with_its_caption_in_its_thread(scene: Scene) -> None:
    async with scene.running() as chat:
        assert await chat.send(POST) == "$sent-t1"

    assert scene.homeserver.sent == {
        "t1": {
            "msgtype": "m.image",
            "body": "vm on fy, 10:45",
            "filename": "vm-fy.png",
            "format": "org.matrix.custom.html",
            "formatted_body": "<b>vm</b> on fy, 10:45",
            "info": {
                "mimetype": "image/png",
                "size": len(PICTURE.png),
                "w": PICTURE.size[0],
                "h": PICTURE.size[1],
            },
            "url": "mxc://localhost/1",
            "m.mentions": {"user_ids": ["@nounou:localhost"]},
            "m.relates_to": THREAD,
        }
    }
    assert scene.homeserver.uploads == [PICTURE.png]
    assert scene.homeserver.media_types == ["image/png"]


async def test_a_picture_without_a_caption_is_called_by_its_name(scene: Scene) -> None:
    async with scene.running() as chat:
        await chat.send(replace(POST, text=Text("", ""), mentions=()))

    said = scene.homeserver.sent["t1"]
    assert (said["body"], said["filename"]) == ("vm-fy.png", "vm-fy.png")
    assert "formatted_body" not in said


@pytest.mark.parametrize("endpoint", ["/upload", "/send/m.room.message/t1"])
async def test_a_picture_comes_once_whichever_request_failed_before(
    scene: Scene, endpoint: str
) -> None:
    async with scene.running() as chat:
        scene.homeserver.misbehave(endpoint, answers(429, {"errcode": "M_LIMIT_EXCEEDED"}))

        with pytest.raises(ChatUnavailable):
            await chat.send(POST)
        assert await chat.send(POST) == "$sent-t1"

    assert list(scene.homeserver.sent) == ["t1"]


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        (page(413), "too long"),
        (answers(403, {"errcode": "M_FORBIDDEN", "error": "no files"}), "no files"),
    ],
)
async def test_where_no_picture_is_taken_its_caption_is_said_and_why(
    scene: Scene, refusal: Misbehaviour, why: str
) -> None:
    scene.homeserver.misbehave("/media/v3/upload", refusal)
    async with scene.running() as chat:
        assert await chat.send(POST) == "$sent-t1"

    said = scene.homeserver.sent["t1"]
    assert said["msgtype"] == "m.text"
    assert said["body"].startswith(
        "vm on fy, 10:45\nThe homeserver does not take the picture vm-fy.png ("
    )
    assert why in said["body"]
    assert said["m.relates_to"] == THREAD
    assert list(scene.homeserver.sent) == ["t1"]


class Keys:
    """Instead of `Crypto`: the "encrypted" content says what was to be encrypted."""

    async def seal(
        self, room: str, kind: str, content: dict[str, Any], *, to_unsigned: bool
    ) -> dict[str, Any]:
        return {"sealed": content}


async def test_in_an_encrypted_room_nothing_of_a_picture_is_there_in_clear(scene: Scene) -> None:
    async with scene.homeserver.running() as url:
        wire = Wire(url, PATIENCE)
        account = Account(wire, url, Credentials("bot", "password"), scene.folder / "session")
        await account.enter()
        posts = Posts(account, cast(Crypto, Keys()))
        await posts.send(POST, "!room", secret=True)
        await wire.close()

    said = scene.homeserver.sent["t1"]["sealed"]
    (uploaded,) = scene.homeserver.uploads
    file = said["file"]
    assert "url" not in said
    assert b"PNG" not in uploaded
    assert scene.homeserver.media_types == ["application/octet-stream"]
    whole = decrypt_attachment(uploaded, file["key"]["k"], file["hashes"]["sha256"], file["iv"])
    assert whole == PICTURE.png
    assert said["info"]["mimetype"] == "image/png"


def test_a_chat_without_pictures_says_that_there_is_one() -> None:
    bare = Post("#r", "t", Text("", ""), picture=Picture("a.png", b"x" * 2048))

    assert POST.words.startswith("vm on fy, 10:45\n(picture vm-fy.png, ")
    assert bare.words == "(picture a.png, 2 KiB)"
