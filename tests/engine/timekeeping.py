"""A site whose time services do what a test says, also what a real one seldom does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from bot.core.time_service import Source, Standing, Sync, TimeService
from bot.devices.session import Call, Output
from bot.devices.time_service import TimeServiceDriver
from bot.engine.store import Store
from bot.engine.world import World
from bot.errors import DeviceError, OutcomeUnknown
from bot.lab.clocks.timepiece import Timepiece
from tests.engine.alive import Place


@dataclass
class Daemon:
    """The time service of one machine."""

    timepiece: Timepiece
    #: seconds that its source is ahead of the world
    source: float = 0.0
    sync: Sync = Sync.SYNCHRONISED
    standing: Standing = Standing.SELECTED
    #: how far ahead it held the clock to be when it asked its source last
    saw: float = 0.0
    #: how fast it takes an offset away, in parts per million
    slews: float = 5000.0
    #: it has no way to be asked or told
    deaf: bool = False
    #: what the machine says in place of doing it
    forbids: str = ""
    #: it does what it is told, and the answer is lost
    loses_answers: bool = False
    #: it says that it did, and does nothing
    shirks: bool = False

    def ask(self) -> None:
        """Ask the source, and begin to slew."""
        self.saw = self.timepiece.offset - self.source
        if abs(self.saw) < 1.0 and self.slews:
            self.timepiece.drift(-self.slews if self.saw > 0 else self.slews)

    def step(self) -> None:
        self.timepiece.drift(0.0)
        self.timepiece.step(self.source - self.timepiece.offset)
        self.saw = 0.0

    def start(self) -> None:
        self.sync = Sync.SYNCHRONISED
        self.step()


class Toy(TimeServiceDriver):
    """Tells a `Daemon` what to do."""

    driver = "chrony"
    order = 1
    can_be_told = True
    #: by the machine's name
    daemons: ClassVar[dict[str, Daemon]] = {}

    async def look(self) -> TimeService | None:
        if self.name not in self.daemons:
            return None
        it = self.daemons[self.name]
        sources = (Source("ntp1", it.standing),)
        return TimeService("chrony", it.sync, it.saw, 0.001, sources=sources)

    async def ask_again(self) -> bool:
        if not self.daemons[self.name].deaf:
            await self._tell("burst", self.daemons[self.name].ask)
        return not self.daemons[self.name].deaf

    async def step(self) -> bool:
        if not self.daemons[self.name].deaf:
            await self._tell("makestep", self.daemons[self.name].step)
        return not self.daemons[self.name].deaf

    async def restart(self) -> None:
        await self._tell("restart", self.daemons[self.name].start)

    async def _tell(self, word: str, does: Callable[[], None]) -> None:
        it = self.daemons[self.name]

        def told(_output: Output) -> None:
            if it.forbids:
                raise DeviceError(it.forbids)
            if not it.shirks:
                does()
            if it.loses_answers:
                raise OutcomeUnknown

        await self.session.run(Call((word,), told, changes=True))


@dataclass
class TimedPlace(Place):
    """A site with a `Daemon` on each machine that the bot can get into."""

    daemons: dict[str, Daemon] = field(default_factory=dict)

    def world(self, store: Store | None = None) -> World:
        Toy.daemons = self.daemons
        return replace(super().world(store), time_services=[Toy])

    def told(self) -> list[str]:
        """Everything that a time service was told, as MACHINE: WORD."""
        words = ("burst", "makestep", "restart")
        return [line for line in self.sent if line.partition(": ")[2] in words]


def timed(place: Place) -> TimedPlace:
    """*place* with a way into vm, and with time services."""
    kept = {name: getattr(place, name) for name in ("folder", "lab")}
    pieces = place.lab.timepieces
    daemons = {name: Daemon(pieces[name]) for name in ("fy", "fz", "vm")}
    return TimedPlace(**kept, guests=("vm",), daemons=daemons)
