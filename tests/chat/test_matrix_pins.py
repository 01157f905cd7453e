"""Pinning in a room: other people's pins stay, nothing is sent twice, and refusals say how on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.chat import Post, PostKind, Text
from bot.errors import ChatRefused, ChatUnavailable
from tests.chat.homeserver import ALIAS, FakeHomeserver, answers, page
from tests.chat.scene import Scene

PINNED = "m.room.pinned_events"
PIN = Post(ALIAS, "t1", Text("", ""), edits="$ours", kind=PostKind.PIN)
UNPIN = replace(PIN, txn="t2", kind=PostKind.UNPIN)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FakeHomeserver(), tmp_path)


def written(scene: Scene) -> int:
    """How often the pins were written."""
    return scene.homeserver.asked.count(f"PUT /rooms/!room/state/{PINNED}/")


async def test_where_nothing_was_ever_pinned_the_message_is_the_first(scene: Scene) -> None:
    async with scene.running() as chat:
        await chat.send(PIN)

    assert scene.homeserver.state[PINNED] == {"pinned": ["$ours"]}


async def test_what_others_pinned_stays_in_its_order(scene: Scene) -> None:
    scene.homeserver.state[PINNED] = {"pinned": ["$b", "$a"], "org.other": 1}
    async with scene.running() as chat:
        await chat.send(PIN)
        assert scene.homeserver.state[PINNED] == {"pinned": ["$b", "$a", "$ours"], "org.other": 1}

        scene.homeserver.state[PINNED]["pinned"].append("$c")
        await chat.send(UNPIN)

    assert scene.homeserver.state[PINNED] == {"pinned": ["$b", "$a", "$c"], "org.other": 1}


async def test_what_is_so_already_is_left_alone(scene: Scene) -> None:
    async with scene.running() as chat:
        await chat.send(UNPIN)
        assert written(scene) == 0
        await chat.send(PIN)
        await chat.send(PIN)
        assert written(scene) == 1


@pytest.mark.parametrize("odd", [None, "$ours", {"$ours": 1}, 7])
async def test_pins_that_are_no_list_are_none(scene: Scene, odd: object) -> None:
    scene.homeserver.state[PINNED] = {"pinned": odd}
    async with scene.running() as chat:
        await chat.send(PIN)

    assert scene.homeserver.state[PINNED] == {"pinned": ["$ours"]}


@pytest.mark.parametrize(
    ("levels", "needed"),
    [
        (None, 50),
        ({"state_default": 75}, 75),
        ({"state_default": 75, "events": {PINNED: 100}}, 100),
        ({"state_default": "high", "events": []}, 50),
    ],
)
async def test_where_the_bot_may_not_pin_it_says_what_to_give_it(
    scene: Scene, levels: dict[str, Any] | None, needed: int
) -> None:
    if levels is not None:
        scene.homeserver.state["m.room.power_levels"] = levels
    async with scene.running() as chat:
        scene.homeserver.may_pin = False

        with pytest.raises(ChatRefused, match=f"power level {needed} in {ALIAS} to pin"):
            await chat.send(PIN)


async def test_a_homeserver_that_does_not_answer_now_is_asked_again_later(scene: Scene) -> None:
    async with scene.running() as chat:
        for endpoint, how in ((PINNED, page(502)), (PINNED, answers(200, []))):
            scene.homeserver.misbehave(endpoint, how)
            with pytest.raises(ChatUnavailable):
                await chat.send(PIN)
        await chat.send(PIN)

    assert scene.homeserver.state[PINNED] == {"pinned": ["$ours"]}
