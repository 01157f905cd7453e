"""The drivers of time services against the lab's machines, in memory and on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.core.time_service import Standing, Sync, TimeService
from bot.devices.session import Call, T
from bot.devices.time_service import TimeServiceDriver
from bot.devices.time_services.chrony import Chrony
from bot.devices.time_services.ntpd import Ntpd
from bot.devices.time_services.timesyncd import Timesyncd
from bot.lab import virtual
from bot.lab.blueprint import lab_world
from bot.lab.clocks.shell import carry_out
from bot.lab.memory import MemorySite
from bot.lab.world import World

KINDS: list[type[TimeServiceDriver]] = [Chrony, Ntpd, Timesyncd]
KEPT_BY: list[tuple[str, type[TimeServiceDriver]]] = [
    ("fy", Chrony),
    ("vm", Chrony),
    ("zamok", Ntpd),
    ("redisdead", Timesyncd),
]


class Inside:
    """A session for one into whom the bot has no way: redisdead answers as a time server only."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self._name = world, name

    async def run(self, call: Call[T]) -> T:
        return call.parse(await carry_out(self._world, self._name, call.words))

    async def close(self) -> None:
        """There is no wire to close."""


def in_the_lab(look: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        world = lab_world()
        try:
            await look(world)
        finally:
            await world.close()

    virtual.run(run())


async def later(seconds: float) -> None:
    """Let virtual time pass."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


def driver(world: World, kind: type[TimeServiceDriver], name: str) -> TimeServiceDriver:
    inside = name == "redisdead"
    return kind(name, Inside(world, name) if inside else MemorySite(world).session(name))


async def look(world: World, kind: type[TimeServiceDriver], name: str) -> TimeService:
    found = await driver(world, kind, name).look()
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "kind"), KEPT_BY)
def test_only_the_driver_of_what_is_installed_finds_it(
    name: str, kind: type[TimeServiceDriver]
) -> None:
    async def found(world: World) -> None:
        seen = {each: await driver(world, each, name).look() for each in KINDS}
        assert [each for each, service in seen.items() if service is not None] == [kind]
        service = seen[kind]
        assert service is not None
        assert service.sync is Sync.SYNCHRONISED
        assert Standing.SELECTED in {source.standing for source in service.sources}

    in_the_lab(found)


@pytest.mark.parametrize(("name", "kind"), KEPT_BY)
def test_a_service_that_died_is_dead_until_it_is_started_anew(
    name: str, kind: type[TimeServiceDriver]
) -> None:
    async def restarted(world: World) -> None:
        service = world.timepieces[name].service
        assert service is not None
        service.alive = False
        assert (await look(world, kind, name)).sync is Sync.DEAD
        await driver(world, kind, name).restart()
        await later(600)
        assert (await look(world, kind, name)).sync is Sync.SYNCHRONISED

    in_the_lab(restarted)


@pytest.mark.parametrize(("name", "kind"), [each for each in KEPT_BY if each[1] is not Timesyncd])
@pytest.mark.parametrize("step", [0.03, -0.03])
def test_a_step_has_the_same_sign_in_what_each_says(
    name: str, kind: type[TimeServiceDriver], step: float
) -> None:
    async def stepped(world: World) -> None:
        world.timepieces[name].step(step)
        await later(70)
        seen = await look(world, kind, name)
        off = [source.offset for source in seen.sources if source.offset is not None]
        assert off
        assert all(each * step > 0 for each in off)

    in_the_lab(stepped)


def test_chrony_steps_a_clock_when_it_is_told_to() -> None:
    async def stepped(world: World) -> None:
        chrony, piece = driver(world, Chrony, "vm"), world.timepieces["vm"]
        piece.step(2.0)
        assert await chrony.ask_again()
        await later(20)
        assert await chrony.step()
        assert abs(piece.offset) < 0.05

    in_the_lab(stepped)
