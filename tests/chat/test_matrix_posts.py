"""What the chat puts on the wire for each kind of post, and that it is there once."""

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
from bot.core.chat import Post, PostKind, Status, Text
from bot.errors import ChatRefused, ChatUnavailable
from tests.chat.homeserver import ALIAS, FakeHomeserver, Misbehaviour, answers, page
from tests.chat.scene import PATIENCE, Scene

LONG = Text("first\n" + "é\n" * 40_000, "<b>first</b>")
POST = Post(ALIAS, "t1", LONG, about="$asked", threaded=True)
SIGN = Post(ALIAS, "t1", Text("⏳", "⏳"), about="$asked", kind=PostKind.REACTION)
REMOVAL = Post(ALIAS, "t2", Text("", ""), edits="$sign", kind=PostKind.REMOVAL)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FakeHomeserver(), tmp_path)


async def test_a_sign_is_put_on_the_event_and_taken_off_again(scene: Scene) -> None:
    async with scene.running() as chat:
        assert await chat.send(SIGN) == "$sent-t1"
        assert await chat.send(REMOVAL) == "$sent-t2"

    assert scene.homeserver.sent["t1"] == {
        "m.relates_to": {"rel_type": "m.annotation", "event_id": "$asked", "key": "⏳"}
    }
    assert "PUT /rooms/!room/send/m.reaction/t1" in scene.homeserver.asked
    assert scene.homeserver.redacted == ["$sign"]


async def test_a_sign_that_the_homeserver_does_not_take_is_refused_and_not_sent_as_words(
    scene: Scene,
) -> None:
    async with scene.running() as chat:
        refusal = answers(400, {"errcode": "M_DUPLICATE_ANNOTATION", "error": "already there"})
        scene.homeserver.misbehave("/send/", refusal)

        with pytest.raises(ChatRefused, match="already there"):
            await chat.send(SIGN)

    assert scene.homeserver.sent == {}


async def test_typing_is_shown_for_half_a_minute_and_ended(scene: Scene) -> None:
    async with scene.running() as chat:
        await chat.typing(ALIAS, on=True)
        await chat.typing(ALIAS, on=False)
        await chat.typing("#elsewhere:localhost", on=True)

    assert scene.homeserver.typing == [{"typing": True, "timeout": 30_000}, {"typing": False}]


async def test_typing_that_fails_is_let_go(scene: Scene) -> None:
    async with scene.running() as chat:
        scene.homeserver.misbehave("/typing/", page(502), answers(403, {"errcode": "M_FORBIDDEN"}))

        await chat.typing(ALIAS, on=True)
        await chat.typing(ALIAS, on=True)

    assert scene.homeserver.typing == []


async def test_a_text_that_fits_into_no_event_is_a_summary_and_a_file(scene: Scene) -> None:
    async with scene.running() as chat:
        assert await chat.send(POST) == "$sent-t1"

    said, file = scene.homeserver.sent["t1"], scene.homeserver.sent["t1-file"]
    assert said["body"].startswith("first\né\n")
    assert said["body"].endswith("é\n… (the whole text is in the attached file, 117.2 KiB)")
    assert len(said["body"].encode()) < 3000
    assert file["msgtype"] == "m.file"
    assert file["url"] == "mxc://localhost/1"
    assert file["info"] == {"mimetype": "text/plain", "size": len(LONG.plain.encode())}
    assert file["m.relates_to"] == said["m.relates_to"]
    assert scene.homeserver.uploads == [LONG.plain.encode()]


@pytest.mark.parametrize("endpoint", ["/upload", "/send/m.room.message/t1", "t1-file"])
async def test_a_file_comes_once_whichever_request_failed_before(
    scene: Scene, endpoint: str
) -> None:
    limit = answers(429, {"errcode": "M_LIMIT_EXCEEDED"})
    async with scene.running() as chat:
        scene.homeserver.misbehave(endpoint, limit)

        with pytest.raises(ChatUnavailable):
            await chat.send(POST)
        assert await chat.send(POST) == "$sent-t1"

    assert sorted(scene.homeserver.sent) == ["t1", "t1-file"]


@pytest.mark.parametrize(
    "refusal",
    [page(413), answers(403, {"errcode": "M_FORBIDDEN"}), answers(404, {"errcode": "M_NOT_FOUND"})],
)
async def test_where_no_file_is_taken_the_text_is_cut(scene: Scene, refusal: Misbehaviour) -> None:
    scene.homeserver.misbehave("/media/v3/upload", refusal)
    async with scene.running() as chat:
        await chat.send(POST)

    assert list(scene.homeserver.sent) == ["t1"]
    assert scene.homeserver.sent["t1"]["body"].endswith("(cut here; the whole text has 117.2 KiB)")


@pytest.mark.parametrize(("final", "files"), [(False, 0), (True, 1)])
async def test_of_a_progress_message_only_the_end_becomes_a_file(
    scene: Scene, final: bool, files: int
) -> None:
    status = Status("$asked", 1, "running", final=final)
    async with scene.running() as chat:
        await chat.send(replace(POST, edits="$first", status=status))

    assert len(scene.homeserver.uploads) == files
    assert scene.homeserver.sent["t1"]["m.new_content"]["body"].startswith("first")
    if files:
        assert "m.replace" not in str(scene.homeserver.sent["t1-file"])


class Keys:
    """Instead of `Crypto`: the "encrypted" content says what was to be encrypted."""

    async def seal(
        self, room: str, kind: str, content: dict[str, Any], *, to_unsigned: bool
    ) -> dict[str, Any]:
        return {"sealed": content}


async def test_in_an_encrypted_room_nothing_of_a_file_is_there_in_clear(scene: Scene) -> None:
    async with scene.homeserver.running() as url:
        wire = Wire(url, PATIENCE)
        account = Account(wire, url, Credentials("bot", "password"), scene.folder / "session")
        await account.enter()
        posts = Posts(account, cast(Crypto, Keys()))
        await posts.send(POST, "!room", secret=True)
        await wire.close()

    file = scene.homeserver.sent["t1-file"]["sealed"]["file"]
    (uploaded,) = scene.homeserver.uploads
    assert "url" not in scene.homeserver.sent["t1-file"]["sealed"]
    assert b"first" not in uploaded
    key, iv, digest = file["key"]["k"], file["iv"], file["hashes"]["sha256"]
    assert decrypt_attachment(uploaded, key, digest, iv) == LONG.plain.encode()
    assert "PUT /rooms/!room/send/m.room.encrypted/t1-file" in scene.homeserver.asked


async def test_an_edit_of_what_is_gone_is_said_anew_in_its_thread(scene: Scene) -> None:
    gone = answers(400, {"errcode": "M_UNKNOWN", "error": "no such event"})
    async with scene.running() as chat:
        scene.homeserver.misbehave("/send/", gone)
        scene.homeserver.misbehave("/event/", answers(404, {"errcode": "M_NOT_FOUND"}))
        await chat.send(Post(ALIAS, "t1", Text("done", "done"), "$asked", True, "$gone"))

    assert scene.homeserver.sent["t1"]["body"] == "done"
    assert "m.relates_to" not in scene.homeserver.sent["t1"]


async def test_what_is_said_of_a_sign_arrives_though_no_thread_can_begin_there(
    scene: Scene,
) -> None:
    refused = answers(400, {"errcode": "M_UNKNOWN", "error": "no thread begins at a relation"})
    relation = {"rel_type": "m.annotation", "event_id": "$alert", "key": "✅"}
    async with scene.running() as chat:
        scene.homeserver.misbehave("/send/", refused)
        sign = {"type": "m.reaction", "content": {"m.relates_to": relation}}
        scene.homeserver.misbehave("/event/", answers(200, sign))
        await chat.send(Post(ALIAS, "t1", Text("⏳ job 7", "⏳ job 7"), "$sign", threaded=True))

    assert scene.homeserver.sent["t1"]["body"] == "⏳ job 7"
    assert "m.relates_to" not in scene.homeserver.sent["t1"]
