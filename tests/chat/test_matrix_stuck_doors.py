"""Behind a door may be a foreign homeserver that never answers; the bot hears its rooms anyway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.chat.homeserver import (
    ALIAS,
    BOT,
    NOUNOU,
    ROOM,
    FakeHomeserver,
    Misbehaviour,
    answers,
    hangs,
    page,
)
from tests.chat.scene import Scene

FAR, NEW = "#far:elsewhere", "!new"
INVITATION = {
    "type": "m.room.member",
    "state_key": BOT,
    "sender": NOUNOU,
    "content": {"membership": "invite"},
}
TOMBSTONE = {
    "type": "m.room.tombstone",
    "state_key": "",
    "event_id": "$end",
    "sender": NOUNOU,
    "content": {"replacement_room": NEW},
}
DOORS: dict[str, dict[str, Any]] = {
    "invitation": {"invite": {ROOM: {"invite_state": {"events": [INVITATION]}}}},
    "aside": {"invite": {NEW: {"invite_state": {"events": [INVITATION]}}}},
    "replacement": {"join": {ROOM: {"timeline": {"events": [TOMBSTONE]}}}},
}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FakeHomeserver(), tmp_path)


@pytest.mark.parametrize("trouble", [page(502), hangs], ids=["502", "silence"])
@pytest.mark.parametrize("door", DOORS)
async def test_a_room_that_cannot_be_entered_keeps_nobody_from_being_heard(
    scene: Scene, door: str, trouble: Misbehaviour
) -> None:
    async with scene.running(request_timeout=0.3, private=True):
        scene.homeserver.misbehave("/join/", *[trouble] * 1000)
        scene.homeserver.misbehave("/sync", tells(DOORS[door]))
        await scene.homeserver.say("!say 0")
        await scene.got(1)
        await scene.homeserver.say("!say 1")
        await scene.got(2)
        await scene.homeserver.say("!say 2")
        assert await scene.got(3) == ["!say 0", "!say 1", "!say 2"]

    assert 1 <= joins(scene) <= 3


async def test_a_name_that_a_foreign_homeserver_does_not_tell_keeps_nobody_from_being_heard(
    scene: Scene,
) -> None:
    scene.homeserver.misbehave(FAR, *[page(502)] * 1000)
    async with scene.running(rooms=[FAR, ALIAS]):
        await scene.homeserver.say("!say 0")
        assert await scene.got(1) == ["!say 0"]


async def test_a_door_that_was_stuck_is_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chat.matrix_patience.SHORTEST", 0.001)
    async with scene.running():
        scene.homeserver.misbehave("/join/", page(502), page(502), answers(200, {}))
        scene.homeserver.misbehave("/sync", tells(DOORS["invitation"]))
        for number in range(8):
            await scene.homeserver.say(f"!say {number}")
            await scene.got(number + 1)

    assert joins(scene) == 3


async def test_a_private_chat_is_not_read_while_nobody_says_who_is_in_it(
    scene: Scene,
) -> None:
    said = {
        "type": "m.room.message",
        "event_id": "$aside",
        "sender": NOUNOU,
        "content": {"msgtype": "m.text", "body": "!aside"},
    }
    third = {**INVITATION, "state_key": "@third:localhost", "event_id": "$third"}
    aside = {"join": {NEW: {"timeline": {"events": [third, said]}}}}
    there = [INVITATION | {"state_key": user} for user in (BOT, NOUNOU)]
    async with scene.running(private=True):
        scene.homeserver.misbehave("/join/", answers(200, {}))
        scene.homeserver.misbehave("/members", answers(200, {"chunk": there}), *[page(502)] * 1000)
        scene.homeserver.misbehave("/sync", tells(DOORS["aside"]), tells(aside))
        await scene.homeserver.say("!say 0", "!say 1")
        assert await scene.got(2) == ["!say 0", "!say 1"]
        await scene.homeserver.say("!say 2")
        assert await scene.got(3) == ["!say 0", "!say 1", "!say 2"]


def tells(rooms: dict[str, Any]) -> Misbehaviour:
    """Answer a sync with *rooms*, and nothing of what was said."""

    async def misbehave(request: web.Request) -> web.StreamResponse:
        return web.json_response({"next_batch": request.query["since"], "rooms": rooms})

    return misbehave


def joins(scene: Scene) -> int:
    return sum("/join/" in each for each in scene.homeserver.asked)
