"""A room without a homeserver: what one would know, and nothing more, for tests of whole bots.

It speaks the protocol of `bot.chat.terminal` and keeps every post as it came, so that a test can
count final answers.
"""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

ROOM = "#nounou:localhost"
#: seconds that anything may take on a machine that many share
PATIENCE = 60.0
#: seconds after which a condition is looked at again though nothing was said
GLANCE = 0.02


@dataclass(frozen=True)
class Post:
    """A message or an edit of the bot, as the room took it."""

    event_id: str
    plain: str
    about: str | None
    edits: str | None
    status: dict[str, Any]

    @property
    def final(self) -> bool:
        return bool(self.status.get("final"))

    @property
    def state(self) -> str:
        return str(self.status.get("state", ""))


@dataclass
class Room:
    """Messages of persons and posts of the bot, in order; each transaction once."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    #: the number up to which the bot has stored what was said
    taken_in: int = 0
    #: what the bot said that is no protocol
    nonsense: list[bytes] = field(default_factory=list)
    #: whether the bot's posts are taken and their receipts lost
    loses_receipts: bool = False
    _last: int = 0
    _by_txn: dict[str, str] = field(default_factory=dict)
    _began: int | None = None
    _bot: asyncio.StreamWriter | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, sender: str, body: str) -> str:
        """*sender* says *body*; returns the event id."""
        message = {
            "type": "message",
            "n": self._number(),
            "event_id": f"$t{self._last}",
            "room": ROOM,
            "sender": f"@{sender}:localhost",
            "body": body,
        }
        self.messages.append(message)
        self._write(message)
        return str(message["event_id"])

    def deliver_again(self, event_id: str) -> None:
        """Deliver an old message as a new one, as a homeserver does that lost its place."""
        (message,) = [each for each in self.messages if each["event_id"] == event_id]
        self._write({**message, "n": self._number()})

    async def attend(self, bot: Process) -> None:
        """Hear *bot* until it ends."""
        assert bot.stdin is not None
        assert bot.stdout is not None
        while line := await bot.stdout.readline():
            try:
                self._obey(bot.stdin, json.loads(line))
            except (ValueError, KeyError):
                self.nonsense.append(line)
            self._ring()
        self._bot = None
        bot.stdin.close()
        self._ring()

    @property
    def attended(self) -> bool:
        """Whether a bot is there to hear what is said."""
        return self._bot is not None

    async def until(self, holds: Callable[[], object], within: float = PATIENCE) -> None:
        """Return once *holds*, which is looked at whenever the bot has said something."""
        async with asyncio.timeout(within):
            while not holds():
                await self.news()

    async def news(self) -> None:
        """Wait for the bot's next word, though not for long."""
        changed = self._changed
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), GLANCE)

    def about(self, event_id: str) -> list[Post]:
        """Everything that the bot said about one command."""
        return [post for post in self.posts if post.status.get("command") == event_id]

    def finals(self, event_id: str) -> list[Post]:
        """The messages with a final answer, each as it was when it became one."""
        messages: dict[str, Post] = {}
        for post in self.about(event_id):
            if post.final:
                messages.setdefault(post.edits or post.event_id, post)
        return [*messages.values()]

    def heard(self, event_id: str, text: str) -> bool:
        """Whether the bot ever said *text* about one command."""
        return any(text in post.plain for post in self.about(event_id))

    def _obey(self, bot: asyncio.StreamWriter, order: dict[str, Any]) -> None:
        match order["type"]:
            case "hello":
                self._welcome(bot, order["since"])
            case "read":
                self.taken_in = max(self.taken_in, int(order["n"]))
            case "send":
                event_id = self._post(order)
                if not self.loses_receipts:
                    self._write({"type": "sent", "txn": order["txn"], "event_id": event_id})

    def _welcome(self, bot: asyncio.StreamWriter, since: str | None) -> None:
        self._bot = bot
        if self._began is None:
            self._began = self._last
        known = self._began if since is None else int(since)
        welcome = {"type": "welcome", "n": known if since is None else self._last}
        if since is None:
            self._write(welcome)
        for message in self.messages:
            if message["n"] > known:
                self._write(message)
        if since is not None:
            self._write(welcome)

    def _post(self, order: dict[str, Any]) -> str:
        txn = str(order["txn"])
        if txn not in self._by_txn:
            self._by_txn[txn] = f"$t{self._number()}"
            self.posts.append(
                Post(
                    self._by_txn[txn],
                    order["plain"],
                    order["about"],
                    order["edits"],
                    order["status"] or {},
                )
            )
        return self._by_txn[txn]

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _write(self, frame: dict[str, Any]) -> None:
        if self._bot is not None:
            with suppress(ConnectionError, RuntimeError):
                self._bot.write(json.dumps(frame).encode() + b"\n")

    def _ring(self) -> None:
        rung, self._changed = self._changed, asyncio.Event()
        rung.set()
