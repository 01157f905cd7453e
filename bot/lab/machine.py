"""The real processes that stand for a Dom0's: scripts run by this machine's ``/bin/sh``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from bot.lab import processes
from bot.lab.command import KILLED, Write
from bot.lab.place import MARK, Place


def belonging(place: Place, host: str) -> tuple[processes.Process, ...]:
    """The running processes that carry *host*'s mark, as `ps` shows them."""
    mark = f"{MARK}={place.root(host)}".encode()
    found: dict[int, processes.Process] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    process = _read(folder)
                    found[process.pid] = process
    for process in found.values():
        if process.ppid not in found:
            process.ppid = 1
    return tuple(found.values())


def _read(folder: Path) -> processes.Process:
    words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    after_name = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return processes.Process(int(folder.name), int(after_name[1]), tuple(words[:-1]))


def power_off(place: Place, host: str) -> None:
    """Kill every real process of *host*, as a power cut does, and see them gone.

    Two looks in a row must find none: one that was forking or between two programs hides from one
    look, and on a busy machine a killed one stays to be seen for a while.
    """
    quiet = 0
    for _look in range(_LOOKS):
        found = belonging(place, host)
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        quiet = 0 if found else quiet + 1
        if quiet == 2:
            return
        time.sleep(_PAUSE)


#: at most a second and a half, so that a process that cannot die does not hold up the site for ever
_LOOKS, _PAUSE = 300, 0.005


async def run_shell(place: Place, host: str, line: str, out: Write, err: Write) -> int:
    """Run *line* as the user's shell on *host* would, in the home folder."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        line,
        cwd=place.home(host),
        env=place.environment(host),
        start_new_session=True,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        await _copy(process, out, err)
        code = await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    return code if code >= 0 else KILLED - signal.SIGKILL - code


async def _copy(process: Process, out: Write, err: Write) -> None:
    async def pump(stream: asyncio.StreamReader | None, write: Write) -> None:
        while stream is not None and (data := await stream.read(2**16)):
            write(data.decode("utf-8", "surrogateescape"))

    async with asyncio.TaskGroup() as both:
        both.create_task(pump(process.stdout, out))
        both.create_task(pump(process.stderr, err))
