"""The room on a real homeserver: accounts, the room itself, and an ear in it."""

from __future__ import annotations

import asyncio
import json
import uuid
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any
from urllib.parse import quote

from bot.core.chat import STATUS_KEY
from bot.demo.client import Client
from bot.demo.folder import ROOM, Folder, write_private
from bot.demo.keeping import CannotStart
from bot.demo.policy import BOT, DOMAIN, Cast
from bot.demo.room import local
from bot.demo.synapse import Synapse
from bot.errors import ChatUnavailable
from bot.i18n import _
from bot.talk.transcript import Transcript

BOT_ID = f"@{BOT}:{DOMAIN}"
#: seconds for a request, in which the homeserver may hold back a sync for POLL
REQUEST, POLL = 30.0, 20.0
#: seconds between two tries while the homeserver says nothing
PAUSE = 0.5
_NOTHING = {"not_types": ["*"]}


class MatrixPlace:
    """The nounou room on a Synapse of its own."""

    on_pipes = False

    def __init__(self, folder: Folder, cast: Cast, say: Callable[[str], None]) -> None:
        self.transcript = Transcript()
        self._folder = folder
        self._cast = cast
        self._me = cast.accounts[cast.host]
        self._synapse = Synapse(folder.homeserver, say=say)
        self._opened = AsyncExitStack()
        self._room = ""
        self._since = ""
        self._arrived = asyncio.Event()

    async def open(self) -> None:
        self._opened.push_async_callback(self._synapse.stop)
        await self._synapse.start()
        self._client = await self._opened.enter_async_context(Client(self._synapse.url, REQUEST))
        kept = self._kept()
        self._client.tokens = kept.get("tokens", {})
        self._room = kept.get("room", "")
        await self._let_in(
            [name for name in self._cast.accounts.values() if name not in self._client.tokens]
        )
        write_private(
            self._folder.tokens, json.dumps({"room": self._room, "tokens": self._client.tokens})
        )
        await self._look_around()

    def chat(self) -> Mapping[str, Any]:
        return {
            "kind": "matrix",
            "homeserver": self._synapse.url,
            "user": BOT_ID,
            "device_name": "nounou demo",
            "password": {"file": str(self._folder.password(BOT)[1])},
        }

    def welcome(self) -> list[str]:
        return [
            _("Any Matrix client may join the room {room} at {url}, as one of these:").format(
                url=self._synapse.url, room=ROOM
            ),
            *(
                _("  {name}, password {password}").format(
                    name=name, password=self._folder.password(name)[0]
                )
                for name in self._cast.accounts.values()
            ),
        ]

    async def attend(self, bot: Process) -> None:
        await bot.wait()

    async def arrival(self) -> None:
        await self._arrived.wait()

    async def say(self, person: str, text: str) -> str:
        """Said once, however often the homeserver must be asked: the transaction stays the same."""
        path = f"rooms/{quote(self._room)}/send/m.room.message/{uuid.uuid4().hex}"
        content = {"msgtype": "m.text", "body": text}
        while True:
            with suppress(ChatUnavailable):
                sent = await self._client.ask("PUT", path, self._cast.accounts[person], content)
                return str(sent["event_id"])
            await asyncio.sleep(PAUSE)

    async def listen(self) -> None:
        while True:
            try:
                await self._hear(await self._sync(POLL, 100))
            except ChatUnavailable as error:
                if self._synapse.pid is None:
                    raise CannotStart(
                        _("the homeserver has ended"),
                        hint=_("see {log}").format(log=self._synapse.log),
                    ) from error
                await asyncio.sleep(PAUSE)

    async def settle(self) -> None:
        """Once the newest event of the room was heard, so was everything before it."""
        path = f"rooms/{quote(self._room)}/messages"
        newest = await self._client.ask("GET", path, self._me, query={"dir": "b", "limit": "1"})
        heard = {event["event_id"] for event in newest["chunk"]}
        async with asyncio.timeout(REQUEST):
            await self.transcript.until(lambda: all(map(self.transcript.has, heard)))

    async def close(self) -> None:
        await self._opened.aclose()

    def _kept(self) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads(self._folder.tokens.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return kept

    async def _let_in(self, names: list[str]) -> None:
        """Accounts for *names*, in the room; the room and the bot's account come with the first."""
        if not self._room:
            await self._synapse.register(BOT, self._folder.password(BOT)[0])
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(self._enrol(name))
        if not self._room:
            self._room = await self._make_room()
        for name in names:
            await self._client.ask("POST", f"join/{quote(self._room)}", name, {})

    async def _enrol(self, name: str) -> None:
        password = self._folder.password(name)[0]
        await self._synapse.register(name, password)
        await self._client.login(name, password)

    async def _make_room(self) -> str:
        """Open to everybody of this homeserver; the bot waits for its invitation."""
        name = ROOM.removeprefix("#").partition(":")[0]
        made = await self._client.ask(
            "POST",
            "createRoom",
            self._me,
            {
                "preset": "public_chat",
                "room_alias_name": name,
                "name": name,
                "invite": [BOT_ID],
            },
        )
        return str(made["room_id"])

    async def _look_around(self) -> None:
        """Listen from now on, and see whether the bot is here from an earlier run."""
        self._since = (await self._sync(0, 0))["next_batch"]
        members = await self._client.ask(
            "GET", f"rooms/{quote(self._room)}/joined_members", self._me
        )
        if BOT_ID in members["joined"]:
            self._arrived.set()

    async def _sync(self, wait: float, limit: int) -> dict[str, Any]:
        wanted = {
            "room": {
                "rooms": [self._room],
                "timeline": {"limit": limit},
                "state": _NOTHING,
                "ephemeral": {"types": ["m.receipt"]},
                "account_data": _NOTHING,
            },
            "presence": _NOTHING,
            "account_data": _NOTHING,
        }
        query = {"filter": json.dumps(wanted), "timeout": str(int(wait * 1000))}
        if self._since:
            query["since"] = self._since
        return await self._client.ask("GET", "sync", self._me, query=query)

    async def _hear(self, news: dict[str, Any]) -> None:
        room = news.get("rooms", {}).get("join", {}).get(self._room, {})
        timeline = room.get("timeline", {})
        missed = await self._missed(timeline["prev_batch"]) if timeline.get("limited") else []
        for event in missed + timeline.get("events", []):
            self._take(event)
        for event in room.get("ephemeral", {}).get("events", []):
            self._mark(event.get("content"))
        self._since = news["next_batch"]

    async def _missed(self, before: str) -> list[dict[str, Any]]:
        """What lies between the last sync and a timeline that was cut, oldest first."""
        events: list[dict[str, Any]] = []
        path, start = f"rooms/{quote(self._room)}/messages", before
        while start:
            query = {"dir": "b", "limit": "100", "from": start, "to": self._since}
            page = await self._client.ask("GET", path, self._me, query=query)
            events += page["chunk"]
            start = page.get("end", "")
        return events[::-1]

    def _take(self, event: dict[str, Any]) -> None:
        content = event.get("content")
        if not isinstance(content, dict) or event["type"] != "m.room.message":
            self.transcript.pass_by(event["event_id"])
            if _joined(event) == BOT_ID:
                self._arrived.set()
            return
        edits, newest = _edit(content)
        self.transcript.add(
            event["event_id"],
            local(event["sender"]),
            str(newest.get("body", "")),
            edits=edits,
            status=newest.get(STATUS_KEY, content.get(STATUS_KEY)),
        )

    def _mark(self, receipts: Any) -> None:
        """Read marks: ``{event: {"m.read": {user: …}}}``."""
        for event_id, kinds in receipts.items() if isinstance(receipts, dict) else ():
            if isinstance(kinds, dict) and BOT_ID in kinds.get("m.read", {}):
                self.transcript.take_in(event_id)


def _joined(event: dict[str, Any]) -> str | None:
    """Who came into the room with *event*."""
    content = event.get("content")
    if isinstance(content, dict) and content.get("membership") == "join":
        return str(event.get("state_key"))
    return None


def _edit(content: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The event that *content* replaces, if any, and the content that counts."""
    relation, newest = content.get("m.relates_to"), content.get("m.new_content")
    if isinstance(relation, dict) and relation.get("rel_type") == "m.replace":
        target = relation.get("event_id")
        if isinstance(target, str) and isinstance(newest, dict):
            return target, newest
    return None, content
