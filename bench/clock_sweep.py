"""A sweep over 1,000 guests by real ssh: how long, how many connections, how much memory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import asyncssh

from bench.clock_guests import ahead
from bench.process import cpu_seconds, resident_mib
from bot.core.clocks import Role, Whose
from bot.devices.guest import GuestAccess
from bot.devices.ssh import SshSession
from bot.devices.time_service import TimeServiceDriver
from bot.engine.clocks import ClockRules, Clocks
from bot.engine.engine import Engine
from bot.engine.world import World
from bot.plugins import drivers_in

HEADINGS = (
    "",
    "s",
    "over the first",
    "measured, and inside",
    "at once",
    "left open",
    "opened",
    "CPU s",
    "MiB before",
    "peak",
    "after",
)
#: of a few guests, which the sweep over all is held against
FEW = 10


@dataclass
class Guests:
    """The process that plays the guests."""

    process: asyncio.subprocess.Process
    folder: Path
    port: int

    async def counted(self) -> dict[str, int]:
        """Its connections since the last time: `most`, `now`, `total`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        return cast("dict[str, int]", json.loads(await self.process.stdout.readline()))

    def session(self, name: str) -> SshSession:
        return SshSession(
            name=name,
            address="127.0.0.1",
            port=self.port,
            user=name,
            key_file=self.folder / "id",
            known_hosts=self.folder / "known_hosts",
            connect_timeout=30.0,
            command_timeout=30.0,
        )


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[Guests]:
    """Start the process that plays the guests, and end it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.clock_guests", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield Guests(process, folder, json.loads(await process.stdout.readline())["port"])
    finally:
        process.terminate()
        await process.wait()


async def rows(folder: Path, count: int, say: Callable[[str], None]) -> list[Sequence[str]]:
    """Connections alone, a sweep over few guests, and two over all of them."""
    async with playing(folder) as guests:
        names = [f"vm-{number:04}" for number in range(count)]
        few, every = _Swept(guests, names[:FEW]), _Swept(guests, names)
        bare = _Bare(guests, names)
        told: list[Sequence[str]] = []
        first = 0.0
        for title, work in (
            (f"{count:,} connections alone", bare),
            (f"a sweep over {FEW}", few),
            (f"a sweep over {count:,}", every),
            ("the same again", every),
        ):
            say(title)
            async with _Cost(guests) as cost:
                good = await work()
            first = first or cost.seconds
            told.append((title, *cost.cells(first, good)))
            await few.close()
        await every.close()
        return told


@dataclass
class _Cost:
    """What the work within costs this process and the guests."""

    guests: Guests
    seconds: float = 0.0
    cpu: float = 0.0
    before: float = 0.0
    peak: float = 0.0
    after: float = 0.0
    connections: dict[str, int] = field(default_factory=dict)
    _watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> _Cost:
        await self.guests.counted()
        self.before = resident_mib(os.getpid())
        self.cpu, self.seconds = cpu_seconds(os.getpid()), time.perf_counter()
        self._watch = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.seconds = time.perf_counter() - self.seconds
        self.cpu = cpu_seconds(os.getpid()) - self.cpu
        assert self._watch is not None
        self._watch.cancel()
        self.after = resident_mib(os.getpid())
        self.peak = max(self.peak, self.after)
        self.connections = await self.guests.counted()

    async def _look(self) -> None:
        while True:
            self.peak = max(self.peak, resident_mib(os.getpid()))
            await asyncio.sleep(0.1)

    def cells(self, first: float, good: str) -> Sequence[str]:
        memory = (f"{each:.0f}" for each in (self.before, self.peak, self.after))
        connections = (str(self.connections[key]) for key in ("most", "now", "total"))
        ratio = f"{self.seconds / first:.2f}"
        return (f"{self.seconds:.1f}", ratio, good, *connections, f"{self.cpu:.1f}", *memory)


@dataclass
class _Swept:
    """Guests that are swept as the bot sweeps them."""

    guests: Guests
    names: Sequence[str]

    def __post_init__(self) -> None:
        kinds = drivers_in("bot.devices.time_services", TimeServiceDriver).values()
        self.world = World(
            guests={
                name: GuestAccess(name, name, self.guests.session(name)) for name in self.names
            },
            time_services=sorted(kinds, key=lambda kind: kind.order),
        )
        # of the engine, clocks are measured with these alone
        engine = SimpleNamespace(world=self.world, clock=time.time, clock_rules=ClockRules())
        self.clocks = Clocks(cast("Engine", engine))

    async def __call__(self) -> str:
        machines = [self.clocks.guest(name) for name in self.names]
        sweep = await self.clocks.measure(machines)
        offsets = {name: sweep.offset(Whose(Role.GUEST, name)) for name in self.names}
        found = {name: each for name, each in offsets.items() if each is not None}
        inside = sum(each.lowest <= ahead(name) <= each.highest for name, each in found.items())
        return f"{len(found):,}, {inside:,}"

    async def close(self) -> None:
        for access in self.world.guests.values():
            if access.session is not None:
                await access.session.close()


@dataclass
class _Bare:
    """As many connections, each with nothing but the way in and out; as many at once."""

    guests: Guests
    names: Sequence[str]

    async def __call__(self) -> str:
        turns = asyncio.Semaphore(ClockRules().at_once)
        key = asyncssh.read_private_key(str(self.guests.folder / "id"))
        hosts = asyncssh.read_known_hosts(str(self.guests.folder / "known_hosts"))

        async def connect(name: str) -> None:
            async with turns:
                connection = await asyncssh.connect(
                    "127.0.0.1",
                    self.guests.port,
                    username=name,
                    client_keys=[key],
                    known_hosts=hosts,
                    config=[],
                    agent_path=None,
                )
                connection.close()
                await connection.wait_closed()

        ways: list[Awaitable[None]] = [connect(name) for name in self.names]
        await asyncio.gather(*ways)
        return "–"
