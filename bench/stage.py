"""Where it is measured: one homeserver, the site, and each contestant in a room of its own."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.person import Person
from bench.settings import Settings
from bot.demo.client import Client
from bot.demo.folder import Folder, write_private
from bot.demo.person import Person as Account
from bot.demo.policy import DOMAIN, of_the_lab
from bot.demo.process import Child, python
from bot.demo.synapse import Synapse

#: seconds for anything to come up
START = 90.0
#: seconds that a process gets to end by itself
GRACE = 8.0
#: in a plain room: the last is what the others are compared with
PLAIN = ("bot", "nio", "floor")
#: the same in an encrypted room, where a floor without a library would be one of its own
ENCRYPTED = ("bot-encrypted", "nio-encrypted")
MODULES = {"nio": "bench.nio_echo", "nio-encrypted": "bench.nio_echo", "floor": "bench.floor"}


@dataclass
class Contestant:
    """One program that answers, and where it does."""

    name: str
    room: str
    child: Child
    #: seconds from its start until it was in the room, which is right after its first sync
    start: float = 0.0

    @property
    def is_ours(self) -> bool:
        return self.name not in MODULES

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
async def set_up(path: Path, names: Sequence[str] = (*PLAIN, *ENCRYPTED)) -> AsyncIterator[Stage]:
    """Start everything, one contestant after the other; nothing is left afterwards."""
    folder = Folder(path, "matrix")
    async with AsyncExitStack() as opened:
        synapse = Synapse(folder.homeserver)
        opened.push_async_callback(synapse.stop)
        async with asyncio.TaskGroup() as group:
            group.create_task(synapse.start())
            group.create_task(_open_site(folder, opened))
        client = await opened.enter_async_context(aclosing(Client(synapse.url, 60.0)))
        person = Person(await _enrol(synapse, client, folder))
        await opened.enter_async_context(_listening(person))
        contestants = []
        for name in names:
            contestant = await _contestant(name, person, synapse, folder)
            opened.push_async_callback(contestant.child.stop, GRACE)
            await _enter(contestant, person)
            contestants.append(contestant)
        yield Stage(person, contestants)


async def _enrol(synapse: Synapse, client: Client, folder: Folder) -> Account:
    """Who asks, at a device that they have signed: the bots believe no other."""
    account = of_the_lab().host
    password = folder.password(account)[0]
    await synapse.register(account, password)
    login = await client.login(account, password, "nounou bench")
    return await Account.arrive(client, login, password, folder.seeds(account))


async def _contestant(name: str, person: Person, synapse: Synapse, folder: Folder) -> Contestant:
    """The contestant *name* with an account and a room, not started."""
    await synapse.register(name, folder.password(name)[0])
    room = await person.make_room(
        f"@{name}:{DOMAIN}", encrypted=name in ENCRYPTED, room_alias_name=f"bench-{name}"
    )
    words = _words(folder, name, room, synapse.url)
    return Contestant(name, room, Child(name, words, folder.log(name)))


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
    if name in MODULES:
        keys = folder.path / f"{name}-keys"
        keys.mkdir()
        settings = Settings(
            url, f"@{name}:{DOMAIN}", password, room, str(keys) if name in ENCRYPTED else ""
        )
        file = folder.path / f"{name}.json"
        write_private(file, settings.text())
        return python("-m", MODULES[name], str(file))
    chat: dict[str, Any] = {"kind": "matrix", "homeserver": url}
    chat["user"] = f"@{name}:{DOMAIN}"
    chat |= {"device_name": secrets.token_hex(4), "password": {"file": str(password_file)}}
    own = Folder(folder.path / name, "matrix")
    own.path.mkdir()
    site = folder.read_site()
    assert site is not None
    rooms = {"main": f"#bench-{name}:{DOMAIN}"}
    own.write_config(of_the_lab(), site, {"chat": chat, "rooms": rooms})
    return python("-m", "bot", "run", str(own.config))


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
    if contestant.name in ENCRYPTED:
        async with asyncio.timeout(START):
            await person.share(contestant.room, there[1])
