"""A room and a bot account of one test's own, and what a chat delivered there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bot.chat.matrix import MatrixChat
from bot.chat.matrix_login import Credentials
from bot.core.chat import Batch, Kind, Message, Report
from tests.e2e.client import Client

PATIENCE = 50.0
KNOWN = ("@nounou:localhost", "@apprenti:localhost")


@dataclass
class Inbox:
    """A store as the engine keeps it: the token and the messages, committed together."""

    token: str | None = None
    messages: list[Message] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    #: called before a batch is stored; may raise as a broken store does
    before: Callable[[Batch], Awaitable[None]] | None = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def receive(self, batch: Batch) -> None:
        if self.before is not None:
            await self.before(batch)
        async with self.changed:
            self.token = batch.token
            self.batches.append(batch)
            self.messages += batch.messages
            self.changed.notify_all()

    @property
    def reports(self) -> list[Report]:
        return [report for batch in self.batches for report in batch.reports]

    @property
    def bodies(self) -> list[str]:
        """The lines that may be commands; `messages` has the edits and removals as well."""
        return [message.body for message in self.messages if message.kind is Kind.LINE]

    async def until(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(ready)


@dataclass
class Pins:
    """The first key of each user that was seen."""

    keys: dict[str, str] = field(default_factory=dict)

    async def holds(self, user: str, key: str) -> bool:
        return self.keys.setdefault(user, key) == key


@dataclass(frozen=True)
class Place:
    """Where one test takes place."""

    url: str
    alias: str
    room_id: str
    bot: str
    folder: Path
    known: tuple[str, ...] = KNOWN
    password: str = "password"
    #: whether the bot may be taken aside
    private: bool = False
    trust_any: bool = False
    pins: Pins = field(default_factory=Pins)

    @property
    def bot_id(self) -> str:
        return f"@{self.bot}:localhost"

    def chat(
        self, *rooms: str, password: str | None = "password", token: str | None = None
    ) -> MatrixChat:
        return MatrixChat(
            self.url,
            Credentials(self.bot, password, token),
            rooms or (self.alias,),
            self.folder,
            lambda user_id: user_id in self.known,
            self.pins.holds,
            private=self.private,
            trust_any=self.trust_any,
            shortest_pause=0.01,
            longest_pause=0.1,
        )

    async def entered(self, client: Client, room_id: str = "") -> None:
        """Return once *client* sees the bot in the room."""
        await client.until(
            lambda: self.bot_id in client.members.get(room_id or self.room_id, ()) or None
        )

    async def gone(self, client: Client, room_id: str) -> None:
        """Return once *client* has seen the bot leave the room."""
        await client.until(lambda: self.bot_id in client.left.get(room_id, ()) or None)

    async def revoke(self, token: str) -> None:
        """Make an access token of the bot worthless, as an administrator may."""
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}/_matrix/client/v3/logout"
        async with aiohttp.ClientSession() as session, session.post(url, headers=headers) as answer:
            assert answer.status == 200

    @asynccontextmanager
    async def running(self, inbox: Inbox, *rooms: str) -> AsyncIterator[MatrixChat]:
        """The chat, delivering to *inbox*; started from what the inbox has stored."""
        chat = self.chat(*rooms)
        task = asyncio.create_task(chat.run(inbox.receive, inbox.token))
        try:
            started = asyncio.create_task(inbox.until(lambda: inbox.token is not None))
            await asyncio.wait((task, started), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                started.cancel()
                task.result()
            await started
            yield chat
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await chat.close()
