"""The watch over consoles on the lab's site, where fy keeps logs of them and fz keeps none."""

from __future__ import annotations

import pytest

from bot.app import known_watches
from bot.config_console import CONSOLE_LOG
from bot.lab.consoles import scenes
from tests.engine.alive import Place
from tests.engine.watched import begun, titles, watches


@pytest.fixture
async def place(place: Place) -> Place:
    """The lab's site, where the bot knows the logs."""
    place.console_log = CONSOLE_LOG
    return place


def show(place: Place, host: str, guest: str, scene: str) -> None:
    """Let the console of *guest* show *scene*."""
    dom0 = place.lab.hosts[host]
    domain = next(each for each in dom0.domains.values() if each.guest.name == guest)
    system = dom0.consoles.guest(domain)
    assert system is not None
    assert scenes.show(system, scene)


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        ("login", []),
        ("password", []),
        ("question", []),
        ("boot-menu", []),
        ("kernel-over-prompt", []),
        ("utf8-cut", []),
        ("flood", []),
        ("silent", []),
        ("root-session", ["A root session was left open on the console of vm."]),
        ("busybox-session", ["A root session was left open on the console of vm."]),
        ("session", ["A session of apprenti was left open on the console of vm."]),
        ("panic", ["The kernel of vm panicked."]),
        ("fsck", ["vm waits for somebody to check its file system."]),
        ("emergency", ["vm did not boot: it is in an emergency shell."]),
        ("initramfs", ["vm did not boot: it is in the shell of its initramfs."]),
        ("oops", ["The kernel of vm met a bug (oops)."]),
    ],
)
async def test_each_scene_is_told_as_what_it_is(place: Place, scene: str, told: list[str]) -> None:
    place.watches = watches("consoles")
    async with place.bot() as bot:
        await begun(bot)
        show(place, "fy", "vm", scene)
        await place.later(600)
        assert titles(bot) == told


@pytest.mark.parametrize(
    ("scene", "begins"),
    [
        ("lockup", "A processor of vm is locked up"),
        ("hung-task", "vm has a task that hangs: "),
        ("oom", "vm ran out of memory and killed "),
        ("read-only", "vm took its file system "),
        ("io-error", "vm has I/O errors on "),
        ("xen-timeout", "vm waits for a device of Xen"),
    ],
)
async def test_what_names_a_process_or_a_device_is_told_with_it(
    place: Place, scene: str, begins: str
) -> None:
    place.watches = watches("consoles")
    async with place.bot() as bot:
        await begun(bot)
        show(place, "fy", "vm", scene)
        await place.later(240)
        assert any(title.startswith(begins) for title in titles(bot)), titles(bot)


async def test_what_a_hostile_guest_prints_does_no_harm(place: Place) -> None:
    place.watches = known_watches()
    async with place.bot() as bot:
        await begun(bot)
        show(place, "fy", "vm", "hostile")
        await place.later(600)
        for alert in bot.engine.alerts.standing:
            assert alert.source == "consoles", alert.title


async def test_a_host_without_logs_is_asked_and_never_attached_to(place: Place) -> None:
    place.watches = watches("consoles")
    async with place.bot() as bot:
        await begun(bot)
        show(place, "fz", "redisdead", "panic")
        await place.later(600)
        assert titles(bot) == []
        assert not [line for line in place.sent if "xl console" in line]


async def test_a_migration_and_a_look_by_hand_there_end_it(place: Place) -> None:
    place.watches = watches("consoles")
    async with place.bot() as bot:
        await begun(bot)
        show(place, "fy", "vm", "root-session")
        await place.later(600)
        assert len(titles(bot)) == 1
        moved = await bot.ask("!migrate vm fz")
        assert place.where("vm") == ["fz"], moved.plain
        # the session went along, and nobody sees it there
        await place.later(600)
        assert len(titles(bot)) == 1
        show(place, "fz", "vm", "login")
        await bot.ask("!console vm")
        assert titles(bot) == []
