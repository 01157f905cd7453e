"""The in-memory face of the lab: a `Session` to each device, no sockets, processes or threads.

On a `bot.lab.virtual` loop a whole campaign runs in virtual time and replays exactly.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from dataclasses import replace

from bot.devices.clock import NtpAnswer
from bot.devices.session import Call, Output, T
from bot.errors import OutcomeUnknown, Unreachable
from bot.i18n import _
from bot.lab import faults, programs
from bot.lab.array.cli import Cli
from bot.lab.clocks import ntp, shell
from bot.lab.command import start
from bot.lab.faults import garble
from bot.lab.home import Home
from bot.lab.ilo import cli as ilo_cli
from bot.lab.ilo.visits import plain, visited
from bot.lab.terminal import Terminal, received
from bot.lab.weather import Weather
from bot.lab.world import World

#: seconds that a call may take where it does not say
TIMEOUT = 30.0
#: seconds to a device and back
LATENCY = 0.01


class MemorySite:
    """The world with a session to each of its devices."""

    def __init__(self, world: World, *, timeout: float = TIMEOUT) -> None:
        self.world = world
        self._timeout = timeout
        self._homes = {host.name: Home(world, host) for host in world.hosts.values()}

    def session(self, name: str) -> MemorySession:
        """A session to the Dom0, guest, iLO or array *name*; those of a Dom0 share its home."""
        if name in self.world.hosts:
            return Dom0Session(self.world, name, self._timeout, self._homes[name])
        if name in self.world.ilos:
            return IloSession(self.world, name, self._timeout)
        if name in self.world.timepieces:
            return GuestSession(self.world, name, self._timeout)
        return ArraySession(self.world, name, self._timeout)

    def ntp(self, name: str) -> MemoryTimeServer:
        """The time server that the guest *name* is."""
        return MemoryTimeServer(self.world, name, self._timeout)


class MemorySession:
    """A command line on a device of the world; keeps to `bot.devices.session.Session`."""

    def __init__(self, world: World, name: str, timeout: float) -> None:
        self.world = world
        self.name = name
        self._timeout = timeout

    async def run(self, call: Call[T]) -> T:
        """Carry out *call*; a link that drops leaves what was sent to go on."""
        if self._hangs():
            await asyncio.sleep(call.timeout or self._timeout)
            raise Unreachable(_("{name} did not answer.").format(name=self.name))
        if not self._power() or self.world.faults.take(faults.REFUSE, self.name):
            raise Unreachable(_("{name} cannot be reached.").format(name=self.name))
        boot = self._boot()
        weather = Weather.of(self.world, self.name, shlex.join(call.words))
        typed: list[bytes] = []
        try:
            async with asyncio.timeout(call.timeout or self._timeout):
                await asyncio.sleep(LATENCY / 2)
                await weather.before(self.world)
                output = await self._carry_out(call, typed)
                await weather.after(self.world)
                await asyncio.sleep(LATENCY / 2)
        except TimeoutError as error:
            raise self._lost(call, typed) from error
        refused = self.world.faults.standing(faults.REFUSE, self.name)
        if weather.drop or refused or self._boot() != boot or not self._power():
            raise self._lost(call, typed)
        return call.parse(_ends(_garbled(output) if weather.garble else output, call.last))

    async def close(self) -> None:
        """There is no wire to close."""

    def _lost(self, call: Call[T], typed: list[bytes]) -> Unreachable | OutcomeUnknown:
        # a visit changes nothing before it types
        if call.changes and (call.visit is None or typed):
            return OutcomeUnknown(
                _("The link to {name} was lost after the command was sent.").format(name=self.name)
            )
        return Unreachable(_("{name} did not answer.").format(name=self.name))

    def _power(self) -> bool:
        return True

    def _hangs(self) -> bool:
        return False

    def _boot(self) -> float:
        """When the device booted: another answer means that the link broke."""
        return 0.0

    async def _carry_out(self, call: Call[T], typed: list[bytes]) -> Output:
        raise NotImplementedError


class Dom0Session(MemorySession):
    """The command line of one Dom0."""

    def __init__(self, world: World, name: str, timeout: float, home: Home) -> None:
        super().__init__(world, name, timeout)
        self._dom0 = world.hosts[name]
        self._home = home

    def _power(self) -> bool:
        return self._dom0.alive

    def _hangs(self) -> bool:
        return self._dom0.hung

    def _boot(self) -> float:
        return self._dom0.booted

    async def _carry_out(self, call: Call[T], typed: list[bytes]) -> Output:
        script = self._home.script(call.words)
        if script is not None:
            return script(call.words)
        if call.visit is not None:
            return await Terminal(self.world, self._dom0, call.words).visit(
                call.visit, typed.append
            )
        out: list[str] = []
        err: list[str] = []
        execution = start(
            self.world, self._dom0, call.words, programs.run, out=out.append, err=err.append
        )
        code = await execution.wait()
        return Output(received(out), received(err), code)


class GuestSession(MemorySession):
    """The command line of one guest, wherever it runs; while it is suspended it is silent."""

    def _power(self) -> bool:
        return self.world.exists(self.name)

    async def _carry_out(self, call: Call[T], typed: list[bytes]) -> Output:
        await self.world.until_it_runs(self.name)
        output = await shell.carry_out(self.world, self.name, call.words)
        await self.world.until_it_runs(self.name)
        return output


class MemoryTimeServer:
    """The time server of one guest; keeps to `bot.devices.clock.NtpWire`."""

    def __init__(self, world: World, name: str, timeout: float) -> None:
        self.world = world
        self.name = name
        self._timeout = timeout

    async def ask(self) -> NtpAnswer:
        """One question, one answer; raises `Unreachable` where none comes."""
        told = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await asyncio.sleep(LATENCY / 2)
                told = await ntp.ask(self.world, self.name)
                await asyncio.sleep(LATENCY / 2 if told else self._timeout)
        if told is None:
            raise Unreachable(_("{name} did not answer.").format(name=self.name))
        bound = told.delay / 2 + told.dispersion
        return NtpAnswer(told.time, told.time, told.stratum, bound, synchronised=told.synchronised)


class ArraySession(MemorySession):
    """The command line of one array, logged in, in API mode without a pager."""

    def __init__(self, world: World, name: str, timeout: float) -> None:
        super().__init__(world, name, timeout)
        self._cli = Cli(world.arrays[name], world.clock)
        self._cli.answer("set cli-parameters api pager off")

    async def _carry_out(self, call: Call[T], typed: list[bytes]) -> Output:
        return Output(self._cli.answer(" ".join(call.words)))


class IloSession(MemorySession):
    """The command line of one iLO, logged in; the prompt and the echo are left out."""

    def __init__(self, world: World, name: str, timeout: float) -> None:
        super().__init__(world, name, timeout)
        self._ilo = world.ilos[name]
        self._cli = ilo_cli.Cli(self._ilo)

    async def _carry_out(self, call: Call[T], typed: list[bytes]) -> Output:
        if call.visit is not None:
            return await visited(self._ilo, call.visit, typed.append)
        return Output(plain(self._cli.answer(" ".join(call.words))))


def _garbled(output: Output) -> Output:
    """As a session reads a damaged answer; the exit code travels apart."""

    def spoil(text: str) -> str:
        return garble(text.encode()).decode(errors="replace") if text else text

    return replace(output, stdout=spoil(output.stdout), stderr=spoil(output.stderr))


def _ends(output: Output, last: int | None) -> Output:
    """*output* with no more than the *last* bytes of each stream."""
    if last is None:
        return output

    def end(text: str) -> str:
        return text.encode()[-last:].decode(errors="replace") if last else ""

    return replace(output, stdout=end(output.stdout), stderr=end(output.stderr))
