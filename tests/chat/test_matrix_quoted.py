"""A message that somebody pointed at, as the homeserver tells it, and what counts of that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.core.chat import Quoted
from bot.errors import ChatUnavailable
from tests.chat.homeserver import ALIAS, FakeHomeserver, page
from tests.chat.scene import Scene

ANNA = "@anna:localhost"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FakeHomeserver(), tmp_path)


def event(**changes: Any) -> dict[str, Any]:
    content = {"msgtype": "m.text", "body": "the array beeps", **changes.pop("content", {})}
    return {
        "type": "m.room.message",
        "event_id": "$e",
        "sender": ANNA,
        "origin_server_ts": 1_500,
        "content": content,
        **changes,
    }


async def told(scene: Scene, said: dict[str, Any]) -> Quoted | None:
    async with scene.running() as chat:
        scene.homeserver.events.append(said)
        return await chat.quoted(ALIAS, "$e")


async def test_it_is_told_with_who_said_it_and_when(scene: Scene) -> None:
    assert await told(scene, event()) == Quoted("$e", ANNA, "the array beeps", 1.5)


async def test_it_is_told_with_the_thread_in_which_it_stands(scene: Scene) -> None:
    within = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$begins"}}

    found = await told(scene, event(content=within))

    assert found is not None
    assert found.thread == "$begins"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"msgtype": "m.notice", "body": "x"}, "x"),
        ({"body": "two\nlines\0"}, "two\nlines"),
        ({"body": "> <@a:b> ours\n\nits own"}, "its own"),
        ({"body": "é" * 5_000}, "é" * 2_000),
        ({"msgtype": "m.image", "body": "IMG_7.jpg"}, "[picture IMG_7.jpg]"),
        ({"msgtype": "m.image", "body": "see", "filename": "a\nb.jpg"}, "[picture a b.jpg]"),
        ({"msgtype": "m.file", "body": "messages.log"}, "[file messages.log]"),
        ({"msgtype": "m.video", "body": "v.mp4", "filename": 7}, "[file v.mp4]"),
    ],
)
async def test_its_words_are_bounded_and_a_file_is_told_by_its_name(
    scene: Scene, content: dict[str, Any], shown: str
) -> None:
    quoted = await told(scene, event(content=content))

    assert quoted is not None
    assert quoted.body == shown


@pytest.mark.parametrize(
    "odd",
    [
        event(event_id="$another"),
        event(type="m.room.member"),
        event(type="m.room.encrypted"),
        event(sender="anna"),
        event(content={"body": 7}),
        event(content={"body": " \n"}),
        event(origin_server_ts="1"),
        event(origin_server_ts=-1),
        event(origin_server_ts=10**18),
        {**event(), "content": {}, "unsigned": {"redacted_because": {}}},
    ],
)
async def test_what_is_no_message_is_not_quoted(scene: Scene, odd: dict[str, Any]) -> None:
    assert await told(scene, odd) is None


async def test_where_the_homeserver_does_not_say_now_it_can_be_asked_again(scene: Scene) -> None:
    async with scene.running() as chat:
        scene.homeserver.events.append(event())
        scene.homeserver.misbehave("/event/", page(502))
        with pytest.raises(ChatUnavailable):
            await chat.quoted(ALIAS, "$e")
        assert await chat.quoted(ALIAS, "$e") is not None
