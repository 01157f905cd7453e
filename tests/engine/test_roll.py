"""Where all guests are, by as few looks as that takes."""

from __future__ import annotations

from bot.devices.xen import Transfer
from bot.engine.roll import call
from bot.errors import DeviceError
from tests.engine.scene import OWL, Scene
from tests.fake_hosts import domain


async def test_where_all_are_in_order_one_look_at_each_host_is_enough() -> None:
    scene = Scene()
    scene.fy.xen.now(domain(), domain("owl", 2, uuid=OWL))

    roll = await call(scene.world.hosts.values())

    assert {name: census.home for name, census in roll.censuses.items()} == {
        "vm": "fy",
        "owl": "fy",
    }
    assert (scene.fy.xen.looks, scene.fz.xen.looks) == (1, 1)


async def test_where_anything_is_odd_every_host_is_read_twice_more() -> None:
    scene = Scene()
    scene.fz.xen.now(domain("vm--incoming", 7, state="--p---"))
    scene.fy.xen.moving = (Transfer(77, "vm", "xl migrate vm fz"),)

    roll = await call(scene.world.hosts.values())

    assert "transfer of vm is alive on fy" in roll.censuses["vm"].moving
    assert (scene.fy.xen.looks, scene.fz.xen.looks) == (3, 3)


async def test_a_host_that_says_nothing_keeps_nobody_from_seeing_the_others() -> None:
    scene = Scene()
    scene.fz.xen.silent = DeviceError("fz is silent.")

    roll = await call(scene.world.hosts.values())

    assert roll.censuses["vm"].home == "fy"
    assert roll.silent == {"fz": "fz is silent."}


async def test_a_host_that_falls_silent_between_the_looks_moves_nobody() -> None:
    scene = Scene()
    scene.fy.xen.now(domain(state="---sc-"), domain("owl", 2, uuid=OWL))
    looked = scene.fz.xen.domains

    async def domains() -> tuple[object, ...]:
        if scene.fz.xen.looks == 2:
            raise DeviceError("fz is silent.")
        return await looked()

    vars(scene.fz.xen)["domains"] = domains

    roll = await call(scene.world.hosts.values())

    assert set(roll.silent) == {"fz"}
    assert roll.censuses["vm"].moving == ""
    assert len(roll.censuses["vm"].copies) == 1
