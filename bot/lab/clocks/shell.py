"""What the command line of a guest answers."""

from __future__ import annotations

from collections.abc import Sequence

from bot.devices.session import Output
from bot.lab.world import World


def carry_out(world: World, name: str, words: Sequence[str], *, root: bool = False) -> Output:
    """What the guest *name* prints when it is told *words*."""
    if words[0] == "date":
        wall = world.timepieces[name].wall()
        return Output(f"{int(wall)}.{int(wall % 1 * 10**9):09}\n")
    return Output("", f"sh: 1: {words[0]}: not found\n", 127)
