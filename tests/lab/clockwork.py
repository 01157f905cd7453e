"""What the tests of the lab's clocks share: time that is set by hand, and a lab on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bot.devices.session import Call, Output
from bot.lab import virtual
from bot.lab.blueprint import lab_world
from bot.lab.clock import RECORDED, Clock
from bot.lab.clocks.discipline import Kind
from bot.lab.clocks.service import Server, Service
from bot.lab.clocks.timepiece import Timepiece
from bot.lab.memory import MemorySite
from bot.lab.world import Pace


class ByHand(Clock):
    """The world's time, which passes where a test says so."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return self.passed

    def wall(self) -> float:
        return RECORDED + self.passed


class Kept:
    """One clock with a time service, which has run for long, and three servers that agree."""

    def __init__(self, kind: Kind = "chrony", *, ppm: float = 20.0, servers: int = 3) -> None:
        self.time = ByHand()
        self.piece = Timepiece(self.time, ppm=ppm)
        self.servers = [Server(f"10.77.0.{number}") for number in range(1, servers + 1)]
        self.piece.service = self.service = Service(kind, self.servers)

    def after(self, seconds: float) -> float:
        """How far the clock is ahead *seconds* later."""
        self.time.passed += seconds
        return self.piece.offset


class Scene:
    """A lab in memory."""

    def __init__(self, seed: int = 0) -> None:
        self.world = lab_world(pace=Pace(), seed=seed)
        self._site = MemorySite(self.world)

    async def ask(self, name: str, *words: str) -> Output:
        """What the machine *name* answers."""
        call: Call[Output] = Call(words, lambda output: output)
        return await self._site.session(name).run(call)

    async def later(self, seconds: float) -> None:
        """Let *seconds* of virtual time pass."""
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, over.set)
        await over.wait()

    def ahead(self, name: str) -> float:
        """How far the clock of *name* is ahead."""
        return self.world.timepieces[name].offset


def on_stage(play: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    """Let *play* happen in a lab on virtual time."""

    async def act() -> None:
        scene = Scene()
        await play(scene)
        await scene.world.close()

    virtual.run(act())
