"""What is kept of what was said to one user."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import pytest

from bot.chat import local_room
from bot.errors import ChatUnavailable
from tests.chat.local_place import post


def test_a_log_stays_small_and_keeps_the_newest(tmp_path: Path) -> None:
    async def fill() -> None:
        room = local_room.LocalRoom(tmp_path / "anna.jsonl")
        for number in range(local_room.KEPT * 3):
            await room.say(post(str(number), "x" * 1000))

    asyncio.run(fill())
    size = (tmp_path / "anna.jsonl").stat().st_size
    room = local_room.LocalRoom(tmp_path / "anna.jsonl")
    asyncio.run(room.open())

    assert size < 2.2 * local_room.KEPT * 1200
    assert room.last == local_room.KEPT * 3
    assert len(room.after(0)) == local_room.KEPT
    assert (tmp_path / "anna.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_crash_tore_off_is_cut_away(tmp_path: Path) -> None:
    async def say(txn: str) -> int:
        room = local_room.LocalRoom(tmp_path / "anna.jsonl")
        return (await room.say(post(txn))).n

    asyncio.run(say("1"))
    with (tmp_path / "anna.jsonl").open("a") as file:
        file.write('{"n": 2, "event": "$loc')

    assert asyncio.run(say("2")) == 2
    assert asyncio.run(say("3")) == 3


def test_a_very_long_text_is_cut_and_says_so(tmp_path: Path) -> None:
    room = local_room.LocalRoom(tmp_path / "anna.jsonl")

    said = asyncio.run(room.say(post("1", "x" * 100_000)))

    assert len(said.body) < 70_000
    assert said.body.endswith("and 34464 characters more, which are not kept here")


async def test_what_a_full_disk_tore_off_spoils_nothing_that_is_said_later(tmp_path: Path) -> None:
    file = tmp_path / "anna.jsonl"
    room = local_room.LocalRoom(file)
    await room.say(post("1"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 20, limits[1]))
    try:
        with pytest.raises(ChatUnavailable, match="cannot be kept"):
            await room.say(post("2"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    for txn in ("2", "3"):
        await room.say(post(txn))

    again = local_room.LocalRoom(file)
    await again.open()
    assert [said.event for said in again.after(0)] == [f"$local-{n}" for n in (1, 2, 3)]
