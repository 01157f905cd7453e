"""Consoles behave alike on both faces of the lab, and by the rules of Xen's own client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from bot.devices.session import Call, Output, Visit
from bot.errors import OutcomeUnknown
from bot.lab.consoles.console import Console
from bot.lab.domains import Life
from bot.lab.faults import Fault
from tests.lab.faces import Face, servers

ATTACH = ("sudo", "timeout", "--foreground", "-k", "2", "60", "xl", "console")
LOG = "/var/log/xen/console/guest-vm.log"
#: short, for nothing here is slow
QUIET = 0.2


async def visit(face: Face, host: str, guest: str, *keys: bytes, leave: bytes = b"\x1d") -> Output:
    """Attach with a terminal, type *keys*, and leave."""
    call = Call(
        (*ATTACH, guest),
        lambda output: output,
        changes=bool(keys),
        timeout=20,
        visit=Visit(leave, keys, quiet=QUIET),
    )
    return await face.sessions[host].run(call)


def console_of(face: Face, host: str = "fy", domid: int = 1) -> Console:
    console = face.world.hosts[host].consoles.of(face.world.hosts[host].domains[domid])
    assert console is not None
    return console


def told_of(patch: pytest.MonkeyPatch, console: Console, method: str) -> asyncio.Event:
    """Set once *method* of *console* was called."""
    event = asyncio.Event()
    do: Callable[..., None] = getattr(console, method)

    def doing(*arguments: object) -> None:
        do(*arguments)
        event.set()

    patch.setattr(console, method, doing)
    return event


async def view(face: Face, host: str, guest: str) -> Output:
    """Attach without a terminal."""
    return await face.ask(host, "sudo", "timeout", "-k", "2", "0.3", "xl", "console", guest)


async def test_a_view_reads_what_nobody_has_read_and_it_is_gone_then(face: Face) -> None:
    first = await view(face, "fz", "redisdead")
    second = await view(face, "fz", "redisdead")

    assert (first.exit, second.exit) == (124, 124)
    assert first.stdout == "\r\r\nDebian GNU/Linux 12 redisdead hvc0\r\n\r\nredisdead login: "
    assert second.stdout == ""


async def test_a_visit_types_and_leaves(face: Face) -> None:
    seen = await visit(face, "fy", "vm", b"\r", b"root\r", b"domu\r", b"hostname\r", b"exit\r")

    assert (seen.exit, seen.typed, seen.stderr) == (0, 5, "")
    assert "vm login: root\r\r\nPassword: \r\nLinux vm 6.1.0" in seen.stdout
    assert "\x1b[?2004hroot@vm:~# hostname\r\n\x1b[?2004l\rvm\r\n" in seen.stdout
    assert seen.stdout.endswith("logout\r\n\r\r\nDebian GNU/Linux 12 vm hvc0\r\n\r\nvm login: ")
    assert "domu" not in seen.stdout


async def test_a_visit_that_may_not_type_only_looks(face: Face) -> None:
    shown: list[str] = []

    def never(text: str) -> bool:
        shown.append(text)
        return False

    call = Call(
        (*ATTACH, "vm"),
        lambda output: output,
        timeout=20,
        visit=Visit(b"\x1d", (b"\r",), never, quiet=QUIET),
    )
    seen = await face.sessions["fy"].run(call)

    assert (seen.exit, seen.typed) == (0, 0)
    assert shown == [seen.stdout]
    assert seen.stdout.endswith("vm login: ")


async def test_the_second_client_is_told_that_the_console_is_held(face: Face) -> None:
    console_of(face).attach(lambda data: None)

    seen = await view(face, "fy", "vm")

    assert (seen.exit, seen.stdout) == (11, "")
    lock = "/var/lock/xenconsole.1"
    assert seen.stderr == f"xenconsole: Could not lock {lock}: Resource temporarily unavailable\n"
    told = await visit(face, "fy", "vm")
    assert (told.exit, told.stdout, told.typed) == (11, seen.stderr, 0)


async def test_the_lock_is_free_after_a_view_and_after_a_visit(face: Face) -> None:
    await view(face, "fy", "vm")
    await visit(face, "fy", "vm")

    assert (await visit(face, "fy", "vm")).exit == 0


async def test_the_lock_is_free_where_the_host_killed_the_client(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, console = face.world.hosts["fy"], console_of(face)
    attached = told_of(monkeypatch, console, "attach")
    call = Call((*ATTACH, "vm"), lambda output: output, timeout=20, visit=Visit(b"x", quiet=QUIET))
    held = asyncio.ensure_future(face.sessions["fy"].run(call))
    await attached.wait()
    client = next(entry for entry in host.processes.all() if entry.args == "xl console vm")

    host.processes.kill(client.pid)

    assert (await held).exit == 137
    assert not console.held


async def test_a_console_ends_with_its_domain(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    host = face.world.hosts["fy"]
    attached = told_of(monkeypatch, console_of(face), "attach")
    call = Call(
        ("sudo", "xl", "console", "vm"),
        lambda output: output,
        timeout=20,
        visit=Visit(b"x", quiet=QUIET, longest=10.0),
    )
    held = asyncio.ensure_future(face.sessions["fy"].run(call))
    await attached.wait()

    host.drop(host.domains[1])

    assert (await held).exit == 0


async def test_the_host_ends_a_client_that_nobody_ends(face: Face) -> None:
    limited = ("sudo", "timeout", "--foreground", "-k", "2", "0.5", "xl", "console", "vm")
    call = Call(limited, lambda output: output, timeout=20, visit=Visit(b"\r\x1d", quiet=QUIET))

    seen = await face.sessions["fy"].run(call)

    # the byte did not come alone, so it went to the guest
    assert seen.exit == 124
    system = face.world.hosts["fy"].consoles.guest(face.world.hosts["fy"].domains[1])
    assert system is not None
    assert bytes(system.typed) == b"\r\x1d"


async def test_a_visit_that_typed_and_was_cut_off_has_an_unknown_outcome(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = told_of(monkeypatch, console_of(face), "type")
    typing = asyncio.ensure_future(visit(face, "fy", "vm", b"\r"))
    await typed.wait()

    await face.strike(Fault("kill-host", "fy"))

    with pytest.raises(OutcomeUnknown):
        await typing


async def test_the_log_of_a_host_that_keeps_one_can_be_read_by_root(face: Face) -> None:
    changed = await face.ask("fy", "sudo", "stat", "-c", "%Y", "--", LOG)
    text = await face.ask("fy", "sudo", "tail", "-c", "10", "--", LOG)

    assert float(changed.stdout) == pytest.approx(face.world.clock.wall(), abs=60)
    assert text.stdout == "vm login: "
    assert (await face.ask("fy", "stat", "-c", "%Y", "--", LOG)).exit == 1


async def test_where_there_is_no_log_coreutils_say_so(face: Face) -> None:
    log = LOG.replace("vm", "redisdead")
    changed = await face.ask("fz", "sudo", "stat", "-c", "%Y", "--", log)
    text = await face.ask("fz", "sudo", "tail", "-c", "10", "--", log)

    assert changed.stderr == f"stat: cannot statx '{log}': No such file or directory\n"
    assert text.stderr == f"tail: cannot open '{log}' for reading: No such file or directory\n"
    assert (changed.exit, text.exit) == (1, 1)


async def test_only_the_end_of_a_flood_is_kept(face: Face) -> None:
    face.world.console("vm", "flood")
    words = ("sudo", "tail", "-c", "5000000", "--", LOG)

    seen = await face.sessions["fy"].run(Call(words, lambda output: output, last=4096))

    assert len(seen.stdout.encode()) == 4096


async def test_a_cut_letter_is_a_sign_of_its_own(face: Face) -> None:
    face.world.console("redisdead", "utf8-cut")

    assert (await view(face, "fz", "redisdead")).stdout.endswith("À bientôt \ufffdt\ufffd \ufffd")


async def test_a_magic_key_speaks_on_the_console(face: Face) -> None:
    sent = await face.ask("fy", "sudo", "xl", "sysrq", "vm", "s", changes=True)

    assert (sent.exit, sent.stdout, sent.stderr) == (0, "", "")
    shown = (await view(face, "fy", "vm")).stdout
    assert "sysrq: Emergency Sync\r\n" in shown
    assert (await face.ask("fy", "sudo", "xl", "sysrq", "vm", "sync")).exit == 1


async def test_a_link_that_is_lost_frees_the_console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with servers(tmp_path) as face:
        about = json.loads((tmp_path / "state" / "site.json").read_text())["hosts"]["fy"]
        host = face.world.hosts["fy"]
        console = console_of(face)
        left = told_of(monkeypatch, console, "detach")
        connection = await asyncssh.connect(
            about["address"],
            about["port"],
            username=about["user"],
            client_keys=[about["key_file"]],
            known_hosts=about["known_hosts"],
            config=[],
        )
        process = await connection.create_process(
            "sudo xl console vm", term_type="vt100", encoding=None
        )
        assert (await process.stdout.readuntil(b"login: ")).endswith(b"vm login: ")
        assert console.held

        connection.abort()

        await left.wait()
        assert not console.held
        assert host.domains[1].life is Life.ALIVE
