"""A homeserver that hides encryption, or makes up a private chat, gets nothing in clear by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from bot.chat.matrix_crypto import Crypto, Read
from bot.chat.matrix_doors import Doors
from bot.chat.matrix_login import Account
from bot.chat.matrix_rooms import Rooms
from bot.chat.matrix_sync import Sync
from bot.chat.matrix_wire import Rejected
from bot.core.chat import Proof
from tests.chat.test_matrix_events import ME, NOUNOU
from tests.chat.test_matrix_hostile import NoKeys

ROOM, ASIDE = "!room", "!aside"


class TwoOfUs(Account):
    """An account in a room of two, and a homeserver that says one thing in each sync."""

    def __init__(self, *, encrypted: bool, sender: str = NOUNOU) -> None:
        self.user_id = ME
        self.asked: list[str] = []
        self._encrypted = encrypted
        self._sender = sender

    async def ask(self, method: str, path: str, *rest: object, **more: object) -> dict[str, Any]:
        self.asked.append(path)
        if "/sync" in path:
            return {
                "next_batch": "s2",
                "rooms": {"join": {ROOM: self._said(), ASIDE: self._said()}},
            }
        if "m.room.encryption" in path and not self._encrypted:
            raise Rejected("not found", status=404, errcode="M_NOT_FOUND")
        join = {"membership": "join"}
        kind = "m.room.member"
        return {"chunk": [{"type": kind, "state_key": u, "content": join} for u in (ME, NOUNOU)]}

    def _said(self) -> dict[str, Any]:
        content = {"msgtype": "m.text", "body": "!vm list"}
        event = {"type": "m.room.message", "event_id": "$1", "content": content}
        return {"timeline": {"events": [event | {"sender": self._sender}]}}


class Opens(NoKeys):
    """Instead of `Crypto`: everything came sealed, with a proof."""

    def __init__(self, proof: Proof) -> None:
        self._proof = proof

    async def read(self, room: str, event: dict[str, Any]) -> Read:
        return Read(event, self._proof, "seal")


def sync(account: Account, rooms: Rooms, doors: Doors, crypto: object) -> Sync:
    return Sync(account, rooms, doors, cast(Crypto, crypto), 1.0, 1.0)


@pytest.mark.parametrize("proof", [Proof.SIGNED, Proof.UNSIGNED])
async def test_where_somebody_encrypts_the_room_is_an_encrypted_one_after_a_restart_too(
    tmp_path: Path, proof: Proof
) -> None:
    account, rooms = TwoOfUs(encrypted=False), Rooms([ROOM], tmp_path / "rooms")
    doors = Doors(account, rooms, lambda user: True, private=False)

    batch = await sync(account, rooms, doors, Opens(proof)).next("s1")

    assert [message.body for message in batch.messages] == ["!vm list"]
    assert rooms.is_encrypted(ROOM)
    assert Rooms([ROOM], tmp_path / "rooms").was_encrypted(ROOM)


async def test_where_nobody_encrypts_the_room_stays_a_plain_one() -> None:
    account, rooms = TwoOfUs(encrypted=False), Rooms([ROOM])
    doors = Doors(account, rooms, lambda user: True, private=False)

    await sync(account, rooms, doors, NoKeys()).next("s1")

    assert not rooms.was_encrypted(ROOM)


@pytest.mark.parametrize(
    ("encrypted", "trust_any", "stays"),
    [(False, False, False), (True, False, True), (False, True, True)],
)
async def test_a_private_chat_is_kept_where_it_is_as_safe_as_the_main_room(
    encrypted: bool, trust_any: bool, stays: bool
) -> None:
    account, rooms = TwoOfUs(encrypted=encrypted), Rooms([ROOM])
    rooms.note_encrypted(ROOM)
    rooms.memory.private[ASIDE] = NOUNOU
    doors = Doors(account, rooms, lambda user: True, private=True, trust_any=trust_any)

    await doors.look_after_private()

    assert (ASIDE in rooms.memory.private) == stays
    assert any("/leave" in path for path in account.asked) != stays
    assert ["not encrypted" in report.sentence for report in doors.reports] == [True] * (not stays)
    assert rooms.is_encrypted(ASIDE) == encrypted


@pytest.mark.parametrize("sender", [NOUNOU, "@carla:localhost"])
async def test_aside_only_the_companion_is_heard(sender: str) -> None:
    account, rooms = TwoOfUs(encrypted=False, sender=sender), Rooms(["!other"])
    rooms.memory.private[ASIDE] = NOUNOU
    doors = Doors(account, rooms, lambda user: True, private=True)

    batch = await sync(account, rooms, doors, NoKeys()).next("s1")

    assert bool(batch.messages) == (sender == NOUNOU)
