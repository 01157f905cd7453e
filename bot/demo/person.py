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
from bot.errors import ChatUnavailable
from bot.i18n import _

#: seconds between two tries while the homeserver says nothing
PAUSE = 0.5


class Person:
    """One account's device, and the keys with which its owner signs devices."""

    def __init__(self, client: Client, login: Login, secrets: Secrets) -> None:
        self.login = login
        self.device = Device(login.user_id, login.device_id)
        self._client = client
        self._secrets = secrets
        #: whether somebody had thrown the earlier identity away, so that this one is new
        self.replaced = False
        #: one message after the other, so that each finds its key shared
        self._turn = asyncio.Lock()

    @classmethod
    async def arrive(cls, client: Client, login: Login, password: str, seeds: Path) -> Self:
        """At the new device *login*, with the identity that the file *seeds* keeps for them."""
        person = cls(client, login, Secrets.make(login.user_id))
        shown = (await person.identity(login.user_id)).master
        kept = Secrets.kept(seeds, login.user_id)
        # a homeserver takes no identity back that it has thrown away
        person.replaced = shown is not None and (kept is None or kept.master.public != shown)
        if kept is not None and not person.replaced:
            person._secrets = kept
        person._secrets.keep(seeds)
        if shown is None or person.replaced:
            await client.ask_as_owner(
                "keys/device_signing/upload", login, password, person._secrets.publication()
            )
        await person._publish_device()
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
        me = self.login.user_id
        answer = await self.ask("POST", "keys/query", _keys_of(me))
        unsigned = [
            peer.id
            for peer in identity_of(answer, me).devices.values()
            if not peer.signed and wanted(peer.id)
        ]
        for device_id in unsigned:
            await self._vouch_for(answer["device_keys"][me][device_id])
        return unsigned

    async def say(self, room_id: str, text: str, *, encrypted: bool) -> str:
        """Say *text*, once, however often the homeserver must be asked; returns the event id.

        Raises `ChatRefused`.
        """
        content: dict[str, Any] = {"msgtype": "m.text", "body": text}
        kind = "m.room.message"
        async with self._turn:
            if encrypted:
                await self.share_key(room_id)
                kind, content = "m.room.encrypted", self.device.encrypt(room_id, kind, content)
            path = f"rooms/{quote(room_id)}/send/{kind}/{uuid.uuid4().hex}"
            return str((await self._insist("PUT", path, content))["event_id"])

    async def share_key(self, room_id: str) -> None:
        """Let every device of everybody who is in the room now read what comes next."""
        peers = await self._audience(room_id)
        await self.meet(self.device.strangers(peers))
        if messages := self.device.share(room_id, peers):
            path = f"sendToDevice/m.room.encrypted/{uuid.uuid4().hex}"
            await self._insist("PUT", path, {"messages": messages})

    async def _insist(
        self, method: str, path: str, content: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """As `ask`, until the homeserver answers; it knows a transaction of *path* again."""
        while True:
            with suppress(ChatUnavailable):
                return await self.ask(method, path, content)
            await asyncio.sleep(PAUSE)

    async def identity(self, user_id: str) -> Identity:
        """What the homeserver shows of *user_id*."""
        return identity_of(await self.ask("POST", "keys/query", _keys_of(user_id)), user_id)

    async def _publish_device(self) -> None:
        keys, one_time_keys = self.device.public_keys(), self.device.one_time_keys()
        await self.ask("POST", "keys/upload", {"device_keys": keys, "one_time_keys": one_time_keys})
        await self._vouch_for(keys)

    async def _vouch_for(self, keys: Mapping[str, Any]) -> None:
        answer = await self.ask(
            "POST", "keys/signatures/upload", self._secrets.device_signature(keys)
        )
        if answer.get("failures"):
            raise Refusal(_("the homeserver refuses the signature of a device"), answer)

    async def _audience(self, room_id: str) -> list[Peer]:
        """All devices of everybody in the room but this one.  Asked each time: never out of date,
        and a homeserver on loopback answers in milliseconds."""
        path = f"rooms/{quote(room_id)}/joined_members"
        joined = (await self._insist("GET", path))["joined"]
        answer = await self._insist("POST", "keys/query", _keys_of(*joined))
        return [
            peer
            for user in joined
            for peer in identity_of(answer, user).devices.values()
            if peer.curve25519 != self.device.curve25519
        ]

    async def meet(self, peers: list[Peer]) -> None:
        """Begin a conversation with each of *peers*; whoever has no key for it is left out."""
        if not peers:
            return
        wanted: dict[str, dict[str, str]] = {}
        for peer in peers:
            wanted.setdefault(peer.user, {})[peer.id] = "signed_curve25519"
        claimed = await self._insist("POST", "keys/claim", {"one_time_keys": wanted})
        for peer in peers:
            keys = at(claimed, "one_time_keys", peer.user, peer.id)
            for key in keys.values() if isinstance(keys, dict) else ():
                if verified(key, peer.user, peer.id, peer.ed25519):
                    with suppress(ValueError):  # signed nonsense
                        self.device.begin(peer, text_at(key, "key"))


def _keys_of(*users: str) -> dict[str, Any]:
    """The question for all keys of *users*."""
    return {"device_keys": {user: [] for user in users}}
