"""Olm: what one device says to another, and the account that it says it with.

vodozemac does the cryptography.  matrix-nio's own machine around it is not used: it commits an Olm
session and the room key that came through it one after the other, so that a crash in between loses
the key; it keeps one-time keys that were used; and it knows nothing of cross-signing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
import vodozemac

from bot.chat.crossing import Device, canonical, is_key, unpadded, verified
from bot.chat.matrix_crypto_store import KeyStore
from bot.chat.matrix_events import field
from bot.chat.matrix_wire import parsed_whole

_log = structlog.get_logger()

OLM, MEGOLM = "m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"
#: one-time keys that the homeserver should have of us
ONE_TIME_KEYS = 50


@dataclass(frozen=True)
class Letter:
    """What another device sent us; *peer* is proven to be its Curve25519 key."""

    user: str
    peer: str
    #: the Ed25519 key that the device says it has; true where a `Device` has both
    ed25519: str
    kind: str
    content: dict[str, Any]


class Unreadable(Exception):
    """A device wrote to us with a session that we do not share with it."""

    def __init__(self, user: str, peer: str) -> None:
        super().__init__(user, peer)
        self.user = user
        self.peer = peer


class Olm:
    """Our device *device* of *user*; its account is made at the first start."""

    def __init__(self, store: KeyStore, user: str, device: str) -> None:
        self.user = user
        self.device = device
        self._store = store
        account = self._account()
        if store.account(user, device) is None:
            with store.change():
                store.forget_olm()  # of another device of ours: no peer would know it by our name
                self._keep(account)
        self.curve25519 = account.curve25519_key.to_base64()
        self.ed25519 = account.ed25519_key.to_base64()

    def published_as(self) -> dict[str, Any]:
        """Our device as others shall see it, signed with its own key."""
        device: dict[str, Any] = {
            "user_id": self.user,
            "device_id": self.device,
            "algorithms": [OLM, MEGOLM],
            "keys": {
                f"curve25519:{self.device}": self.curve25519,
                f"ed25519:{self.device}": self.ed25519,
            },
        }
        return self._signed(device, self._account())

    def fill_up(self, count: int, *, fallback: bool) -> dict[str, Any]:
        """Make the keys that the homeserver lacks, where it has *count*; what to upload of them.

        *fallback*: whether it lacks the key that it gives away when no other is left.  Keys that
        were made and perhaps not uploaded are given again until `uploaded`.
        """
        account = self._account()
        missing = ONE_TIME_KEYS - count - len(account.one_time_keys)
        if missing > 0:
            account.generate_one_time_keys(missing)
        if fallback and not _fallback(account):
            account.generate_fallback_key()  # type: ignore[attr-defined]
        self._keep(account)
        body = {
            "one_time_keys": self._named(account, account.one_time_keys, {}),
            "fallback_keys": self._named(account, _fallback(account), {"fallback": True}),
        }
        return {name: keys for name, keys in body.items() if keys}

    def uploaded(self) -> None:
        """The homeserver has all that `fill_up` gave."""
        account = self._account()
        account.mark_keys_as_published()
        self._keep(account)

    def knows(self, device: Device) -> bool:
        """Whether we can write to *device* without asking for a one-time key of it."""
        return bool(self._store.olm_sessions(device.curve25519))

    def begin(self, device: Device, claimed: object) -> bool:
        """Open a session with *device* by a *claimed* one-time key; false where it is no good."""
        key = field(claimed, "key")
        if not isinstance(key, str):
            return False
        if not verified(claimed, device.user, device.id, device.ed25519):
            _log.warning("crypto.bad_one_time_key", user=device.user, device=device.id)
            return False
        try:
            session = self._account().create_outbound_session(
                vodozemac.Curve25519PublicKey.from_base64(device.curve25519),
                vodozemac.Curve25519PublicKey.from_base64(key),
            )
        except ValueError as error:
            _log.warning("crypto.no_session", user=device.user, device=device.id, why=str(error))
            return False
        self._store.put_olm(device.curve25519, session)
        return True

    def write_all(
        self, devices: Iterable[Device], kind: str, content: Mapping[str, Any]
    ) -> list[tuple[Device, dict[str, Any]]]:
        """As `write`, to each of *devices*, with one visit to the disk."""
        with self._store.change():
            return [(device, self.write(device, kind, content)) for device in devices]

    def write(self, device: Device, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of an ``m.room.encrypted`` that only *device* can read.

        The session's next state is on disk when this returns, so no key is ever used twice.
        """
        session = self._store.olm_sessions(device.curve25519)[0]
        payload = {
            "type": kind,
            "content": dict(content),
            "sender": self.user,
            "sender_device": self.device,
            "keys": {"ed25519": self.ed25519},
            "recipient": device.user,
            "recipient_keys": {"ed25519": device.ed25519},
        }
        number, ciphertext = session.encrypt(json.dumps(payload).encode()).to_parts()
        self._store.put_olm(device.curve25519, session)
        return {
            "algorithm": OLM,
            "sender_key": self.curve25519,
            "ciphertext": {device.curve25519: {"type": number, "body": unpadded(ciphertext)}},
        }

    def read(self, event: object) -> Letter | None:
        """What a device wrote to us; None for what is not for us, repeated or malformed.

        Raises `Unreadable`.
        """
        user, peer = field(event, "sender"), field(event, "content", "sender_key")
        part = field(event, "content", "ciphertext", self.curve25519)
        number, body = field(part, "type"), field(part, "body")
        if field(event, "content", "algorithm") != OLM or not isinstance(number, int):
            return None
        if not (isinstance(user, str) and isinstance(peer, str) and isinstance(body, str)):
            return None
        digest = hashlib.sha256(f"{peer} {number} {body}".encode("utf-8", "replace")).hexdigest()
        if self._store.was_taken(digest):
            return None
        try:
            message = vodozemac.AnyOlmMessage.from_parts(number, _bytes(body))
            sender = vodozemac.Curve25519PublicKey.from_base64(peer)
        except (ValueError, OverflowError):
            return None
        plaintext = self._decrypted(sender, message)
        if plaintext is None:
            raise Unreadable(user, peer)
        self._store.put_taken(digest)
        return self._letter(user, peer, plaintext)

    def _decrypted(
        self, sender: vodozemac.Curve25519PublicKey, message: vodozemac.AnyOlmMessage
    ) -> bytes | None:
        peer = sender.to_base64()
        opening = message.to_pre_key()
        for session in self._store.olm_sessions(peer):
            if opening is not None and not session.session_matches(opening):
                continue
            try:
                plaintext = session.decrypt(message)
            except ValueError:
                if opening is not None:
                    return None
                continue
            self._store.put_olm(peer, session)
            return plaintext
        if opening is None:
            return None
        account = self._account()
        try:
            session, plaintext = account.create_inbound_session(sender, opening)
        except ValueError:
            return None
        self._store.put_olm(peer, session)
        self._keep(account)  # without the one-time key, which is gone for good
        return plaintext

    def _letter(self, user: str, peer: str, plaintext: bytes) -> Letter | None:
        """The letter in *plaintext*, where it was written by *user* and for us."""
        payload = parsed_whole(plaintext.decode("utf-8", "replace"))
        kind, content = field(payload, "type"), field(payload, "content")
        ed25519 = field(payload, "keys", "ed25519")
        if (
            field(payload, "sender") != user
            or field(payload, "recipient") != self.user
            or field(payload, "recipient_keys", "ed25519") != self.ed25519
            or not is_key(ed25519)
            or not isinstance(kind, str)
            or not isinstance(content, dict)
        ):
            _log.warning("crypto.letter_for_somebody_else", user=user)
            return None
        return Letter(user, peer, ed25519, kind, content)

    def _named(
        self,
        account: vodozemac.Account,
        keys: Mapping[str, vodozemac.Curve25519PublicKey],
        mark: Mapping[str, Any],
    ) -> dict[str, Any]:
        return {
            f"signed_curve25519:{name}": self._signed({"key": key.to_base64(), **mark}, account)
            for name, key in keys.items()
        }

    def _signed(self, value: dict[str, Any], account: vodozemac.Account) -> dict[str, Any]:
        signature = account.sign(canonical(value)).to_base64()
        return {**value, "signatures": {self.user: {f"ed25519:{self.device}": signature}}}

    def _account(self) -> vodozemac.Account:
        # read each time: what a transaction took back is not to live on in memory
        return self._store.account(self.user, self.device) or vodozemac.Account()

    def _keep(self, account: vodozemac.Account) -> None:
        self._store.put_account(self.user, self.device, account)


def _fallback(account: vodozemac.Account) -> dict[str, vodozemac.Curve25519PublicKey]:
    # not among vodozemac's stubs
    keys: dict[str, vodozemac.Curve25519PublicKey] = account.fallback_key  # type: ignore[attr-defined]
    return keys


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
