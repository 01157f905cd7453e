"""The two faces of the lab behind one fixture: real servers, and sessions in memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.devices.clock import NtpWire, Stopwatch
from bot.devices.detached import HostLauncher
from bot.devices.host import Detached, Phase
from bot.devices.lights_out.ilo import Ilo
from bot.devices.session import Call, Output, Session
from bot.devices.sntp import NtpClient
from bot.devices.ssh import SshSession
from bot.devices.ssh_shell import ShellSession
from bot.devices.telnet import TelnetSession
from bot.lab.blueprint import lab_world
from bot.lab.faults import Fault
from bot.lab.memory import MemorySite
from bot.lab.place import Place
from bot.lab.site import FIRST_PID, Site
from bot.lab.world import Pace, World

#: short, but long enough to be seen under way on a loaded machine
PACE = Pace(
    migration=1.5,
    create=0.02,
    shutdown=0.05,
    destroy=0.3,
    slow=0.3,
    notice=0.05,
    power=0.05,
    host_boot=0.05,
)


@dataclass
class Face:
    """One face of a fresh lab."""

    world: World
    sessions: dict[str, Session]
    strike: Callable[[Fault], Awaitable[None]]
    clear: Callable[[], Awaitable[None]]
    #: the guests that tell the time
    time_servers: dict[str, NtpWire]
    watch: Stopwatch

    def launcher(self, host: str = "fy") -> HostLauncher:
        return HostLauncher(self.sessions[host], ".nounou/jobs")

    async def ask(self, name: str, *words: str, changes: bool = False) -> Output:
        """The answer of the device *name* as it came."""
        call = Call(words, lambda output: output, changes=changes, timeout=SHORT)
        return await self.sessions[name].run(call)

    async def ended(self, launcher: HostLauncher, name: str) -> Detached:
        """Look until the command under *name* runs no more."""
        async with asyncio.timeout(30):
            while (seen := await launcher.look(name)).phase is Phase.RUNNING:
                pass
        return seen


#: seconds that a call of these tests waits for a device that hangs
SHORT = 1.0


@asynccontextmanager
async def memory(_folder: Path) -> AsyncIterator[Face]:
    world = lab_world(pace=PACE)
    site = MemorySite(world, timeout=SHORT)

    async def strike(fault: Fault) -> None:
        world.fault(fault)

    async def clear() -> None:
        world.faults.clear()

    names = (*world.hosts, *world.arrays, *world.ilos, *world.by_ssh)
    yield Face(
        world,
        {name: site.session(name) for name in names},
        strike,
        clear,
        {name: site.ntp(name) for name in world.by_ntp},
        Stopwatch(world.clock.wall, world.clock.now),
    )
    await world.close()


@asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[Face]:
    world = lab_world(pace=PACE, epoch=time.time(), first_pid=FIRST_PID)
    site = Site(Place(folder / "state"), PACE, world)
    await site.open()
    found = json.loads((folder / "state" / "site.json").read_text())
    sessions: dict[str, SshSession | TelnetSession | ShellSession] = {
        name: _ssh(name, about) for name, about in found["hosts"].items()
    }
    sessions |= {name: _telnet(name, about) for name, about in found["arrays"].items()}
    guests = found["guests"].items()
    sessions |= {name: _ssh(name, into | into["ssh"]) for name, into in guests if "ssh" in into}
    time_servers: dict[str, NtpWire] = {
        name: NtpClient(name, into["address"], into["ntp"], timeout=SHORT)
        for name, into in guests
        if "ntp" in into
    }
    sessions |= {f"{host}-ilo": _shell(host, about) for host, about in found["lights_out"].items()}

    async def clear() -> None:
        site.world.faults.clear()
        await site.adapt()

    watch = Stopwatch(time.time, time.monotonic)
    yield Face(site.world, {**sessions}, site.fault, clear, time_servers, watch)
    await clear()
    for session in sessions.values():
        await session.close()
    await site.close()


def _ssh(name: str, about: dict[str, str]) -> SshSession:
    return SshSession(
        name=name,
        address=about["address"],
        port=int(about["port"]),
        user=about["user"],
        key_file=Path(about["key_file"]),
        known_hosts=Path(about["known_hosts"]),
        connect_timeout=10,
        command_timeout=20,
    )


def _shell(host: str, about: dict[str, Any]) -> ShellSession:
    return ShellSession(
        name=f"{host}-ilo",
        address=about["address"],
        port=int(about["port"]),
        user=about["user"],
        password=Path(about["password_file"]).read_text().strip(),
        key_file=None,
        known_hosts=Path(about["known_hosts"]),
        prompt=Ilo.prompt,
        connect_timeout=10,
        command_timeout=20,
        old_algorithms=about["old_algorithms"],
    )


def _telnet(name: str, about: dict[str, str]) -> TelnetSession:
    return TelnetSession(
        name=name,
        address=about["address"],
        port=int(about["port"]),
        user=about["user"],
        password=Path(about["password_file"]).read_text().strip(),
        connect_timeout=10,
        command_timeout=20,
    )
