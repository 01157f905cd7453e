"""The clock of one machine, as it runs against the world's own time."""

from __future__ import annotations

from collections.abc import Callable

from bot.lab.clock import Clock
from bot.lab.clocks.discipline import slewed
from bot.lab.clocks.service import Service


def _nobody() -> Timepiece | None:
    """There is no Dom0 below it."""
    return None


class Timepiece:
    """Shows the world's time, and how far off it is: *offset* seconds ahead, *ppm* too fast.

    Whatever happened since the last look is worked out at the next one, so that time that passes
    without one costs nothing.
    """

    def __init__(self, clock: Clock, offset: float = 0.0, ppm: float = 0.0) -> None:
        self._clock = clock
        self._since = clock.now()
        self._base = offset
        self._ppm = ppm
        #: of those, what its time service takes away
        self._learnt = 0.0
        #: where its time service steers it to, as that knows it; None where nobody steers
        self._aim: float | None = None
        self._service: Service | None = None
        self._independent: bool | None = None
        self._strays: list[float] = []
        #: finds the clock of the Dom0 that its guest runs on now
        self.leader: Callable[[], Timepiece | None] = _nobody
        self.clocksource = "xen"
        #: seconds that a migration puts it ahead by: what the guest misses, and what Xen makes good
        self.moved_by = 0.003

    @property
    def offset(self) -> float:
        """Seconds that it is ahead of the world's time now."""
        self.settle()
        return self._base

    def wall(self) -> float:
        """Seconds since 1970, as its machine has them."""
        return self._clock.wall() + self.offset

    def told(self) -> float:
        """What one who asks is told, by `date` or NTP: the wall, or a lie (`stray`)."""
        return self.wall() + (self._strays.pop(0) if self._strays else 0.0)

    def stray(self, seconds: float, times: int = 1) -> None:
        """Let the next *times* answers be off by *seconds*, while the clock itself is not."""
        self._strays = [seconds] * times

    def step(self, seconds: float) -> None:
        """Jump ahead by *seconds*, or back where they are negative; its service learns it later."""
        self.settle()
        if self._followed is not None:
            return
        self._base += seconds
        if self._aim is not None:
            self._aim += seconds
        if self._service is not None:
            self._service.disturb()

    def drift(self, ppm: float) -> None:
        """Run too fast by *ppm* from now on, or too slow where it is negative."""
        self.settle()
        self._ppm = ppm
        if self._service is not None:
            self._service.disturb()

    @property
    def service(self) -> Service | None:
        """What keeps it right; a service that is given has run for long."""
        self.settle()
        return self._service

    @service.setter
    def service(self, service: Service | None) -> None:
        self.settle()
        self.let_go()
        self._service = service
        if service is not None:
            service.attach(self)

    @property
    def independent(self) -> bool | None:
        """False: it is the clock of its Dom0, and setting it does nothing (xenified kernels)."""
        return self._independent

    @independent.setter
    def independent(self, independent: bool | None) -> None:
        self.settle()
        self._independent = independent
        self.settle()

    def set_to(self, wall: float) -> None:
        """Set it to *wall* seconds since 1970, as a program does that may."""
        self.step(wall - self.wall())

    def boot(self, leader: Timepiece | None = None) -> None:
        """Its machine starts: with the time of *leader*, its Dom0, where it has one."""
        self.settle()
        if leader is not None:
            self._base = leader.offset
        if self._service is not None:
            self._service.start()

    # What its time service does with it.

    def now(self) -> float:
        """Seconds since the world began."""
        return self._clock.now()

    def settle(self) -> None:
        """Work out what happened until now."""
        if self._service is not None:
            self._service.catch_up()
        self.run_on(self._clock.now())

    def run_on(self, until: float) -> None:
        """Work out what happened until *until* where nobody meddled."""
        passed = max(0.0, until - self._since)
        self._since = max(until, self._since)
        if (followed := self._followed) is not None:
            self._base = followed.offset
            return
        free = self.surplus * 1e-6 * passed
        self._base += free
        if self._aim is not None and self._service is not None:
            self._aim += free
            self._base = self._aim + slewed(
                self._base - self._aim, passed, self._service.manner.rate
            )

    @property
    def _followed(self) -> Timepiece | None:
        """The clock that this one is, where it is not its own."""
        return self.leader() if self._independent is False else None

    @property
    def base(self) -> float:
        """Seconds ahead, at the moment up to which everything is worked out."""
        return self._base

    @property
    def surplus(self) -> float:
        """The ppm that nobody takes away."""
        return self._ppm - self._learnt

    @property
    def learnt(self) -> float:
        """The ppm that its time service takes away."""
        return self._learnt

    @property
    def correction(self) -> float:
        """Seconds that its service still has to take away, as far as that knows."""
        return 0.0 if self._aim is None else self._base - self._aim

    @property
    def steered(self) -> bool:
        """Whether somebody steers it."""
        return self._aim is not None

    def jump_to(self, offset: float) -> None:
        """Be set to *offset* by its time service."""
        if self._followed is None:
            self._base = offset

    def steer_to(self, offset: float, most: float) -> None:
        """Be slewed to *offset* from now on, and be cured of drift up to *most* ppm."""
        self._aim = offset
        self._learnt = max(-most, min(most, self._ppm))

    def let_go(self) -> None:
        """Be left to itself."""
        self._aim, self._learnt = None, 0.0
