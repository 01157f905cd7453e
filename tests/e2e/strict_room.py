"""A bot as a process, and an encrypted room that a strict client shares with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.demo.folder import write_private
from bot.demo.process import Child, python
from tests.e2e.strict_peer import Heard, Peer

#: seconds that the bot gets to end by itself
GRACE = 8.0


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
        config = self.folder / "config.yaml"
        self._configure(config)
        words = python("-m", "bot", "run", str(config))
        child = Child("the bot", words, self.folder / "bot.log")
        process = await child.start()
        try:
            await self.peer.tell("meet", room=self.id, user=self.bot)
            yield
        finally:
            await child.stop(GRACE)
        assert process.returncode == 0, child.last_lines()

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

    def _configure(self, config: Path) -> None:
        """One administrator, the peer; a Dom0 that nobody reaches is enough for a `!ping`."""
        for file in ("key", "known_hosts", "password"):
            write_private(self.folder / file, "password" if file == "password" else "")
        written = {
            "site": "strict",
            "state": str(self.folder / "state"),
            "chat": {
                "kind": "matrix",
                "homeserver": self.url,
                "user": self.bot,
                "password": {"file": str(self.folder / "password")},
            },
            "rooms": {"main": f"#{self.name}:localhost"},
            "hosts": {
                "fy": {
                    "address": "127.0.0.1",
                    "port": 1,
                    "user": "nounou",
                    "key_file": str(self.folder / "key"),
                    "known_hosts": str(self.folder / "known_hosts"),
                }
            },
            "members": {"nounou": {"ids": [self.peer.user], "roles": ["nounou"]}},
            "roles": {"nounou": {"allow": ["*"]}},
        }
        write_private(config, yaml.safe_dump(written))
