"""The watch over consoles: what the logs of consoles make alerts of, once, and when it is over."""

from __future__ import annotations

import pytest

from bot.core.alerts import Alert, Severity
from bot.devices.console import ConsoleLog
from bot.errors import DeviceError, Unreachable
from tests.engine.alive import EPOCH, Bot, Place
from tests.engine.scene import OWL, Scene
from tests.engine.watched import begun, titles, watches
from tests.fake_hosts import domain

BOOT = "[    0.000000] Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)\n"
LOGIN = "\nDebian GNU/Linux 12 vm hvc0\n\nvm login: "
ROOT = "root@vm:~# "
USER = "bob@vm:~$ "
PANIC = "[  812.500000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n"
OOM = "[ 4711.000000] Out of memory: Killed process 712 (mysqld) total-vm:1834972kB\n"
OOM_AGAIN = "[ 4999.000000] Out of memory: Killed process 801 (php) total-vm:1834972kB\n"
IO = "[ 5000.100000] blk_update_request: I/O error, dev xvda1, sector 2048 op 0x1:(WRITE)\n"
READ_ONLY = "[ 5000.200000] EXT4-fs (xvda1): Remounting filesystem read-only\n"
INITRAMFS = (
    "Gave up waiting for root file system device.\n"
    "ALERT!  /dev/xvda1 does not exist.  Dropping to a shell!\n(initramfs) "
)
FSCK = (
    "/dev/xvda1: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.\n"
    "Press enter for maintenance\n(or press Control-D to continue): "
)
#: a line that says nothing
DULL = "Mon Nov 23 08:05:32 UTC 2026 nothing to see\n"


def kept(text: str, printed: float) -> ConsoleLog:
    """A log that holds *text*, as a terminal gets it, and last grew in that second."""
    return ConsoleLog(text.replace("\n", "\r\n"), float(int(printed)))


class Log:
    """The log of the console of vm on fy, and the bot that watches it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.scene = Scene()
        self.text = ""
        place.watches = watches("consoles")

    def say(self, text: str) -> None:
        """Let the guest print *text* now."""
        self.be(self.text + text)

    def be(self, text: str, printed: float | None = None) -> None:
        """Let the log be *text*."""
        self.text = text
        when = self.place.clock() if printed is None else printed
        self.scene.fy.xen.kept["vm"] = kept(text, when)

    async def prints(self, text: str) -> None:
        """Print *text*, and let the watch look."""
        self.say(text)
        await self.place.later(120)


@pytest.fixture
def log(place: Place) -> Log:
    found = Log(place)
    found.be(LOGIN, EPOCH)
    return found


async def only(bot: Bot) -> Alert:
    (alert,) = bot.engine.alerts.standing
    return alert


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
        await place.later(7200)
        assert len(titles(bot)) == 2


async def test_a_boot_that_hangs_is_told_until_the_console_shows_otherwise(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints(BOOT + FSCK)
        assert "vm waits for somebody to check its file system." in titles(bot)
        await place.later(7200)
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


async def test_an_alert_outlives_the_bot_and_is_told_once(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM)
        await bot.killed()
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await place.later(240)
        alert = await only(bot)
        assert alert.times == 1
        await place.later(3600)
        assert titles(bot) == []


async def test_what_happened_while_no_bot_ran_is_told_when_it_is_back(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await bot.killed()
    log.say("\n" + OOM)
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        assert titles(bot) == ["vm ran out of memory and killed mysqld."]


async def test_a_log_that_was_begun_anew_says_nothing_of_how_things_are(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints(BOOT + FSCK)
        told = titles(bot)
        assert told
        log.be("")
        await place.later(7200)
        assert titles(bot) == told
        await log.prints(LOGIN)
        assert titles(bot) == []


async def test_a_log_that_was_begun_anew_does_not_tell_its_events_again(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM)
        log.be(DULL)
        await place.later(120)
        assert len(titles(bot)) == 1
        await place.later(3600)
        assert titles(bot) == []


async def test_a_flood_between_two_looks_leaves_its_end_and_no_more_alerts(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + IO * 20_000 + PANIC)
        assert sorted(titles(bot)) == ["The kernel of vm panicked.", "vm has I/O errors on xvda1."]
        await log.prints(DULL * 20_000)
        assert sorted(titles(bot)) == ["The kernel of vm panicked.", "vm has I/O errors on xvda1."]


async def test_what_a_guest_prints_cannot_pass_for_the_bots_words(place: Place, log: Log) -> None:
    hostile = (
        "\x1b]0;owned\x07[    1.000000] Out of memory: "
        "Killed process 1 (@room <b>x</b>\u202e\x1b[2J) " + "x" * 5000 + "\n"
    )
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + hostile)
        for alert in bot.engine.alerts.standing:
            said = alert.title + alert.details + alert.hint
            assert len(said) < 1500
            assert "\x1b" not in said
            assert "\u202e" not in said


async def test_what_nobody_may_read_is_in_no_alert(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n[    1.000000] Out of memory: Killed process 7 (x) password: hunter2\n")
        alert = await only(bot)
        assert "hunter2" not in alert.details


async def test_a_host_that_does_not_answer_ends_nothing(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + PANIC)
        log.scene.fy.xen.silent = Unreachable("fy cannot be reached.")
        await place.later(600)
        assert len(titles(bot)) == 1
        log.scene.fy.xen.silent = None
        await log.prints(BOOT)
        assert titles(bot) == []


async def test_a_guest_that_a_job_is_at_work_on_is_not_looked_at(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + PANIC)
        bot.engine.locks.hold(99, [f"domu/{domain().uuid}"])
        await log.prints(BOOT)
        assert len(titles(bot)) == 1
        bot.engine.locks.release(99)
        await place.later(120)
        assert titles(bot) == []


async def test_a_guest_that_is_gone_is_over(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + PANIC)
        log.scene.fy.xen.now()
        await place.later(120)
        assert titles(bot) == []


async def test_a_host_without_logs_is_never_attached_to(place: Place, log: Log) -> None:
    log.scene.fy.xen.kept.clear()
    log.scene.fy.xen.rings[1] = PANIC
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await place.later(600)
        assert titles(bot) == []
        assert log.scene.fy.xen.rings == {1: PANIC}


async def test_the_log_of_an_earlier_time_on_another_host_tells_no_news(
    place: Place, log: Log
) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM)
        # it was on fz months ago, and panicked there
        log.scene.moves()
        log.scene.fz.xen.kept["vm"] = kept("\n" + IO + PANIC + DULL, place.clock())
        await place.later(240)
        assert titles(bot) == ["vm ran out of memory and killed mysqld."]
        log.scene.fz.xen.kept["vm"] = kept("\n" + IO + PANIC + DULL + READ_ONLY, place.clock())
        await place.later(120)
        assert "vm took its file system xvda1 read-only." in titles(bot)


async def test_a_guest_that_moved_takes_its_alerts_along(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + OOM + READ_ONLY)
        log.scene.moves()
        # an earlier stay there: a boot, another such event, and somebody logged out
        log.scene.fz.xen.kept["vm"] = kept(BOOT + OOM_AGAIN + LOGIN, place.clock())
        await place.later(120)
        log.scene.fz.xen.kept["vm"] = kept(BOOT + OOM_AGAIN + LOGIN + "x", place.clock())
        await place.later(120)
        assert sorted(titles(bot)) == [
            "vm ran out of memory and killed mysqld.",
            "vm took its file system xvda1 read-only.",
        ]
        # and one that is started there from nothing has left them behind
        log.scene.fz.xen.now(domain(domid=9, uuid=OWL))
        log.scene.fz.xen.kept["vm"] = kept(BOOT + OOM_AGAIN + LOGIN + BOOT + LOGIN, place.clock())
        await place.later(120)
        assert titles(bot) == []


async def test_kernels_that_say_no_time_are_heard_again(place: Place, log: Log) -> None:
    line = "Out of memory: Kill process 712 (mysqld) score 900 or sacrifice child\n"
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + line)
        await place.later(3000)
        await log.prints(line)
        await place.later(3000)
        assert titles(bot) == ["vm ran out of memory and killed mysqld."]
        await place.later(700)
        assert titles(bot) == []


async def test_a_log_that_did_not_grow_is_not_read_again(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await place.later(240)
        before = log.scene.fy.xen.log_reads
        await place.later(1200)
        assert log.scene.fy.xen.log_reads == before
        await log.prints(DULL)
        assert log.scene.fy.xen.log_reads > before


async def test_what_is_printed_in_the_second_of_a_look_is_not_lost(place: Place, log: Log) -> None:
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        printed = place.clock()
        log.be(log.text + DULL, printed)
        await place.later(120)
        log.be(log.text + PANIC, printed)
        await place.later(120)
        assert titles(bot) == ["The kernel of vm panicked."]


async def test_fifty_guests_are_read_part_by_part_and_share_a_message(
    place: Place, log: Log
) -> None:
    names = [f"g{number:02}" for number in range(50)]
    log.scene.fy.xen.now(
        *(
            domain(name, number + 1, uuid=f"{OWL[:-2]}{number:02}")
            for number, name in enumerate(names)
        )
    )
    for name in names:
        log.scene.fy.xen.kept[name] = kept(PANIC, place.clock())
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        assert len(titles(bot)) == 20
        await place.later(240)
        assert len(titles(bot)) == 50
        assert len({alert.post for alert in bot.engine.alerts.standing}) == 1


async def test_one_guest_whose_log_cannot_be_read_hides_no_other(place: Place, log: Log) -> None:
    odd = domain("owl", 2, uuid=OWL)
    log.scene.fy.xen.now(odd, domain())
    log.scene.fy.xen.kept["owl"] = kept(PANIC, place.clock())
    log.scene.fy.xen.broken_logs["owl"] = DeviceError("tail: Input/output error")
    async with place.bot(log.scene.world) as bot:
        await begun(bot)
        await log.prints("\n" + PANIC)
        assert titles(bot) == ["The kernel of vm panicked."]
