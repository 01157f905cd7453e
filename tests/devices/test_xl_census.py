"""Which processes of a host send or receive a domain, and which only watch one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.devices.session import Output
from bot.devices.toolstacks.xl import XlToolstack
from bot.devices.toolstacks.xl_census import list_processes, read_processes
from bot.errors import DeviceError
from tests.devices.scripted import ScriptedSession, complaint

INIT = "      1       0 /sbin/init\n"


async def census(lines: str, **stdin: str) -> list[tuple[int, str]]:
    """The transfers among *lines*, where ``fd_PID`` tells what a standard input leads to."""
    answers = {" ".join(list_processes().words): Output(INIT + lines)}
    for name, target in stdin.items():
        pid = name.removeprefix("fd_")
        code = 0 if target else 1
        answers[f"sudo readlink /proc/{pid}/fd/0"] = Output(
            f"{target}\n" if target else "", "", code
        )
    found = await XlToolstack("fy", ScriptedSession(answers)).transfers()
    return [(transfer.pid, transfer.guest) for transfer in found]


async def test_an_ordinary_host_has_no_transfers() -> None:
    lines = (
        "    612       1 /usr/sbin/xenconsoled --pid-file=/var/run/xenconsoled.pid\n"
        "   1200     900 sudo xl list -v\n"
        "   1201    1200 xl list -v\n"
        "   1300     900 grep xl migrate vm fz\n"
        "   1301     900 vim /root/xl migrate-receive\n"
        "   1302       2 [kworker/0:1-events]\n"
        "   1303       1 [xl] <defunct>\n"
    )

    assert await census(lines) == []


async def test_the_monitors_of_running_guests_are_no_transfers() -> None:
    lines = (
        "    700       1 /usr/sbin/xl create /etc/xen/vm.cfg\n"
        "    701       1 xl migrate-receive\n"
        "    702       1 /usr/lib/xen-4.17/bin/xl restore /root/vm.save\n"
    )

    assert await census(lines, fd_700="/dev/null", fd_701="/dev/null", fd_702="/dev/null") == []


async def test_a_migration_by_name_is_a_transfer_of_that_guest() -> None:
    lines = (
        "    800     799 sudo xl migrate vm fz\n"
        "    801     800 xl migrate vm fz\n"
        "    802     801 ssh fz xl migrate-receive\n"
    )

    assert await census(lines) == [(800, "vm"), (801, "vm"), (802, "")]


@pytest.mark.parametrize(
    ("command", "guest"),
    [
        ("xl migrate vm fz", "vm"),
        ("xl -v migrate --live vm fz", "vm"),
        ("/usr/sbin/xl migrate -s ssh -C /etc/xen/vm.cfg vm fz", "vm"),
        ("xl migrate 7 fz", "7"),
        ("xl migrate -s ssh -p 22 vm fz", ""),
        ("xl migrate", ""),
        ("xl save vm /root/vm.save", "vm"),
        ("xl -f migrate-receive", ""),
        ("/usr/lib/xen-4.17/bin/libxl-save-helper --restore-domain 9 1 2", ""),
        ("[xl]", ""),
    ],
)
async def test_what_is_not_sure_to_be_one_guest_counts_for_all(command: str, guest: str) -> None:
    assert await census(f"  900     899 {command}\n") == [(900, guest)]


async def test_a_receiver_under_ssh_is_a_transfer_though_it_reads_nothing() -> None:
    assert await census("  900     899 xl migrate-receive\n", fd_900="/dev/null") == [(900, "")]


async def test_an_orphan_that_still_reads_is_a_transfer() -> None:
    """Its ssh died and process 1 took it, but its pipe is still there."""
    assert await census("  900       1 xl migrate-receive\n", fd_900="pipe:[12345]") == [(900, "")]


async def test_an_orphan_whose_input_cannot_be_read_is_a_transfer() -> None:
    assert await census("  900       1 xl create /etc/xen/vm.cfg\n", fd_900="") == [(900, "")]


@pytest.mark.parametrize(
    "output",
    [
        Output(""),
        Output("   900     899 xl migrate vm fz\n"),
        Output(INIT + "garbage\n"),
        Output(INIT, "error: /proc must be mounted", 1),
    ],
)
def test_a_process_list_that_hides_processes_is_an_error(output: Output) -> None:
    with pytest.raises(DeviceError):
        read_processes(output)


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    for stdout in (text, INIT + text, INIT + f"  9 1 xl {text}\n", INIT + f"  9 1 sudo {text}\n"):
        complaint(read_processes, Output(stdout))
