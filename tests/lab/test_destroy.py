"""The lab's `xl destroy`: what it says, what is listed meanwhile, and how it can go wrong."""

from __future__ import annotations

import asyncio

import pytest

from bot.devices.host import Phase
from bot.lab import virtual
from bot.lab.blueprint import lab_world
from bot.lab.faults import Fault
from bot.lab.world import World
from bot.lab.xl import texts
from tests.lab.faces import Face
from tests.lab.recorded import Recording, recorded_world, recording, shell


def test_what_is_left_after_a_destruction_is_what_was_recorded() -> None:
    async def look() -> Recording:
        world = recorded_world()
        await shell(world, "fz", "xl create -q /etc/xen/beta.cfg")
        try:
            return await shell(world, "fz", "xl destroy beta; r=$?; xl list; exit $r")
        finally:
            await world.close()

    assert virtual.run(look()) == recording("98-destroy")


def test_it_needs_root_as_the_rest_of_xl_does() -> None:
    async def look() -> Recording:
        return await shell(recorded_world(), "fy", "xl destroy 1", root=False)

    assert virtual.run(look()) == recording("57-not-root")


def test_a_number_that_no_domain_has_is_not_looked_up_but_not_found() -> None:
    async def look() -> Recording:
        return await shell(recorded_world(), "fy", "xl destroy 99")

    said = texts.destruction_failed(99) + texts.destroy_failed(-21)
    assert virtual.run(look()) == Recording(1, "", said)


def states(world: World) -> list[tuple[str, str]]:
    """Name and letters of whatever is domain 1 of fy."""
    now = world.clock.now()
    return [
        (domain.name, "alive" if domain.runs else domain.letters(now))
        for domain in world.hosts["fy"].domains.values()
        if domain.domid == 1
    ]


def test_meanwhile_it_is_stopped_then_dying_and_at_last_its_volumes_are_free() -> None:
    async def seen() -> list[list[tuple[str, str]]]:
        world = lab_world()
        fy = world.hosts["fy"]
        opened = list(fy.domains[1].volumes.values())
        free = fy.free_memory
        looks = [states(world)]
        ending = asyncio.ensure_future(shell(world, "fy", "xl destroy 1"))
        while fy.domains.get(1):
            await virtual.let_pass(0.1)
            if states(world) != looks[-1]:
                looks.append(states(world))
        assert await ending == Recording(0, "", "")
        assert opened
        assert not any(fy.uses(wwn) for wwn in opened)
        assert fy.free_memory == free + 512
        await world.close()
        return looks

    assert virtual.run(seen()) == [
        [("vm", "alive")],
        [("vm", "--p---")],
        [("(null)", "--p--d")],
        [],
    ]


def test_what_is_dying_has_no_configuration_any_more() -> None:
    async def look() -> tuple[str, str]:
        world = lab_world()
        world.fault(Fault("zombie", "fy"))
        await shell(world, "fy", "xl destroy vm")
        try:
            short = await shell(world, "fy", "xl list")
            long = await shell(world, "fy", "xl list -l")
            return short.stdout, long.stdout
        finally:
            await world.close()

    short, long = virtual.run(look())
    assert "(null)" in short
    assert "(null)" not in long
    assert '"vm"' not in long
    assert '"zamok"' in long


def test_a_zombie_stays_until_the_faults_are_cleared() -> None:
    async def look() -> None:
        world = lab_world()
        world.fault(Fault("zombie", "fy"))
        assert await shell(world, "fy", "xl destroy vm") == Recording(0, "", "")
        await virtual.let_pass(3600)
        assert states(world) == [("(null)", "--p--d")]
        world.faults.clear()
        await world.until(lambda: states(world) == [])
        await world.close()

    virtual.run(look())


def test_a_destruction_that_fails_leaves_the_guest_alive() -> None:
    async def look() -> None:
        world = lab_world()
        world.fault(Fault("destroy-failure", "fy", times=1))
        said = texts.unable_to_destroy(1) + texts.destroy_failed(-3)
        assert await shell(world, "fy", "xl destroy 1") == Recording(1, "", said)
        assert states(world) == [("vm", "alive")]
        assert (await shell(world, "fy", "xl destroy 1")).exit == 0
        await world.close()

    virtual.run(look())


async def test_it_runs_detached_and_where_it_is_killed_the_guest_stays_stopped(face: Face) -> None:
    launcher = face.launcher()
    await launcher.start("job-1", ("sudo", "xl", "destroy", "1"))
    host = face.world.hosts["fy"]
    await face.world.until(lambda: states(face.world) == [("vm", "--p---")])
    sudo = next(entry for entry in host.processes.all() if entry.args == "sudo xl destroy 1")

    host.processes.kill(sudo.pid)

    seen = await face.ended(launcher, "job-1")
    assert (seen.phase, seen.exit) == (Phase.ENDED, 137)
    assert states(face.world) == [("vm", "--p---")]


@pytest.mark.parametrize("line", ["xl destroy Domain-0", "xl destroy 0"])
def test_the_dom0_stays(line: str) -> None:
    async def look() -> Recording:
        world = lab_world()
        said = await shell(world, "fy", line)
        assert (await shell(world, "fy", "xl domid vm")).stdout == "1\n"
        await world.close()
        return said

    assert virtual.run(look()) == recording("46-destroy-0")
