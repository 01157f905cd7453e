"""The stages of a migration in the lab, and what is left when it breaks in each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bot.lab import virtual
from bot.lab.blueprint import lab_world
from bot.lab.command import Execution, start
from bot.lab.faults import Fault
from bot.lab.programs import run
from bot.lab.world import World


class Scene:
    """A fresh lab on virtual time, and a migration of `vm` from fy to fz."""

    def __init__(self) -> None:
        self.world: World = lab_world()
        self.said: list[str] = []
        self.execution: Execution | None = None

    def migrate(self, guest: str = "vm", target: str = "fz") -> Execution:
        words = ("sudo", "xl", "migrate", guest, target)
        source = self.world.hosts["fy"]
        self.execution = start(
            self.world, source, words, run, out=self.said.append, err=self.said.append
        )
        return self.execution

    def shown(self, host: str) -> dict[str, tuple[int, str, str]]:
        """Domain id, memory and state letters by name; the letters of the living are 'alive'."""
        now = self.world.clock.now()
        return {
            domain.name: (
                domain.memory,
                "alive" if domain.runs else domain.letters(now),
                domain.guest.uuid,
            )
            for domain in self.world.hosts[host].domains.values()
        }

    def states(self, host: str) -> dict[str, str]:
        return {name: state for name, (_, state, _) in self.shown(host).items() if "vm" in name}

    def processes(self, host: str) -> list[str]:
        return [process.args for process in self.world.hosts[host].processes.all()]

    @property
    def broken(self) -> list[str]:
        return [violation.rule for violation in self.world.watch.seen]

    async def stage(self, name: str) -> None:
        """Let time go by until the migration is in the stage *name*."""
        there: dict[str, Callable[[], bool]] = {
            "copying": lambda: 0 < self.shown("fz").get("vm--incoming", (0,))[0] < 512,
            "suspended": lambda: self.states("fy") == {"vm": "---ss-"},
            "handover": lambda: "vm" in self.states("fz"),
        }
        for _ in range(200):
            if there[name]():
                return
            await virtual.let_pass(0.05)
        raise AssertionError(f"the migration never was {name}")


def play(story: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    """Run *story* on a fresh scene in virtual time."""

    async def whole() -> None:
        scene = Scene()
        await story(scene)
        await scene.world.close()

    virtual.run(whole())


def test_a_migration_shows_the_recorded_stages_and_breaks_no_rule() -> None:
    async def story(scene: Scene) -> None:
        execution = scene.migrate()
        seen: list[tuple[dict[str, str], dict[str, str]]] = []
        memory: list[int] = []
        ended = asyncio.ensure_future(execution.wait())
        while not ended.done():
            both = scene.states("fy"), scene.states("fz")
            if not seen or seen[-1] != both:
                seen.append(both)
            memory.append(scene.shown("fz").get("vm--incoming", (0,))[0])
            await asyncio.wait({ended}, timeout=0.05)

        alive, incoming = {"vm": "alive"}, {"vm--incoming": "--p---"}
        assert seen == [
            (alive, {}),
            (alive, incoming),
            ({"vm": "---ss-"}, incoming),
            ({"vm--migratedaway": "---ss-"}, alive),
        ]
        assert scene.states("fy") == {}
        assert scene.states("fz") == alive
        grown = memory[: memory.index(512)]
        assert grown == sorted(grown)
        assert len(set(grown)) > 5
        assert scene.broken == []

    play(story)


def test_the_processes_are_those_of_a_real_migration() -> None:
    async def story(scene: Scene) -> None:
        execution = scene.migrate()
        await scene.stage("copying")
        tree = ["sudo xl migrate vm fz", "xl migrate vm fz", "ssh fz xl migrate-receive"]
        source = scene.world.hosts["fy"].processes
        chain = [process for process in source.all() if process.args in tree]
        assert [process.args for process in chain] == tree
        assert chain[1].ppid == chain[0].pid
        assert chain[2].ppid == chain[1].pid
        assert "xl create /etc/xen/vm.cfg" in scene.processes("fy")

        assert await execution.wait() == 0

        monitors = [
            process
            for process in scene.world.hosts["fz"].processes.all()
            if process.args == "xl migrate-receive"
        ]
        assert [(process.ppid, process.stdin) for process in monitors] == [(1, "/dev/null")]
        assert not any("migrate" in args for args in scene.processes("fy"))
        assert "xl create /etc/xen/vm.cfg" not in scene.processes("fy")

    play(story)


#: how each way of breaking it leaves vm on fy and fz, by the stage in which it strikes
_SUSPENDED = {"vm--migratedaway": "---ss-"}
_ALIVE = {"vm": "alive"}
_LEFT = [
    ("cut", "copying", 1, _ALIVE, {}),
    ("cut", "suspended", 1, _ALIVE, {}),
    ("cut", "handover", 1, _SUSPENDED, _ALIVE),
    ("kill the sender", "copying", 137, _ALIVE, {}),
    ("kill the sender", "suspended", 137, {"vm": "---ss-"}, {}),
    ("kill the sender", "handover", 137, _SUSPENDED, _ALIVE),
    ("kill the receiver", "copying", 1, _ALIVE, {"vm--incoming": "--p---"}),
    ("kill fy", "copying", 137, {}, {}),
    ("kill fy", "handover", 137, {}, _ALIVE),
    ("kill fz", "copying", 1, _ALIVE, {}),
    ("kill fz", "suspended", 1, _ALIVE, {}),
    ("kill fz", "handover", 1, _SUSPENDED, {}),
]


def _strike(scene: Scene, how: str) -> None:
    matches = {
        "cut": ("fy", "ssh fz xl migrate-receive"),
        "kill the sender": ("fy", "sudo xl migrate"),
        "kill the receiver": ("fz", "xl migrate-receive"),
    }
    if how in matches:
        host, args = matches[how]
        table = scene.world.hosts[host].processes
        victims = [process for process in table.all() if process.args.startswith(args)]
        table.kill(victims[0].pid)
    else:
        scene.world.fault(Fault("kill-host", how.removeprefix("kill ")))


@pytest.mark.parametrize(("how", "stage", "code", "on_fy", "on_fz"), _LEFT)
def test_what_is_left_when_a_migration_breaks(
    how: str, stage: str, code: int, on_fy: dict[str, str], on_fz: dict[str, str]
) -> None:
    async def story(scene: Scene) -> None:
        execution = scene.migrate()
        await scene.stage(stage)

        _strike(scene, how)

        assert await execution.wait() == code
        await virtual.let_pass(5.0)
        assert scene.states("fy") == on_fy
        assert scene.states("fz") == on_fz
        assert scene.broken == []
        leftovers = [args for args in scene.processes("fy") if "migrate" in args]
        assert leftovers == []

    play(story)


@pytest.mark.parametrize(
    ("fault", "where", "last", "on_fy", "on_fz"),
    [
        ("out-of-memory", "fz", "xc_domain_resume failed: Invalid argument", _ALIVE, {}),
        ("cut", "fz", "xc_domain_resume failed: Invalid argument", _ALIVE, {}),
        ("name-taken", "fz", "Migration failed due to problems at target.", _ALIVE, {}),
        ("handover-failure", "fz", "exited with error status 255", _SUSPENDED, _ALIVE),
        (
            "handover-lost",
            "fz",
            "exited with error status 255",
            _SUSPENDED,
            {"vm--incoming": "--p---"},
        ),
        ("refuse", "fz", "exited with error status 255", _ALIVE, {}),
    ],
)
def test_a_fault_by_name_strikes_the_next_migration_once(
    fault: str, where: str, last: str, on_fy: dict[str, str], on_fz: dict[str, str]
) -> None:
    async def story(scene: Scene) -> None:
        times = None if fault == "refuse" else 1
        scene.world.fault(Fault(fault, where, times=times))

        assert await scene.migrate().wait() == 1

        assert "".join(scene.said).splitlines()[-1].endswith(last)
        assert scene.states("fy") == on_fy
        assert scene.states("fz") == on_fz
        assert scene.broken == []
        assert times is None or scene.world.faults.listing() == []

    play(story)


def test_a_cut_that_is_set_in_mid_copy_strikes_at_once() -> None:
    async def story(scene: Scene) -> None:
        execution = scene.migrate()
        await scene.stage("copying")

        scene.world.fault(Fault("cut", "fy", times=1))

        assert await execution.wait() == 1
        assert scene.states("fy") == _ALIVE

    play(story)


def test_a_target_that_hangs_holds_the_migration_until_it_answers() -> None:
    async def story(scene: Scene) -> None:
        scene.world.fault(Fault("hang", "fz"))
        execution = scene.migrate()
        await virtual.let_pass(100.0)
        assert scene.states("fz") == {}
        assert "ssh fz xl migrate-receive" in scene.processes("fy")

        scene.world.faults.clear()

        assert await execution.wait() == 0

    play(story)


def test_a_second_migration_of_the_same_guest_fails_and_harms_nothing() -> None:
    async def story(scene: Scene) -> None:
        first = scene.migrate()
        await scene.stage("copying")

        assert await scene.migrate().wait() == 1

        assert "already exists" in "".join(scene.said)
        assert await first.wait() == 0
        assert scene.broken == []

    play(story)


def test_a_missing_link_at_the_target_stops_it_before_the_copy() -> None:
    async def story(scene: Scene) -> None:
        scene.world.fault(Fault("missing-link", "fz", "vm-root"))

        assert await scene.migrate().wait() == 1

        assert "failed to stat: /dev/vm-root: No such file or directory" in "".join(scene.said)
        assert scene.states("fy") == _ALIVE

    play(story)


def test_two_copies_and_a_volume_open_twice_are_written_down_once_each() -> None:
    async def story(scene: Scene) -> None:
        words = ("sudo", "xl", "create", "/etc/xen/vm.cfg")
        host = scene.world.hosts["fz"]
        said: list[str] = []
        copy = start(scene.world, host, words, run, out=said.append, err=said.append)

        assert await copy.wait() == 0

        scene.world.changed()
        assert sorted(scene.broken) == ["one volume open twice"] * 2 + ["two copies run"]
        assert scene.world.picture()["violations"][0]["where"]

    play(story)


def test_a_stale_link_makes_a_guest_open_another_guests_volume() -> None:
    async def story(scene: Scene) -> None:
        scene.world.fault(Fault("stale-link", "fz", "vm-root"))
        wwn = scene.world.arrays["nols"].volumes["vm-root"].wwn
        opened = scene.world.hosts["fz"].disks.open("/dev/vm-root")
        assert opened is not None
        assert opened.wwn != wwn

        scene.world.hosts["fz"].disks.update()

        mended = scene.world.hosts["fz"].disks.open("/dev/vm-root")
        assert mended is not None
        assert mended.wwn == wwn

    play(story)


def test_a_guest_that_moved_onto_a_stale_link_is_written_down() -> None:
    async def story(scene: Scene) -> None:
        scene.world.fault(Fault("stale-link", "fz", "vm-root"))

        assert await scene.migrate().wait() == 0

        assert "a volume open under another's name" in scene.broken

    play(story)


def test_the_same_seed_replays_the_same_world() -> None:
    async def told() -> str:
        scene = Scene()
        await scene.migrate("zamok").wait()
        await scene.migrate().wait()
        picture = str(scene.world.picture())
        await scene.world.close()
        return "".join(scene.said) + picture

    assert virtual.run(told()) == virtual.run(told())
