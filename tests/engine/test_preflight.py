"""The card of a live migration: each thing that must be true, and a ✘ for each that is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from bot.core.units import Size
from bot.devices.host import Link
from bot.devices.xen import Disk, Transfer
from bot.engine.world import Timing
from bot.errors import DeviceError, Unreachable
from tests.engine.alive import Bot, Place
from tests.engine.scene import OWL, WWNS, Scene
from tests.fake_hosts import domain
from tests.fakes import Said


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def bot(scene: Scene, place: Place) -> AsyncIterator[Bot]:
    place.timing = Timing(census_patience=10)
    async with place.bot(scene.world) as bot:
        await bot.ask("!ping")
        yield bot


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def test_the_card_shows_what_was_looked_at_by_which_command(bot: Bot) -> None:
    said = await bot.ask("!migrate vm fz --dry-run")

    lines = said.plain.splitlines()
    assert lines[:9] == [
        "✔ Nothing was done; this is what would be done.",
        "✔ vm runs on fy, only there, and nothing of it is on fz  [xl list, every host twice]",
        "✔ vm is pvh: Xen 4.17.6-pre on fy moves it live  [xl info]",
        "✔ fz has 4 GiB of memory free, vm needs 512 MiB  [xl info]",
        f"✔ /dev/vm-root on fy is volume {WWNS['vm-root']}  [scsi_id]",
        f"✔ /dev/vm-root on fz is volume {WWNS['vm-root']}  [scsi_id]",
        f"✔ /dev/vm-swap on fy is volume {WWNS['vm-swap']}  [scsi_id]",
        f"✔ /dev/vm-swap on fz is volume {WWNS['vm-swap']}  [scsi_id]",
        "✔ the clocks of fy and fz agree within 50 ms: fz is within the error (± 2.0 ms)"
        "  [date, 5 probes]",
    ]
    assert "4. on fy: xl migrate vm fz" in said.plain


async def test_what_no_capability_looks_at_yet_is_not_ticked(bot: Bot) -> None:
    said = await bot.ask("!migrate vm fz --dry-run")

    unchecked = [line for line in said.plain.splitlines() if line.endswith("not checked")]
    assert len(unchecked) == 5
    assert all(line.startswith("? ") for line in unchecked)


async def test_a_dry_run_touches_nothing(bot: Bot, scene: Scene) -> None:
    await bot.ask("!migrate vm fz --dry-run")

    assert scene.fy.links.resyncs == scene.fz.links.resyncs == 0
    assert scene.fy.launcher.asked == scene.fz.launcher.asked == []


def twice(scene: Scene) -> None:
    scene.fz.xen.now(domain(domid=9))


def there_already(scene: Scene) -> None:
    scene.fy.xen.now()
    scene.fz.xen.now(domain())


def stopped(scene: Scene) -> None:
    scene.fy.xen.now()


def paused(scene: Scene) -> None:
    scene.fy.xen.now(domain(state="--p---"))


def half_moved(scene: Scene) -> None:
    scene.fz.xen.now(domain("vm--incoming", 9, state="--p---"))


def moving(scene: Scene) -> None:
    scene.fy.xen.moving = (Transfer(77, "vm", "xl migrate vm fz"),)


def pv_without_shadow(scene: Scene) -> None:
    scene.fy.xen.kind = "pv"


def little_memory(scene: Scene) -> None:
    scene.fz.xen.free = Size.mib(575)


def unknown_disk(scene: Scene) -> None:
    scene.fy.xen.disks = (Disk("/dev/mystery", "xvda1", True),)


def disk_elsewhere(scene: Scene) -> None:
    """A path that only ends in a volume's name is not that volume."""
    scene.fy.xen.disks = (Disk("/tmp/vm-root", "xvda1", True),)


def unreadable(scene: Scene) -> None:
    scene.fy.xen.unreadable = {1}


def neighbour_unreadable(scene: Scene) -> None:
    scene.fz.xen.now(domain("owl", 2, uuid=OWL))
    scene.fz.xen.unreadable = {2}


def shared_volume(scene: Scene) -> None:
    scene.fz.xen.now(domain("owl", 2, uuid=OWL))
    scene.fz.xen.disks = (Disk("/dev/owl-root", "xvda1", True),)
    scene.fz.links.found["/dev/owl-root"] = Link("/dev/owl-root", "/dev/sdc", WWNS["vm-root"])


def silent_target(scene: Scene) -> None:
    scene.fz.xen.silent = Unreachable("fz is silent.")


def silent_array(scene: Scene) -> None:
    async def volumes() -> None:
        raise DeviceError("nols answers garbage.")

    vars(scene.array)["volumes"] = volumes


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (twice, "vm is not in order: vm on fy (id 1, running); vm on fz (id 9, running)."),
        (there_already, "vm already runs on fz."),
        (stopped, "vm does not run on any host."),
        (paused, "vm is not in order: vm on fy (id 1, paused)."),
        (half_moved, "vm--incoming on fz (id 9, half-moved, paused)."),
        (moving, "Still moving: a transfer of vm is alive on fy (process 77)."),
        (pv_without_shadow, "vm is a PV guest, and Xen 4.17.6-pre on fy cannot move those live"),
        (little_memory, "fz has 575 MiB of memory free, vm needs 512 MiB and 64 MiB more."),
        (unknown_disk, "/dev/mystery is no volume of an array that the bot knows."),
        (disk_elsewhere, "/tmp/vm-root is no volume of an array that the bot knows."),
        (unreadable, "fy does not show the configuration of vm, so its disks are unknown."),
        (neighbour_unreadable, "fz lists owl but not its disks."),
        (shared_volume, "owl on fz has the volume behind /dev/owl-root open."),
        (silent_target, "fz is silent."),
        (silent_array, "nols answers garbage."),
    ],
)
async def test_each_thing_that_is_not_so_is_said_and_nothing_is_done(
    bot: Bot, scene: Scene, trouble: Callable[[Scene], None], says: str
) -> None:
    trouble(scene)

    for line in ("!migrate vm fz --dry-run", "!migrate vm fz"):
        said = await bot.ask(line)

        assert says in said.plain
        assert state(said) in ("refused", "failed")
    assert scene.started == 0
    assert scene.fy.links.resyncs == scene.fz.links.resyncs == 0


async def test_exactly_enough_memory_is_enough(bot: Bot, scene: Scene) -> None:
    scene.fz.xen.free = Size.mib(576)

    assert state(await bot.ask("!migrate vm fz --dry-run")) == "succeeded"


async def test_a_pv_guest_moves_where_there_is_shadow_paging(bot: Bot, scene: Scene) -> None:
    scene.fy.xen.kind = "pv"
    scene.fy.xen.caps |= {"shadow"}

    assert state(await bot.ask("!migrate vm fz --dry-run")) == "succeeded"


@pytest.mark.parametrize(
    ("link", "says"),
    [
        (Link("/dev/vm-root", "", ""), "/dev/vm-root is missing on fz."),
        (Link("/dev/vm-root", "/dev/sdx", ""), "Nothing answers behind /dev/vm-root on fz."),
        (
            Link("/dev/vm-root", "/dev/sdx", WWNS["owl-root"]),
            f"/dev/vm-root on fz leads to another volume ({WWNS['owl-root']}).",
        ),
    ],
)
async def test_a_wrong_link_is_to_be_mended_and_a_failure_if_the_resync_does_not(
    bot: Bot, scene: Scene, link: Link, says: str
) -> None:
    scene.fz.links.found["/dev/vm-root"] = link

    card = await bot.ask("!migrate vm fz --dry-run")
    assert f"… {says} The resync must mend it." in card.plain
    assert state(card) == "succeeded"

    said = await bot.ask("!migrate vm fz")
    assert state(said) == "refused"
    assert says in said.plain
    assert scene.fz.links.resyncs == 1
    assert scene.started == 0


async def test_a_link_that_the_resync_mends_is_no_obstacle(bot: Bot, scene: Scene) -> None:
    right = scene.fz.links.found.pop("/dev/vm-root")
    scene.fz.links.mended = {"/dev/vm-root": right}
    started = scene.fy.launcher.start

    async def start(name: str, words: tuple[str, ...]) -> None:
        await started(name, words)
        scene.moves()

    vars(scene.fy.launcher)["start"] = start

    assert state(await bot.ask("!migrate vm fz")) == "succeeded"


async def test_a_guest_that_another_hand_moves_after_the_checks_is_left_alone(
    bot: Bot, scene: Scene
) -> None:
    resync = scene.fz.links.resync

    async def meanwhile() -> None:
        await resync()
        scene.moves()

    vars(scene.fz.links)["resync"] = meanwhile

    said = await bot.ask("!migrate vm fz")

    assert state(said) == "refused"
    assert "vm moved meanwhile, so nothing was done" in said.plain
    assert scene.started == 0


async def test_the_locks_are_the_guest_its_volumes_and_what_a_move_takes_of_both_hosts(
    bot: Bot, scene: Scene
) -> None:
    seen: list[frozenset[str]] = []

    async def start(name: str, words: tuple[str, ...]) -> None:
        job = max(bot.engine.running)
        seen.append(bot.engine.locks.table.keys(job))
        scene.moves()

    vars(scene.fy.launcher)["start"] = start

    await bot.ask("!migrate vm fz")

    assert seen == [
        {
            f"domu/{domain().uuid}",
            *(f"volume/{WWNS[name]}" for name in ("vm-root", "vm-swap")),
            *(f"{what}/{host}" for what in ("migration", "links") for host in ("fy", "fz")),
        }
    ]
