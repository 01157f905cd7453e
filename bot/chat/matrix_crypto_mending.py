"""What is done where a key is missing: asking for it, and replacing a session that was lost."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import structlog

from bot.chat.crossing import Device
from bot.chat.matrix_crypto_letters import Letters
from bot.chat.matrix_crypto_megolm import session_of
from bot.chat.matrix_crypto_olm import MEGOLM
from bot.chat.matrix_crypto_people import People
from bot.chat.matrix_events import field
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import Rejected, path_of

_log = structlog.get_logger()

#: how often a session that a device has lost is replaced, as the specification recommends
_MEND_EVERY = 3600.0
#: room keys that are asked for after one sync answer, and that are remembered as asked for
_ASKED_AT_ONCE, _ASKED_IN_ALL = 20, 10_000


class Mending:
    """What *account* lacks of others."""

    def __init__(self, account: Account, people: People) -> None:
        self._account = account
        self._people = people
        #: devices, by user and Curve25519 key, whose session with us is lost
        self._lost: set[tuple[str, str]] = set()
        #: when each was last given another
        self._mended: dict[str, float] = {}
        #: events of the newest sync answer whose room key is not here, by room
        self.unopened: list[tuple[str, dict[str, Any]]] = []
        #: room keys that were asked for already
        self._asked_for: set[str] = set()

    def lost(self, user: str, peer: str) -> None:
        """*user*'s device with the Curve25519 key *peer* writes by a session that we lack."""
        _log.warning("crypto.session_lost", user=user)
        self._lost.add((user, peer))

    def arrived(self, session_id: str) -> None:
        """A room key is there; should it be missing again, it is asked for again."""
        self._asked_for.discard(session_id)

    async def replace_lost(self, letters: Letters) -> None:
        """Give devices a new session whose old one is lost, and tell them so."""
        now = time.monotonic()
        for user, peer in list(self._lost):
            if now - self._mended.get(peer, -_MEND_EVERY) >= _MEND_EVERY:
                identity = (await self._people.look_up((user,)))[user]
                for device in identity.devices.values():
                    if device.curve25519 == peer:
                        await self._begin_anew(device, letters)
                        self._mended[peer] = now
            self._lost.discard((user, peer))

    async def ask_for_keys(self) -> None:
        """Ask the devices that have them for the keys of what is `unopened`, once."""
        for room, event in self.unopened[:_ASKED_AT_ONCE]:
            session_id, sender = session_of(event), field(event, "sender")
            if isinstance(session_id, str) and isinstance(sender, str):
                await self._ask(room, event, sender, session_id)

    async def _begin_anew(self, device: Device, letters: Letters) -> None:
        await letters.open_sessions([device])
        await letters.send("m.dummy", {}, [device])
        _log.info("crypto.session_replaced", user=device.user, device=device.id)

    async def _ask(self, room: str, event: object, sender: str, session_id: str) -> None:
        if session_id in self._asked_for:
            return
        if len(self._asked_for) >= _ASKED_IN_ALL:
            self._asked_for.clear()
        self._asked_for.add(session_id)
        device = field(event, "content", "device_id")
        request = {
            "action": "request",
            "request_id": uuid4().hex,
            "requesting_device_id": self._account.device_id,
            "body": {
                "algorithm": MEGOLM,
                "room_id": room,
                "session_id": session_id,
                "sender_key": field(event, "content", "sender_key"),
            },
        }
        messages = {sender: {device if isinstance(device, str) else "*": request}}
        path = path_of("sendToDevice", "m.room_key_request", uuid4().hex)
        try:
            await self._account.ask("PUT", path, {"messages": messages})
        except Rejected as error:
            _log.warning("crypto.cannot_ask_for_key", sender=sender, error=str(error))
        else:
            _log.info("crypto.asked_for_key", sender=sender, device=str(device)[:80])
