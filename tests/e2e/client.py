"""A plain Matrix client for tests: what a person's client would send and see, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import aiohttp

T = TypeVar("T")

#: generous, since the machines that run tests are busy
PATIENCE = 30.0


class Refusal(Exception):
    """The homeserver answered with an error."""

    def __init__(self, status: int, answer: Any) -> None:
        super().__init__(f"{status}: {answer}")
        self.status = status
        self.errcode = answer.get("errcode") if isinstance(answer, dict) else None


@dataclass
class Seen:
    """A message as a client shows it: the newest body and content, edits folded in."""

    event_id: str
    room: str
    sender: str
    body: str
    content: dict[str, Any]
    #: as it was first sent
    first: dict[str, Any]
    edits: list[dict[str, Any]] = field(default_factory=list)


class Client:
    """``async with Client(url, "nounou", "password") as c:``, then `say` and `wait_for`."""

    def __init__(self, url: str, user: str, password: str, *, since: str = "") -> None:
        self.user_id = f"@{user}:localhost"
        #: every message since the client came in, by event id, in order
        self.messages: dict[str, Seen] = {}
        #: who has read up to which event, by (user id, room id)
        self.receipts: dict[tuple[str, str], str] = {}
        #: who is typing in each room
        self.typing: dict[str, list[str]] = {}
        #: rooms that each user is in, as far as this client sees
        self.members: dict[str, set[str]] = {}
        #: who was in a room and is no more
        self.left: dict[str, set[str]] = {}
        self._url = self.url = url
        self._user = user
        self._password = password
        self._token = ""
        #: what was said after this token is seen, too
        self._since = since
        self._aliases: dict[str, str] = {}
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Client:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        try:
            login = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self._user},
                "password": self._password,
            }
            self._token = str((await self.ask("POST", "login", login))["access_token"])
            await self._sync(timeout=0)
        except BaseException:
            await self._session.close()
            raise
        self._syncing = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._syncing.cancel()
        try:
            with suppress(asyncio.CancelledError):
                await self._syncing
        finally:
            await self._session.close()

    async def ask(
        self, method: str, path: str, content: Any = None, **query: str
    ) -> dict[str, Any]:
        """One request of the client API; raises `Refusal`."""
        answer = json.loads(
            await self._request(method, f"_matrix/client/v3/{path}", json=content, params=query)
        )
        assert isinstance(answer, dict)
        return answer

    async def _request(self, method: str, path: str, **more: Any) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        url = f"{self._url}/{path}"
        async with self._session.request(method, url, headers=headers, **more) as response:
            if response.status != 200:
                raise Refusal(response.status, await response.json(content_type=None))
            return await response.read()

    async def say(self, room: str, body: str, **more: Any) -> str:
        """Send *body* as a text message to a room (alias or id); returns its event id."""
        return await self.send(room, {"msgtype": "m.text", "body": body, **more})

    async def react(self, room: str, event_id: str, sign: str) -> str:
        """Put *sign* on a message; returns the event id of that."""
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": sign}
        return await self.send(room, {"m.relates_to": relation}, kind="m.reaction")

    async def send(
        self, room: str, content: Any, *, kind: str = "m.room.message", txn: str = ""
    ) -> str:
        room_id = quote(await self.room_id(room), safe="")
        answer = await self.ask("PUT", f"rooms/{room_id}/send/{kind}/{txn or uuid4()}", content)
        return str(answer["event_id"])

    async def wait_for(self, wanted: Callable[[Seen], bool], timeout: float = PATIENCE) -> Seen:
        """The first message that is as *wanted*, now or within *timeout*."""

        def look() -> Seen | None:
            return next((seen for seen in self.messages.values() if wanted(seen)), None)

        return await self.until(look, timeout)

    async def until(self, look: Callable[[], T | None], timeout: float = PATIENCE) -> T:
        """What *look* returns once it is not None; it is asked after each sync."""
        async with asyncio.timeout(timeout), self._news:
            while (found := look()) is None:
                await self._news.wait()
            return found

    async def create_room(self, alias: str = "", invite: tuple[str, ...] = (), **more: Any) -> str:
        """A new private room; *alias* is the local part."""
        wish = {"preset": "private_chat", "invite": list(invite), **more}
        if alias:
            wish["room_alias_name"] = alias
        return str((await self.ask("POST", "createRoom", wish))["room_id"])

    async def invite(self, room: str, user_id: str) -> None:
        room_id = quote(await self.room_id(room), safe="")
        await self.ask("POST", f"rooms/{room_id}/invite", {"user_id": user_id})

    async def join(self, room: str) -> str:
        return str((await self.ask("POST", f"join/{quote(room, safe='')}", {}))["room_id"])

    async def set_state(self, room: str, kind: str, content: Any, key: str = "") -> str:
        room_id = quote(await self.room_id(room), safe="")
        answer = await self.ask("PUT", f"rooms/{room_id}/state/{kind}/{quote(key)}", content)
        return str(answer["event_id"])

    async def signs(self, room_id: str, event_id: str) -> list[str]:
        """The reactions on a message, as the homeserver has them."""
        found = await self.related(room_id, event_id, "m.annotation")
        return [event["content"]["m.relates_to"]["key"] for event in found]

    async def related(self, room_id: str, event_id: str, kind: str) -> list[dict[str, Any]]:
        """The events that relate to *event_id* in that way, newest first."""
        path = f"rooms/{quote(room_id, safe='')}/relations/{quote(event_id, safe='')}/{kind}"
        found = await self._request("GET", f"_matrix/client/v1/{path}")
        return list(json.loads(found)["chunk"])

    async def download(self, uri: str) -> bytes:
        """The file at an ``mxc:`` address."""
        return await self._request(
            "GET", f"_matrix/client/v1/media/download/{uri.removeprefix('mxc://')}"
        )

    async def token_of_now(self) -> str:
        """The homeserver's sync token of this moment, as any user's bot would store it."""
        everything = json.dumps({"room": _room(0), "moment": str(uuid4())})
        return str((await self.ask("GET", "sync", filter=everything))["next_batch"])

    async def room_id(self, room: str) -> str:
        """The id of a room given by alias or id."""
        if room.startswith("#") and room not in self._aliases:
            answer = await self.ask("GET", f"directory/room/{quote(room, safe='')}")
            self._aliases[room] = answer["room_id"]
        return self._aliases.get(room, room)

    async def _follow(self) -> None:
        while True:
            await self._sync(timeout=30_000)

    async def _sync(self, timeout: int) -> None:
        limit = 10_000 if self._since else 0
        query = {"timeout": str(timeout), "filter": json.dumps(_FILTER | {"room": _room(limit)})}
        if self._since:
            query["since"] = self._since
        answer = await self.ask("GET", "sync", **query)
        self._since = answer["next_batch"]
        for room_id, room in answer.get("rooms", {}).get("join", {}).items():
            for event in room.get("state", {}).get("events", []) + room["timeline"]["events"]:
                self._take(room_id, event)
            for event in room.get("ephemeral", {}).get("events", []):
                if event["type"] == "m.typing":
                    self.typing[room_id] = event["content"]["user_ids"]
                else:
                    self._take_receipts(room_id, event)
        async with self._news:
            self._news.notify_all()

    def _take(self, room_id: str, event: dict[str, Any]) -> None:
        content = event.get("content", {})
        if event["type"] == "m.room.member":
            self._take_member(room_id, event["state_key"], content["membership"])
        if event["type"] != "m.room.message":
            return
        match content:
            case {
                "m.relates_to": {"rel_type": "m.replace", "event_id": str(edited)},
                "m.new_content": {"body": body} as fresh,
            } if edited in self.messages:
                message = self.messages[edited]
                message.edits.append(content)
                message.content, message.body = fresh, str(body)
                return
        self.messages[event["event_id"]] = Seen(
            event["event_id"],
            room_id,
            event["sender"],
            str(content.get("body", "")),
            content,
            content,
        )

    def _take_member(self, room_id: str, user_id: str, membership: str) -> None:
        present = self.members.setdefault(room_id, set())
        left = self.left.setdefault(room_id, set())
        if membership == "join":
            present.add(user_id)
            left.discard(user_id)
        elif user_id in present:
            present.remove(user_id)
            left.add(user_id)

    def _take_receipts(self, room_id: str, event: dict[str, Any]) -> None:
        for event_id, receipts in event.get("content", {}).items():
            for user_id in receipts.get("m.read", {}):
                self.receipts[(user_id, room_id)] = event_id


_FILTER: dict[str, Any] = {"presence": {"not_types": ["*"]}, "account_data": {"not_types": ["*"]}}


def _room(limit: int) -> dict[str, Any]:
    return {"timeline": {"limit": limit}}
