"""One command over ssh: its way there, what it prints, and its way back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncssh

from bot.lab import faults
from bot.lab.clocks.link import later
from bot.lab.weather import Weather
from bot.lab.world import World


class Answer:
    """What a command prints: sent as it comes, or kept until what strikes it is known."""

    def __init__(self, process: asyncssh.SSHServerProcess[bytes], weather: Weather) -> None:
        self._process = process
        self._weather = weather
        self._kept: list[tuple[Callable[[bytes], None], bytes]] = []

    def out(self, text: str) -> None:
        self._put(self._process.stdout.write, text)

    def err(self, text: str) -> None:
        self._put(self._process.stderr.write, text)

    def _put(self, write: Callable[[bytes], None], text: str) -> None:
        data = text.encode("utf-8", "surrogateescape")
        if self._weather.fair:
            later(self._weather.coming, lambda: self._send(write, data))
        else:
            self._kept.append((write, data))

    def _send(self, write: Callable[[bytes], None], data: bytes) -> None:
        if not self._process.channel.is_closing():
            write(data)

    def send(self) -> None:
        """Send what was kept."""
        for write, data in self._kept:
            self._send(write, faults.garble(data) if self._weather.garble else data)


#: carries out one command and gives its exit code
CarryOut = Callable[[str, Answer, Weather], Awaitable[int]]


async def serve(
    world: World, name: str, process: asyncssh.SSHServerProcess[bytes], carry_out: CarryOut
) -> None:
    """Let *carry_out* answer the command of *process*, which was sent to the device *name*."""
    line = process.command or ""
    weather = Weather.of(world, name, line)
    await weather.before(world)
    printed = Answer(process, weather)
    code = await carry_out(line, printed, weather)
    await weather.after(world)
    if weather.drop:
        process.channel.get_connection().abort()
        return
    printed.send()
    process.exit(code)
