"""The room without a homeserver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.demo.room import LARGEST, Room, Spoken, local
from bot.errors import ChatRefused
from bot.talk.transcript import Transcript

ROOM, BOT, NOUNOU = "#nounou:localhost", "@bot:localhost", "@nounou:localhost"


def room(file: Path | None = None) -> Room:
    return Room(ROOM, BOT, Transcript(), file)


def order(txn: str = "1", plain: str = "pong", **more: Any) -> dict[str, Any]:
    return {"room": ROOM, "txn": txn, "plain": plain, "edits": None, "status": None, **more}


def test_what_is_said_is_numbered_from_one() -> None:
    here = room()

    assert [here.say(NOUNOU, "hello"), here.post(order())] == ["$t1", "$t2"]
    assert here.last == 2


def test_the_same_transaction_twice_makes_one_message() -> None:
    here = room()

    assert here.post(order()) == here.post(order(plain="again"))
    assert here.transcript.lines() == ["bot: pong"]


def test_an_edit_is_folded_into_what_it_edits() -> None:
    here = room()
    first = here.post(order("1", "half"))

    second = here.post(order("2", "done", edits=first))

    assert second != first
    assert here.transcript.lines() == ["bot: done"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"room": "#other:localhost"},
        {"txn": None},
        {"txn": ""},
        {"plain": None},
        {"plain": "x" * (LARGEST + 1)},
    ],
)
def test_what_is_no_message_for_this_room_is_refused(wrong: dict[str, Any]) -> None:
    here = room()

    with pytest.raises(ChatRefused):
        here.post(order() | wrong)

    assert here.last == 0


def test_the_bot_is_told_of_persons_alone() -> None:
    here = room()
    heard: list[Spoken] = []
    here.listener = heard.append

    here.say(NOUNOU, "!ping")
    here.post(order())

    assert heard == [Spoken(1, NOUNOU, "!ping")]
    assert here.since(0) == heard
    assert here.since(1) == []


def test_a_read_mark_counts_for_everything_before_it() -> None:
    here = room()
    first, second = here.say(NOUNOU, "one"), here.say(NOUNOU, "two")

    here.read(1)

    assert here.transcript.is_taken_in(first)
    assert not here.transcript.is_taken_in(second)


def test_a_room_in_a_file_goes_on_where_it_stopped(tmp_path: Path) -> None:
    before = room(tmp_path / "room")
    before.say(NOUNOU, "!ping\nsecond line é")
    answer = before.post(order())

    after = room(tmp_path / "room")

    assert after.since(0) == before.since(0)
    assert after.post(order()) == answer
    assert after.say(NOUNOU, "more") == "$t3"
    assert after.transcript.lines() == ["nounou: more"]


def test_a_line_that_a_crash_tore_off_is_cut_away(tmp_path: Path) -> None:
    file = tmp_path / "room"
    room(file).say(NOUNOU, "one")
    with file.open("a") as stored:
        stored.write('{"n": 2, "send')

    assert room(file).say(NOUNOU, "two") == "$t2"
    assert room(file).last == 2


def test_a_person_is_called_by_the_local_part() -> None:
    assert local(BOT) == "bot"


def test_the_bots_own_words_are_told_newest_first_without_edits_and_after_a_restart(
    tmp_path: Path,
) -> None:
    here = room(tmp_path / "room")
    here.say(NOUNOU, "!ping")
    first = here.post(order("1", "half"))
    here.post(order("2", "done", edits=first))
    here.post(order("3", "pong"))

    assert here.own(("",), 10) == ["pong", "half"]
    assert here.own(("p", "h"), 1) == ["pong"]
    assert room(tmp_path / "room").own(("",), 10) == ["pong", "half"]


def test_of_long_words_only_as_many_are_told_as_one_line_takes() -> None:
    here = room()
    for number in range(10):
        here.post(order(str(number), "x" * LARGEST))

    assert 1 < len(here.own(("",), 10)) < 10
