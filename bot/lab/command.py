"""A command that a host was given: its words, its process, its two streams, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from bot.lab.dom0 import Dom0
from bot.lab.processes import Process
from bot.lab.world import World

Write = Callable[[str], None]
#: what is typed at a terminal, one read after the other; an empty one is its end
Keyboard = asyncio.Queue[bytes]

#: what a shell says of a command that SIGKILL ended
KILLED: Final = 137


@dataclass(frozen=True)
class Command:
    """One command in the course of being carried out."""

    world: World
    dom0: Dom0
    words: tuple[str, ...]
    root: bool
    process: Process
    out: Write
    err: Write
    #: where stdin and stdout are a terminal
    keyboard: Keyboard | None = None

    def inner(self, words: tuple[str, ...], *, root: bool) -> Command:
        """The command that this one runs as a child; killing either ends both."""
        child = self.dom0.processes.add(words, ppid=self.process.pid)
        child.killed = self.process.killed
        return replace(self, words=words, root=root, process=child)


Program = Callable[[Command], Awaitable[int]]


class Execution:
    """A command that was started; it goes on whatever becomes of who asked for it."""

    def __init__(self, process: Process, task: asyncio.Task[int]) -> None:
        self._process = process
        self._task = task
        process.killed = self.kill

    def kill(self) -> None:
        """What SIGKILL does."""
        self._task.cancel()

    @property
    def ended(self) -> bool:
        return self._task.done()

    def when_ended(self, call: Callable[[], None]) -> None:
        """Call *call* at the end."""
        self._task.add_done_callback(lambda _task: call())

    async def wait(self) -> int:
        """Its exit code."""
        await asyncio.wait({self._task})
        return KILLED if self._task.cancelled() else self._task.result()


def start(
    world: World,
    dom0: Dom0,
    words: tuple[str, ...],
    program: Program,
    *,
    out: Write,
    err: Write,
    root: bool = False,
    ppid: int = 1,
    pid: int | None = None,
    keyboard: Keyboard | None = None,
) -> Execution:
    """Begin *words* on *dom0*, carried out by *program*."""
    process = dom0.processes.add(words, ppid=ppid, pid=pid)
    command = Command(world, dom0, words, root, process, out, err, keyboard)
    return Execution(process, world.chores.start(_carry_out(command, program)))


async def _carry_out(command: Command, program: Program) -> int:
    try:
        return await program(command)
    finally:
        command.dom0.processes.remove(command.process)
