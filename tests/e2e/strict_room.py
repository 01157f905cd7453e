"""A bot as a process, and an encrypted room that a strict client shares with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import whole_bot
from tests.e2e.strict_peer import Heard, Peer


@dataclass
class Room:
    """A room of *peer* to which a bot account of its own is invited."""

    url: str
    name: str
    peer: Peer
    folder: Path
    id: str = ""

    @property
    def bot(self) -> str:
        return f"@bot-{self.name}:localhost"

    async def make(self) -> None:
        """Make it, encrypted from the start."""
        made = await self.peer.tell("create", alias=self.name, invite=[self.bot])
        self.id = made["room"]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """The bot is in the room, and told to end afterwards."""
        members = {"nounou": self.peer.user}
        alias = f"#{self.name}:localhost"
        async with whole_bot.running(self.folder, self.url, self.bot, alias, members):
            await self.peer.tell("meet", room=self.id, user=self.bot)
            yield

    async def answer(self, command: str, text: str) -> Heard:
        """Say *command*; what the bot says with *text* in it after that."""
        before = {*self.peer.heard}
        await self.peer.say(self.id, command)
        return await self.peer.hears(
            lambda heard: heard.id not in before and heard.sender == self.bot and text in heard.body
        )

    async def bots_devices(self) -> dict[str, dict[str, bool]]:
        """What the peer thinks of each device of the bot."""
        devices: dict[str, dict[str, bool]] = (await self.peer.tell("devices", user=self.bot))[
            "devices"
        ]
        return devices
