"""A person's client with encryption: matrix-nio, whose cryptography around Olm and Megolm is not
ours.  It knows nothing of cross-signing; that is done beside it, with `bot.chat.crossing`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import aiohttp
from nio import AsyncClient, AsyncClientConfig, MatrixRoom, MegolmEvent, RoomKeyRequest, RoomMessage  # type: ignore[import-untyped]

from bot.chat.crossing import Secrets

T = TypeVar("T")
PATIENCE = 30.0


class Peer:
    """``async with Peer(url, "nounou", folder) as p:``, then `say` and `until`."""

    def __init__(self, url: str, user: str, folder: Path, password: str = "password") -> None:
        self.user_id = f"@{user}:localhost"
        folder.mkdir(parents=True, exist_ok=True)
        config = AsyncClientConfig(encryption_enabled=True, pickle_key="of a test")
        self.client = AsyncClient(url, user, store_path=str(folder), config=config)
        #: what it could read, by event id: encrypted messages only
        self.read: dict[str, dict[str, Any]] = {}
        #: ids of encrypted events that it could not read
        self.unread: list[str] = []
        #: under which key each body was said
        self.sessions: dict[str, str] = {}
        #: keys that other devices asked this one for
        self.asked_for: list[str] = []
        self._url = url
        self._password = password
        self._news = asyncio.Condition()
        self._busy = asyncio.Lock()

    async def __aenter__(self) -> Peer:
        await self.client.login(self._password)
        self.client.add_event_callback(self._take, RoomMessage)
        self.client.add_event_callback(self._miss, MegolmEvent)
        await self.sync(timeout=0, full_state=True)
        self._syncing = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._syncing.cancel()
        with suppress(asyncio.CancelledError):
            await self._syncing
        await self.client.close()

    @property
    def device_keys(self) -> dict[str, Any]:
        """The device as it published itself."""
        olm = self.client.olm
        keys = {
            "algorithms": olm._algorithms,
            "device_id": olm.device_id,
            "user_id": olm.user_id,
            "keys": {
                f"{kind}:{olm.device_id}": olm.account.identity_keys[kind]
                for kind in ("curve25519", "ed25519")
            },
        }
        signature = olm.sign_json(keys)
        return {**keys, "signatures": {olm.user_id: {f"ed25519:{olm.device_id}": signature}}}

    async def publish(self, secrets: Secrets) -> None:
        """Make *secrets* the identity of the user, replacing what there was."""
        path = "keys/device_signing/upload"
        status, answer = await self.ask("POST", path, secrets.publication())
        if status == 401:
            proof = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self.user_id},
                "password": self._password,
                "session": answer["session"],
            }
            body = secrets.publication() | {"auth": proof}
            status, answer = await self.ask("POST", path, body)
        assert status == 200, answer

    async def sign(self, secrets: Secrets) -> None:
        """Let *secrets* vouch for this device."""
        status, answer = await self.ask(
            "POST", "keys/signatures/upload", secrets.device_signature(self.device_keys)
        )
        assert status == 200, answer
        assert not answer["failures"], answer

    async def ask(self, method: str, path: str, content: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.client.access_token}"}
        url = f"{self._url}/_matrix/client/v3/{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=content, headers=headers) as answer,
        ):
            return answer.status, await answer.json()

    async def say(self, room: str, body: str, **more: Any) -> str:
        """Send *body* encrypted, so that all devices in the room can read it."""
        return await self.send(room, {"msgtype": "m.text", "body": body, **more})

    async def send(self, room: str, content: dict[str, Any], kind: str = "m.room.message") -> str:
        """Send an event encrypted; but for a reaction, which goes in clear."""
        async with self._busy:
            answer = await self.client.room_send(
                room, kind, content, ignore_unverified_devices=True
            )
        return str(answer.event_id)

    async def invite(self, room: str, user_id: str) -> None:
        await self.client.room_invite(room, user_id)

    async def kick(self, room: str, user_id: str) -> None:
        await self.client.room_kick(room, user_id)

    def change_key(self, room: str) -> None:
        """Say the next words in *room* under a new key."""
        self.client.invalidate_outbound_session(room)

    async def until(self, look: Callable[[], T | None]) -> T:
        """What *look* returns once it is something true; it is asked after each sync."""
        async with asyncio.timeout(PATIENCE), self._news:
            while not (found := look()):
                await self._news.wait()
            return found

    async def reads(self, body: str) -> dict[str, Any]:
        """The content of the encrypted message that says *body*."""
        return await self.until(
            lambda: next((c for c in self.read.values() if c.get("body") == body), None)
        )

    async def sees(self, room: str, user_id: str) -> None:
        """Return once this client sees *user_id* in *room*."""
        await self.until(
            lambda: room in self.client.rooms and user_id in self.client.rooms[room].users
        )

    async def sees_device(self, user_id: str) -> None:
        """Return once this client knows a device of *user_id*."""
        await self.until(lambda: bool(self.client.device_store[user_id]) or None)

    async def sync(self, timeout: int, **more: Any) -> None:
        answer = await self.client.sync(timeout=timeout, **more)
        for event in getattr(answer, "to_device_events", ()):
            if isinstance(event, RoomKeyRequest):
                self.asked_for.append(event.session_id)
        async with self._busy:
            if self.client.should_upload_keys:
                await self.client.keys_upload()
            if self.client.should_query_keys:
                await self.client.keys_query()
            if self.client.should_claim_keys:
                await self.client.keys_claim(self.client.get_users_for_key_claiming())
            await self.client.send_to_device_messages()
        async with self._news:
            self._news.notify_all()

    async def _follow(self) -> None:
        while True:
            await self.sync(timeout=30_000)

    async def _take(self, room: MatrixRoom, event: RoomMessage) -> None:
        if event.decrypted:
            self.read[event.event_id] = event.source["content"]
            self.sessions[event.body] = event.session_id

    async def _miss(self, room: MatrixRoom, event: MegolmEvent) -> None:
        self.unread.append(event.event_id)
