"""Speaking in encrypted rooms: who may hear it, and under which key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.chat.crossing import Device
from bot.chat.matrix_crypto_letters import Letters
from bot.chat.matrix_crypto_megolm import Place, Voice, place_of
from bot.chat.matrix_crypto_olm import Olm
from bot.chat.matrix_crypto_people import People
from bot.chat.matrix_crypto_store import KeyStore
from bot.chat.matrix_events import field, members, objects
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import path_of


class Voices:
    """The keys of our own messages, a new one in each room after each start."""

    def __init__(
        self,
        account: Account,
        people: People,
        letters: Letters,
        olm: Olm,
        store: KeyStore,
        *,
        trust_any: bool,
    ) -> None:
        self._account = account
        self._people = people
        self._letters = letters
        self._olm = olm
        self._store = store
        self._trust_any = trust_any
        self._voices: dict[str, Voice] = {}
        self._speaking = asyncio.Lock()
        self._members: dict[str, set[str]] = {}
        #: how often somebody came or went, to see it while we ask who is there
        self._moves: dict[str, int] = {}

    async def say(
        self, room: str, kind: str, content: Mapping[str, Any], *, to_unsigned: bool
    ) -> dict[str, Any]:
        """The content of an ``m.room.encrypted`` that says *content*.

        The devices of the room's members have its key when this returns: those that their owners
        signed, or all of them where the configuration trusts any.  With *to_unsigned* all of them
        as well, and for this one message only.
        """
        async with self._speaking:
            devices = await self._audience(room, everyone=to_unsigned)
            voice = self._voices.get(room)
            if to_unsigned or voice is None or not voice.serves(devices):
                voice = Voice(self._olm.device, self._olm.curve25519)
            if not to_unsigned and self._voices.get(room) is not voice:
                # what we said is asked for later, as a witness of the record
                self._store.put_room_key(room, voice.key_of_ours())
                self._voices[room] = voice
            missing = [device for key, device in devices.items() if key not in voice.heard_by]
            if missing:
                key = voice.key_for(room)
                reached = await self._letters.send("m.room_key", key, missing)
                voice.heard_by |= {place_of(device): device for device in reached}
            return voice.say(room, kind, content)

    def take(self, answer: object) -> None:
        """Learn from a sync answer where somebody came or went."""
        for room, part in members(field(answer, "rooms", "join")).items():
            events = objects(field(part, "state", "events"))
            events += objects(field(part, "timeline", "events"))
            gap = field(part, "timeline", "limited") is True
            if gap or any(field(event, "type") == "m.room.member" for event in events):
                self._members.pop(room, None)
                self._moves[room] = self._moves.get(room, 0) + 1

    def repeat(self, user: str, device_id: object) -> None:
        """*user*'s device lost what it was sent: give it the keys again where it had them."""
        for voice in self._voices.values():
            voice.forget(user, device_id)

    async def _audience(self, room: str, *, everyone: bool) -> dict[Place, Device]:
        """The devices that may read what is said now."""
        others = await self._members_of(room) - {self._olm.user}
        identities = await self._people.look_up(others)
        devices: dict[Place, Device] = {}
        for identity in identities.values():
            if not await self._people.believes(identity) and not everyone:
                continue
            for device in identity.devices.values():
                if everyone or self._trust_any or device.signed:
                    devices[place_of(device)] = device
        return devices

    async def _members_of(self, room: str) -> set[str]:
        known = self._members.get(room)
        if known is not None:
            return known
        before = self._moves.get(room, 0)
        answer = await self._account.ask("GET", path_of("rooms", room, "joined_members"))
        found = set(members(answer.get("joined")))
        if self._moves.get(room, 0) == before:
            self._members[room] = found
        return found
