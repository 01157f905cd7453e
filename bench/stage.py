"""Where it is measured: one homeserver, the site, and each contestant in a room of its own."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.person import Person
from bench.settings import Settings
from bot.demo.client import Client
from bot.demo.folder import ROOM, Folder, write_private
from bot.demo.policy import BOT, DOMAIN, of_the_lab
from bot.demo.process import Child, python
from bot.demo.synapse import Synapse

#: seconds for anything to come up
START = 90.0
#: seconds that a process gets to end by itself
GRACE = 8.0
#: the bot first; the others are compared with it, and it with the last
NAMES = ("bot", "nio", "floor")


@dataclass
class Contestant:
    """One program that answers, and where it does."""

    name: str
    room: str
    child: Child
    #: seconds from its start until it was in the room, which is right after its first sync
    start: float = 0.0

    @property
    def pid(self) -> int:
        assert self.child.process is not None
        return self.child.process.pid


@dataclass(frozen=True)
class Stage:
    """Everything that runs."""

    person: Person
    contestants: Sequence[Contestant]


@asynccontextmanager
async def set_up(path: Path) -> AsyncIterator[Stage]:
    """Start everything, one contestant after the other; nothing is left afterwards."""
    folder = Folder(path, "matrix")
    cast = of_the_lab()
    async with AsyncExitStack() as opened:
        synapse = Synapse(folder.homeserver)
        opened.push_async_callback(synapse.stop)
        async with asyncio.TaskGroup() as group:
            group.create_task(synapse.start())
            group.create_task(_open_site(folder, opened))
        client = await opened.enter_async_context(Client(synapse.url, timeout=60.0))
        for account in (cast.host, *NAMES):
            await synapse.register(account, folder.password(account)[0])
        await client.login(cast.host, folder.password(cast.host)[0])
        person = Person(client, cast.host)
        await opened.enter_async_context(_listening(person))
        contestants = []
        for name in NAMES:
            alias = {"room_alias_name": ROOM[1:].partition(":")[0]} if name == BOT else {}
            room = await person.make_room(f"@{name}:{DOMAIN}", **alias)
            words = _words(folder, name, room, synapse.url)
            contestant = Contestant(name, room, Child(name, words, folder.log(name)))
            opened.push_async_callback(contestant.child.stop, GRACE)
            await _enter(contestant, person)
            contestants.append(contestant)
        yield Stage(person, contestants)


@asynccontextmanager
async def _listening(person: Person) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(person.listen())
        yield
        listening.cancel()


async def _open_site(folder: Folder, opened: AsyncExitStack) -> None:
    words = python("-m", "bot.lab", "--state", str(folder.site))
    # it takes what it started along, which a kill would not let it do
    site = Child("site", words, folder.log("site"), last_word=signal.SIGTERM)
    opened.push_async_callback(site.stop, GRACE)
    await site.start()
    async with asyncio.timeout(START):
        while folder.read_site() is None:  # noqa: ASYNC110  (another process writes it)
            await asyncio.sleep(0.05)


def _words(folder: Folder, name: str, room: str, url: str) -> tuple[str, ...]:
    """The words that start the contestant *name*, whose settings are written."""
    password, password_file = folder.password(name)
    if name == BOT:
        site = folder.read_site()
        assert site is not None
        chat: dict[str, Any] = {"kind": "matrix", "homeserver": url}
        chat["user"] = f"@{BOT}:{DOMAIN}"
        chat |= {"device_name": secrets.token_hex(4), "password": {"file": str(password_file)}}
        folder.write_config(of_the_lab(), site, chat)
        return python("-m", "bot", "run", str(folder.config))
    settings = folder.path / f"{name}.json"
    write_private(settings, Settings(url, f"@{name}:{DOMAIN}", password, room).text())
    return python("-m", {"nio": "bench.nio_echo", "floor": "bench.floor"}[name], str(settings))


async def _enter(contestant: Contestant, person: Person) -> None:
    began = time.perf_counter()
    process = await contestant.child.start()
    there = (contestant.room, f"@{contestant.name}:{DOMAIN}")
    await person.until(
        lambda: there in person.joined or process.returncode is not None, within=START
    )
    if process.returncode is not None:
        raise RuntimeError(f"{contestant.name} has ended:\n{contestant.child.last_lines()}")
    contestant.start = time.perf_counter() - began
