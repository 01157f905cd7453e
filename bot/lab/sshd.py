"""The ssh server of one Dom0: the right user with the right key gets a command line."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from functools import partial

import asyncssh

from bot.lab import faults, programs
from bot.lab.account import Account
from bot.lab.clocks.link import later
from bot.lab.command import Keyboard, Write, start
from bot.lab.dom0 import Dom0
from bot.lab.machine import run_shell
from bot.lab.place import USER, Place
from bot.lab.silence import Silence
from bot.lab.ssh_answer import Answer, serve
from bot.lab.ssh_port import SshPort
from bot.lab.weather import Weather
from bot.lab.world import World


class Dom0Door:
    """The ssh port of one Dom0."""

    def __init__(
        self,
        world: World,
        dom0: Dom0,
        place: Place,
        host_key: asyncssh.SSHKey,
        user_key: asyncssh.SSHKey,
    ) -> None:
        self.world = world
        self.dom0 = dom0
        self._place = place
        account = Account(USER, key=user_key.convert_to_public())
        self._ssh = SshPort(world, dom0.name, host_key, account, self._serve)
        self._silence = Silence()

    @property
    def port(self) -> int:
        return self._ssh.number

    async def open(self) -> None:
        """Listen; on the same port as before where it was open already."""
        self._silence.close()
        await self._ssh.open()

    async def adapt(self) -> None:
        """Close or open the door as the faults have it, or as the host lives."""
        refused = self.world.faults.standing(faults.REFUSE, self.dom0.name)
        if self.dom0.hung and not refused:
            self._ssh.shut()
            await self._silence.open(self.port)
        elif refused or not self.dom0.alive:
            self.close()
        else:
            await self.open()

    def close(self) -> None:
        """Listen no more, and cut every connection."""
        self._silence.close()
        self._ssh.shut()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        async def carry_out(line: str, answer: Answer, weather: Weather) -> int:
            if process.term_type is None:
                return await self._carry_out(line, answer.out, answer.err)
            return await self._on_a_terminal(process, line, answer.out, weather.going)

        await serve(self.world, self.dom0.name, process, carry_out)

    async def _carry_out(self, line: str, out: Write, err: Write) -> int:
        """Run *line*: plain words in the world, anything else by this machine's shell.

        Neither ends when the link drops: the world keeps them.
        """
        words = _plain_words(line)
        if words and words[0] != "sh" and programs.known(words[0]):
            execution = start(self.world, self.dom0, words, programs.run, out=out, err=err)
            return await execution.wait()
        task = self.world.chores.start(run_shell(self._place, self.dom0.name, line, out, err))
        await asyncio.wait({task})
        return 255 if task.cancelled() else int(task.result())

    async def _on_a_terminal(
        self, process: asyncssh.SSHServerProcess[bytes], line: str, out: Write, late: float
    ) -> int:
        """Run *line* on a terminal, where both streams are one; it is hung up with the link.

        What is typed is *late* by so many seconds.
        """
        keyboard: Keyboard = asyncio.Queue()
        execution = start(
            self.world,
            self.dom0,
            _plain_words(line),
            programs.run,
            out=out,
            err=out,
            keyboard=keyboard,
        )
        reading = asyncio.ensure_future(_read(process, keyboard, late))
        closed = asyncio.ensure_future(process.channel.wait_closed())
        closed.add_done_callback(lambda _closed: execution.kill())
        try:
            return await execution.wait()
        finally:
            reading.cancel()
            closed.cancel()


async def _read(process: asyncssh.SSHServerProcess[bytes], keyboard: Keyboard, late: float) -> None:
    """Pass on what is typed, each read by itself."""
    with contextlib.suppress(asyncssh.Error):
        while not process.stdin.at_eof():
            try:
                typed = await process.stdin.read(2**12)
                later(late, partial(keyboard.put_nowait, typed))
            except (asyncssh.TerminalSizeChanged, asyncssh.SignalReceived):
                continue


def _plain_words(line: str) -> tuple[str, ...]:
    """The words of a line that needs no shell: one that `shlex.join` would write; else nothing."""
    try:
        words = shlex.split(line)
    except ValueError:
        return ()
    return tuple(words) if shlex.join(words) == line else ()
