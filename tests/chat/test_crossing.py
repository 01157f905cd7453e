"""Cross-signing: only a whole chain of good signatures makes a device its owner's."""

from __future__ import annotations

import copy
import json
import stat
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.crossing import Secrets, SigningKey, canonical, identity_of, unpadded, verified
from bot.errors import ConfigError

USER = "@nounou:example.org"
SECRETS = Secrets(USER, *(SigningKey(bytes([n]) * 32) for n in (1, 2, 3)))
DEVICE_KEY = SigningKey(bytes([4]) * 32)


def device(user: str = USER, name: str = "PHONE", key: SigningKey = DEVICE_KEY) -> dict[str, Any]:
    """A device as it publishes itself."""
    keys = {f"ed25519:{name}": key.public, f"curve25519:{name}": unpadded(bytes([5]) * 32)}
    value: dict[str, Any] = {
        "user_id": user,
        "device_id": name,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": keys,
    }
    value["signatures"] = {user: {f"ed25519:{name}": key.sign(value)}}
    return value


def answer(*devices: dict[str, Any], secrets: Secrets = SECRETS, sign: bool = True) -> Any:
    """What a homeserver says of a user who has signed all their devices."""
    public = secrets.publication()
    for each in devices if sign else ():
        signed = secrets.device_signature(each)[secrets.user][each["device_id"]]
        each["signatures"].setdefault(secrets.user, {}).update(signed["signatures"][secrets.user])
    return {
        "device_keys": {secrets.user: {each["device_id"]: each for each in devices}},
        "master_keys": {secrets.user: public["master_key"]},
        "self_signing_keys": {secrets.user: public["self_signing_key"]},
    }


def is_signed(value: Any) -> bool:
    return any(device.signed for device in identity_of(value, USER).devices.values())


def test_a_device_with_the_whole_chain_is_its_owners() -> None:
    identity = identity_of(answer(device()), USER)

    assert identity.master == SECRETS.master.public
    assert identity.devices["PHONE"].signed
    assert identity.device_of(unpadded(bytes([5]) * 32), DEVICE_KEY.public) is not None


def test_a_device_that_its_owner_did_not_sign_is_known_and_not_vouched_for() -> None:
    identity = identity_of(answer(device(), sign=False), USER)

    assert not identity.devices["PHONE"].signed


def test_a_user_without_cross_signing_has_devices_and_no_identity() -> None:
    identity = identity_of({"device_keys": {USER: {"PHONE": device()}}}, USER)

    assert identity.master is None
    assert list(identity.devices) == ["PHONE"]


def test_a_chain_of_somebody_else_counts_nothing() -> None:
    other = Secrets.make("@other:example.org")
    value = answer(device())
    foreign = answer(device("@other:example.org"), secrets=other)
    value["self_signing_keys"][USER] = foreign["self_signing_keys"]["@other:example.org"]

    assert not is_signed(value)


def test_a_self_signing_key_that_the_master_key_did_not_sign_counts_nothing() -> None:
    value = answer(device())
    forged = answer(device(), secrets=Secrets.make(USER))
    value["self_signing_keys"] = forged["self_signing_keys"]
    value["device_keys"] = forged["device_keys"]

    assert not is_signed(value)


def test_a_device_under_another_name_or_user_is_no_device() -> None:
    value = answer(device())
    value["device_keys"][USER]["LAPTOP"] = value["device_keys"][USER].pop("PHONE")

    assert identity_of(value, USER).devices == {}
    assert identity_of(answer(device("@other:example.org")), USER).devices == {}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every text in *value*, and to every key of an object."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in [(*path, k, None), *leaves(v, (*path, k))]]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in leaves(v, (*path, i))]
    return [path]


CHAIN = answer(device())


@given(st.sampled_from(leaves(CHAIN)), st.integers(0, 200), st.characters(codec="utf-8"))
def test_one_changed_character_anywhere_breaks_the_chain(
    path: tuple[Any, ...], place: int, character: str
) -> None:
    value = copy.deepcopy(CHAIN)
    *way, last = path
    renames = last is None
    if renames:
        last = way.pop()
    holder = value
    for step in way:
        holder = holder[step]
    old = last if renames else holder[last]
    at = place % len(old)
    new = old[:at] + character + old[at + 1 :]
    if renames:
        holder[new] = holder.pop(last)
    else:
        holder[last] = new

    assert is_signed(value) == (new == old)


def test_a_signature_has_one_spelling() -> None:
    """The last character of unpadded base64 has bits that no decoder looks at."""
    value = answer(device())
    names = value["device_keys"][USER]["PHONE"]["signatures"][USER]
    name = f"ed25519:{SECRETS.self_signing.public}"
    good = names[name]
    same = [
        good[:-1] + last
        for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        if b64decode(good[:-1] + last + "==") == b64decode(good + "==")
    ]
    assert len(same) > 1

    for spelling in [*same, good + "=="]:
        names[name] = spelling
        assert is_signed(value) == (spelling == good)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, JSON, JSON)
def test_any_json_gives_an_identity_or_none(keys: Any, master: Any, owner: Any) -> None:
    for value in (
        keys,
        {"device_keys": keys, "master_keys": master, "self_signing_keys": owner},
        {"device_keys": {USER: keys}, "master_keys": {USER: master}},
        {"device_keys": {USER: {"PHONE": keys}}, "self_signing_keys": {USER: owner}},
    ):
        assert not is_signed(value)


@given(st.sampled_from(leaves(CHAIN)), JSON)
def test_any_json_in_any_place_never_raises(path: tuple[Any, ...], junk: Any) -> None:
    value = copy.deepcopy(CHAIN)
    *way, last = (step for step in path if step is not None)
    holder = value
    for step in way:
        holder = holder[step]
    holder[last] = junk

    identity_of(value, USER)


@pytest.mark.parametrize("number", [1.5, float("nan"), 2**53, -(2**53)])
def test_a_number_without_a_canonical_form_is_not_signed(number: float) -> None:
    with pytest.raises(ValueError, match="canonical"):
        canonical({"deep": [{"number": number}]})
    assert not verified({"n": number, "signatures": {USER: {"ed25519:X": "AA"}}}, USER, "X", "AA")


def test_the_canonical_form_is_that_of_the_specification() -> None:
    value = {"本": 2, "b": "日", "a": {"d": None, "c": True}, "unsigned": 1, "signatures": {}}

    assert canonical(value) == '{"a":{"c":true,"d":null},"b":"日","本":2}'.encode()


def test_the_seeds_come_back_from_their_file_which_nobody_else_can_read(tmp_path: Path) -> None:
    file = tmp_path / "crypto" / "identity.json"

    SECRETS.keep(file)
    kept = Secrets.kept(file, USER)

    assert kept is not None
    assert kept.publication() == SECRETS.publication()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Secrets.kept(tmp_path / "none.json", USER) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps({"user": USER, "master": "AA"}), '{"user": "@x:y"}']
)
def test_a_file_that_holds_something_else_is_said_and_not_replaced(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "identity.json"
    file.write_text(text)

    with pytest.raises(ConfigError, match="does not hold the signing keys"):
        Secrets.kept(file, USER)
    assert file.read_text() == text


def test_what_is_nested_too_deeply_to_be_looked_at_is_not_signed() -> None:
    deep: Any = []
    for _level in range(5_000):
        deep = [deep]
    signed = {"x": deep, "signatures": {USER: {"ed25519:PHONE": unpadded(bytes(64))}}}

    assert not verified(signed, USER, "PHONE", DEVICE_KEY.public)
