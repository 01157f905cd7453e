"""The keys of one device, and what it encrypts and decrypts with them.  No I/O.

Olm carries the keys of a room from device to device, Megolm the messages of the room
(specification, "End-to-End Encryption").  Nothing is kept: a demo logs its devices out at its end.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from vodozemac import (
    Account,
    AnyOlmMessage,
    Curve25519PublicKey,
    GroupSession,
    InboundGroupSession,
    MegolmMessage,
    OlmDecryptionException,
    PreKeyMessage,
    Session,
    SessionKey,
)

from bot.chat.crossing import Device as Peer
from bot.chat.crossing import canonical, unpadded

OLM, MEGOLM = "m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"
#: as many conversations may others begin with a device in one run of the demo
ONE_TIME_KEYS = 50


class Device:
    """One device of *user_id*."""

    def __init__(self, user_id: str, device_id: str) -> None:
        self.user_id = user_id
        self.device_id = device_id
        self._account = Account()
        #: with this key others write to the device
        self.curve25519 = self._account.curve25519_key.to_base64()
        #: with this key it signs
        self.ed25519 = self._account.ed25519_key.to_base64()
        #: Curve25519 key of another device -> the conversations with it
        self._sessions: dict[str, list[Session]] = {}
        #: room -> what this device encrypts there with, and who can read it
        self._outbound: dict[str, tuple[GroupSession, set[Peer]]] = {}
        #: room and session -> whose messages it decrypts, and the key to them
        self._inbound: dict[tuple[str, str], tuple[str, InboundGroupSession]] = {}

    def public_keys(self) -> dict[str, Any]:
        """What the homeserver may tell others of this device, signed by it."""
        return self._signed(
            {
                "algorithms": [OLM, MEGOLM],
                "device_id": self.device_id,
                "user_id": self.user_id,
                "keys": {
                    f"curve25519:{self.device_id}": self.curve25519,
                    f"ed25519:{self.device_id}": self.ed25519,
                },
            }
        )

    def one_time_keys(self) -> dict[str, Any]:
        """Keys with which others may begin a conversation, each once."""
        self._account.generate_one_time_keys(ONE_TIME_KEYS)
        keys = self._account.one_time_keys
        self._account.mark_keys_as_published()
        return {
            f"signed_curve25519:{name}": self._signed({"key": key.to_base64()})
            for name, key in keys.items()
        }

    def strangers(self, peers: Iterable[Peer]) -> list[Peer]:
        """Those of *peers* with whom no conversation was begun."""
        return [peer for peer in peers if not self._sessions.get(peer.curve25519)]

    def begin(self, peer: Peer, one_time_key: str) -> None:
        """Begin a conversation with *peer*, by one of its keys; raises `ValueError`."""
        session = self._account.create_outbound_session(
            Curve25519PublicKey.from_base64(peer.curve25519),
            Curve25519PublicKey.from_base64(one_time_key),
        )
        self._sessions.setdefault(peer.curve25519, []).append(session)

    def share(self, room_id: str, peers: Collection[Peer]) -> dict[str, dict[str, Any]]:
        """Let exactly *peers* read what comes next: user -> device -> what must be sent to it.

        Those with whom no conversation was begun cannot be reached.
        """
        session, readers = self._outbound.get(room_id, (None, set()))
        if session is None or not readers <= set(peers):
            session, readers = GroupSession(), set()
            self._outbound[room_id] = session, readers
            self._learn(room_id, self.user_id, session.session_key)
        key = {
            "algorithm": MEGOLM,
            "room_id": room_id,
            "session_id": session.session_id,
            "session_key": session.session_key.to_base64(),
        }
        messages: dict[str, dict[str, Any]] = {}
        for peer in peers:
            if peer not in readers and self._sessions.get(peer.curve25519):
                messages.setdefault(peer.user, {})[peer.id] = self._tell(peer, "m.room_key", key)
                readers.add(peer)
        return messages

    def encrypt(self, room_id: str, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of an encrypted event, for those with whom the room's key was shared."""
        session, _readers = self._outbound[room_id]
        said = json.dumps({"type": kind, "room_id": room_id, "content": content})
        return {
            "algorithm": MEGOLM,
            "sender_key": self.curve25519,
            "device_id": self.device_id,
            "session_id": session.session_id,
            "ciphertext": session.encrypt(said.encode()).to_base64(),
        }

    def take(self, event: object) -> bool:
        """Take in what another device sent to this one; true where it brought a room's key.

        Raises `ValueError` where it is nothing that this device can read.
        """
        said = _json(self._read(event))
        if (
            text_at(said, "sender") != text_at(event, "sender")
            or text_at(said, "recipient") != self.user_id
            or text_at(said, "recipient_keys", "ed25519") != self.ed25519
        ):
            raise ValueError("meant for somebody else")
        if text_at(said, "type") != "m.room_key":
            return False
        key = SessionKey(text_at(said, "content", "session_key"))
        self._learn(text_at(said, "content", "room_id"), text_at(said, "sender"), key)
        return True

    def decrypt(self, room_id: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """*event* as it was before it was encrypted; raises `ValueError` where that cannot be."""
        session_id = text_at(event, "content", "session_id")
        sender, session = self._inbound.get((room_id, session_id), (None, None))
        if session is None or sender != text_at(event, "sender"):
            raise ValueError("the key is not here")
        message = MegolmMessage.from_base64(text_at(event, "content", "ciphertext"))
        said = _json(session.decrypt(message).plaintext)
        content = said.get("content")
        if not isinstance(content, dict) or text_at(said, "room_id") != room_id:
            raise ValueError("said elsewhere")
        outside = event["content"].get("m.relates_to")  # travels in clear, for the homeserver
        related = {} if outside is None else {"m.relates_to": outside}
        return {**event, "type": text_at(said, "type"), "content": {**content, **related}}

    def _signed(self, value: dict[str, Any]) -> dict[str, Any]:
        signature = self._account.sign(canonical(value)).to_base64()
        return {**value, "signatures": {self.user_id: {f"ed25519:{self.device_id}": signature}}}

    def _learn(self, room_id: str, sender: str, key: SessionKey) -> None:
        session = InboundGroupSession(key)
        known = self._inbound.get((room_id, session.session_id))
        if known is None or known[1].first_known_index > session.first_known_index:
            self._inbound[room_id, session.session_id] = sender, session

    def _tell(self, peer: Peer, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """What only *peer* can read."""
        said = {
            "type": kind,
            "content": content,
            "sender": self.user_id,
            "sender_device": self.device_id,
            "keys": {"ed25519": self.ed25519},
            "recipient": peer.user,
            "recipient_keys": {"ed25519": peer.ed25519},
        }
        session = self._sessions[peer.curve25519][-1]
        number, body = session.encrypt(json.dumps(said).encode()).to_parts()
        return {
            "algorithm": OLM,
            "sender_key": self.curve25519,
            "ciphertext": {peer.curve25519: {"type": number, "body": unpadded(body)}},
        }

    def _read(self, event: object) -> bytes:
        """What another device wrote, in a conversation that is or with which it begins one."""
        curve25519 = text_at(event, "content", "sender_key")
        written = at(event, "content", "ciphertext", self.curve25519)
        body, opening = text_at(written, "body"), None
        if at(written, "type") == 0:
            opening = PreKeyMessage.from_base64(body)
            message = opening.to_any()
        else:
            message = AnyOlmMessage.normal(b64decode(body + "=="))
        for session in self._sessions.get(curve25519, ()):
            if opening is None or session.session_matches(opening):
                with suppress(OlmDecryptionException):
                    return session.decrypt(message)
        if opening is None:
            raise ValueError("no such conversation")
        theirs = Curve25519PublicKey.from_base64(curve25519)
        session, plain = self._account.create_inbound_session(theirs, opening)
        self._sessions.setdefault(curve25519, []).append(session)
        return plain


def at(value: object, *path: str) -> object:
    """What lies at *path* inside of *value*; None where any step is missing."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def text_at(value: object, *path: str) -> str:
    """The text at *path* inside of *value*; raises `ValueError` where there is none."""
    found = at(value, *path)
    if not isinstance(found, str):
        raise ValueError(f"no text at {'.'.join(path)}")
    return found


def _json(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value
