"""A post with a file: the words, and beside them the file under its own name, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.chat import LONGEST_SHOWN, Post, Status, Text
from bot.errors import ChatUnavailable
from tests.chat.homeserver import ALIAS, FakeHomeserver, answers, page
from tests.chat.scene import Scene

LINES = '{"number": 1}\n' * 9
POST = Post(
    ALIAS,
    "t1",
    Text("9 entries", "<b>9</b> entries"),
    about="$asked",
    threaded=True,
    status=Status("$asked", 1, "succeeded", True, succeeded=True),
    file="record.jsonl",
    attachment=LINES,
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FakeHomeserver(), tmp_path)


async def test_a_file_comes_beside_the_words(scene: Scene) -> None:
    async with scene.running() as chat:
        assert await chat.send(POST) == "$sent-t1"

    said, file = scene.homeserver.sent["t1"], scene.homeserver.sent["t1-file"]
    assert said["body"] == "9 entries"
    assert (file["msgtype"], file["body"], file["url"]) == (
        "m.file",
        "record.jsonl",
        "mxc://localhost/1",
    )
    assert file["info"]["size"] == len(LINES)
    assert scene.homeserver.uploads == [LINES.encode()]


async def test_an_edit_gets_its_file_beside_it(scene: Scene) -> None:
    async with scene.running() as chat:
        await chat.send(replace(POST, edits="$first"))

    assert scene.homeserver.sent["t1"]["m.new_content"]["body"] == "9 entries"
    assert "m.replace" not in str(scene.homeserver.sent["t1-file"])


async def test_a_file_that_failed_before_comes_once(scene: Scene) -> None:
    async with scene.running() as chat:
        scene.homeserver.misbehave("t1-file", answers(429, {"errcode": "M_LIMIT_EXCEEDED"}))

        with pytest.raises(ChatUnavailable):
            await chat.send(POST)
        await chat.send(POST)

    assert sorted(scene.homeserver.sent) == ["t1", "t1-file"]


async def test_where_the_file_is_not_taken_the_words_say_so(scene: Scene) -> None:
    scene.homeserver.misbehave("/media/v3/upload", page(413))
    async with scene.running() as chat:
        await chat.send(POST)

    assert list(scene.homeserver.sent) == ["t1"]
    assert scene.homeserver.sent["t1"]["body"] == (
        "9 entries\nThe homeserver does not take the file record.jsonl (126 B)."
    )


async def test_words_that_are_too_long_are_cut_where_a_file_comes_anyway(scene: Scene) -> None:
    long = Text("first\n" + "é\n" * 40_000, "<b>first</b>")
    async with scene.running() as chat:
        await chat.send(replace(POST, text=long))

    assert "cut here" in scene.homeserver.sent["t1"]["body"]
    assert scene.homeserver.uploads == [LINES.encode()]


def test_a_chat_without_files_says_the_beginning_of_it() -> None:
    long = replace(POST, attachment="x" * (LONGEST_SHOWN + 5))

    assert POST.words == f"9 entries\n{LINES.strip()}"
    assert replace(POST, attachment="").words == "9 entries"
    assert long.words.endswith("x\n… and 5 characters more")
    assert len(long.words) < LONGEST_SHOWN + 100
