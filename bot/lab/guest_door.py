"""The ssh server of one guest: it takes commands wherever the guest runs."""

from __future__ import annotations

import shlex

import asyncssh

from bot.lab import faults
from bot.lab.account import Account
from bot.lab.clocks import shell
from bot.lab.silence import Silence
from bot.lab.ssh_answer import Answer, serve
from bot.lab.ssh_port import SshPort
from bot.lab.weather import Weather
from bot.lab.world import World


class GuestDoor:
    """The ssh port of the guest *name*."""

    def __init__(
        self, world: World, name: str, host_key: asyncssh.SSHKey, account: Account
    ) -> None:
        self.world = world
        self.name = name
        self.account = account
        self._ssh = SshPort(world, name, host_key, account, self._serve)
        self._silence = Silence()

    @property
    def port(self) -> int:
        return self._ssh.number

    async def open(self) -> None:
        """Find a port, and listen there as long as the guest exists."""
        await self._ssh.open()
        await self.adapt()

    async def adapt(self) -> None:
        """Listen, say nothing, or refuse, as the guest and the faults have it.

        A guest that is suspended keeps its connections, as in a live migration; its port is silent
        where it runs nowhere.
        """
        if self.world.faults.standing(faults.REFUSE, self.name):
            self.close()
        elif self.world.exists(self.name):
            self._silence.close()
            await self._ssh.open()
        else:
            self._ssh.shut()
            await self._silence.open(self.port)

    def close(self) -> None:
        """Listen no more, and cut every connection."""
        self._silence.close()
        self._ssh.shut()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        await serve(self.world, self.name, process, self._carry_out)

    async def _carry_out(self, line: str, answer: Answer, _weather: Weather) -> int:
        if not await self.world.until_it_runs(self.name):
            return 255
        try:
            words = tuple(shlex.split(line))
        except ValueError:
            answer.err("sh: 1: Syntax error: Unterminated quoted string\n")
            return 2
        if not words:
            return 0
        output = await shell.carry_out(self.world, self.name, words)
        if not await self.world.until_it_runs(self.name):
            return 255
        answer.out(output.stdout)
        answer.err(output.stderr)
        return output.exit
