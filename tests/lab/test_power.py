"""The power of the hosts in virtual time, and the iLOs in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bot.devices.session import Call, Output, Visit
from bot.errors import OutcomeUnknown, Unreachable
from bot.lab import faults, virtual
from bot.lab.blueprint import lab_world
from bot.lab.durable import remember, restore
from bot.lab.faults import Fault
from bot.lab.memory import MemorySite
from bot.lab.world import Pace, World

PACE = Pace(shutdown=4.0, power=2.0, host_boot=30.0)


class Scene:
    """A lab in memory."""

    def __init__(self) -> None:
        self.world = lab_world(pace=PACE)
        self.site = MemorySite(self.world)

    async def ask(
        self,
        name: str,
        *words: str,
        changes: bool = False,
        visit: Visit | None = None,
        timeout: float | None = None,
    ) -> str:
        call: Call[Output] = Call(
            words, lambda output: output, changes=changes, visit=visit, timeout=timeout
        )
        return (await self.site.session(name).run(call)).stdout

    def guests(self, host: str) -> set[str]:
        return {domain.name for domain in self.world.hosts[host].domains.values()}

    def strike(self, name: str, where: str) -> None:
        self.world.fault(Fault(name, where))


async def later(seconds: float) -> None:
    """Let virtual time go by."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


def play(story: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    """Let *story* happen in virtual time."""

    async def run() -> None:
        scene = Scene()
        await story(scene)
        await scene.world.close()

    virtual.run(run())


def test_power_comes_after_a_while_and_the_system_answers_after_another() -> None:
    async def story(scene: Scene) -> None:
        scene.strike(faults.KILL_HOST, "fy")
        assert "currently: Off" in await scene.ask("fy-ilo", "power")

        assert "Server powering on" in await scene.ask("fy-ilo", "power", "on", changes=True)

        assert "currently: Off" in await scene.ask("fy-ilo", "power")
        await later(PACE.power)
        assert "currently: On" in await scene.ask("fy-ilo", "power")
        with pytest.raises(Unreachable):
            await scene.ask("fy", "sudo", "xl", "list")
        await later(PACE.host_boot)
        assert "Domain-0" in await scene.ask("fy", "sudo", "xl", "list")
        assert scene.guests("fy") == set()

    play(story)


def test_the_button_lets_the_guests_shut_down_first() -> None:
    async def story(scene: Scene) -> None:
        assert "Server powering off" in await scene.ask("fy-ilo", "power", "off", changes=True)
        assert scene.guests("fy") == {"vm", "zamok", "owl"}

        await later(PACE.shutdown / 2)
        letters = scene.world.picture()["hosts"]["fy"]["domains"][0]["state"]
        assert letters == "--ps--"
        assert "currently: On" in await scene.ask("fy-ilo", "power")

        await later(PACE.shutdown / 2)
        assert scene.guests("fy") == set()
        await later(PACE.power)
        assert "currently: Off" in await scene.ask("fy-ilo", "power")
        assert scene.guests("fz") == {"redisdead"}

    play(story)


def test_the_button_does_nothing_to_a_system_that_hangs_and_a_reset_mends_it() -> None:
    async def story(scene: Scene) -> None:
        scene.strike(faults.HANG_HOST, "fy")
        await scene.ask("fy-ilo", "power", "off", changes=True)
        await later(600)
        assert "currently: On" in await scene.ask("fy-ilo", "power")
        assert scene.guests("fy") == {"vm", "zamok", "owl"}

        await scene.ask("fy-ilo", "power", "reset", changes=True)
        assert scene.guests("fy") == set()
        await later(PACE.host_boot)
        assert "Domain-0" in await scene.ask("fy", "sudo", "xl", "list")

    play(story)


def test_a_host_that_hangs_answers_nothing_until_time_is_out() -> None:
    async def story(scene: Scene) -> None:
        scene.strike(faults.HANG_HOST, "fy")
        began = scene.world.clock.now()

        with pytest.raises(Unreachable):
            await scene.ask("fy", "sudo", "xl", "shutdown", "vm", changes=True)

        assert scene.world.clock.now() - began == 30.0

    play(story)


def test_what_was_sent_when_the_host_began_to_hang_may_have_been_done() -> None:
    async def story(scene: Scene) -> None:
        words = ("sudo", "xl", "create", "/etc/xen/sleeper.cfg")
        asked = asyncio.ensure_future(scene.ask("fy", *words, changes=True))
        await later(0.1)
        scene.strike(faults.HANG_HOST, "fy")

        with pytest.raises(OutcomeUnknown):
            await asked
        await later(60)
        assert "sleeper" not in scene.guests("fy")

    play(story)


def test_the_guests_of_a_host_that_hangs_still_hold_their_disks() -> None:
    async def story(scene: Scene) -> None:
        scene.strike(faults.HANG_HOST, "fy")
        await scene.ask("fz", "sudo", "xl", "create", "/etc/xen/vm.cfg", changes=True)

        rules = {violation.rule for violation in scene.world.watch.seen}
        assert "two copies run" in rules

    play(story)


@pytest.mark.parametrize("strike", [faults.KILL_HOST, faults.HANG_HOST])
def test_a_host_can_be_revived_at_once(strike: str) -> None:
    async def story(scene: Scene) -> None:
        scene.strike(strike, "fy")
        scene.strike(faults.REVIVE, "fy")

        assert "Domain-0" in await scene.ask("fy", "sudo", "xl", "list")
        assert scene.guests("fy") == set()
        assert "currently: On" in await scene.ask("fy-ilo", "power")

    play(story)


def test_what_is_asked_for_last_is_what_comes() -> None:
    async def story(scene: Scene) -> None:
        scene.strike(faults.KILL_HOST, "fy")
        await scene.ask("fy-ilo", "power", "on", changes=True)
        await later(PACE.power)
        await scene.ask("fy-ilo", "power", "off", "hard", changes=True)
        await later(600)

        assert "currently: Off" in await scene.ask("fy-ilo", "power")
        assert not scene.world.hosts["fy"].alive

    play(story)


def test_a_visit_sees_the_serial_port_and_leaves_it_free() -> None:
    async def story(scene: Scene) -> None:
        look = Visit(b"\x1b(")
        first = await scene.ask("fz-ilo", "vsp", visit=look)
        scene.strike(faults.HANG_HOST, "fz")
        second = await scene.ask("fz-ilo", "vsp", visit=look)

        assert first.startswith("Virtual Serial Port Active: COM2\n\nStarting virtual serial port.")
        assert first.endswith("\nfz login: \n")
        assert "\r" not in first
        assert "Kernel panic - not syncing" in second
        assert not scene.world.ilos["fz-ilo"].port_taken

        scene.strike(faults.ILO_VSP_BUSY, "fz-ilo")
        assert "in use by another session" in await scene.ask("fz-ilo", "vsp", visit=look)
        await scene.ask("fz-ilo", "stop", "/system1/oemhp_vsp1", changes=True)
        assert await scene.ask("fz-ilo", "vsp", visit=look) == second

    play(story)


def test_a_visit_during_the_boot_sees_the_login_come() -> None:
    async def story(scene: Scene) -> None:
        await scene.ask("fz-ilo", "power", "reset", changes=True)
        look = Visit(b"\x1b(", quiet=PACE.host_boot, longest=PACE.host_boot + 1)

        seen = await scene.ask("fz-ilo", "vsp", visit=look, timeout=100)

        assert "ProLiant System BIOS" in seen
        assert seen.endswith("\nfz login: \n")

    play(story)


def test_each_ilo_shows_the_serial_number_of_its_own_server() -> None:
    async def story(scene: Scene) -> None:
        numbers = {
            name: await scene.ask(name, "show", "/system1", "number") for name in scene.world.ilos
        }
        assert len(set(numbers.values())) == 2
        for name, shown in numbers.items():
            assert f"number={scene.world.ilos[name].serial_number}\n" in shown

    play(story)


def test_an_ilo_meets_the_faults_of_a_wire() -> None:
    async def story(scene: Scene) -> None:
        scene.world.fault(Fault(faults.DROP, "fy-ilo", "power off hard", times=1))
        with pytest.raises(OutcomeUnknown):
            await scene.ask("fy-ilo", "power", "off", "hard", changes=True)
        assert not scene.world.hosts["fy"].powered

        scene.strike(faults.REFUSE, "fy-ilo")
        with pytest.raises(Unreachable):
            await scene.ask("fy-ilo", "power")

    play(story)


def test_a_site_that_starts_anew_does_not_bring_back_what_hung() -> None:
    async def story(scene: Scene) -> None:
        scene.strike(faults.HANG_HOST, "fy")
        kept = remember(scene.world)
        another: World = lab_world()
        restore(another, kept)

        assert not another.hosts["fy"].domains
        assert another.hosts["fz"].domains

    play(story)
