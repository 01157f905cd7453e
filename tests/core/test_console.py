"""What a screen says of its guest: one screen of each class, and any."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.console import Condition, Notice, examine
from bot.core.screen import Screen
from bot.screen.terminal import replay

KERNEL = "[  697.465384] clocksource: Long readout interval, skipping watchdog check"
BOOTED = "[    0.000000] Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org)"


def seen(text: str) -> list[Condition]:
    return [notice.condition for notice in examine(replay(text))]


def only(text: str) -> Notice:
    notices = examine(replay(text))
    assert len(notices) == 1, notices
    return notices[0]


# -- what waits: judged by where the cursor stands


@pytest.mark.parametrize(
    ("text", "condition", "about"),
    [
        ("\r\nvm login: ", Condition.LOGIN, ""),
        ("login: ", Condition.LOGIN, ""),
        ("Last login: Mon Nov 23 on hvc0\r\nroot@vm:~# ", Condition.ROOT_SESSION, "root"),
        ("Last login: ", Condition.UNKNOWN, ""),
        ("vm login: ro", Condition.UNKNOWN, ""),
        ("vm login: root\r\nPassword: ", Condition.PASSWORD, ""),
        ("[sudo] password for bob: ", Condition.PASSWORD, ""),
        ("Mot de passe : ", Condition.PASSWORD, ""),
        ("Please enter passphrase for disk xvda2_crypt (root): ", Condition.PASSWORD, ""),
        ("invalid password for 'root' on 'hvc0'", Condition.UNKNOWN, ""),
        ("root@vm:~# ", Condition.ROOT_SESSION, "root"),
        ("root@vm:~# date", Condition.ROOT_SESSION, "root"),
        ("root@(none):/# ", Condition.ROOT_SESSION, "root"),
        ("(venv) root@vm:/srv/a b# ", Condition.ROOT_SESSION, "root"),
        ("bob@vm:/tmp$ rm -", Condition.SESSION, "bob"),
        ("[root@vm ~]# ", Condition.ROOT_SESSION, "root"),
        ("[bob@vm tmp]$ ls", Condition.SESSION, "bob"),
        ("bob@vm ~> ", Condition.SESSION, "bob"),
        ("~ # ", Condition.ROOT_SESSION, "root"),
        ("/etc # ls", Condition.ROOT_SESSION, "root"),
        ("~ $ ", Condition.SESSION, ""),
        ("# ", Condition.ROOT_SESSION, "root"),
        ("vm# ", Condition.ROOT_SESSION, "root"),
        ("$ ", Condition.SESSION, ""),
        ("bash-5.2$ ", Condition.SESSION, ""),
        ("mysql> ", Condition.SESSION, ""),
        ("root@vm:~# sleep 100\r\n", Condition.ROOT_SESSION, "root"),
        ("root@vm:~# exit\r\n", Condition.UNKNOWN, ""),
        ("root@vm:~# cat howto\r\nroot@vm:~# apt update\r\nis all.\r\n", Condition.UNKNOWN, ""),
        ("# a comment", Condition.UNKNOWN, ""),
        ("Do you want to continue? [Y/n] ", Condition.QUESTION, ""),
        ("Are you sure (yes/no/[fingerprint])? ", Condition.QUESTION, ""),
        ("--More--(12%)", Condition.QUESTION, ""),
        ("(END)", Condition.QUESTION, ""),
        ("grub> ", Condition.BOOT_MENU, ""),
        ("grub rescue> ", Condition.BOOT_MENU, "rescue"),
        ("Fix<y>? ", Condition.FSCK, ""),
        ("Fix<y>? yes\r\n", Condition.UNKNOWN, ""),
        ("(Repair filesystem) 1 # ", Condition.FSCK, ""),
        ("(initramfs) ", Condition.INITRAMFS, ""),
        ("(initramfs) ls /dev", Condition.INITRAMFS, ""),
        ("dracut:/# ", Condition.INITRAMFS, ""),
        ("Press Enter for maintenance\r\n(or press Control-D to continue): ",
         Condition.EMERGENCY, ""),
        ("", Condition.UNKNOWN, ""),
        ("\x1b[2J\x1b[H", Condition.UNKNOWN, ""),
        ("Begin: Running /scripts/local-top ... ", Condition.UNKNOWN, ""),
    ],
)  # fmt: skip
def test_what_waits_is_told_by_the_line_of_the_cursor(
    text: str, condition: Condition, about: str
) -> None:
    notice = only(text)

    assert (notice.condition, notice.about) == (condition, about)


@pytest.mark.parametrize("printed", [KERNEL, "[  OK  ] Started chrony.service"])
@pytest.mark.parametrize("between", ["", "\r\n"])
@pytest.mark.parametrize(
    ("prompt", "condition"),
    [
        ("vm login: ", Condition.LOGIN),
        ("Password: ", Condition.PASSWORD),
        ("root@vm:~# da", Condition.ROOT_SESSION),
        ("(initramfs) ", Condition.INITRAMFS),
    ],
)
def test_a_prompt_is_seen_under_what_was_printed_over_it(
    prompt: str, condition: Condition, between: str, printed: str
) -> None:
    for end in ("", "\r\n", f"\r\n{printed} {'and more ' * 20}\r\n"):
        notice = only(f"before\r\n{prompt}{between}{printed}{end}")
        assert (notice.condition, notice.evidence) == (condition, prompt.strip())


def test_what_no_kernel_wrote_over_a_login_prompt_makes_it_none() -> None:
    assert seen("vm login: [1.0] x\r\n") == [Condition.UNKNOWN]
    assert seen("vm login: Broadcast message from root@vm\r\n") == [Condition.UNKNOWN]


def test_an_emergency_that_wants_a_password_is_a_password_prompt_too() -> None:
    text = "Give root password for maintenance\r\n(or press Control-D to continue): "

    assert seen(text) == [Condition.EMERGENCY, Condition.PASSWORD]


def test_a_prompt_above_which_the_guest_shuts_down_is_none() -> None:
    assert seen("vm login: [  OK  ] Stopped target Graphical Interface.\r\n") == [Condition.UNKNOWN]
    assert seen(f"vm login: {KERNEL}\r\n[  700.000001] reboot: Power down\r\n") == [
        Condition.UNKNOWN
    ]


def test_a_prompt_in_the_middle_of_a_full_screen_is_none() -> None:
    assert seen("vm login: \r\n\r\nmore below\x1b[1;11H") == [Condition.UNKNOWN]


def test_what_is_typed_may_be_longer_than_a_row_and_the_cursor_anywhere_in_it() -> None:
    typed = "root@vm:~# " + "x" * 200

    assert only(typed).condition is Condition.ROOT_SESSION
    assert only(typed + "\x1b[5D").condition is Condition.ROOT_SESSION


@pytest.mark.parametrize("length", [79, 80, 81, 160])
def test_a_line_that_fills_its_row_hides_no_prompt_below(length: int) -> None:
    assert only("x" * length + "\r\nvm login: ").condition is Condition.LOGIN
    assert only("x" * length + "\r\nroot@vm:~# ").condition is Condition.ROOT_SESSION


def test_a_boot_menu_is_seen_until_a_kernel_prints_below_it() -> None:
    menu = "\x1b[2J\x1b[H   GNU GRUB  version 2.06\r\n\r\n *Debian GNU/Linux\r\n"

    assert seen(menu + "\x1b[3;5H") == [Condition.BOOT_MENU]
    assert seen(menu + BOOTED + "\r\n") == [Condition.UNKNOWN]


# -- what has happened: since the last boot


@pytest.mark.parametrize(
    ("line", "condition", "about"),
    [
        ("Kernel panic - not syncing: VFS: Unable to mount root fs", Condition.PANIC, ""),
        ("BUG: unable to handle page fault for address: 00", Condition.OOPS, ""),
        ("Oops: 0000 [#1] SMP NOPTI", Condition.OOPS, ""),
        ("general protection fault, probably for non-canonical", Condition.OOPS, ""),
        ("watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:0:42]",
         Condition.LOCKUP, "kworker/1:0"),
        ("rcu: INFO: rcu_sched detected stalls on CPUs/tasks:", Condition.LOCKUP, ""),
        ("INFO: task jbd2/xvda2-8:123 blocked for more than 120 seconds.",
         Condition.HUNG_TASK, "jbd2/xvda2-8"),
        ("Out of memory: Killed process 812 (mysqld) total-vm:1kB", Condition.OOM, "mysqld"),
        ("Out of memory: Kill process 812 (apache2) score 9 or sacrifice child",
         Condition.OOM, "apache2"),
        ("Memory cgroup out of memory: Killed process 9 ((sd-pam)) x", Condition.OOM, "(sd-pam)"),
        ("EXT4-fs (xvda2): Remounting filesystem read-only", Condition.READ_ONLY, "xvda2"),
        ("blk_update_request: I/O error, dev xvda2, sector 8 op 0x0", Condition.IO_ERROR, "xvda2"),
        ("end_request: I/O error, dev xvda, sector 8", Condition.IO_ERROR, "xvda"),
        ("Buffer I/O error on dev xvda2, logical block 1, lost async page write",
         Condition.IO_ERROR, "xvda2"),
        ("EXT4-fs error (device xvda2): ext4_find_entry:1455: inode #2: comm ls: reading directory",
         Condition.IO_ERROR, "xvda2"),
        ("XENBUS: Timeout connecting to device: device/vbd/51712 (local state 3, remote state 1)",
         Condition.XEN_TIMEOUT, "device/vbd/51712"),
        ("XENBUS: Waiting for devices to initialise: 25s...20s...", Condition.XEN_TIMEOUT, ""),
    ],
)  # fmt: skip
def test_trouble_is_seen_with_what_it_is_about(line: str, condition: Condition, about: str) -> None:
    notice = only(f"{BOOTED}\r\n{KERNEL}\r\n[  700.000001] {line}\r\n")

    assert (notice.condition, notice.about) == (condition, about)
    assert notice.evidence == f"[  700.000001] {line}"


@pytest.mark.parametrize(
    "line",
    [
        "OOM killer enabled.",
        "OOM killer disabled.",
        "xenbus_probe_frontend: Device with no driver: device/vbd/51712",
        "EXT4-fs (xvda): mounted filesystem with ordered data mode. Quota mode: none.",
        "EXT4-fs (xvda2): re-mounted. Opts: errors=remount-ro",
        "Kernel command line: root=/dev/xvda2 panic=10 oops=panic",
        "end_request: I/O error, dev fd0, sector 0",
        "traps: php[123] general protection fault ip:7f sp:7f error:0 in libc.so",
        "hung_task: disabled",
    ],
)
def test_what_sounds_like_trouble_is_none(line: str) -> None:
    assert seen(f"{KERNEL}\r\n[  700.000001] {line}\r\n") == [Condition.UNKNOWN]


def test_everything_is_told_worst_first_once_each_with_its_last_line() -> None:
    errors = "".join(
        f"[  70{n}.000001] blk_update_request: I/O error, dev xvd{'ab'[n % 2]}, sector {n}\r\n"
        for n in range(5)
    )
    text = f"root@vm:~# [  699.000001] mysqld invoked oom-killer: gfp_mask=0x1\r\n{errors}"
    notices = examine(replay(text))

    assert [(n.condition, n.about, n.times) for n in notices] == [
        (Condition.IO_ERROR, "xvda, xvdb", 5),
        (Condition.OOM, "", 1),
        (Condition.ROOT_SESSION, "root", 1),
    ]
    assert notices[0].evidence.endswith("sector 4")


PANIC = "[    3.000001] Kernel panic - not syncing: Attempted to kill init!\r\n"
PANIC_ENDS = "[    3.100001] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---\r\n"


def test_a_panic_is_told_by_its_first_line_and_nobody_answers_a_prompt_before_it() -> None:
    notice = only(f"vm login: {PANIC}[    3.000002] CPU: 0 PID: 1\r\n{PANIC_ENDS}")

    assert notice.condition is Condition.PANIC
    assert notice.evidence == PANIC.strip()


def test_a_prompt_after_a_panic_shows_that_it_has_started_since() -> None:
    assert seen(f"{PANIC}{PANIC_ENDS}/dev/xvda2: clean\r\n\r\nvm login: ") == [Condition.LOGIN]


@pytest.mark.parametrize(
    "boot",
    [
        f"{BOOTED}\r\n",
        "Linux version 2.6.32-5-xen-amd64 (Debian)\r\nCommand line: root=/dev/xvda2\r\n",
        "[  800.000001] reboot: Restarting system\r\n",
    ],
)
def test_what_happened_before_the_last_boot_is_past(boot: str) -> None:
    trouble = "[  700.000001] EXT4-fs (xvda2): Remounting filesystem read-only\r\n"

    assert seen(f"{PANIC}{trouble}(initramfs) \r\n{boot}{KERNEL}\r\n") == [Condition.UNKNOWN]
    assert seen(f"{boot}{trouble}") == [Condition.READ_ONLY]


def test_what_tells_of_a_version_within_a_session_is_no_boot() -> None:
    text = (
        f"[  7.000001] Oops: 0000\r\nroot@vm:~# cat /proc/version\r\n{BOOTED[15:]}\r\nroot@vm:~# "
    )

    assert seen(text) == [Condition.OOPS, Condition.ROOT_SESSION]


GAVE_UP = (
    "Gave up waiting for root file system device.  Common problems:\r\n"
    "ALERT!  /dev/xvda2 does not exist.  Dropping to a shell!\r\n\r\n\r\n"
    "BusyBox v1.35.0 (Debian) built-in shell (ash)\r\n\r\n(initramfs) "
)


def test_a_root_volume_that_is_not_there_is_named() -> None:
    notice = only(GAVE_UP)

    assert (notice.condition, notice.about) == (Condition.INITRAMFS, "/dev/xvda2")


def test_a_check_that_failed_is_told_until_somebody_can_log_in() -> None:
    text = "/dev/xvda2: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.\r\n"

    assert seen(f"{text}(initramfs) ") == [Condition.FSCK, Condition.INITRAMFS]
    assert examine(replay(text))[0].about == "/dev/xvda2"
    assert seen(f"{text}You are in emergency mode.\r\nroot@vm:~# ") == [
        Condition.FSCK,
        Condition.EMERGENCY,
        Condition.ROOT_SESSION,
    ]
    assert seen(f"{text}vm login: ") == [Condition.LOGIN]
    assert seen(f"{text}vm login: root\r\nPassword: \r\nroot@vm:~# ") == [Condition.ROOT_SESSION]


# -- whatever is printed

PARTS = st.sampled_from(
    [
        "vm login: ", "Password: ", "root@vm:~# ", "~ $ ", "(initramfs) ", "[y/N] ", KERNEL,
        BOOTED, PANIC, "[  OK  ] Started x", "[  1.000001] I/O error, dev xvda, sector 1", "\r\n",
        "\r", " ", "x" * 79, "x" * 80, "\x1b[2J", "\x1b[5;5H", "Last login: ", "\ufffd", "日本",
        "[  1.000001] reboot: Power down", "fsck", "Fix<y>? ", "   GNU GRUB  version 2",
    ]
)  # fmt: skip


@given(st.lists(PARTS | st.text(max_size=20), max_size=30).map("".join), st.integers(5, 90))
def test_of_any_screen_something_is_told_worst_first_and_shown_by_a_line_of_it(
    text: str, columns: int
) -> None:
    screen = replay(text, columns=columns)
    notices = examine(screen)

    assert 1 <= len(notices) <= len(Condition)
    assert [n.condition.rank for n in notices] == sorted({n.condition.rank for n in notices})
    shown = "".join("".join(screen.every_row).split())
    for notice in notices:
        assert "".join(notice.evidence.split()) in shown
        assert len(notice.about) <= 400
        if notice.condition is Condition.LOGIN:
            assert notice.evidence.endswith("ogin:")
            assert len(notices) == 1 or notices[-1] is notice
    if len(notices) > 1:
        assert Condition.UNKNOWN not in {n.condition for n in notices}


@given(st.lists(PARTS | st.text(max_size=20), max_size=10).map("".join))
def test_a_login_prompt_is_only_seen_where_one_is_at_the_end_of_what_no_kernel_printed(
    text: str,
) -> None:
    if Condition.LOGIN in seen(text + "\r\nand then"):
        pytest.fail("a login prompt above other words")
    assert Condition.LOGIN not in seen(text + "\r\nvm login: ro")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["x", "[", "a ", "[  1.000001] ", "a@b:~", "(", "login:", "task "])
def test_a_screen_of_one_endless_line_takes_no_longer_than_it_should(unit: str) -> None:
    line = unit * (60_000 // len(unit))

    assert examine(Screen(((),), before=(line,) * 4))


def test_a_condition_says_what_may_be_typed_and_what_it_is_called() -> None:
    assert [c for c in Condition if c.typing_refused] == [Condition.PASSWORD]
    assert len({c.words for c in Condition}) == len(Condition)


@pytest.mark.parametrize(
    ("line", "condition"),
    [
        ("root@vm:~# reboot #login: ", Condition.ROOT_SESSION),
        ("Allow root login: ", Condition.UNKNOWN),
        ("Enter pass phrase: ", Condition.PASSWORD),
        ("Passwort: ", Condition.PASSWORD),
        ("Password for 'https://bob@git.example': ", Condition.PASSWORD),
        ("Password: ***", Condition.PASSWORD),
        ("[sudo] password for bob: ***", Condition.PASSWORD),
        ("Please enter passphrase for disk x: ****", Condition.PASSWORD),
        ("Verification code: ", Condition.PASSWORD),
    ],
)
def test_what_only_looks_like_a_login_and_what_asks_for_a_secret(
    line: str, condition: Condition
) -> None:
    assert examine(replay(f"Debian GNU/Linux 12 vm hvc0\r\n\r\n{line}"))[0].condition is condition
