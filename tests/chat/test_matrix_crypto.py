"""Encrypted rooms, between machines of ours and a homeserver in memory that may be hostile."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import vodozemac
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.chat.crossing import identity_of
from bot.chat.matrix_crypto_megolm import Voice, key_in
from bot.chat.matrix_crypto_olm import Letter
from bot.chat.matrix_crypto_store import DATABASE, PICKLE_KEY
from bot.core.chat import Proof
from bot.errors import ConfigError
from tests.chat.key_server import ROOM, KeyServer, Person, people

KEPT = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
async def two(server: KeyServer, tmp_path: Path) -> AsyncIterator[tuple[Person, Person]]:
    """Anna, and the bot."""
    async with people(server, tmp_path, "anna", "bot") as (anna, bot):
        yield anna, bot


async def test_what_is_said_is_read_with_its_proof_and_its_seal(
    two: tuple[Person, Person],
) -> None:
    anna, bot = two
    first, second = await anna.say("in secret"), await anna.say("two")
    await bot.sync()

    reads = [await bot.read(event) for event in (first, second)]

    assert [read.event["content"]["body"] for read in reads] == ["in secret", "two"]
    assert [read.proof for read in reads] == [Proof.SIGNED, Proof.SIGNED]
    assert len({read.seal for read in reads}) == 2
    assert "in secret" not in str(first["content"])


async def test_both_sides_talk_for_long(two: tuple[Person, Person]) -> None:
    anna, bot = two
    for turn in range(120):  # more than one key lasts
        speaker, listener = two if turn % 2 else (bot, anna)
        event = await speaker.say(f"{turn}")
        await listener.sync()
        assert (await listener.read(event)).proof is Proof.SIGNED


async def test_what_it_relates_to_stays_outside_and_comes_back(two: tuple[Person, Person]) -> None:
    anna, bot = two
    relation = {"rel_type": "m.replace", "event_id": "$old"}
    event = await anna.say("new", **{"m.relates_to": relation})
    await bot.sync()

    assert event["content"]["m.relates_to"] == relation
    assert (await bot.read(event)).event["content"]["m.relates_to"] == relation


async def test_a_replayed_ciphertext_has_the_same_seal(two: tuple[Person, Person]) -> None:
    anna, bot = two
    event = await anna.say("!migrate vm fz")
    await bot.sync()

    again = await bot.read({**event, "event_id": "$another"})

    assert again.seal == (await bot.read(event)).seal


async def test_words_are_not_carried_into_another_room(two: tuple[Person, Person]) -> None:
    anna, bot = two
    event = await anna.say("one")
    await bot.sync()

    assert (await bot.read(event, "!other")).event["type"] == "m.room.encrypted"
    (key,) = bot.crypto._store.room_keys(ROOM, event["content"]["session_id"])
    bot.crypto._store.put_room_key("!other", key)
    assert (await bot.read(event, "!other")).event["type"] == "m.room.encrypted"


async def test_words_of_one_member_are_not_put_into_the_mouth_of_another(
    server: KeyServer, tmp_path: Path
) -> None:
    async with people(server, tmp_path, "anna", "mallory", "bot") as (anna, mallory, bot):
        event = await mallory.say("!migrate vm fz")
        await bot.sync()

        read = await bot.read({**event, "sender": anna.user})

        assert read.event["type"] == "m.room.encrypted"


async def test_a_device_that_is_not_signed_is_told_apart(two: tuple[Person, Person]) -> None:
    anna, bot = two
    anna.unsign()
    event = await anna.say("one")
    await bot.sync()

    assert (await bot.read(event)).proof is Proof.UNSIGNED


async def test_a_device_is_believed_as_soon_as_it_is_signed(two: tuple[Person, Person]) -> None:
    anna, bot = two
    anna.unsign()
    event = await anna.say("one")
    await bot.sync()
    await bot.read(event)
    bot.pins.clear()

    anna.change_identity()
    await bot.sync(device_lists={"changed": [anna.user]})

    assert (await bot.read(await anna.say("two"))).proof is Proof.SIGNED


async def test_another_identity_is_not_believed_until_it_is_pinned(
    two: tuple[Person, Person],
) -> None:
    anna, bot = two
    await bot.read(await anna.say("one"))
    await bot.sync()
    event = await anna.say("two")
    assert (await bot.read(event)).proof is Proof.SIGNED

    fresh = anna.change_identity()
    await bot.sync(device_lists={"changed": [anna.user]})
    assert (await bot.read(event)).proof is Proof.CHANGED
    await bot.read(event)
    (report,) = bot.crypto.reports()
    assert f"{anna.user} signs devices with another key" in report.sentence

    bot.pins[anna.user] = fresh.master.public
    assert (await bot.read(event)).proof is Proof.SIGNED


async def test_a_device_that_is_gone_is_not_believed(
    two: tuple[Person, Person], server: KeyServer
) -> None:
    anna, bot = two
    event = await anna.say("one")
    await bot.sync()
    server.devices[anna.user].clear()

    await bot.sync(device_lists={"changed": [anna.user]})

    assert (await bot.read(event)).event["type"] == "m.room.encrypted"


async def test_a_batch_that_is_delivered_twice_is_taken_once(
    two: tuple[Person, Person], server: KeyServer
) -> None:
    anna, bot = two
    event = await anna.say("one")
    await bot.receive()
    bot.begin()  # killed before the token was stored
    await bot.start()

    await bot.receive()

    assert (await bot.read(event)).proof is Proof.SIGNED
    assert server.letters[anna.user, "ANNA1"] == []  # nothing had to be mended


async def test_a_crash_in_the_middle_of_a_batch_loses_no_key(
    two: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bot = two
    event = await anna.say("one")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bot.crypto._store, "put_room_key", crash)
        with pytest.raises(KeyboardInterrupt):
            await bot.receive()
    bot.begin()
    await bot.start()

    await bot.receive()

    assert (await bot.read(event)).proof is Proof.SIGNED


async def test_a_missing_key_is_asked_for_once(
    two: tuple[Person, Person], server: KeyServer
) -> None:
    anna, bot = two
    event = await anna.say("one")
    server.forget(bot.user, "BOT1")

    for _ in range(2):
        await bot.sync()
        await bot.read(event)
        assert bot.crypto.lacks_keys
        await bot.crypto.ask_for_keys()

    (request,) = server.letters[anna.user, "ANNA1"]
    assert request["type"] == "m.room_key_request"
    assert request["content"]["body"]["session_id"] == event["content"]["session_id"]


async def test_who_is_asked_for_a_key_gives_it_again(
    two: tuple[Person, Person], server: KeyServer
) -> None:
    anna, bot = two
    event = await anna.say("one")
    server.forget(bot.user, "BOT1")
    await bot.sync()
    await bot.read(event)
    await bot.crypto.ask_for_keys()

    await anna.sync()
    later = await anna.say("two")
    await bot.sync()

    assert (await bot.read(later)).proof is Proof.SIGNED


async def test_a_lost_session_is_replaced(two: tuple[Person, Person], server: KeyServer) -> None:
    anna, bot = two
    await anna.say("one")
    await bot.sync()
    with bot.crypto._store.change():
        bot.crypto._store._db.execute("DELETE FROM olm")
    anna.begin()  # her next room key comes by a session that the bot has lost
    await anna.start()
    unread = await anna.say("two")
    await bot.sync()
    assert (await bot.read(unread)).event is unread
    await anna.sync()

    anna.begin()
    await anna.start()
    event = await anna.say("three")
    await bot.sync()

    assert (await bot.read(event)).proof is Proof.SIGNED


async def test_a_letter_under_another_name_is_not_read(server: KeyServer, tmp_path: Path) -> None:
    async with people(server, tmp_path, "anna", "mallory", "bot") as (anna, mallory, bot):
        event = await mallory.say("one")
        (letter,) = server.letters[bot.user, "BOT1"]
        letter["sender"] = anna.user
        await bot.sync()

        await bot.read(event)

        assert bot.crypto.lacks_keys


async def test_a_letter_that_was_written_to_somebody_else_is_not_read(
    two: tuple[Person, Person], server: KeyServer
) -> None:
    anna, bot = two
    await anna.say("one")
    await bot.sync()
    identity = identity_of(server._query([bot.user]), bot.user)
    strayed = replace(identity.devices["BOT1"], user="@carla:localhost")
    olm = anna.crypto._machine.olm
    (session,) = olm._store.olm_sessions(strayed.curve25519)
    olm._store.put_olm(strayed.curve25519, session, "")  # as if the bot had begun it

    for device, letter in ((identity.devices["BOT1"], True), (strayed, False)):
        content = olm.write(device, "m.dummy", {})
        read = bot.crypto._machine.olm.read(
            {"type": "m.room.encrypted", "sender": anna.user, "content": content}
        )
        assert (read is not None) == letter


def test_a_key_under_another_name_than_its_own_is_no_key() -> None:
    session = vodozemac.GroupSession()
    content = Voice("D", "C", session).key_for(ROOM)
    letter = Letter("@anna:localhost", "C", "E", "m.room_key", content)

    assert key_in(letter) is not None
    assert key_in(replace(letter, content={**content, "session_id": "another"})) is None


@pytest.mark.parametrize("field", ["sender_key", "sender_claimed_ed25519_key"])
def test_a_forwarded_key_is_taken_from_its_maker_alone(field: str) -> None:
    session = vodozemac.GroupSession()
    exported = vodozemac.InboundGroupSession(session.session_key).export_at(0)
    assert exported is not None
    content = {
        **Voice("D", "C", session).key_for(ROOM),
        "session_key": exported.to_base64(),
        "sender_key": "C",
        "sender_claimed_ed25519_key": "E",
    }
    letter = Letter("@anna:localhost", "C", "E", "m.forwarded_room_key", content)

    assert key_in(letter) is not None
    assert key_in(replace(letter, content={**content, field: "X"})) is None


async def test_keys_are_refilled_and_the_spare_one_serves_when_none_is_left(
    server: KeyServer, tmp_path: Path
) -> None:
    async with people(server, tmp_path, "anna", "bot") as (anna, bot):
        assert len(server.one_time[bot.user, "BOT1"]) == 50
        await bot.sync(device_one_time_keys_count={"signed_curve25519": 10})
        names = set(server.one_time[bot.user, "BOT1"])
        assert len(names) == 90

        server.one_time[bot.user, "BOT1"].clear()
        event = await anna.say("one")
        await bot.sync(device_one_time_keys_count={}, device_unused_fallback_key_types=[])

        assert (await bot.read(event)).proof is Proof.SIGNED
        assert not names & set(server.one_time[bot.user, "BOT1"])


SECTIONS = (
    "to_device",
    "device_lists",
    "rooms",
    "device_one_time_keys_count",
    "device_unused_fallback_key_types",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@KEPT
@given(st.data())
async def test_no_letter_and_no_event_whatever_stops_the_bot(
    two: tuple[Person, Person], server: KeyServer, data: st.DataObject
) -> None:
    anna, bot = two
    event = await anna.say("one", to_unsigned=True)
    (*_, letter) = server.letters[bot.user, "BOT1"]
    await bot.sync()

    for good in (letter, event):
        bad = spoilt(good, data)
        await bot.crypto.take({"to_device": {"events": [bad]}})
        if isinstance(bad, dict):
            await bot.read(bad)

    assert (await bot.read(event)).event["content"]["body"] == "one"


def spoilt(value: Any, data: st.DataObject) -> Any:
    """*value* with one part of it replaced by anything."""
    if not isinstance(value, dict) or not value or data.draw(st.integers(0, 4)) == 0:
        return data.draw(JSON)
    key = data.draw(st.sampled_from(sorted(value)))
    return {**value, key: spoilt(value[key], data)}


@KEPT
@given(answer=JSON, name=st.sampled_from(SECTIONS))
async def test_no_sync_answer_whatever_stops_the_bot(
    two: tuple[Person, Person], answer: Any, name: str
) -> None:
    _anna, bot = two
    for value in (answer, {name: answer}, {name: {"events": answer, "changed": answer}}):
        await bot.crypto.take(value)


async def test_the_keys_on_disk_are_nobody_elses(two: tuple[Person, Person]) -> None:
    anna, _bot = two
    await anna.say("one")

    for file in anna.folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(anna.folder.stat().st_mode) == 0o700


async def test_a_lost_pickle_key_is_said_and_not_made_anew(two: tuple[Person, Person]) -> None:
    anna, _bot = two
    (anna.folder / PICKLE_KEY).unlink()
    anna.begin()

    with pytest.raises(ConfigError, match="is gone"):
        await anna.start()
    assert not (anna.folder / PICKLE_KEY).exists()
    assert (anna.folder / DATABASE).exists()
