"""Somebody of the lab at a device of their own, which they have signed themselves."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from bot.chat.crossing import Device as Peer
from bot.chat.crossing import Identity, Secrets, identity_of, verified
from bot.demo.client import Client, Login, Refusal
from bot.demo.device import Device, at, text_at
from bot.i18n import _


class Person:
    """One account's device, and the keys with which its owner signs devices."""

    def __init__(self, client: Client, login: Login, secrets: Secrets) -> None:
        self.login = login
        self.device = Device(login.user_id, login.device_id)
        self._client = client
        self._secrets = secrets
        #: one message after the other, so that each finds its key shared
        self._turn = asyncio.Lock()

    @classmethod
    async def arrive(cls, client: Client, login: Login, password: str, seeds: Path) -> Self:
        """At the new device *login*, with the identity that the file *seeds* keeps for them."""
        secrets = Secrets.kept(seeds, login.user_id)
        if secrets is None:
            secrets = Secrets.make(login.user_id)
            secrets.keep(seeds)
        person = cls(client, login, secrets)
        await person._publish(password)
        return person

    async def ask(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """As `Client.ask`, from this device."""
        return await self._client.ask(method, path, self.login.token, content, query=query)

    async def sign(self, wanted: Callable[[str], bool]) -> list[str]:
        """Sign those of this person's devices that are *wanted* and not signed; returns their ids.

        Raises as `Client.ask`.
        """
        answer, me = await self._keys_of(self.login.user_id), self.login.user_id
        unsigned = [
            peer.id
            for peer in identity_of(answer, me).devices.values()
            if not peer.signed and wanted(peer.id)
        ]
        for device_id in unsigned:
            await self._vouch_for(answer["device_keys"][me][device_id])
        return unsigned

    async def encrypt(self, room_id: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """A message for every device of everybody who is in the room now."""
        async with self._turn:
            peers = await self._audience(room_id)
            await self._meet(self.device.strangers(peers))
            if messages := self.device.share(room_id, peers):
                path = f"sendToDevice/m.room.encrypted/{uuid.uuid4().hex}"
                await self.ask("PUT", path, {"messages": messages})
            return self.device.encrypt(room_id, "m.room.message", content)

    async def identity(self, user_id: str) -> Identity:
        """What the homeserver shows of *user_id*."""
        return identity_of(await self._keys_of(user_id), user_id)

    async def leave(self) -> None:
        """Log out; the device is gone then."""
        await self.ask("POST", "logout", {})

    async def _publish(self, password: str) -> None:
        """Let everybody know the identity, and the device as signed with it."""
        known = identity_of(await self._keys_of(self.login.user_id), self.login.user_id)
        if known.master != self._secrets.master.public:
            await self._client.ask_as_owner(
                "keys/device_signing/upload", self.login, password, self._secrets.publication()
            )
        keys = self.device.public_keys()
        await self.ask(
            "POST",
            "keys/upload",
            {"device_keys": keys, "one_time_keys": self.device.one_time_keys()},
        )
        await self._vouch_for(keys)

    async def _vouch_for(self, keys: Mapping[str, Any]) -> None:
        answer = await self.ask(
            "POST", "keys/signatures/upload", self._secrets.device_signature(keys)
        )
        if answer.get("failures"):
            raise Refusal(_("the homeserver refuses the signature of a device"), answer)

    async def _keys_of(self, *users: str) -> dict[str, Any]:
        return await self.ask("POST", "keys/query", {"device_keys": {user: [] for user in users}})

    async def _audience(self, room_id: str) -> list[Peer]:
        """All devices of everybody in the room but this one.  Asked each time: never out of date,
        and a homeserver on loopback answers in milliseconds."""
        joined = (await self.ask("GET", f"rooms/{quote(room_id)}/joined_members"))["joined"]
        answer = await self._keys_of(*joined)
        return [
            peer
            for user in joined
            for peer in identity_of(answer, user).devices.values()
            if peer.curve25519 != self.device.curve25519
        ]

    async def _meet(self, peers: list[Peer]) -> None:
        """Begin a conversation with each of *peers*; whoever has no key for it is left out."""
        if not peers:
            return
        wanted: dict[str, dict[str, str]] = {}
        for peer in peers:
            wanted.setdefault(peer.user, {})[peer.id] = "signed_curve25519"
        claimed = await self.ask("POST", "keys/claim", {"one_time_keys": wanted})
        for peer in peers:
            keys = at(claimed, "one_time_keys", peer.user, peer.id)
            for key in keys.values() if isinstance(keys, dict) else ():
                if verified(key, peer.user, peer.id, peer.ed25519):
                    with suppress(ValueError):  # signed nonsense
                        self.device.begin(peer, text_at(key, "key"))
