"""What the bot said in a room, as a homeserver tells it, and what counts of that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.chat import matrix_own
from bot.errors import ChatUnavailable
from tests.chat.homeserver import ALIAS, FakeHomeserver, Misbehaviour, answers, page
from tests.chat.scene import Scene

BOT = "@bot:localhost"
ANY = ("",)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FakeHomeserver(), tmp_path)


def event(sender: str = BOT, body: object = "record head #1", **more: Any) -> dict[str, Any]:
    content = {"msgtype": "m.notice", "body": body, **more.pop("content", {})}
    return {
        "type": "m.room.message",
        "event_id": "$e",
        "sender": sender,
        "content": content,
        **more,
    }


async def test_it_is_told_newest_first_over_as_many_pages_as_it_takes(scene: Scene) -> None:
    scene.homeserver.events = [event(body=str(number)) for number in range(10)]
    async with scene.running() as chat:
        assert (await chat.own_posts(ALIAS, ANY, 200)).texts == [
            str(number) for number in range(9, -1, -1)
        ]
        assert (await chat.own_posts(ALIAS, ANY, 4)).texts == ["9", "8", "7", "6"]


async def test_only_whole_messages_of_our_own_count(scene: Scene) -> None:
    edit = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$e"}}
    scene.homeserver.events = [
        event(body="mine"),
        event(sender="@anna:localhost", body="another's"),
        event(body="* edited", content=edit),
        event(body=7),
        event(type="m.room.member"),
        {"type": "m.room.message", "sender": BOT, "content": {}},
        {"sender": BOT},
    ]
    async with scene.running() as chat:
        assert (await chat.own_posts(ALIAS, ANY, 200)).texts == ["mine"]


@pytest.mark.parametrize(
    "trouble",
    [
        answers(200, {}),
        answers(200, {"chunk": 7}),
        answers(403, {"errcode": "M_FORBIDDEN"}),
        answers(429, {"errcode": "M_LIMIT_EXCEEDED"}),
        page(502),
    ],
)
async def test_a_homeserver_that_does_not_say_is_no_witness(
    scene: Scene, trouble: Misbehaviour
) -> None:
    scene.homeserver.events = [event()]
    async with scene.running() as chat:
        scene.homeserver.misbehave("/messages", trouble)

        with pytest.raises(ChatUnavailable):
            await chat.own_posts(ALIAS, ANY, 200)


async def test_what_is_not_wanted_takes_no_place_of_what_is(scene: Scene) -> None:
    scene.homeserver.events = [event(), *(event(body="pong") for _ in range(300)), event()]
    async with scene.running() as chat:
        found = await chat.own_posts(ALIAS, ("record #", "record head #"), 2)

    assert found.texts == ["record head #1", "record head #1"]


async def test_messages_of_ours_that_somebody_took_back_are_counted(scene: Scene) -> None:
    nothing: dict[str, Any] = {"type": "m.room.message", "event_id": "$e", "content": {}}
    scene.homeserver.events = [
        event(),
        nothing | {"sender": BOT},
        nothing | {"sender": BOT, "type": "m.room.encrypted"},
        nothing | {"sender": BOT, "type": "m.reaction"},
        nothing | {"sender": "@anna:localhost"},
    ]
    async with scene.running() as chat:
        found = await chat.own_posts(ALIAS, ANY, 200)

    assert (found.texts, found.removed) == (["record head #1"], ["$e", "$e"])


@pytest.mark.parametrize(("bound", "value"), [("_MOST_PAGES", 20), ("_LONGEST", -1.0)])
async def test_a_homeserver_whose_pages_do_not_end_is_left_after_some(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, bound: str, value: float
) -> None:
    monkeypatch.setattr(matrix_own, bound, value)
    scene.homeserver.events = [event()]
    async with scene.running() as chat:
        pages = [answers(200, {"chunk": [], "end": str(number)}) for number in range(100)]
        scene.homeserver.misbehave("/messages", *pages)

        assert (await chat.own_posts(ALIAS, ANY, 200)).texts == []
