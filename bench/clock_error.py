"""How far what is measured is from the truth, against what it claims to be wrong by at most."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, cast

from bot.core.clocks import Reading
from bot.devices.clock import Stopwatch, read_by_ntp, read_by_ssh
from bot.devices.sntp import NtpClient
from bot.devices.ssh import SshSession
from bot.engine.clocks import ClockRules

HEADINGS = (
    "ms there and back",
    "the way",
    "by",
    "inside the bound",
    "error ms, median",
    "worst",
    "bound ms, median",
    "error/bound, median",
    "worst",
)
DELAYS = (0.0001, 0.001, 0.005, 0.02, 0.05, 0.1, 0.2)
#: what falls on the way there, and by how much each way may take longer, both over the delay
WAYS = {"even": (0.5, 0.0), "all there": (1.0, 0.0), "all back": (0.0, 0.0), "jitter": (0.5, 0.5)}
#: the guest that is asked by ssh, and the one that is a time server; seconds that each is ahead
BY_SSH, BY_NTP = "vm", "redisdead"
STEPS = {BY_SSH: 0.1234, BY_NTP: -0.0567}


@dataclass
class Lab:
    """The site process, and what it says of itself."""

    site: dict[str, Any]

    async def do(self, **request: Any) -> dict[str, Any]:
        """One request on its control socket; the answer."""
        reader, writer = await asyncio.open_unix_connection(self.site["control"])
        writer.write(json.dumps(request).encode() + b"\n")
        answer = json.loads(await reader.readline())
        writer.close()
        if "error" in answer:
            raise ValueError(answer["error"])
        return cast("dict[str, Any]", answer)

    def session(self) -> SshSession:
        ssh = self.site["guests"][BY_SSH]["ssh"]
        return SshSession(
            name=BY_SSH,
            address="127.0.0.1",
            port=ssh["port"],
            user=ssh["user"],
            key_file=Path(ssh["key_file"]),
            known_hosts=Path(ssh["known_hosts"]),
            connect_timeout=30.0,
            command_timeout=30.0,
        )

    def time_server(self) -> NtpClient:
        port = self.site["guests"][BY_NTP]["ntp"]
        return NtpClient(BY_NTP, "127.0.0.1", port, timeout=30.0)


@asynccontextmanager
async def lab(folder: Path) -> AsyncIterator[Lab]:
    """The lab's site as a process of its own; nothing keeps its clocks right, each goes evenly."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.lab", "--state", str(folder))
    )
    try:
        async with asyncio.timeout(60):
            while not (folder / "site.json").exists():  # noqa: ASYNC110 - no file can be awaited
                await asyncio.sleep(0.1)
        found = Lab(json.loads((folder / "site.json").read_text()))
        for name, step in STEPS.items():
            await found.do(do="clock", where=name, service="dead")
            await found.do(do="clock", where=name, drift=0)
            await found.do(do="clock", where=name, step=step)
        yield found
    finally:
        process.terminate()
        await process.wait()


async def rows(folder: Path, turns: int, say: Callable[[str], None]) -> list[Sequence[str]]:
    """Both wires over every way; the truth is what the lab says of its own clocks."""
    async with lab(folder) as site:
        session, server = site.session(), site.time_server()
        loop, told = asyncio.get_running_loop(), list[Sequence[str]]()

        watch, probes = Stopwatch(time.time, loop.time), ClockRules().probes

        async def by_ssh() -> Reading:
            return await read_by_ssh(session, watch, probes)

        async def by_ntp() -> Reading:
            return (await read_by_ntp(server, watch, probes))[0]

        for delay, (title, (there, jitter)) in product(DELAYS, WAYS.items()):
            say(f"{delay * 1000:g} ms, {title}")
            for name in STEPS:
                await site.do(
                    do="link", where=name, delay=delay, there=there, jitter=delay * jitter
                )
            for name, by, read in ((BY_SSH, "ssh", by_ssh), (BY_NTP, "NTP", by_ntp)):
                cells = await _held(site, name, read, turns)
                told.append((f"{delay * 1000:g}", title, by, *cells))
        await session.close()
        return told


async def _held(
    site: Lab, name: str, read: Callable[[], Awaitable[Reading]], turns: int
) -> Sequence[str]:
    """*turns* readings of the clock of *name* against the truth before and after."""
    errors, bounds, inside = [], [], 0
    for _turn in range(turns):
        truth = (await site.do(do="world"))["clocks"][name]
        reading = await read()
        assert (await site.do(do="world"))["clocks"][name] == truth
        errors.append(abs(reading.offset - truth))
        bounds.append(reading.bound)
        inside += reading.lowest <= truth <= reading.highest
    ratios = [error / bound for error, bound in zip(errors, bounds, strict=True)]
    figures = (median(errors) * 1000, max(errors) * 1000, median(bounds) * 1000)
    return (
        f"{inside} of {turns}",
        *(f"{each:.3f}" for each in figures),
        f"{median(ratios):.2f}",
        f"{max(ratios):.3f}",
    )
