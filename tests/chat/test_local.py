"""The chat on the bot's own host: who comes in, what is taken once, what is said to whom."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import structlog

from bot.chat import local_socket
from bot.core.chat import Message, Post, PostKind, Proof, Status, Text
from bot.errors import ChatRefused, ChatUnavailable, StoreError
from tests.chat.local_place import ME, ROOM, Place, post


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Place(tmp_path).open() as place:
        yield place


async def test_a_line_is_stored_as_local_and_then_acknowledged(place: Place) -> None:
    person = await place.entered()
    key = str(uuid4())

    await person.tell(type="say", id=key, body="!ping")

    event = f"$local-{ME}-{key}"
    assert await person.heard() == {"type": "taken", "event": event}
    assert place.ear.messages == [Message(event, ROOM, ROOM, "!ping", proof=Proof.LOCAL)]
    assert place.ear.batches[0].token is None


async def test_a_line_is_not_acknowledged_before_it_is_stored(place: Place) -> None:
    person = await place.entered()
    key = str(uuid4())
    place.ear.broken = 2

    await person.tell(type="say", id=key, body="!ping")

    waits = {"type": "waits", "event": f"$local-{ME}-{key}", "why": str(StoreError())}
    assert [await person.heard() for _try in range(2)] == [waits] * 2
    assert (await person.heard())["type"] == "taken"
    assert len(place.ear.messages) == 1


async def test_a_line_that_hits_a_bug_is_answered_and_keeps_nothing_back(place: Place) -> None:
    person = await place.entered()
    keys = [str(uuid4()) for _line in range(3)]
    place.ear.poison = {"!poison"}

    for key, body in zip(keys, ["!ping", "!poison", "!pong"], strict=True):
        await person.tell(type="say", id=key, body=body)
    heard = [await person.heard() for _frame in range(4)]

    poisoned = f"$local-{ME}-{keys[1]}"
    [said] = [frame for frame in heard if frame["type"] == "said"]
    assert re.fullmatch("✘ internal error, ref [0-9a-f]{4}", said["body"])
    assert (said["status"]["command"], said["status"]["final"]) == (poisoned, True)
    assert [frame["event"] for frame in heard if frame["type"] == "taken"] == [
        f"$local-{ME}-{key}" for key in keys
    ]
    assert [message.body for message in place.ear.messages] == ["!ping", "!pong"]


async def test_who_is_nobody_in_the_configuration_is_told_so_and_reported_once(
    tmp_path: Path,
) -> None:
    async with Place(tmp_path, "somebody-else").open() as place:
        for _knock in range(2):
            person = await place.person()
            assert await person.heard() == {
                "type": "refused",
                "why": f"No member in the configuration has the Unix user {ME}.",
            }
            await person.ended()
        await place.ear.until(lambda: place.ear.batches)

        assert [report.key for batch in place.ear.batches for report in batch.reports] == [
            f"local-stranger:{ME}"
        ]
        assert place.ear.messages == []


async def test_who_knocks_for_fun_is_looked_up_and_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[int] = []
    name_of = local_socket.name_of

    def noted(uid: int) -> str:
        looked_up.append(uid)
        return name_of(uid)

    monkeypatch.setattr(local_socket, "name_of", noted)
    with structlog.testing.capture_logs() as logs:
        async with Place(tmp_path, "somebody-else").open() as place:
            for _knock in range(100):
                person = await place.person()
                assert "No member" in (await person.heard())["why"]

    assert looked_up == [os.getuid()]
    assert [each["event"] for each in logs].count("local.stranger") == 1


@pytest.mark.parametrize("key", [7, None, [], {}, True])
async def test_a_line_whose_id_is_no_text_is_the_end_of_its_client_alone(
    place: Place, key: object
) -> None:
    with structlog.testing.capture_logs() as logs:
        person = await place.entered()
        await person.tell(type="say", id=key, body="!ping")
        await person.ended()

    assert [each["event"] for each in logs] == ["local.dropped"]
    await place.entered()


async def test_what_the_bot_says_reaches_every_client_of_that_user(place: Place) -> None:
    persons = [await place.entered(), await place.entered()]
    status = Status("$c", 4, "running", final=False)

    event_id = await place.chat.send(post(edits="$e", status=status))

    said = {
        "type": "said",
        "n": 1,
        "event": event_id,
        "body": "pong",
        "edits": "$e",
        "status": status.content(),
    }
    assert [await person.heard() for person in persons] == [said] * 2


async def test_a_transaction_that_is_sent_twice_is_said_once_after_a_restart_too(
    tmp_path: Path,
) -> None:
    async with Place(tmp_path).open() as place:
        person = await place.entered()
        first = [await place.chat.send(post()), await place.chat.send(post())]
        assert (await person.heard())["n"] == 1

    async with Place(tmp_path).open() as place:
        person = await place.entered(seen=1)
        again = await place.chat.send(post())
        await place.chat.send(post("t2", "next"))
        heard = await person.heard()

    assert {*first, again} == {first[0]}
    assert (heard["n"], heard["body"]) == (2, "next")


async def test_a_client_that_comes_back_hears_what_it_has_not_seen(place: Place) -> None:
    person = await place.entered()
    await place.chat.send(post("1", "one"))
    assert (await person.heard())["n"] == 1
    person.close()
    for number in range(2, 5):
        await place.chat.send(post(str(number), str(number)))

    back = await place.entered(seen=1)

    assert [(await back.heard())["body"] for _each in range(3)] == ["2", "3", "4"]


async def test_of_an_edited_message_only_the_newest_state_is_told_later(place: Place) -> None:
    first = await place.chat.send(post("1", "one"))
    for number in range(2, 5):
        await place.chat.send(post(str(number), str(number), edits=first))

    person = await place.entered(seen=0)

    assert [(await person.heard())["body"] for _each in range(2)] == ["one", "4"]


async def test_a_new_client_is_told_how_many_answers_it_missed_and_the_latest(
    place: Place,
) -> None:
    person = await place.entered()
    await place.chat.send(post("0", "heard"))
    await person.heard()
    person.close()
    await place.chat.send(post("p", "at work", status=Status("$c", 1, "running", final=False)))
    for number in range(1, 6):
        await place.chat.send(post(str(number), str(number)))

    late = await place.person()
    assert (await late.heard())["type"] == "welcome"
    await late.tell(type="hello", seen=None)

    assert await late.heard() == {"type": "missed", "count": 5, "n": 7}
    assert [(await late.heard())["body"] for _each in range(3)] == ["3", "4", "5"]
    assert await (await place.person()).enter() == []


async def test_how_far_somebody_has_read_outlives_the_bot(tmp_path: Path) -> None:
    async with Place(tmp_path).open() as place:
        person = await place.entered()
        await place.chat.send(post("1", "heard"))
        await person.heard()
    async with Place(tmp_path).open() as place:
        await place.chat.send(post("2", "missed"))

        missed = await (await place.person()).enter()

    assert [said["body"] for said in missed] == ["missed"]


async def test_a_room_of_nobody_is_refused(place: Place) -> None:
    with pytest.raises(ChatRefused, match="no-such-user"):
        await place.chat.send(Post("local:no-such-user", "t", Text("x", "x")))


async def test_signs_on_messages_are_not_shown(place: Place) -> None:
    person = await place.entered()

    await place.chat.send(post("r", "✅", about="$c", kind=PostKind.REACTION))
    await place.chat.send(post("t", "pong"))

    assert (await person.heard())["body"] == "pong"


async def test_on_a_full_disk_it_is_said_at_once_and_sent_again_until_it_is_kept(
    tmp_path: Path,
) -> None:
    async with Place(tmp_path).open() as place:
        person = await place.entered()
        (tmp_path / "local").write_text("no folder")
        with pytest.raises(ChatUnavailable, match="cannot be kept"):
            await place.chat.send(post())
        assert (await person.heard())["n"] == 0

        (tmp_path / "local").unlink()
        await place.chat.send(post())

        assert (await person.heard())["n"] == 1


async def test_who_becomes_a_member_may_come_in_at_once(tmp_path: Path) -> None:
    async with Place(tmp_path, "somebody-else").open() as place:
        assert (await (await place.person()).heard())["type"] == "refused"

        place.persons_by_id[f"local:{ME}"] = "anna"

        await place.entered()


async def test_who_is_no_member_any_more_is_told_so_at_the_next_line(place: Place) -> None:
    person = await place.entered()
    place.persons_by_id.clear()

    await person.tell(type="say", id=str(uuid4()), body="!ping")

    assert await person.heard() == {
        "type": "refused",
        "why": f"No member in the configuration has the Unix user {ME}.",
    }
    await person.ended()
    assert place.ear.messages == []


async def test_what_the_bot_said_is_told_newest_first_without_edits(tmp_path: Path) -> None:
    async with Place(tmp_path).open() as place:
        first = await place.chat.send(post("1", "half"))
        await place.chat.send(post("2", "done", edits=first))
        await place.chat.send(post("3", "pong"))

        assert (await place.chat.own_posts(ROOM, ("",), 10)).texts == ["pong", "half"]

    async with Place(tmp_path).open() as place:
        assert (await place.chat.own_posts(ROOM, ("p", "h"), 1)).texts == ["pong"]
        assert (await place.chat.own_posts(ROOM, ("h",), 1)).texts == ["half"]


async def test_of_a_room_of_nobody_nothing_is_told(place: Place) -> None:
    with pytest.raises(ChatUnavailable):
        await place.chat.own_posts("local:nobody", ("",), 10)
