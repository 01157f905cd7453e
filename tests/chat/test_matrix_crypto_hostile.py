"""Encrypted rooms beside people, devices and homeservers that mean harm."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from bot.chat.matrix_crypto import Crypto, Read
from bot.chat.matrix_crypto_self import DeviceTaken, Own
from bot.chat.matrix_doors import Doors
from bot.chat.matrix_rooms import Rooms
from bot.chat.matrix_sync import Sync
from bot.chat.matrix_wire import Busy, Rejected
from bot.core.chat import Proof
from tests.chat.key_server import ROOM, KeyServer, Person, people
from tests.chat.test_matrix_events import ME, NOUNOU
from tests.chat.test_matrix_hostile import Answers, NoKeys

HALF = "\ud800"
ASIDE = "!aside"


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
async def two(server: KeyServer, tmp_path: Path) -> AsyncIterator[tuple[Person, Person]]:
    """Anna, and the bot."""
    async with people(server, tmp_path, "anna", "bot") as (anna, bot):
        yield anna, bot


async def writes(writer: Person, reader: Person, content: dict[str, Any]) -> None:
    """Let *writer*'s device hand a room key to *reader*'s that is made up."""
    identity = (await writer.crypto._people.look_up((reader.user,)))[reader.user]
    letters = writer.crypto._machine.letters
    await letters.send("m.room_key", content, identity.devices.values())


@pytest.mark.parametrize("field", ["room_id", "session_id", "session_key", "algorithm"])
async def test_half_a_character_in_a_letter_hides_only_that_letter(
    two: tuple[Person, Person], field: str
) -> None:
    anna, bot = two
    event = await anna.say("before")
    voice = anna.crypto._machine.voices._voices[ROOM]
    await writes(anna, bot, {**voice.key_for(ROOM), field: HALF})
    later = await anna.say("after")

    await bot.sync()

    assert [(await bot.read(each)).proof for each in (event, later)] == [Proof.SIGNED] * 2


async def test_a_letter_that_hits_a_bug_is_dropped_and_the_others_are_read(
    two: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bot = two
    taken = Crypto._take_opened
    first: list[object] = []

    def stumbles(crypto: Crypto, letter: Any) -> None:
        if not first:
            first.append(letter)
            raise ValueError("a bug")
        taken(crypto, letter)

    monkeypatch.setattr(Crypto, "_take_opened", stumbles)
    await writes(anna, bot, {})
    event = await anna.say("in secret")
    await bot.sync()

    assert first
    assert (await bot.read(event)).proof is Proof.SIGNED


async def test_what_strangers_send_is_neither_kept_nor_opened(two: tuple[Person, Person]) -> None:
    anna, bot = two
    bot.crypto._knows = lambda user: user != anna.user
    event = await anna.say("let me in")

    await bot.sync()

    assert (await bot.read(event)).proof is Proof.PLAIN
    assert not bot.crypto.lacks_keys
    assert bot.crypto._store.room_keys(ROOM, event["content"]["session_id"]) == []


async def test_a_device_with_another_ones_key_does_not_take_its_place(
    server: KeyServer, tmp_path: Path
) -> None:
    async with people(server, tmp_path, "anna", "mallory", "zoe") as (anna, mallory, zoe):
        olm = mallory.crypto._machine.olm
        device = olm.published_as()
        del device["signatures"]
        device["keys"][f"curve25519:{olm.device}"] = anna.crypto._machine.olm.curve25519
        bot = Person(server, "bot", tmp_path, trust_any=True)
        await bot.start()
        server.devices[mallory.user][olm.device] = olm._signed(device, olm._account())

        event = await bot.say("for all")

        for person in (anna, zoe):
            await person.sync()
            assert (await person.read(event)).proof is Proof.SIGNED
        bot.crypto.close()


async def test_the_devices_of_a_user_are_looked_for_once_a_minute_however_much_is_said(
    server: KeyServer, two: tuple[Person, Person]
) -> None:
    anna, bot = two
    events = [await anna.say(f"{number}") for number in range(5)]
    await bot.sync()
    del server.devices[anna.user][anna.account.device_id]
    bot.crypto._people.changed((anna.user,))
    server.asked.clear()

    for event in events:
        assert (await bot.read(event)).proof is Proof.PLAIN

    assert server.asked.count("POST keys/query") == 2


async def test_whose_homeserver_was_silent_is_asked_for_again(
    two: tuple[Person, Person], server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bot = two
    event = await anna.say("one")
    await bot.sync()
    with monkeypatch.context() as silent:
        silent.setattr(server, "_query", lambda users: {"failures": {"localhost": {}}})
        assert (await bot.read(event)).event is event

    assert (await bot.read(event)).proof is Proof.SIGNED


async def test_a_homeserver_that_shows_other_keys_for_each_device_makes_us_one_and_then_wait(
    server: KeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def taken(own: Own) -> None:
        raise DeviceTaken

    monkeypatch.setattr(Own, "publish", taken)
    bot = Person(server, "bot", tmp_path)

    for _try in range(3):
        with pytest.raises(Busy, match="other keys than ours"):
            await bot.crypto.start()

    assert bot.account.logins == 2
    bot.crypto.close()


class Sealed(NoKeys):
    """Instead of `Crypto`: everything that is encrypted can be opened, with this proof."""

    def __init__(self, proof: Proof) -> None:
        self._proof = proof

    async def read(self, room: str, event: dict[str, Any]) -> Read:
        content = {"msgtype": "m.text", "body": "!ping"}
        return Read({**event, "type": "m.room.message", "content": content}, self._proof, "s:0")


def said(room: str, sender: str = NOUNOU) -> dict[str, Any]:
    """A sync answer in which *sender* says something encrypted, and nothing says that rooms are."""
    event = {"type": "m.room.encrypted", "event_id": "$1", "sender": sender, "content": {}}
    timeline = {"timeline": {"events": [event]}}
    return {"next_batch": "s2", "rooms": {"join": {room: timeline}}}


@pytest.mark.parametrize(
    ("proof", "encrypted"), [(Proof.SIGNED, True), (Proof.UNSIGNED, True), (Proof.PLAIN, False)]
)
async def test_a_room_whose_encryption_is_hidden_is_known_by_what_is_proven_there(
    proof: Proof, encrypted: bool
) -> None:
    account, rooms = Answers([said("!room")], []), Rooms(["!room"])
    doors = Doors(account, rooms, lambda user: True, private=False)
    sync = Sync(account, rooms, doors, cast(Crypto, Sealed(proof)), 1.0, 1.0)

    batch = await sync.next("s1")

    assert [message.proof for message in batch.messages] == [proof]
    assert rooms.was_encrypted("!room") is encrypted


async def test_aside_only_the_one_companion_is_heard() -> None:
    rooms = Rooms(["!room"])
    rooms.memory.private[ASIDE] = NOUNOU
    account = Answers([said(ASIDE, "@apprenti:localhost"), said(ASIDE)], [])
    doors = Doors(account, rooms, lambda user: True, private=True)
    sync = Sync(account, rooms, doors, cast(Crypto, Sealed(Proof.SIGNED)), 1.0, 1.0)

    assert (await sync.next("s1")).messages == ()
    assert len((await sync.next("s2")).messages) == 1


class TwoOfUs(Answers):
    """A homeserver with a room of two, encrypted or not."""

    def __init__(self, *, encrypted: bool) -> None:
        super().__init__([], [])
        self.encrypted = encrypted
        self.left: list[str] = []

    async def ask(self, method: str, path: str, *rest: object, **more: object) -> dict[str, Any]:
        if "/members" in path:
            joined = {"membership": "join"}
            kind = "m.room.member"
            users = (ME, NOUNOU)
            return {"chunk": [{"type": kind, "state_key": u, "content": joined} for u in users]}
        if "m.room.encryption" in path and not self.encrypted:
            raise Rejected("no", status=404, errcode="M_NOT_FOUND")
        if path.endswith("/leave"):
            self.left.append(path)
        return {}


@pytest.mark.parametrize("main_encrypted", [False, True])
@pytest.mark.parametrize("aside_encrypted", [False, True])
@pytest.mark.parametrize("trust_any", [False, True])
async def test_a_private_chat_is_no_less_safe_than_the_main_room(
    main_encrypted: bool, aside_encrypted: bool, trust_any: bool
) -> None:
    account, rooms = TwoOfUs(encrypted=aside_encrypted), Rooms(["!room"])
    rooms.memory.private[ASIDE] = NOUNOU
    if main_encrypted:
        rooms.note_encrypted("!room")
    doors = Doors(account, rooms, lambda user: True, private=True, trust_any=trust_any)

    await doors.look_after_private()

    stays = aside_encrypted or not main_encrypted or trust_any
    assert (ASIDE in rooms.memory.private, account.left == []) == (stays, stays)
    assert [report.key.partition(":")[0] for report in doors.reports] == (
        [] if stays else ["plain-chat"]
    )


async def test_put_out_and_invited_again_in_one_answer_is_invited() -> None:
    account = Answers([], [])
    doors = Doors(account, Rooms(["!room"]), lambda user: True, private=False)
    member = {"type": "m.room.member", "state_key": ME, "sender": NOUNOU, "event_id": "$1"}
    invited, left = ({**member, "content": {"membership": each}} for each in ("invite", "leave"))

    doors.take(
        {
            "rooms": {
                "invite": {"!room": {"invite_state": {"events": [invited]}}},
                "leave": {"!room": {"timeline": {"events": [left]}}},
            }
        }
    )
    await doors.answer()

    assert account.joined == ["!room"]
