"""What one person hears in a room: every event, in order and decrypted, into the transcript."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

from bot.core.chat import STATUS_KEY
from bot.demo.device import at
from bot.demo.person import Person
from bot.demo.room import local
from bot.i18n import _
from bot.talk.transcript import Transcript

_NOTHING = {"not_types": ["*"]}


class Hearing:
    """The ear of *person* in the room *room_id*; *bot* is the user id of the bot."""

    def __init__(
        self, person: Person, room_id: str, transcript: Transcript, *, encrypted: bool, bot: str
    ) -> None:
        self._person = person
        self._room = room_id
        self._transcript = transcript
        self._encrypted = encrypted
        self._bot = bot
        self._since = ""
        #: what could not be read when it came, by event id; its key may still be on the way
        self._unread: dict[str, dict[str, Any]] = {}
        #: set once the bot is in the room
        self.bot_is_here = asyncio.Event()

    async def begin(self) -> None:
        """Hear everything from now on; raises as `Client.ask`."""
        self._since = (await self._sync(0, 0))["next_batch"]
        path = f"rooms/{quote(self._room)}/joined_members"
        if self._bot in (await self._person.ask("GET", path))["joined"]:
            self.bot_is_here.set()

    async def more(self, patience: float) -> set[str]:
        """Hear what is new, and wait up to *patience* seconds for it.

        Returns whose devices are others than before.  Raises as `Client.ask`; then the same is
        heard by the next call.
        """
        news = await self._sync(patience, 100)
        room = news.get("rooms", {}).get("join", {}).get(self._room, {})
        timeline = room.get("timeline", {})
        missed = await self._missed(timeline["prev_batch"]) if timeline.get("limited") else []
        self._learn_keys(news.get("to_device", {}).get("events", []))
        for event in missed + timeline.get("events", []):
            self._take(event)
        for event in room.get("ephemeral", {}).get("events", []):
            self._mark(event.get("content"))
        self._since = news["next_batch"]
        return set(news.get("device_lists", {}).get("changed", []))

    async def newest(self) -> set[str]:
        """The event that was last in the room; none where the room is empty."""
        path = f"rooms/{quote(self._room)}/messages"
        answer = await self._person.ask("GET", path, query={"dir": "b", "limit": "1"})
        return {event["event_id"] for event in answer["chunk"]}

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
        return await self._person.ask("GET", "sync", query=query)

    async def _missed(self, before: str) -> list[dict[str, Any]]:
        """What lies between the last sync and a timeline that was cut, oldest first."""
        events: list[dict[str, Any]] = []
        path, start = f"rooms/{quote(self._room)}/messages", before
        while start:
            query = {"dir": "b", "limit": "100", "from": start, "to": self._since}
            page = await self._person.ask("GET", path, query=query)
            events += page["chunk"]
            start = page.get("end", "")
        return events[::-1]

    def _learn_keys(self, events: list[Any]) -> None:
        learnt = False
        for event in events:
            try:
                learnt |= self._person.device.take(event)
            except ValueError:
                continue  # for another program, or nonsense: anybody may send anything
        if learnt:
            for event in list(self._unread.values()):
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        if event["type"] == "m.room.encrypted" and isinstance(event.get("content"), dict):
            self._unread[event["event_id"]] = event
            try:
                clear = self._person.device.decrypt(self._room, event)
            except ValueError:
                if "redacted_because" not in event.get("unsigned", {}):
                    self._transcript.veil(
                        event["event_id"], local(event["sender"]), _("(this cannot be read here)")
                    )
                return
            del self._unread[event["event_id"]]
            self._write(clear)
        elif self._encrypted and event["type"] == "m.room.message":
            # nobody knows who wrote it, so it counts for nothing
            body = _("(not encrypted) {text}").format(text=at(event, "content", "body"))
            self._transcript.add(event["event_id"], local(event["sender"]), body)
        else:
            self._write(event)

    def _write(self, event: dict[str, Any]) -> None:
        """Put an event that can be read into the transcript."""
        content = event.get("content")
        if not isinstance(content, dict) or event["type"] != "m.room.message":
            self._transcript.pass_by(event["event_id"])
            if _joined(event) == self._bot:
                self.bot_is_here.set()
            return
        edits, newest = _edit(content)
        self._transcript.add(
            event["event_id"],
            local(event["sender"]),
            str(newest.get("body", "")),
            edits=edits,
            status=newest.get(STATUS_KEY, content.get(STATUS_KEY)),
        )

    def _mark(self, receipts: Any) -> None:
        """Read marks: ``{event: {"m.read": {user: …}}}``."""
        for event_id, kinds in receipts.items() if isinstance(receipts, dict) else ():
            if isinstance(kinds, dict) and self._bot in kinds.get("m.read", {}):
                self._transcript.take_in(event_id)


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
