"""Megolm: what is said in an encrypted room, and the keys that it is read with."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
import vodozemac

from bot.chat import matrix_events
from bot.chat.crossing import Device, is_key
from bot.chat.matrix_crypto_olm import MEGOLM, Letter
from bot.chat.matrix_crypto_store import KeyStore, RoomKey
from bot.chat.matrix_wire import parsed_whole

_log = structlog.get_logger()

#: as the specification recommends for ``m.room.encryption``
_MOST_MESSAGES, _LONGEST = 100, 7 * 24 * 3600.0


#: in place of the Curve25519 key of the device that a room key came from: it is one of our own
OURS = "ours"

#: what makes a device one of its own: user, name and Curve25519 key.  Nobody proves to own such a
#: key, so that a member may claim another's for a device of theirs
Place = tuple[str, str, str]


def place_of(device: Device) -> Place:
    return device.user, device.id, device.curve25519


@dataclass
class Voice:
    """The key that our messages to one room go under, and who has it; *device* is ours."""

    device: str
    curve25519: str
    session: vodozemac.GroupSession = field(default_factory=vodozemac.GroupSession)
    began: float = field(default_factory=time.monotonic)
    #: the devices that were given the key
    heard_by: dict[Place, Device] = field(default_factory=dict)

    def serves(self, devices: Mapping[Place, Device]) -> bool:
        """Whether it may go on: not worn out, and known to nobody but *devices*."""
        return (
            self.session.message_index < _MOST_MESSAGES
            and time.monotonic() - self.began < _LONGEST
            and self.heard_by.keys() <= devices.keys()
        )

    def key_of_ours(self) -> RoomKey:
        """The key that we read our own words with, from the next message on."""
        return RoomKey(OURS, "", vodozemac.InboundGroupSession(self.session.session_key))

    def key_for(self, room: str) -> dict[str, Any]:
        """The content of the ``m.room_key`` that lets a device read from the next message on."""
        return {
            "algorithm": MEGOLM,
            "room_id": room,
            "session_id": self.session.session_id,
            "session_key": self.session.session_key.to_base64(),
        }

    def forget(self, user: str, device_id: object) -> None:
        """*user*'s device lost the key, so that it is given again."""
        for key, device in list(self.heard_by.items()):
            if device.user == user and device.id == device_id:
                del self.heard_by[key]

    def say(self, room: str, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of the ``m.room.encrypted`` that says *content*.

        What it relates to stays outside, where homeservers look for it.
        """
        inside = {key: value for key, value in content.items() if key != "m.relates_to"}
        payload = {"type": kind, "content": inside, "room_id": room}
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        sealed: dict[str, Any] = {
            "algorithm": MEGOLM,
            # these two are no longer in use, but clients without them do not read
            "sender_key": self.curve25519,
            "device_id": self.device,
            "session_id": self.session.session_id,
            "ciphertext": self.session.encrypt(text.encode()).to_base64(),
        }
        if "m.relates_to" in content:
            sealed["m.relates_to"] = content["m.relates_to"]
        return sealed


@dataclass(frozen=True)
class Opened:
    """An event as its sender wrote it, and the key that it was under."""

    event: dict[str, Any]
    key: RoomKey
    seal: str


def session_of(event: object) -> str | None:
    """The name of the key that *event* is encrypted under; None where it is no such event."""
    if matrix_events.field(event, "content", "algorithm") != MEGOLM:
        return None
    session_id = matrix_events.field(event, "content", "session_id")
    return session_id if is_key(session_id) else None


def opened(store: KeyStore, room: str, event: dict[str, Any]) -> list[Opened]:
    """What *event* says in *room*, once for each key that opens it; nothing where none does."""
    session_id = session_of(event)
    ciphertext = matrix_events.field(event, "content", "ciphertext")
    if session_id is None or not isinstance(ciphertext, str):
        return []
    found = (_open(key, room, event, ciphertext) for key in store.room_keys(room, session_id))
    return [each for each in found if each is not None]


def _open(key: RoomKey, room: str, event: dict[str, Any], ciphertext: str) -> Opened | None:
    try:
        decrypted = key.session.decrypt(vodozemac.MegolmMessage.from_base64(ciphertext))
    except ValueError as error:
        _log.info("crypto.not_opened", room=room, why=str(error))
        return None
    payload = parsed_whole(decrypted.plaintext.decode("utf-8", "replace"))
    kind = matrix_events.field(payload, "type")
    content = matrix_events.field(payload, "content")
    if (
        # else a homeserver could carry words from one room into another
        matrix_events.field(payload, "room_id") != room
        or not isinstance(kind, str)
        or not isinstance(content, dict)
    ):
        _log.warning("crypto.sealed_for_another_room", room=room)
        return None
    outside = matrix_events.field(event, "content", "m.relates_to")
    # what its sender wrote within the seal as well, no homeserver can turn to another message
    if outside is not None and "m.relates_to" not in content:
        content = {**content, "m.relates_to": outside}
    seal = f"{key.session.session_id}:{decrypted.message_index}"
    return Opened({**event, "type": kind, "content": content}, key, seal)


def key_in(letter: Letter) -> tuple[str, RoomKey] | None:
    """The room and the key that *letter* brings, where it brings one that counts.

    A forwarded key is taken from the device alone that made it: what anybody else hands on could
    be put into that device's mouth.
    """
    content = letter.content
    session_id, text = content.get("session_id"), content.get("session_key")
    room = matrix_events.room_id_of(content.get("room_id"))
    if content.get("algorithm") != MEGOLM or room is None or not isinstance(text, str):
        return None
    try:
        if letter.kind == "m.room_key":
            session = vodozemac.InboundGroupSession(vodozemac.SessionKey(text))
        elif (
            letter.kind == "m.forwarded_room_key"
            and content.get("sender_key") == letter.peer
            and content.get("sender_claimed_ed25519_key") == letter.ed25519
        ):
            session = vodozemac.InboundGroupSession.import_session(
                vodozemac.ExportedSessionKey(text)
            )
        else:
            return None
    except ValueError as error:
        _log.warning("crypto.bad_room_key", user=letter.user, why=str(error))
        return None
    if session.session_id != session_id:
        _log.warning("crypto.bad_room_key", user=letter.user, why="another name")
        return None
    return room, RoomKey(letter.peer, letter.ed25519, session)
