"""The person who asks: posts questions, and hears with a long poll what is said in every room."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from bench.settings import QUESTION, answered
from bot.demo.device import MEGOLM
from bot.demo.person import Person as Account

#: more events than any measurement makes in a room, so that no timeline has a gap
FILTER = json.dumps(
    {
        "room": {
            "timeline": {"limit": 5000},
            "state": {"not_types": ["*"]},
            "ephemeral": {"not_types": ["*"]},
        }
    }
)


class Person:
    """Whoever owns *account*, at a device that they have signed; `listen` must run as a task."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._since = ""
        self._news = asyncio.Event()
        #: rooms where questions are encrypted
        self._encrypted: set[str] = set()
        #: (room, event) that could not be read when it came: its key may still be on the way
        self._unread: list[tuple[str, dict[str, Any]]] = []
        #: question -> when its first answer was seen
        self.seen: dict[str, float] = {}
        #: room -> questions in the order in which the homeserver has them
        self.questions: dict[str, list[str]] = defaultdict(list)
        #: room -> the questions that were answered, in the order of the answers
        self.answers: dict[str, list[str]] = defaultdict(list)
        #: (room, chat id) of everybody who came in
        self.joined: set[tuple[str, str]] = set()

    async def make_room(self, guest: str, *, encrypted: bool, **more: Any) -> str:
        """A room to which *guest* is invited."""
        content: dict[str, Any] = {"preset": "private_chat", "invite": [guest], **more}
        if encrypted:
            algorithm = {"algorithm": MEGOLM}
            content["initial_state"] = [{"type": "m.room.encryption", "content": algorithm}]
        return str((await self._account.ask("POST", "createRoom", content))["room_id"])

    async def share(self, room: str, guest: str) -> None:
        """Let *guest*, who is in the encrypted *room*, read what is said there from now on."""
        while not (await self._account.identity(guest)).devices:  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.1)
        await self._account.share_key(room)
        self._encrypted.add(room)

    async def ask(self, room: str) -> str:
        """Post one question; returns its event id."""
        kind, content = "m.room.message", {"msgtype": "m.text", "body": QUESTION}
        if room in self._encrypted:
            content = self._account.device.encrypt(room, kind, content)
            kind = "m.room.encrypted"
        path = f"rooms/{quote(room)}/send/{kind}/{uuid.uuid4().hex}"
        return str((await self._account.ask("PUT", path, content))["event_id"])

    async def ping(self, room: str, within: float) -> float:
        """Seconds from sending a question until its answer is seen."""
        began = time.perf_counter()
        question = await self.ask(room)
        await self.until(lambda: question in self.seen, within)
        return self.seen[question] - began

    async def flood(self, room: str, count: int, at_a_time: int) -> None:
        """Post *count* questions, *at_a_time* of them under way at any time."""
        left = iter(range(count))

        async def post() -> None:
            for _number in left:
                await self.ask(room)

        async with asyncio.TaskGroup() as group:
            for _poster in range(at_a_time):
                group.create_task(post())

    async def listen(self) -> None:
        """Hear what is said, for ever."""
        while True:
            query = {"filter": FILTER, "timeout": "20000"}
            if self._since:
                query["since"] = self._since
            news = await self._account.ask("GET", "sync", query=query)
            now = time.perf_counter()
            self._since = news["next_batch"]
            self._learn_keys(news.get("to_device", {}).get("events", []), now)
            for room, found in news.get("rooms", {}).get("join", {}).items():
                for event in found["timeline"]["events"]:
                    self._hear(room, event, now)
            self._news.set()

    async def until(self, holds: Callable[[], bool], within: float) -> None:
        """Wait until *holds*; raises `TimeoutError`."""
        async with asyncio.timeout(within):
            while not holds():
                await self._next()

    async def quiet(self, seconds: float, done: Callable[[], bool]) -> None:
        """Wait until it is *done*, or nothing was heard for *seconds*."""
        while not done():
            try:
                async with asyncio.timeout(seconds):
                    await self._next()
            except TimeoutError:
                return

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _learn_keys(self, events: list[Any], now: float) -> None:
        for event in events:
            try:
                self._account.device.take(event)
            except ValueError:
                continue
        unread, self._unread = self._unread, []
        for room, event in unread:
            self._hear(room, event, now)

    def _hear(self, room: str, event: dict[str, Any], now: float) -> None:
        if event["type"] == "m.room.encrypted":
            try:
                event = self._account.device.decrypt(room, event)
            except ValueError:
                self._unread.append((room, event))
                return
        if event["type"] == "m.room.member" and event["content"].get("membership") == "join":
            self.joined.add((room, event["state_key"]))
        elif event["type"] == "m.room.message":
            if event["content"].get("body") == QUESTION:
                self.questions[room].append(event["event_id"])
            elif question := answered(event):
                self.answers[room].append(question)
                self.seen.setdefault(question, now)
