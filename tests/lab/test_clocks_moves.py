"""What becomes of a guest's clock when it moves, boots, or when its host does."""

from __future__ import annotations

import pytest

from bot.lab.blueprint import lab_world
from bot.lab.clocks.first_day import CLOCKS
from bot.lab.durable import remember, restore
from bot.lab.world import World
from tests.lab.clockwork import Scene, on_stage


async def move(scene: Scene, guest: str, source: str, target: str) -> None:
    moved = await scene.ask(source, "sudo", "-n", "xl", "migrate", guest, target)
    assert moved.exit == 0, moved.stderr


def test_a_migration_puts_the_guest_a_little_ahead() -> None:
    async def play(scene: Scene) -> None:
        before = scene.ahead("vm")
        await move(scene, "vm", "fy", "fz")
        assert scene.ahead("vm") - before == pytest.approx(0.003, abs=1e-4)

        await scene.later(3600.0)
        assert scene.ahead("vm") == pytest.approx(before, abs=1e-5)

    on_stage(play)


def test_a_migration_may_make_a_clock_jump() -> None:
    async def play(scene: Scene) -> None:
        scene.world.timepieces["vm"].moved_by = -1.5
        before = scene.ahead("vm")
        await move(scene, "vm", "fy", "fz")
        assert scene.ahead("vm") - before == pytest.approx(-1.5, abs=1e-4)

    on_stage(play)


def test_a_migration_that_fails_leaves_the_clock_alone() -> None:
    async def play(scene: Scene) -> None:
        before = scene.ahead("owl")
        moved = await scene.ask("fy", "sudo", "-n", "xl", "migrate", "owl", "fz")
        assert moved.exit != 0
        assert scene.ahead("owl") == pytest.approx(before, abs=1e-6)

    on_stage(play)


def test_a_guest_whose_clock_is_its_dom0s_takes_the_targets_time() -> None:
    async def play(scene: Scene) -> None:
        scene.world.timepieces["vm"].independent = False
        assert scene.ahead("vm") == pytest.approx(0.0015)
        await move(scene, "vm", "fy", "fz")
        assert scene.ahead("vm") == pytest.approx(-0.002)

    on_stage(play)


def test_a_guest_that_was_put_elsewhere_has_the_clock_of_its_dom0_there() -> None:
    async def play(scene: Scene) -> None:
        scene.world.timepieces["vm"].independent = False
        found = remember(scene.world)
        found["fz"]["domains"].append(found["fy"]["domains"].pop(0))
        restore(scene.world, found)
        assert scene.ahead("vm") == pytest.approx(-0.002)

    on_stage(play)


def test_a_guest_boots_with_the_time_of_its_dom0() -> None:
    async def play(scene: Scene) -> None:
        scene.world.timepieces["fy"].service = None
        scene.world.timepieces["fy"].step(0.8)
        created = await scene.ask("fy", "sudo", "-n", "xl", "create", "/etc/xen/sleeper.cfg")
        assert created.exit == 0
        assert scene.ahead("sleeper") == pytest.approx(scene.ahead("fy"), abs=1e-3)

        scene.world.timepieces["vm"].step(-50.0)
        await scene.ask("fy", "sudo", "-n", "xl", "reboot", "vm")
        await scene.later(scene.world.pace.shutdown + 0.1)
        assert scene.ahead("vm") == pytest.approx(scene.ahead("fy"), abs=1e-3)

    on_stage(play)


def test_a_service_that_was_dead_lives_after_a_boot() -> None:
    async def play(scene: Scene) -> None:
        for name in ("fy", "vm"):
            service = scene.world.timepieces[name].service
            assert service is not None
            service.alive = False
        await scene.ask("fy", "sudo", "-n", "xl", "reboot", "vm")
        await scene.later(scene.world.pace.shutdown + 0.1)
        scene.world.power["fy"].lose()
        scene.world.power["fy"].come_back()
        for name in ("fy", "vm"):
            service = scene.world.timepieces[name].service
            assert service is not None
            assert service.alive

    on_stage(play)


def test_a_hosts_clock_goes_on_while_it_is_off() -> None:
    async def play(scene: Scene) -> None:
        scene.world.timepieces["fz"].step(0.5)
        scene.world.power["fz"].lose()
        scene.world.power["fz"].come_back()
        assert scene.ahead("fz") == pytest.approx(0.498)

    on_stage(play)


async def test_the_clocks_of_the_first_day_are_right_and_replay() -> None:
    world, again, other = lab_world(seed=3), lab_world(seed=3), lab_world(seed=4)

    def offsets(of: World) -> list[float]:
        return [of.timepieces[name].offset for name in CLOCKS]

    assert world.timepieces.keys() == CLOCKS.keys()
    assert offsets(world)[:2] == pytest.approx([0.0015, -0.002], abs=1e-6)
    assert max(map(abs, offsets(world))) < 0.0021
    assert offsets(world) == pytest.approx(offsets(again), abs=1e-6)
    assert offsets(world)[2:] != pytest.approx(offsets(other)[2:], abs=1e-5)


def test_in_a_week_nobodys_clock_goes_astray() -> None:
    async def play(scene: Scene) -> None:
        before = {name: scene.ahead(name) for name in CLOCKS}
        await scene.later(7 * 86400.0)
        assert {name: scene.ahead(name) for name in CLOCKS} == pytest.approx(before, abs=1e-6)

    on_stage(play)
