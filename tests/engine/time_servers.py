"""A time server for tests, whose clock is a timepiece of the lab."""

from __future__ import annotations

from dataclasses import dataclass

from bot.devices.clock import NtpAnswer
from bot.errors import Unreachable
from bot.lab.clocks.timepiece import Timepiece
from tests.engine.alive import Place

SERVER = "ntp.example.org"


@dataclass
class TimeServer:
    """Keeps to `bot.devices.clock.NtpWire`; the way there and back takes 4 ms."""

    place: Place
    piece: Timepiece
    answers: bool = True

    async def ask(self) -> NtpAnswer:
        await self.place.later(0.002)
        if not self.answers:
            raise Unreachable(f"{SERVER} did not answer.")
        wall = self.piece.told()
        await self.place.later(0.002)
        return NtpAnswer(wall, wall, 2, 0.001)
