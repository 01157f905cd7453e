"""The watch over consoles: what becomes an alert of what they show, and when it is over."""

from __future__ import annotations

import pytest

from bot.core.alerts import Severity
from tests.engine.alive import EPOCH, Place
from tests.engine.kept_consoles import (
    BOOT,
    DULL,
    FSCK,
    INITRAMFS,
    IO,
    LOGIN,
    OOM,
    OOM_AGAIN,
    PANIC,
    READ_ONLY,
    ROOT,
    USER,
    Log,
    only,
)
from tests.engine.watched import begun, titles
from tests.fake_hosts import domain


@pytest.mark.parametrize(
    ("text", "title", "severity"),
    [
        (PANIC, "The kernel of vm panicked.", Severity.CRITICAL),
        (INITRAMFS, "vm did not boot: it is in the shell of its initramfs.", Severity.CRITICAL),
        (READ_ONLY, "vm took its file system xvda1 read-only.", Severity.CRITICAL),
        (IO, "vm has I/O errors on xvda1.", Severity.CRITICAL),
        (OOM, "vm ran out of memory and killed mysqld.", Severity.WARNING),
        (
            "[    9.000000] BUG: unable to handle kernel page request at ffffc90000a4b000\n",
            "The kernel of vm met a bug (oops).",
            Severity.WARNING,
        ),
        (
            "[    9.000000] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [mysqld:712]\n",
            "A processor of vm is locked up.",
            Severity.WARNING,
        ),
        (
            "[    9.000000] INFO: task jbd2/xvda1-8:98 blocked for more than 120 seconds.\n",
            "vm has a task that hangs: jbd2/xvda1-8.",
            Severity.WARNING,
        ),
    ],
)
async def test_what_a_console_shows_becomes_an_alert_that_says_where_to_look(
    place: Place, log: Log, text: str, title: str, severity: Severity
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        assert titles(bot) == []
        await log.prints("\n" + text)
        alert = await only(bot)
        assert (alert.title, alert.severity) == (title, severity)
        assert alert.names == ("vm",)
        assert "{prefix}console vm" in alert.hint
        assert alert.details.startswith("The console of vm on fy shows: “")
        quoted = alert.details.partition("“")[2].removesuffix("”")
        assert quoted
        assert quoted in " ".join(text.split())


@pytest.mark.parametrize("text", [LOGIN, "Password: ", "Continue? [y/N] ", DULL, ""])
async def test_what_is_in_order_or_unsure_raises_nothing(place: Place, log: Log, text: str) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + text)
        await place.later(1200)
        assert titles(bot) == []
        assert await bot.engine.alerts.recent(10) == []


async def test_a_root_session_is_told_once_nothing_was_printed_for_a_while(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        # somebody works there: each look sees more
        for _look in range(5):
            await log.prints(f"ls\n{ROOT}")
            assert titles(bot) == []
        await place.later(400)
        alert = await only(bot)
        assert alert.title == "A root session was left open on the console of vm."
        assert alert.severity is Severity.WARNING

        # it is no less open because the kernel or whoever came back prints something
        await log.prints(f"ls\n{ROOT}")
        assert titles(bot) == [alert.title]
        await log.prints(f"exit\n{LOGIN}")
        assert titles(bot) == []


async def test_a_session_that_is_not_roots_names_its_user(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints(f"bob\n{USER}")
        await place.later(400)
        assert titles(bot) == ["A session of bob was left open on the console of vm."]


async def test_an_event_is_over_an_hour_after_it_was_new(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM)
        first = await only(bot)
        await place.later(3000)
        await log.prints(OOM_AGAIN)
        again = await only(bot)
        assert again.id == first.id
        assert again.title == "vm ran out of memory and killed mysqld, php."
        await place.later(3000)
        await log.prints(DULL)
        assert titles(bot) == [again.title]
        await place.later(600)
        assert titles(bot) == []
        # it stands in the log for ever
        await log.prints(DULL)
        assert titles(bot) == []


async def test_a_new_boot_ends_what_was_before_it(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM + IO + READ_ONLY + PANIC)
        assert len(titles(bot)) == 4
        await log.prints(BOOT)
        assert titles(bot) == []


async def test_a_session_that_was_left_does_not_outlive_the_boot(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints(f"\n{ROOT}")
        await place.later(600)
        assert len(titles(bot)) == 1
        await log.prints("\n" + BOOT)
        assert titles(bot) == []


async def test_a_guest_that_was_started_anew_and_boots_silently_begins_anew(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + READ_ONLY + PANIC)
        assert len(titles(bot)) == 2
        log.scene.fy.xen.now(domain(domid=2))
        await log.prints(LOGIN)
        assert titles(bot) == []
        await place.later(600)
        assert titles(bot) == []


async def test_read_only_and_a_panic_last_until_the_next_boot(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + READ_ONLY + PANIC)
        await place.later(3700)
        assert len(titles(bot)) == 2


async def test_a_boot_that_hangs_is_told_until_the_console_shows_otherwise(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints(BOOT + FSCK)
        assert "vm waits for somebody to check its file system." in titles(bot)
        await place.later(3700)
        assert "vm waits for somebody to check its file system." in titles(bot)
        await log.prints(LOGIN)
        assert titles(bot) == []


async def test_the_first_look_tells_no_old_news(place: Place, log: Log) -> None:
    log.be(IO + BOOT + OOM + DULL, EPOCH - 86400)
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await place.later(300)
        assert titles(bot) == []
        # but how things stand
        log.be(IO + BOOT + OOM + INITRAMFS, place.clock() - 86400)
        await place.later(240)
        assert titles(bot) == ["vm did not boot: it is in the shell of its initramfs."]


async def test_the_first_look_tells_what_happened_within_the_hour(place: Place, log: Log) -> None:
    log.be(IO + BOOT + OOM + DULL, EPOCH - 600)
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        assert titles(bot) == ["vm ran out of memory and killed mysqld."]
