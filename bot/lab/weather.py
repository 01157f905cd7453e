"""What the faults and the link do to one command on its way: asked once, alike for every wire."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.lab import faults
from bot.lab.world import World


@dataclass(frozen=True)
class Weather:
    """Which faults strike one command, and how many seconds it is on its way."""

    hang: bool = False
    slow: bool = False
    drop: bool = False
    garble: bool = False
    going: float = 0.0
    coming: float = 0.0

    @classmethod
    def of(cls, world: World, where: str, command: str) -> Weather:
        """Ask the faults about *command*; those that are counted are used up."""
        link = world.link(where)
        going, coming = link.going(world.random), link.coming(world.random)
        if world.faults.take(faults.HANG, where, command):
            return cls(hang=True, going=going, coming=coming)
        return cls(
            slow=world.faults.take(faults.SLOW, where, command),
            drop=world.faults.take(faults.DROP, where, command),
            garble=world.faults.take(faults.GARBLE, where, command),
            going=going,
            coming=coming,
        )

    @property
    def fair(self) -> bool:
        return not (self.hang or self.slow or self.drop or self.garble)

    async def before(self, world: World) -> None:
        """A command that hangs does not even begin until the faults are cleared."""
        await _pass(self.going)
        if self.hang:
            await world.faults.cleared()

    async def after(self, world: World) -> None:
        """A slow answer is late; the command was carried out in time."""
        if self.slow:
            await _pass(world.pace.slow)
        await _pass(self.coming)


async def _pass(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)
