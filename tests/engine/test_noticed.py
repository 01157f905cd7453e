"""What a person's look at a console showed becomes alerts too, where no watch sees it."""

from __future__ import annotations

from bot.core.console import Condition, Notice
from bot.core.screen import Piece, Screen
from bot.devices.console import ConsoleLog, Way
from bot.engine.consoles import Shot
from bot.engine.noticed import noticed
from bot.errors import Unreachable
from tests.engine.alive import EPOCH, Bot, Place
from tests.engine.scene import Scene
from tests.engine.watched import begun, titles, watches

PANIC = Notice(Condition.PANIC, "Kernel panic - not syncing: VFS")
OOM = Notice(Condition.OOM, "Out of memory: Killed process 7 (mysqld)", "mysqld")
ROOT = Notice(Condition.ROOT_SESSION, "root@vm:~#", "root")
LOGIN = Notice(Condition.LOGIN, "vm login:")
UNKNOWN = Notice(Condition.UNKNOWN, "")


def shot(*notices: Notice, guest: str = "vm", way: Way = Way.VIEW, text: str = "text") -> Shot:
    screen = Screen(((Piece(text),),)) if text else Screen(())
    return Shot(guest, "fy", way, EPOCH, screen, notices)


async def test_what_a_look_by_hand_shows_is_an_alert_and_over_when_another_shows_otherwise(
    place: Place,
) -> None:
    scene = Scene()
    place.watches = watches("consoles")
    async with place.bot(scene.world) as bot:
        await begun(bot)
        await noticed(bot.engine, shot(PANIC, ROOT))
        assert sorted(titles(bot)) == [
            "A root session was left open on the console of vm.",
            "The kernel of vm panicked.",
        ]
        # the watch cannot see this console, and ends nothing of it
        await place.later(3700)
        assert len(titles(bot)) == 2
        await noticed(bot.engine, shot(LOGIN))
        assert titles(bot) == []


async def test_a_look_that_shows_nothing_ends_nothing(place: Place) -> None:
    async with place.bot(Scene().world) as bot:
        await begun(bot)
        await noticed(bot.engine, shot(PANIC))
        await noticed(bot.engine, shot(UNKNOWN, text=""))
        await noticed(bot.engine, shot(UNKNOWN))
        assert len(titles(bot)) == 1


async def test_an_event_is_over_with_the_first_look_that_shows_it_no_more_an_hour_later(
    place: Place,
) -> None:
    async with place.bot(Scene().world) as bot:
        await begun(bot)
        await noticed(bot.engine, shot(OOM))
        await noticed(bot.engine, shot(LOGIN))
        assert len(titles(bot)) == 1
        await place.later(3700)
        await noticed(bot.engine, shot(LOGIN))
        assert titles(bot) == []


async def test_a_boot_ends_what_was_before(place: Place) -> None:
    async with place.bot(Scene().world) as bot:
        await begun(bot)
        await noticed(bot.engine, shot(PANIC, OOM))
        text = "[    0.000000] Linux version 6.1.0-18-amd64"
        await noticed(bot.engine, shot(UNKNOWN, text=text))
        assert titles(bot) == []


async def test_nothing_is_told_of_a_console_that_the_watch_sees(place: Place) -> None:
    scene = Scene()
    scene.fy.xen.kept["vm"] = ConsoleLog("", EPOCH)
    async with place.bot(scene.world) as bot:
        await begun(bot)
        await noticed(bot.engine, shot(PANIC, way=Way.LOG))
        await noticed(bot.engine, shot(PANIC, way=Way.VISIT))
        scene.fy.xen.silent = Unreachable()
        await noticed(bot.engine, shot(PANIC, way=Way.VISIT))
        assert titles(bot) == []


async def test_the_serial_port_of_a_host_is_about_the_host(place: Place) -> None:
    place.watches = watches("consoles")
    async with place.bot(Scene().world) as bot:
        await begun(bot)
        await noticed(bot.engine, shot(PANIC, guest="", way=Way.SERIAL))
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "The kernel of fy panicked."
        assert "{prefix}ilo fy console" in alert.hint
        await place.later(600)
        assert len(titles(bot)) == 1


async def test_the_alerts_of_a_guest_that_is_gone_are_over(place: Place) -> None:
    scene = Scene()
    place.watches = watches("consoles")
    async with place.bot(scene.world) as bot:
        await begun(bot)
        await noticed(bot.engine, shot(PANIC))
        scene.fy.xen.now()
        await place.later(120)
        assert await over(bot)


async def over(bot: Bot) -> bool:
    return titles(bot) == [] and len(await bot.engine.alerts.recent(10)) == 1
