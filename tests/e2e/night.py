"""A whole bot with its local chat, and `nounou chat` as a process beside it."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo.folder import write_private
from bot.unix import address_of
from tests.e2e.house import House
from tests.e2e.house_room import PATIENCE

ME = pwd.getpwuid(os.getuid()).pw_name
CHAT = (sys.executable, "-P", "-m", "bot", "chat")
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Ended:
    """How one `nounou chat` ended, and what it printed."""

    status: int
    out: str
    err: str


@dataclass
class NightHouse(House):
    """A house whose person `nounou` is this test's own OS user."""

    #: whether the bot knows that user
    known: bool = True
    #: the homeserver of the bot; the room of the test where it has none
    homeserver: str = ""

    @property
    def socket(self) -> Path:
        return self.state / "chat.sock"

    def configure(self, change: Any = lambda _config: None) -> None:
        def at_night(config: dict[str, Any]) -> None:
            config["local"] = {"socket": str(self.socket)}
            if not self.known:
                del config["members"]["nounou"]["os_users"]
            if self.homeserver:
                write_private(self.path / "password", "password")
                config["chat"] = {
                    "kind": "matrix",
                    "homeserver": self.homeserver,
                    "user": "@bot:localhost",
                    "password": {"file": str(self.path / "password")},
                }
            change(config)

        super().configure(at_night)

    async def start_bot(self) -> None:
        """Start the bot, and wait until somebody on its host may talk with it."""
        process = await self.start_bot_anyhow()
        await self.room.until(lambda: self._answers() or process.returncode is not None)
        assert process.returncode is None, self.bot_log

    def _answers(self) -> bool:
        """Whether somebody listens; the socket of a bot that was killed stays, and nobody does."""
        try:
            with socket.socket(socket.AF_UNIX) as knock, address_of(self.socket) as address:
                return knock.connect_ex(address) == 0
        except FileNotFoundError:
            return False  # the bot has not made its folder yet

    async def begin(self, *options: str) -> Process:
        """A person on the bot's host begins `nounou chat`."""
        words = options or (str(self.folder.config),)
        return await asyncio.create_subprocess_exec(
            *CHAT,
            *words,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    async def chat(self, script: str, *options: str, within: float = PATIENCE) -> Ended:
        """What `nounou chat` makes of *script*."""
        return await finish(await self.begin(*options), script, within)


async def finish(process: Process, script: str, within: float = PATIENCE) -> Ended:
    """Give *process* its *script*, and wait for its end."""
    async with asyncio.timeout(within):
        out, err = await process.communicate(script.encode())
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())
