"""The clocks of the lab's site on its first day: a little off, each in its way, and kept right."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from bot.lab.clocks.discipline import Kind
from bot.lab.clocks.service import Server, Service

if TYPE_CHECKING:
    from bot.lab.world import World

SERVERS = ("10.77.0.1", "10.77.0.2", "10.77.0.3")

#: the time service of each machine, and how many seconds it is ahead; None: by chance
CLOCKS: dict[str, tuple[Kind, float | None]] = {
    "fy": ("chrony", 0.0015),
    "fz": ("chrony", -0.002),
    "vm": ("chrony", None),
    "zamok": ("ntpd", None),
    "redisdead": ("timesyncd", None),
    "owl": ("chrony", None),
    "sleeper": ("chrony", None),
}


def wind_up(world: World, seed: int) -> None:
    """Give every machine of the lab's site its clock."""
    for name, (kind, ahead) in CLOCKS.items():
        luck = Random(f"{seed} clock {name}")  # noqa: S311 - a world that can be replayed
        offset = luck.uniform(-0.001, 0.001) if ahead is None else ahead
        piece = world.timepieces[name]
        piece.drift(luck.choice((-1, 1)) * luck.uniform(5, 30))
        piece.step(offset)
        # all are synchronised: what each is off by is how it sees its servers
        piece.service = Service(kind, [Server(server, offset) for server in SERVERS])
