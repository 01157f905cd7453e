"""What the lab's guests print and answer, held to the recordings of real ones."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable

import pytest

from bot.devices.session import Call, Visit
from bot.lab import virtual
from bot.lab.blueprint import lab_world
from bot.lab.consoles.console import LIMIT, Console
from bot.lab.consoles.log import FOLDER
from bot.lab.consoles.modes import BUSYBOX
from bot.lab.consoles.scenes import FLOOD, SCENES
from bot.lab.consoles.system import System
from bot.lab.domains import Domain, Life
from bot.lab.faults import Fault, UnknownFault
from bot.lab.memory import MemorySite
from bot.lab.world import Pace, World
from tests.lab.recorded import FOLDER as RECORDINGS
from tests.lab.recorded import recorded_world, recording, shell

#: short enough for a test to read every second of it
PACE = Pace(migration=10.0, create=0.5, boot=4.0, shutdown=1.0)


def in_the_lab(look: Callable[[World], Awaitable[None]]) -> None:
    """Run *look* in a fresh lab, on virtual time."""

    async def run() -> None:
        world = lab_world(pace=PACE)
        try:
            await look(world)
        finally:
            await world.close()

    virtual.run(run())


def at(world: World, guest: str) -> tuple[Console, System, Domain]:
    """Where *guest* runs now."""
    for host in world.hosts.values():
        for domain in host.domains.values():
            console, system = host.consoles.of(domain), host.consoles.guest(domain)
            if domain.name == guest and console is not None and system is not None:
                return console, system, domain
    raise AssertionError(f"{guest} runs nowhere")


def attached(world: World, guest: str) -> bytearray:
    """All that the console of *guest* shows from now on."""
    shown = bytearray()
    at(world, guest)[0].attach(shown.extend)
    return shown


def log_of(world: World, host: str, name: str) -> str:
    logs = world.hosts[host].consoles.logs
    assert logs is not None
    found = logs.find(f"{FOLDER}/guest-{name}.log")
    return "" if found is None else found.text.decode()


def heard(name: str) -> tuple[list[bytes], str]:
    """What was typed and what was shown in the recording *name*."""
    found = json.loads((RECORDINGS / f"{name}.json").read_text())
    typed = re.findall(r"b'(.*)'", found["typed"])
    return [key.encode().decode("unicode_escape").encode() for key in typed], found["stdout"]


def in_form(text: str) -> str:
    """*text* without what differs from one login to the next."""
    text = re.sub(r"\[ *\d+\.\d{6}\]", "[UPTIME]", text)
    text = re.sub(r"login\[\d+\]", "login[PID]", text)
    return re.sub(r"\r+\n", "\n", text).lstrip("\n")


async def typed_at(world: World, host: str, guest: str, keys: list[bytes]) -> str:
    call = Call(
        ("sudo", "xl", "console", guest),
        lambda output: output.stdout,
        visit=Visit(keys[-1], tuple(keys[:-1])),
    )
    return await MemorySite(world).session(host).run(call)


def test_the_wrong_password_of_a_busybox_guest_reads_as_recorded() -> None:
    async def look() -> str:
        world = recorded_world()
        await shell(world, "fy", "xl create -q /etc/xen/alpha.cfg")
        await virtual.let_pass(100)
        _console, system, _domain = at(world, "alpha")
        system.flavour = BUSYBOX
        shown = attached(world, "alpha")
        at(world, "alpha")[0].detach()
        assert shown
        keys, _text = heard("86-console-wrong-password")
        text = await typed_at(world, "fy", "alpha", keys)
        await world.close()
        return text

    assert in_form(virtual.run(look())) == in_form(heard("86-console-wrong-password")[1])


def test_a_busybox_session_after_a_migration_reads_as_recorded() -> None:
    async def look() -> str:
        world = recorded_world()
        await shell(world, "fz", "xl create -q /etc/xen/alpha.cfg")
        await virtual.let_pass(100)
        at(world, "alpha")[1].flavour = BUSYBOX
        await shell(world, "fz", "xl migrate alpha fy")
        keys, _text = heard("85-console-alpha")
        text = await typed_at(world, "fy", "alpha", [*keys[:3], *keys[4:]])
        await world.close()
        return text

    seen, text = in_form(virtual.run(look())), in_form(heard("85-console-alpha")[1])
    begin, end = text.index("date; uptime"), text.index("~ # \x1b[6nexit") + len("~ # \x1b[6n")
    assert seen == text[:begin] + text[end:]


def test_a_debian_session_reads_as_recorded() -> None:
    async def look() -> str:
        world = recorded_world()
        await shell(world, "fy", "xl create -q /etc/xen/gamma.cfg")
        await virtual.let_pass(100)
        keys, _text = heard("87-console-gamma-debian")
        text = await typed_at(world, "fy", "gamma", [*keys[:3], *keys[4:]])
        await world.close()
        return text

    seen, text = virtual.run(look()), heard("87-console-gamma-debian")[1]
    login = re.compile(r"\r\ngamma login: root.*$", re.DOTALL)
    left_out = re.compile(r"date; uptime.*(?=exit\r\n)", re.DOTALL)
    recorded, played = login.search(text), login.search(seen)
    assert recorded is not None
    assert played is not None
    assert in_form(played[0]) == in_form(left_out.sub("", recorded[0]))
    boot = [line.strip("\r") for line in seen.split("\n")[:40]]
    told = {re.sub(r"\x1bM\r\x1b\[K", "", line.strip("\r")) for line in text.split("\n")}
    assert [line for line in boot if line and line not in told and "ommand line" not in line] == []


def test_a_view_of_a_fresh_guest_reads_as_recorded_in_form() -> None:
    async def look() -> tuple[int, str, str]:
        world = recorded_world()
        await shell(world, "fy", "xl create -q /etc/xen/alpha.cfg")
        await virtual.let_pass(100)
        seen = await shell(world, "fy", "timeout 5 xl console alpha")
        unknown = await shell(world, "fy", "xl console nosuch")
        assert unknown == recording("41-console-unknown")
        await world.close()
        return seen.exit, seen.stdout, seen.stderr

    real = recording("42-console-no-tty")
    code, text, errors = virtual.run(look())
    assert (code, errors) == (real.exit, real.stderr)
    for begin in ("[    0.000000] Linux version 6.1.0", "\nDebian GNU/Linux 12 alpha hvc0\r\n"):
        assert begin in text
        assert begin in real.stdout


def test_a_guest_boots_visibly_and_then_waits_for_a_login() -> None:
    async def look(world: World) -> None:
        await shell(world, "fz", "xl create /etc/xen/sleeper.cfg")
        shown = attached(world, "sleeper")
        lengths = []
        for _second in range(5):
            lengths.append(len(shown))
            await virtual.let_pass(1)
        assert lengths == sorted(set(lengths))
        assert shown.endswith(b"sleeper login: ")
        assert b"Linux version 6.1.0" in shown

    in_the_lab(look)


def test_a_guest_created_paused_prints_nothing_before_it_runs() -> None:
    async def look(world: World) -> None:
        await shell(world, "fz", "xl create -p /etc/xen/sleeper.cfg")
        shown = attached(world, "sleeper")
        await virtual.let_pass(10)
        assert shown == b""
        await shell(world, "fz", "xl unpause sleeper")
        assert shown.startswith(b"[    0.000000] Linux version")
        assert shown.endswith(b"sleeper login: ")

    in_the_lab(look)


def test_a_reboot_says_goodbye_in_the_old_ring_and_boots_in_a_new_one() -> None:
    async def look(world: World) -> None:
        old = attached(world, "vm")
        await shell(world, "fy", "xl reboot vm")
        await virtual.let_pass(10)
        new = attached(world, "vm")
        assert old.rstrip().endswith(b"reboot: Restarting system")
        assert new.startswith(b"[    0.000000] Linux version")
        log = log_of(world, "fy", "vm")
        assert log.count("Logfile Opened\n") == 2
        assert log.endswith("vm login: ")

    in_the_lab(look)


def test_a_guest_that_moves_keeps_its_session_and_begins_a_ring_of_its_own() -> None:
    async def look(world: World) -> None:
        world.console("vm", "root-session")
        await shell(world, "fy", "xl migrate vm fz")
        console, system, _domain = at(world, "vm")
        shown = attached(world, "vm")
        console.type(b"hostname\r")
        text = in_form(shown.decode())
        assert text.startswith("[UPTIME] xen:grant_table: Grant tables using version 1 layout\n")
        assert text.endswith("hostname\n\x1b[?2004l\rvm\n\x1b[?2004hroot@vm:~# ")
        assert system.user == "root"
        assert "suspending xenstore..." in log_of(world, "fy", "vm")
        assert "xen:grant_table" not in log_of(world, "fy", "vm")

    in_the_lab(look)


def test_the_log_of_a_guest_that_came_has_the_name_that_it_came_under() -> None:
    """xenconsoled opens it before `xl` gives the domain its plain name."""

    async def look(world: World) -> None:
        await shell(world, "fy", "xl migrate vm fz")
        await shell(world, "fz", "xl migrate vm fy")
        assert "xen:grant_table" in log_of(world, "fy", "vm--incoming")
        assert "xen:grant_table" not in log_of(world, "fy", "vm")

    in_the_lab(look)


@pytest.mark.parametrize("fault", [Fault("cut", "fz"), Fault("name-taken", "fz")])
def test_a_guest_that_could_not_move_goes_on_at_its_old_console(fault: Fault) -> None:
    async def look(world: World) -> None:
        world.console("vm", "root-session")
        world.fault(fault)
        await shell(world, "fy", "xl migrate vm fz")
        console, _system, domain = at(world, "vm")
        assert (domain.life, world.hosts["fy"].domains[1]) == (Life.ALIVE, domain)
        shown = attached(world, "vm")
        console.type(b"hostname\r")
        assert shown.endswith(b"vm\r\n\x1b[?2004hroot@vm:~# ")
        assert (b"xen:grant_table" in shown) == (fault.name == "name-taken")

    in_the_lab(look)


def test_each_line_of_a_log_has_its_time_even_where_it_was_printed_in_pieces() -> None:
    async def look(world: World) -> None:
        world.console("vm", "panic")
        await virtual.let_pass(60)
        at(world, "vm")[1].say(b"one\r\ntw")
        at(world, "vm")[1].say(b"o\r\r\n\rthree\r\n")
        stamp = r"\[2026-11-\d\d \d\d:\d\d:\d\d\] "
        pattern = rf"{stamp}one\r\n{stamp}two\r\r\n{stamp}three\r\n$"
        assert re.search(pattern, log_of(world, "fy", "vm"))
        assert log_of(world, "fy", "vm").startswith("[2026-11-")

    in_the_lab(look)


def test_a_host_without_logs_keeps_none() -> None:
    async def look(world: World) -> None:
        assert world.hosts["fz"].consoles.logs is None
        assert "login: " in log_of(world, "fy", "vm")

    in_the_lab(look)


def test_what_nobody_reads_is_bounded_and_keeps_its_beginning_and_its_end() -> None:
    async def look(world: World) -> None:
        world.console("redisdead", "flood")
        at(world, "redisdead")[1].say(b"the end")
        shown = attached(world, "redisdead")
        assert LIMIT // 2 <= len(shown) <= LIMIT * 5 // 4 < FLOOD
        assert b"redisdead login: 00000 nobody needs" in shown
        assert shown.endswith(b"the end")

    in_the_lab(look)


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_shows_something_and_takes_what_is_typed(scene: str) -> None:
    async def look(world: World) -> None:
        world.console("vm", scene)
        shown = attached(world, "vm")
        at(world, "vm")[0].type(b"x\r\x03\x7f\x04")
        assert b"@NAME@" not in shown
        assert b"[T]" not in shown
        assert b"\\e" not in shown
        assert len(shown) > 40

    in_the_lab(look)


@pytest.mark.parametrize(
    ("scene", "typed", "ends"),
    [
        ("password", b"secret\r", b"Login incorrect\r\nvm login: "),
        ("fsck", b"y", b"vm login: "),
        ("emergency", b"domu\r", b"\x1b[?2004hroot@vm:~# "),
        ("emergency", b"no\r", b"(or press Control-D to continue): "),
        ("initramfs", b"ls\r", b"ls\r\nsh: ls: not found\r\n(initramfs) "),
        ("question", b"\r", b"[Y/n] \r\nAbort.\r\n\x1b[?2004hroot@vm:~# "),
        ("session", b"\x03", b"\x1b[?2004happrenti@vm:~$ "),
        ("session", b"foo\r", b"-bash: foo: command not found\r\n\x1b[?2004happrenti@vm:~$ "),
        ("busybox-session", b"exit\r", b"vm login: "),
        ("panic", b"x\r", b"---\r\n"),
        ("silent", b"x\r", b"vm login: "),
        ("login", b"ro\x7fo", b"vm login: ro\b \bo"),
    ],
)
def test_a_guest_answers_by_what_it_shows(scene: str, typed: bytes, ends: bytes) -> None:
    async def look(world: World) -> None:
        world.console("vm", scene)
        shown = attached(world, "vm")
        at(world, "vm")[0].type(typed)
        assert shown.endswith(ends) or shown.replace(b" ]---", b"---").endswith(ends)
        assert b"secret" not in shown

    in_the_lab(look)


def test_a_scene_needs_a_name_and_a_guest_that_runs() -> None:
    async def look(world: World) -> None:
        with pytest.raises(UnknownFault, match="no scene is called 'nosuch'"):
            world.console("vm", "nosuch")
        with pytest.raises(UnknownFault, match="no guest called 'sleeper' runs"):
            world.console("sleeper", "panic")

    in_the_lab(look)


@pytest.mark.parametrize(("key", "lives"), [("s", True), ("b", True), ("o", False), ("c", False)])
def test_a_magic_key_does_what_it_says(key: str, lives: bool) -> None:
    async def look(world: World) -> None:
        shown = attached(world, "vm")
        await shell(world, "fy", f"xl sysrq vm {key}")
        await virtual.let_pass(20)
        assert b"] sysrq: " in shown
        assert (await shell(world, "fy", "xl domid vm")).exit == (0 if lives else 1)

    in_the_lab(look)


def test_consoles_take_none_of_the_worlds_luck() -> None:
    async def luck(scene: str) -> float:
        world = lab_world(pace=PACE)
        world.console("vm", scene)
        await shell(world, "fy", "xl migrate vm fz")
        drawn = world.random.random()
        await world.close()
        return drawn

    assert virtual.run(luck("flood")) == virtual.run(luck("login"))
