"""What a guest answers as a time server, whatever the wire."""

from __future__ import annotations

from dataclasses import dataclass

from bot.lab import faults
from bot.lab.weather import Weather
from bot.lab.world import World

#: how `MATCH` of a fault finds a question to a time server
QUESTION = "ntp"
#: the stratum of a server that is not synchronised (RFC 5905, figure 11)
UNSYNCHRONISED = 16


@dataclass(frozen=True)
class Told:
    """The time of a server, in seconds since 1970, and what it says of itself."""

    time: float
    stratum: int
    #: to its reference and back, and how wrong it may be besides, in seconds
    delay: float = 0.0
    dispersion: float = 0.0

    @property
    def synchronised(self) -> bool:
        return self.stratum < UNSYNCHRONISED


async def ask(world: World, name: str) -> Told | None:
    """Ask the guest *name* for its time, over its link; None where no answer ever comes.

    What is sent to a guest that does not run is lost, as is a datagram that was damaged.
    """
    if world.faults.take(faults.REFUSE, name):
        return None
    weather = Weather.of(world, name, QUESTION)
    await weather.before(world)
    if not world.runs(name):
        return None
    told = _told(world, name)
    await weather.after(world)
    return None if weather.drop or weather.garble else told


def _told(world: World, name: str) -> Told:
    piece = world.timepieces[name]
    service = piece.service
    server = service.reference if service is not None and service.alive else None
    if server is None:
        # a clock that never was set may be wrong by so much (RFC 5905: MAXDISP)
        return Told(piece.told(), UNSYNCHRONISED, dispersion=16.0)
    return Told(piece.told(), server.stratum + 1, server.delay, 0.001)
