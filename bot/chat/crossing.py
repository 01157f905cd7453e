"""Cross-signing: who vouches for which device (Matrix specification, "Cross-signing").

A person's *master key* signs their *self-signing key*, and that one signs each of their devices.  A
device with that chain was let in by the person; one without it, only by the homeserver.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.chat import secret_file
from bot.errors import ConfigError
from bot.i18n import _

_KEYS = ("master", "self_signing", "user_signing")
#: what the specification allows as an integer in signed JSON ("Canonical JSON")
_LARGEST = 2**53 - 1


class SigningKey:
    """One secret Ed25519 key."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self._secret = Ed25519PrivateKey.from_private_bytes(seed)
        #: the public half, as Matrix writes it
        self.public = unpadded(self._secret.public_key().public_bytes_raw())

    @classmethod
    def make(cls) -> SigningKey:
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    def sign(self, value: Mapping[str, Any]) -> str:
        """The signature of a JSON object, without what the specification leaves out of it."""
        return unpadded(self._secret.sign(canonical(value)))


@dataclass(frozen=True)
class Secrets:
    """The three secret keys of one user's identity."""

    user: str
    master: SigningKey
    self_signing: SigningKey
    user_signing: SigningKey

    @classmethod
    def make(cls, user: str) -> Secrets:
        return cls(user, SigningKey.make(), SigningKey.make(), SigningKey.make())

    def publication(self) -> dict[str, Any]:
        """The body of ``/keys/device_signing/upload``, without its ``auth``."""
        body = {f"{name}_key": self._public(name) for name in _KEYS}
        for name in _KEYS[1:]:
            self._add_signature(body[f"{name}_key"], self.master)
        return body

    def device_signature(self, device: Mapping[str, Any]) -> dict[str, Any]:
        """The body of ``/keys/signatures/upload`` that vouches for our *device*.

        *device* is what that device has published as its ``device_keys``.
        """
        signed = {key: value for key, value in device.items() if key not in _UNSIGNED}
        self._add_signature(signed, self.self_signing)
        return {self.user: {str(device["device_id"]): signed}}

    def keep(self, file: Path) -> None:
        """Write the seeds to *file*, which nobody else can read.  Raises `ConfigError`."""
        seeds = {name: unpadded(self._key(name).seed) for name in _KEYS}
        secret_file.write(file, json.dumps({"user": self.user, **seeds}, indent=1) + "\n")

    @classmethod
    def kept(cls, file: Path, user: str) -> Secrets | None:
        """What `keep` wrote; None where there is no file.  Raises `ConfigError`."""
        text = secret_file.read(file)
        if text is None:
            return None
        try:
            value = json.loads(text)
            if value["user"] != user:
                raise ValueError(value["user"])
            return cls(user, *(SigningKey(_decoded(value[name])) for name in _KEYS))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                _("The file {file} does not hold the signing keys of {user}").format(
                    file=file, user=user
                ),
                hint=_("restore it from a backup"),
            ) from error

    def _key(self, name: str) -> SigningKey:
        key: SigningKey = getattr(self, name)
        return key

    def _public(self, name: str) -> dict[str, Any]:
        public = self._key(name).public
        return {"user_id": self.user, "usage": [name], "keys": {f"ed25519:{public}": public}}

    def _add_signature(self, value: dict[str, Any], key: SigningKey) -> None:
        value["signatures"] = {self.user: {f"ed25519:{key.public}": key.sign(value)}}


@dataclass(frozen=True)
class Device:
    """A device as it published itself, and whether its owner vouches for it."""

    user: str
    id: str
    ed25519: str
    curve25519: str
    signed: bool


@dataclass(frozen=True)
class Identity:
    """What a homeserver shows of one user; every signature in it was looked at."""

    user: str
    #: the public master key; None for a user who never set up cross-signing
    master: str | None
    #: the devices whose keys are their own, signed by their owner or not
    devices: Mapping[str, Device]

    def device_of(self, curve25519: str, ed25519: str) -> Device | None:
        """The device that has both these keys."""
        for device in self.devices.values():
            if device.curve25519 == curve25519 and device.ed25519 == ed25519:
                return device
        return None


def identity_of(answer: object, user: str) -> Identity:
    """What a raw ``/keys/query`` answer says of *user*; whatever does not fit is not believed."""
    master = _cross_key(_at(answer, "master_keys", user), user, "master")
    owner = None
    if master is not None:
        published = _at(answer, "self_signing_keys", user)
        owner = _cross_key(published, user, "self_signing")
        if owner is None or not verified(published, user, master, master):
            owner = None
    devices = {}
    listed = _at(answer, "device_keys", user)
    for device_id, published in (listed if isinstance(listed, dict) else {}).items():
        device = _device(published, user, device_id, owner)
        if device is not None:
            devices[device.id] = device
    return Identity(user, master, devices)


def verified(value: object, user: str, key_id: str, public: str) -> bool:
    """Whether *value* carries *user*'s good signature by the key *public*, named *key_id*."""
    signature = _at(value, "signatures", user, f"ed25519:{key_id}")
    if not isinstance(value, dict) or not isinstance(signature, str):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(_decoded(public))
        key.verify(_decoded(signature), canonical(value))
    except (InvalidSignature, ValueError, RecursionError):
        return False
    return True


_UNSIGNED = frozenset(("signatures", "unsigned"))


def canonical(value: Mapping[str, Any]) -> bytes:
    """The bytes of a JSON object that are signed.  Raises `ValueError` where it has none."""
    bare = {key: part for key, part in value.items() if key not in _UNSIGNED}
    _refuse_what_cannot_be_signed(bare)
    return json.dumps(bare, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _decoded(text: object) -> bytes:
    """The bytes that *text* stands for; one spelling only, so that equal keys are equal texts."""
    if not isinstance(text, str):
        raise ValueError("no text")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if unpadded(data) != text:
        raise ValueError("not as it would be written")
    return data


def _refuse_what_cannot_be_signed(value: object) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise ValueError("a key that is no text")
            _refuse_what_cannot_be_signed(part)
    elif isinstance(value, list):
        for part in value:
            _refuse_what_cannot_be_signed(part)
    elif isinstance(value, float) or (isinstance(value, int) and abs(value) > _LARGEST):
        raise ValueError("a number that has no canonical form")


def _at(value: object, *path: str) -> object:
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _cross_key(published: object, user: str, usage: str) -> str | None:
    """The one key that a published cross-signing key is, where it is *user*'s for *usage*."""
    keys, usages = _at(published, "keys"), _at(published, "usage")
    if _at(published, "user_id") != user or not isinstance(keys, dict) or len(keys) != 1:
        return None
    if not isinstance(usages, list) or usage not in usages:
        return None
    name, public = next(iter(keys.items()))
    return public if is_key(public) and name == f"ed25519:{public}" else None


def _device(published: object, user: str, device_id: str, owner: str | None) -> Device | None:
    """The device that *published* is, where it is *user*'s and signed with its own key."""
    if _at(published, "user_id") != user or _at(published, "device_id") != device_id:
        return None
    ed25519 = _at(published, "keys", f"ed25519:{device_id}")
    curve25519 = _at(published, "keys", f"curve25519:{device_id}")
    if not isinstance(ed25519, str) or not isinstance(curve25519, str):
        return None
    if not is_key(curve25519) or not verified(published, user, device_id, ed25519):
        return None
    signed = owner is not None and verified(published, user, owner, owner)
    return Device(user, device_id, ed25519, curve25519, signed)


def is_key(text: object) -> TypeGuard[str]:
    """Whether *text* is 32 bytes, written as Matrix writes them."""
    try:
        return len(_decoded(text)) == 32
    except ValueError:
        return False
