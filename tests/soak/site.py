"""A whole bot on a homeserver of its own that is ended and started again, and who talks there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from bot.core.chat import STATUS_KEY
from bot.demo.client import Client, Login, Refusal
from bot.demo.folder import Folder
from bot.demo.policy import BOT, DOMAIN, of_the_lab
from bot.demo.process import Child, python
from bot.demo.synapse import Synapse
from bot.errors import ChatUnavailable

T = TypeVar("T")

ALIAS = f"#soak:{DOMAIN}"
SPEAKERS = ("nounou", "nounou2", "apprenti")
#: seconds for anything to come up or to end, on a machine that many share
PATIENCE = 90.0
#: seconds between two tries while the homeserver is away
AGAIN = 0.1
#: longer than any gap between two syncs of the listener
_FILTER = {"room": {"timeline": {"limit": 5000}, "state": {"types": ["m.room.member"]}}}


async def for_a_moment(seconds: float) -> None:
    """Let others run until *seconds* have passed."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


async def insisting(action: Callable[[], Awaitable[T]]) -> T:
    """Try *action* until the homeserver is there for it."""
    while True:
        with suppress(ChatUnavailable, Refusal):
            return await action()
        await for_a_moment(AGAIN)


@dataclass
class Heard:
    """What was said in the room, in its order."""

    #: speaker -> their commands, as the room has them
    commands: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: the command of each final answer; one that has two is here twice
    answers: list[str] = field(default_factory=list)
    #: how many answers the commands of each speaker got
    answered: Counter[str] = field(default_factory=Counter)
    #: the states of everything that the bot said of a command
    states: set[str] = field(default_factory=set)
    #: whether the bot is in the room
    bot_is_here: bool = False
    _asker: dict[str, str] = field(default_factory=dict)

    def take(self, event: dict[str, Any], bot: str) -> None:
        """Take in *event*, which comes once."""
        content = event["content"]
        if event["type"] == "m.room.member" and event["state_key"] == bot:
            self.bot_is_here = content.get("membership") == "join"
        if event["type"] != "m.room.message":
            return
        if event["sender"] != bot:
            self.commands[event["sender"]].append(event["event_id"])
            self._asker[event["event_id"]] = event["sender"]
            return
        status = content.get("m.new_content", content).get(STATUS_KEY)
        if status is not None:
            self.states.add(status["state"])
            if status["final"]:
                self.answers.append(status["command"])
                self.answered[self._asker[status["command"]]] += 1


class Site:
    """The room *room*, the homeserver under it, and the bot."""

    def __init__(self, path: Path) -> None:
        self.folder = Folder(path, "matrix")
        self.synapse = Synapse(self.folder.homeserver, patience=PATIENCE)
        self.heard = Heard()
        self.changed = asyncio.Event()
        self._client: Client
        self._logins: dict[str, Login] = {}
        self._room = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Everything runs; nothing is left afterwards."""
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self.synapse.stop)
            await self.synapse.start()
            self._client = await opened.enter_async_context(
                aclosing(Client(self.synapse.url, 60.0))
            )
            await self._make_room()
            await self._start_processes(opened)
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen())
                await self.until(lambda: self.heard.bot_is_here)
                yield
                listening.cancel()

    async def say(self, speaker: str, body: str, txn: str) -> None:
        """Said once, however often the homeserver has to be asked."""
        path = f"rooms/{quote(self._room)}/send/m.room.message/{txn}"
        content = {"msgtype": "m.text", "body": body}
        token = self._logins[speaker].token
        await insisting(lambda: self._client.ask("PUT", path, token, content))

    async def restart(self, *, roughly: bool) -> None:
        """End the homeserver, *roughly* as by the out-of-memory killer, and start it again."""
        pid = self.synapse.pid
        if roughly and pid is not None:
            os.kill(pid, signal.SIGKILL)
            while self.synapse.pid is not None:
                await for_a_moment(AGAIN)
        await self.synapse.stop()
        await self.synapse.start()

    async def until(self, holds: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until *holds*, looking after each news; raises `TimeoutError`."""
        async with asyncio.timeout(within):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    @property
    def bot_id(self) -> str:
        return f"@{BOT}:{DOMAIN}"

    @property
    def bot_log(self) -> str:
        return self.folder.log(BOT).read_text("utf-8", "replace")

    async def _make_room(self) -> None:
        for account in (BOT, *SPEAKERS):
            await self.synapse.register(account, self.folder.password(account)[0])
        for account in SPEAKERS:
            password = self.folder.password(account)[0]
            self._logins[account] = await self._client.login(account, password, "soak")
        made = {
            "preset": "public_chat",
            "room_alias_name": ALIAS[1:].partition(":")[0],
            "invite": [self.bot_id],
        }
        first, *others = (self._logins[account].token for account in SPEAKERS)
        self._room = str((await self._client.ask("POST", "createRoom", first, made))["room_id"])
        for token in others:
            await self._client.ask("POST", f"join/{quote(self._room)}", token, {})

    async def _start_processes(self, opened: AsyncExitStack) -> None:
        lab = Child(
            "the lab",
            python("-m", "bot.lab", "--state", str(self.folder.site)),
            self.folder.log("lab"),
            last_word=signal.SIGTERM,
        )
        opened.push_async_callback(lab.stop, PATIENCE)
        await lab.start()
        async with asyncio.timeout(PATIENCE):
            while (site := self.folder.read_site()) is None:
                await for_a_moment(AGAIN)
        chat = {
            "kind": "matrix",
            "homeserver": self.synapse.url,
            "user": self.bot_id,
            "password": {"file": str(self.folder.password(BOT)[1])},
        }
        self.folder.write_config(of_the_lab(), site, {"chat": chat, "rooms": {"main": ALIAS}})
        words = python("-m", "bot", "run", str(self.folder.config))
        bot = Child("the bot", words, self.folder.log(BOT))
        opened.push_async_callback(bot.stop, PATIENCE)
        await bot.start()

    async def _listen(self) -> None:
        token = self._logins[SPEAKERS[0]].token
        query = {"filter": json.dumps(_FILTER), "timeout": "20000"}
        ask = partial(self._client.ask, "GET", "sync", token, query=query)
        while True:
            news = await insisting(ask)
            query["since"] = news["next_batch"]
            room = news.get("rooms", {}).get("join", {}).get(self._room, {})
            assert not (self.heard.answers and room.get("timeline", {}).get("limited"))
            for event in (
                *room.get("state", {}).get("events", []),
                *room.get("timeline", {}).get("events", []),
            ):
                self.heard.take(event, self.bot_id)
            self.changed.set()
