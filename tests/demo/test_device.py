"""The keys of a device: written for and read by another implementation, matrix-nio's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nio.crypto import Olm  # type: ignore[import-untyped]
from nio.events import Event, MegolmEvent, ToDeviceEvent  # type: ignore[import-untyped]
from nio.responses import KeysClaimResponse, KeysQueryResponse, KeysUploadResponse  # type: ignore[import-untyped]
from nio.store import SqliteMemoryStore  # type: ignore[import-untyped]

from bot.chat.crossing import Device as Peer
from bot.chat.crossing import identity_of
from bot.demo.device import Device, at, text_at

ROOM = "!room"
ANNA, BOT = "@anna:localhost", "@bot:localhost"


class Nio:
    """A device of the other implementation, which has met ours."""

    def __init__(self, ours: Device) -> None:
        self.olm = Olm(BOT, "NIO", SqliteMemoryStore(BOT, "NIO", "secret"))
        upload = self.olm.share_keys()
        self.keys = upload["device_keys"]
        self.one_time = [*upload["one_time_keys"].values()]
        self.olm.handle_response(KeysUploadResponse(50, 50))
        keys = {ANNA: {ours.device_id: ours.public_keys()}}
        self.olm.handle_response(KeysQueryResponse(keys, {}))

    @property
    def peer(self) -> Peer:
        return identity_of({"device_keys": {BOT: {"NIO": self.keys}}}, BOT).devices["NIO"]

    def take(self, content: dict[str, Any], sender: str = ANNA) -> None:
        event = {"type": "m.room.encrypted", "sender": sender, "content": content}
        parsed = ToDeviceEvent.parse_event(event)
        assert parsed is not None
        self.olm.handle_to_device_event(parsed)

    def reads(self, event: dict[str, Any]) -> Any:
        megolm = Event.parse_event(event)
        assert isinstance(megolm, MegolmEvent)
        clear = self.olm.decrypt_megolm_event(megolm, ROOM)
        return clear.source["content"]["body"]

    def says(self, ours: Device, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What goes to our device, and what goes to the room."""
        keys = ours.one_time_keys()
        name, key = next(iter(keys.items()))
        claimed = {ANNA: {ours.device_id: {name: key}}}
        self.olm.handle_response(KeysClaimResponse(claimed, {}, ROOM))
        self.olm.create_outbound_group_session(ROOM)
        _shared, sent = self.olm.share_group_session(ROOM, [ANNA], ignore_unverified_devices=True)
        self.olm.outbound_group_sessions[ROOM].shared = True
        content = self.olm.group_encrypt(
            ROOM, {"type": "m.room.message", "content": {"body": text, "msgtype": "m.text"}}
        )
        to_us = {"type": "m.room.encrypted", "sender": BOT}
        to_us |= {"content": sent["messages"][ANNA][ours.device_id]}
        return to_us, in_room(content, BOT)


def in_room(content: dict[str, Any], sender: str = ANNA) -> dict[str, Any]:
    event = {"type": "m.room.encrypted", "event_id": "$1", "sender": sender, "content": content}
    return event | {"origin_server_ts": 1, "room_id": ROOM}


def message(text: str) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": text}


@pytest.fixture
def ours() -> Device:
    return Device(ANNA, "ANNA")


@pytest.fixture
def nio(ours: Device) -> Nio:
    return Nio(ours)


def met(ours: Device, nio: Nio) -> None:
    ours.begin(nio.peer, nio.one_time.pop()["key"])


def test_its_keys_are_its_own() -> None:
    ours = Device(ANNA, "ANNA")

    shown = identity_of({"device_keys": {ANNA: {"ANNA": ours.public_keys()}}}, ANNA)

    assert shown.devices["ANNA"] == Peer(ANNA, "ANNA", ours.ed25519, ours.curve25519, False)


def test_another_implementation_reads_what_it_says(ours: Device, nio: Nio) -> None:
    met(ours, nio)

    shared = ours.share(ROOM, [nio.peer])
    nio.take(shared[BOT]["NIO"])

    assert nio.reads(in_room(ours.encrypt(ROOM, "m.room.message", message("hé")))) == "hé"


def test_it_reads_what_another_implementation_says(ours: Device, nio: Nio) -> None:
    to_us, event = nio.says(ours, "pöng")

    assert ours.take(to_us)
    assert ours.decrypt(ROOM, event)["content"]["body"] == "pöng"


def test_it_reads_itself(ours: Device) -> None:
    ours.share(ROOM, [])
    event = in_room(ours.encrypt(ROOM, "m.room.message", message("hello")))

    assert ours.decrypt(ROOM, event)["content"] == message("hello")


def test_a_key_is_shared_once(ours: Device, nio: Nio) -> None:
    met(ours, nio)
    ours.share(ROOM, [nio.peer])

    assert ours.share(ROOM, [nio.peer]) == {}


def test_whoever_was_not_met_is_not_reached(ours: Device, nio: Nio) -> None:
    assert ours.strangers([nio.peer]) == [nio.peer]
    assert ours.share(ROOM, [nio.peer]) == {}


def test_whoever_leaves_reads_no_more(ours: Device, nio: Nio) -> None:
    met(ours, nio)
    nio.take(ours.share(ROOM, [nio.peer])[BOT]["NIO"])
    before = ours.encrypt(ROOM, "m.room.message", message("before"))

    ours.share(ROOM, [])

    after = ours.encrypt(ROOM, "m.room.message", message("after"))
    assert before["session_id"] != after["session_id"]


def test_whoever_comes_later_reads_what_comes_later(ours: Device, nio: Nio) -> None:
    met(ours, nio)
    ours.share(ROOM, [])
    ours.encrypt(ROOM, "m.room.message", message("before"))

    nio.take(ours.share(ROOM, [nio.peer])[BOT]["NIO"])

    assert nio.reads(in_room(ours.encrypt(ROOM, "m.room.message", message("after")))) == "after"


def test_what_travels_in_clear_belongs_to_the_message(ours: Device) -> None:
    ours.share(ROOM, [])
    content = ours.encrypt(ROOM, "m.room.message", message("* two"))
    content["m.relates_to"] = {"rel_type": "m.replace", "event_id": "$0"}

    clear = ours.decrypt(ROOM, in_room(content))

    assert clear["content"]["m.relates_to"]["event_id"] == "$0"


def test_nobody_speaks_with_the_key_of_another(ours: Device, nio: Nio) -> None:
    to_us, event = nio.says(ours, "pong")
    ours.take(to_us)

    with pytest.raises(ValueError, match="the key is not here"):
        ours.decrypt(ROOM, event | {"sender": "@stranger:localhost"})


def test_a_message_counts_in_its_room_alone(ours: Device) -> None:
    ours.share(ROOM, [])
    content = ours.encrypt(ROOM, "m.room.message", message("hello"))

    with pytest.raises(ValueError, match="the key is not here"):
        ours.decrypt("!other", in_room(content))


def test_a_key_for_somebody_else_is_not_taken(ours: Device, nio: Nio) -> None:
    to_us, _event = nio.says(ours, "pong")

    with pytest.raises(ValueError, match="meant for somebody else"):
        ours.take(to_us | {"sender": "@stranger:localhost"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@given(json_values, st.sampled_from(["sender_key", "ciphertext", "algorithm", ""]))
def test_whatever_is_sent_to_it_is_read_or_refused(value: Any, where: str) -> None:
    ours = Device(ANNA, "ANNA")
    content: Any = {"sender_key": ours.curve25519, "ciphertext": {ours.curve25519: {"type": 0}}}
    content = {**content, where: value} if where else value

    with pytest.raises(ValueError, match=r"."):
        ours.take({"type": "m.room.encrypted", "sender": BOT, "content": content})


@given(json_values, st.sampled_from(["session_id", "ciphertext", "sender_key"]))
def test_whatever_is_said_in_a_room_is_read_or_refused(value: Any, where: str) -> None:
    ours = Device(ANNA, "ANNA")
    ours.share(ROOM, [])
    content = ours.encrypt(ROOM, "m.room.message", message("hello"))

    try:
        clear = ours.decrypt(ROOM, in_room(content | {where: value}))
    except ValueError:
        return
    assert where == "sender_key"
    assert clear["content"] == message("hello")


def test_what_is_nested_too_deeply_is_refused(ours: Device) -> None:
    deep: Any = json.loads("[" * 400 + "]" * 400)
    assert at(deep, "a") is None
    ours.share(ROOM, [])
    session = ours._outbound[ROOM][0]
    content = ours.encrypt(ROOM, "m.room.message", {})
    content["ciphertext"] = session.encrypt(b"[" * 100_000).to_base64()

    with pytest.raises(ValueError, match="nested too deeply"):
        ours.decrypt(ROOM, in_room(content))


def test_text_is_found_or_refused() -> None:
    assert text_at({"a": {"b": "c"}}, "a", "b") == "c"
    with pytest.raises(ValueError, match=r"^no text at a\.c$"):
        text_at({"a": {"b": "c"}}, "a", "c")
