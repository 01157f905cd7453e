"""The card of a destruction: what stands against it, and what only is not known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from bot.core.approvals import Approvals
from bot.core.plan import Thing
from bot.devices.host import Link
from bot.devices.xen import Disk
from bot.engine.world import Timing
from bot.errors import DeviceError, Unreachable
from tests.engine.alive import Bot, Place
from tests.engine.destroying import (
    LINE,
    gone,
    half_moved,
    moving,
    silent_other,
    state,
    strange,
    twice,
    when_started,
)
from tests.engine.scene import WWNS, Scene
from tests.fake_hosts import domain


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def bot(place: Place, scene: Scene) -> AsyncIterator[Bot]:
    place.timing = Timing(census_patience=10, follow_patience=60)
    place.approvals = Approvals(by_risk={})
    async with place.bot(scene.world) as bot:
        await bot.ask("!ping")
        yield bot


async def test_the_card_shows_what_would_be_lost_and_by_which_words(bot: Bot, scene: Scene) -> None:
    said = await bot.ask(f"{LINE} --dry-run")

    assert said.plain.splitlines()[:9] == [
        "✔ Nothing was done; this is what would be done.",
        "✔ vm is on fy as domain 1 (running), and nowhere else  [xl list, every host twice]",
        f"✔ /dev/vm-root on fy is volume {WWNS['vm-root']}, which is let go and not changed"
        "  [scsi_id]",
        f"✔ /dev/vm-swap on fy is volume {WWNS['vm-swap']}, which is let go and not changed"
        "  [scsi_id]",
        "… what vm has not written to its disks is lost, as when the power fails",
        "",
        "1. on fy: list again: domain 1 is still vm",
        "2. on fy: xl destroy 1",
        "3. on every host: list all, until vm is on none",
    ]
    assert scene.fy.launcher.asked == []


async def test_what_it_touches_and_locks_is_the_guest_and_its_volumes(
    bot: Bot, scene: Scene
) -> None:
    seen: list[tuple[object, object]] = []

    def look(scene: Scene) -> None:
        [run] = bot.engine.running.values()
        assert run.plan is not None
        seen.append((bot.engine.locks.table.keys(run.job.id), run.plan.touches))
        gone(scene)

    when_started(scene, look)

    await bot.ask(LINE)

    wwns = {WWNS["vm-root"], WWNS["vm-swap"]}
    uuid = domain().uuid
    assert seen == [
        (
            {f"domu/{uuid}", *(f"volume/{wwn}" for wwn in wwns)},
            {
                (Thing.DOMU, "vm"),
                (Thing.UUID, uuid),
                (Thing.HOST, "fy"),
                (Thing.VOLUME, "vm-root"),
                (Thing.VOLUME, "vm-swap"),
                *((Thing.WWN, wwn) for wwn in wwns),
            },
        )
    ]


def stopped(scene: Scene) -> None:
    scene.fy.xen.now()


def dying(scene: Scene) -> None:
    scene.fy.xen.now(domain(state="--ps-d"))


def silent_links(scene: Scene) -> None:
    async def look(path: str) -> Link:
        raise Unreachable("fy is silent.")

    vars(scene.fy.links)["look"] = look


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (
            twice,
            "vm is there more than once, so nothing is touched: "
            "vm on fy (id 1, running); vm on fz (id 9, running).",
        ),
        (stopped, "vm does not run on any host."),
        (half_moved, "vm is not in order: vm--incoming on fy (id 1, half-moved, paused)."),
        (moving, "Still moving: a transfer of vm is alive on fy (process 77)."),
        (dying, "vm is already dying: vm on fy (id 1, dying)."),
        (strange, "vm is not in order: vm on fy (id 1, in a state that the bot does not know)."),
        (silent_other, "fz is silent."),
        (silent_links, "fy is silent."),
    ],
)
async def test_what_stands_against_it_is_said_and_nothing_is_sent(
    bot: Bot, scene: Scene, trouble: Callable[[Scene], None], says: str
) -> None:
    trouble(scene)

    for line in (f"{LINE} --dry-run", LINE):
        said = await bot.ask(line)

        assert says in said.plain
        assert state(said) in ("refused", "failed")
    assert scene.started == 0


def not_ours(scene: Scene) -> None:
    scene.fy.ownership.owner = "another-bot"


async def test_a_host_of_another_bot_keeps_its_guests(place: Place, scene: Scene) -> None:
    not_ours(scene)
    async with place.bot(scene.world) as bot:
        said = await bot.ask(LINE)

    assert state(said) == "refused"
    assert "fy belongs to another bot" in said.plain
    assert scene.started == 0


@pytest.mark.parametrize("letters", ["--p---", "---s--", "---ss-", "---sc-", "----c-"])
async def test_what_does_not_run_any_more_can_be_destroyed_too(
    bot: Bot, scene: Scene, letters: str
) -> None:
    scene.fy.xen.now(domain(state=letters))
    when_started(scene, gone)

    assert state(await bot.ask(LINE)) == "succeeded"


def silent_array(scene: Scene) -> None:
    async def volumes() -> None:
        raise DeviceError("nols answers garbage.")

    vars(scene.array)["volumes"] = volumes


def unreadable(scene: Scene) -> None:
    scene.fy.xen.unreadable = {1}


def strange_path(scene: Scene) -> None:
    async def look(path: str) -> Link:
        raise DeviceError("it is no path.")

    vars(scene.fy.links)["look"] = look


def nothing_answers(scene: Scene) -> None:
    scene.fy.links.found["/dev/vm-root"] = Link("/dev/vm-root", "/dev/sdx", "")


def stale_link(scene: Scene) -> None:
    scene.fy.links.found["/dev/vm-root"] = Link("/dev/vm-root", "/dev/sdx", WWNS["owl-root"])


def no_volume(scene: Scene) -> None:
    scene.fy.xen.disks = (Disk("/srv/vm.img", "xvda1", True),)


@pytest.mark.parametrize(
    ("trouble", "says", "locked"),
    [
        (
            silent_array,
            "? what the array says of its volumes (nols answers garbage.): not checked",
            {"vm-root", "vm-swap"},
        ),
        (unreadable, "? its disks, which fy does not show: not checked", set()),
        (strange_path, "? its disks (it is no path.): not checked", set()),
        (
            nothing_answers,
            "? which volume it has open as /dev/vm-root, where nothing answers on fy now: "
            "not checked",
            {"vm-root", "vm-swap"},
        ),
        (
            stale_link,
            "? which volume it has open as /dev/vm-root, which leads to "
            f"{WWNS['owl-root']} on fy now: not checked",
            {"vm-root", "vm-swap", "owl-root"},
        ),
        (
            no_volume,
            "? which volume it has open as /srv/vm.img, where nothing answers on fy now: "
            "not checked",
            set(),
        ),
    ],
)
async def test_disks_that_are_not_known_are_named_and_do_not_stand_in_the_way(
    bot: Bot, scene: Scene, trouble: Callable[[Scene], None], says: str, locked: set[str]
) -> None:
    trouble(scene)
    seen: list[set[str]] = []

    def look(scene: Scene) -> None:
        keys = bot.engine.locks.table.keys(max(bot.engine.running))
        seen.append({key for key in keys if key.startswith("volume/")})
        gone(scene)

    when_started(scene, look)

    shown = await bot.ask(f"{LINE} --dry-run")
    said = await bot.ask(LINE)

    assert says in shown.plain.splitlines()
    assert state(said) == "succeeded"
    assert seen == [{f"volume/{WWNS[name]}" for name in locked}]


async def test_another_domain_of_that_name_is_not_hit(bot: Bot, scene: Scene) -> None:
    """Somebody's own shell starts it anew right before the command would be sent."""
    old, new = (domain(),), (domain(domid=2),)
    # the inventory, two censuses of two looks, then the list right before the start
    scene.fy.xen.views, scene.fy.xen.looks = [*[old] * 4, new], 0

    said = await bot.ask(LINE)

    assert state(said) == "refused"
    assert "vm is no longer domain 1 of fy, so nothing was done." in said.plain
    assert scene.started == 0


async def test_a_world_that_moved_while_it_waited_is_refused_with_the_difference(
    bot: Bot, scene: Scene
) -> None:
    old, new = (domain(),), (domain(domid=2),)
    scene.fy.xen.views, scene.fy.xen.looks = [*[old] * 2, new], 0

    said = await bot.ask(LINE)

    assert state(said) == "refused"
    assert f"- vm is on fy as domain 1 with UUID {domain().uuid}" in said.plain
    assert f"+ vm is on fy as domain 2 with UUID {domain().uuid}" in said.plain
    assert scene.started == 0
