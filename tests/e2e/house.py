"""The whole bot and its whole site as real processes, for tests that try to break their rules."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import yaml

from bot.core.audit import Verdict
from bot.demo.folder import Folder, write_private
from bot.demo.policy import of_the_lab
from bot.demo.process import Child, python
from bot.engine.audit_file import verify as verify_file
from bot.engine.store import FILE
from tests.e2e.house_room import PATIENCE, ROOM, Post, Room

#: the lab is quick; the limits are for a machine that many share
TIMING = {
    "connect": "5s",
    "command": "10s",
    "resync": "10s",
    "follow_every": "100ms",
    "census_every": "100ms",
    "census_patience": "5s",
    "follow_patience": "60s",
    "progress_every": "100ms",
    "stop": "3s",
}

World = dict[str, Any]

#: triggers by which a store refuses to be written
_WRITES = {
    "no_job": "INSERT ON jobs",
    "no_state": "UPDATE ON jobs",
    "no_step": "INSERT ON steps",
    "no_end": "UPDATE ON steps",
    "no_record": "INSERT ON audit",
    "no_post": "INSERT ON outbox",
}


@dataclass
class House:
    """One site, one bot, one room, in a folder of their own."""

    path: Path
    timing: Mapping[str, str] = field(default_factory=dict)
    seconds_a_migration: float = 1.0
    room: Room = field(default_factory=Room)

    def __post_init__(self) -> None:
        self.folder = Folder(self.path, "bot")
        self._site = Child(
            "the site",
            [
                *python("-m", "bot.lab", "--state", str(self.folder.site)),
                *("--seconds-a-migration", str(self.seconds_a_migration)),
            ],
            self.folder.log("site"),
            last_word=signal.SIGTERM,
        )
        self._bot = Child(
            "the bot",
            python("-m", "bot", "run", str(self.folder.config)),
            self.folder.log("bot"),
            talks=True,
        )
        self._attending: asyncio.Task[None] | None = None
        self.site: dict[str, Any] = {}

    @property
    def state(self) -> Path:
        """The bot's state folder."""
        return self.path / "bot"

    async def open(self) -> None:
        """Start the site, then the bot."""
        await self._site.start()
        await self.room.until(lambda: self.folder.read_site() is not None)
        self.site = self.folder.read_site() or {}
        self.configure()
        await self.start_bot()

    def configure(self, change: Callable[[dict[str, Any]], None] = lambda _config: None) -> None:
        """Write the bot's configuration; *change* may spoil it."""
        room = {"chat": {"kind": "terminal"}, "rooms": {"main": ROOM}}
        self.folder.write_config(of_the_lab(), self.site, room)
        config = yaml.safe_load(self.folder.config.read_text())
        config["timing"] = {**TIMING, **self.timing}
        change(config)
        write_private(self.folder.config, yaml.safe_dump(config))

    async def start_bot(self) -> None:
        """Start the bot, and wait until it is in the room."""
        process = await self.start_bot_anyhow()
        await self.room.until(lambda: self.room.attended or process.returncode is not None)
        assert process.returncode is None, self._bot.last_lines()

    async def start_bot_anyhow(self) -> Process:
        """Start the bot, which may end at once."""
        process = await self._bot.start()
        self._attending = asyncio.create_task(self.room.attend(process))
        return process

    @property
    def bot(self) -> Process:
        assert self._bot.process is not None
        return self._bot.process

    @property
    def bot_log(self) -> str:
        return self._bot.last_lines(200)

    async def kill_bot(self) -> None:
        """What a power cut does to the bot; what it said before is in the room."""
        self.bot.kill()
        await self._gone()

    async def stop_bot(self) -> None:
        """End the bot as an administrator does."""
        await self._bot.stop(PATIENCE)
        await self._gone()

    async def _gone(self) -> None:
        assert self._attending is not None
        await self.bot.wait()
        await self._attending

    async def restart_bot(self) -> None:
        """Kill the bot and start it again."""
        await self.kill_bot()
        await self.start_bot()

    async def close(self) -> None:
        if self._attending is not None:
            await self.stop_bot()
        await self._site.stop(PATIENCE)

    async def ask(self, do: str, **more: object) -> dict[str, Any]:
        """One request to the site's control socket."""
        reader, writer = await asyncio.open_unix_connection(self.site["control"])
        with closing(writer):
            writer.write(json.dumps({"do": do, **more}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
        assert "error" not in answer, answer
        return answer

    async def fault(self, name: str, where: str = "", match: str = "", **more: object) -> None:
        await self.ask("fault", name=name, where=where, match=match, **more)

    async def shell(self, host: str, line: str) -> str:
        """What a person does in a shell of their own on *host*."""
        there = self.site["hosts"][host]
        async with asyncssh.connect(
            there["address"],
            there["port"],
            username=there["user"],
            client_keys=[there["key_file"]],
            known_hosts=there["known_hosts"],
            config=[],
        ) as connection:
            done = await connection.run(line, check=True)
        return str(done.stdout)

    async def world(self) -> World:
        return await self.ask("world")

    async def until_world(self, holds: Callable[[World], object], within: float = PATIENCE) -> None:
        """Look at the world again and again until *holds*."""
        async with asyncio.timeout(within):
            while not holds(await self.world()):
                await self.room.news()

    def say(self, text: str, sender: str = "nounou") -> str:
        return self.room.say(sender, text)

    async def final(self, event_id: str, within: float = PATIENCE) -> Post:
        """The final answer to a command."""
        await self.room.until(lambda: self.room.finals(event_id), within)
        return self.room.finals(event_id)[0]

    async def run(self, text: str, sender: str = "nounou", within: float = PATIENCE) -> Post:
        """Say *text* and wait for its final answer."""
        return await self.final(self.say(text, sender), within)

    async def sides(self, guest: str = "vm") -> tuple[str, str]:
        """The host on which *guest* runs, and the other."""
        (here,) = homes(await self.world(), guest)
        return here, "fz" if here == "fy" else "fy"

    def started_moves(self, host: str, job: int) -> list[Path]:
        """The detached commands of *job* that were really started on *host*."""
        jobs = self.folder.site / "hosts" / host / "home" / ".nounou" / "jobs"
        return sorted(place.parent for place in jobs.glob(f"*-{job}-*/stdout"))

    def locks(self, job: int) -> set[str]:
        """The keys that *job* holds on disk."""
        return {row["key"] for row in self.query("SELECT key FROM locks WHERE job = ?", job)}

    def query(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """What the bot's store says."""
        with closing(sqlite3.connect(self.state / FILE)) as store:
            store.row_factory = sqlite3.Row
            return [dict(row) for row in store.execute(statement, values)]

    def break_store(self) -> None:
        """Let every write fail from now on that would accept, begin, step or end a job."""
        with closing(sqlite3.connect(self.state / FILE, timeout=PATIENCE)) as store:
            for name, when in _WRITES.items():
                store.execute(
                    f"CREATE TRIGGER {name} BEFORE {when} BEGIN "
                    "SELECT RAISE(ABORT, 'database or disk is full'); END"
                )
            store.commit()

    def mend_store(self) -> None:
        """Let the store be written again."""
        with closing(sqlite3.connect(self.state / FILE, timeout=PATIENCE)) as store:
            for name in _WRITES:
                store.execute(f"DROP TRIGGER {name}")
            store.commit()

    def verify(self) -> Verdict:
        return verify_file(self.state)

    def limit_files(self, size: int | None) -> None:
        """Let no file of the bot grow beyond *size*, as a full disk does; None: as it was."""
        import resource

        unlimited = resource.RLIM_INFINITY
        limits = (unlimited if size is None else size, unlimited)
        resource.prlimit(self.bot.pid, resource.RLIMIT_FSIZE, limits)


def homes(world: World, guest: str) -> list[str]:
    """The hosts on which *guest* runs; twice the same where two copies run there."""
    return [
        name
        for name, host in world["hosts"].items()
        for domain in host["domains"]
        if domain["name"] == guest and domain["runs"]
    ]


def traces(world: World, guest: str) -> list[str]:
    """Every copy of *guest*, whole or half: ``HOST/NAME``."""
    return [
        f"{name}/{domain['name']}"
        for name, host in world["hosts"].items()
        for domain in host["domains"]
        if domain["name"].partition("--")[0] == guest
    ]


def arriving(world: World, guest: str) -> bool:
    """Whether memory of *guest* has arrived in a half-made copy."""
    return any(
        domain["name"] == f"{guest}--incoming" and domain["memory"]
        for host in world["hosts"].values()
        for domain in host["domains"]
    )


@dataclass
class Houses:
    """A house for each test: the one before, where it is still in order, or a new one."""

    folder: Path
    timing: Mapping[str, str] = field(default_factory=dict)
    seconds_a_migration: float = 1.0
    _house: House | None = None
    _built: int = 0

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[House]:
        """A house in which everything runs; afterwards every rule is looked after."""
        house = await self._in_order()
        yield house
        await keeps_the_rules(house)

    async def _in_order(self) -> House:
        if self._house is not None and not await _is_in_order(self._house):
            await self.close()
        if self._house is None:
            self._built += 1
            self._house = House(
                self.folder / str(self._built), self.timing, self.seconds_a_migration
            )
            await self._house.open()
        return self._house

    async def close(self) -> None:
        house, self._house = self._house, None
        if house is not None:
            await house.close()


async def _is_in_order(house: House) -> bool:
    await house.ask("clear")
    world = await house.world()
    whole = all(len(traces(world, guest)) == 1 for guest in ("vm", "zamok", "redisdead", "owl"))
    alive = all(host["alive"] for host in world["hosts"].values())
    open_jobs = house.query("SELECT id FROM jobs WHERE ended IS NULL OR state = 'undetermined'")
    running = house.bot.returncode is None
    return whole and alive and running and not open_jobs and not world["violations"]


async def keeps_the_rules(house: House) -> None:
    """What must hold whatever a test did: no second copy, one final answer each, a whole record."""
    world = await house.world()
    assert world["violations"] == []
    for row in house.query("SELECT event_id, line, ended FROM jobs"):
        await house.room.until(
            lambda event_id=row["event_id"]: house.room.finals(event_id)  # type: ignore[misc]
        )
        assert len(house.room.finals(row["event_id"])) == 1, row
    verdict = house.verify()
    assert verdict.ok, verdict.sentence
    assert house.room.nonsense == []
