"""What the faults do to one command on its way: asked once, the same for every wire."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.lab import faults
from bot.lab.world import World


@dataclass(frozen=True)
class Weather:
    """Which faults strike one command."""

    hang: bool
    slow: bool
    drop: bool
    garble: bool

    @classmethod
    def of(cls, world: World, where: str, command: str) -> Weather:
        """Ask the faults about *command*; those that are counted are used up."""
        if world.faults.take(faults.HANG, where, command):
            return cls(hang=True, slow=False, drop=False, garble=False)
        return cls(
            hang=False,
            slow=world.faults.take(faults.SLOW, where, command),
            drop=world.faults.take(faults.DROP, where, command),
            garble=world.faults.take(faults.GARBLE, where, command),
        )

    @property
    def fair(self) -> bool:
        return not (self.hang or self.slow or self.drop or self.garble)

    async def before(self, world: World) -> None:
        """A command that hangs does not even begin until the faults are cleared."""
        if self.hang:
            await world.faults.cleared()

    async def after(self, world: World) -> None:
        """A slow answer is late; the command was carried out in time."""
        if self.slow:
            await asyncio.sleep(world.pace.slow)
