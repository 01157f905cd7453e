"""Where a link leads on a host, and who answers there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.devices.host import Link
from bot.devices.links import HostLinks, follow, identity, size, update
from bot.devices.session import Output
from bot.errors import DeviceError
from tests.devices.scripted import ScriptedSession, complaint

WWN = "600c0ff00053a3050323416101000000"
WHERE = "readlink -f /dev/vm-root"
WHO = "sudo /lib/udev/scsi_id -g -u -d /dev/sdc"
HOW_BIG = "sudo blockdev --getsize64 /dev/sdc"


def links(**answers: Output) -> HostLinks:
    table = {WHERE: Output("/dev/sdc\n"), WHO: Output(f"3{WWN}\n"), HOW_BIG: Output("1048576\n")}
    named = {"where": WHERE, "who": WHO, "how_big": HOW_BIG}
    table.update({named[name]: output for name, output in answers.items()})
    table["sudo /lib/udev/scsi_id -g -u -d /dev/vm-root"] = Output("", "", 1)
    return HostLinks(ScriptedSession(table), ("sudo", "/site/update.sh"), 120.0)


async def test_a_link_is_followed_to_the_volume_that_answers_now() -> None:
    link = await links().look("/dev/vm-root")

    assert link == Link("/dev/vm-root", "/dev/sdc", WWN, 1048576)


async def test_a_link_that_does_not_exist_has_no_device() -> None:
    """`readlink -f` prints the path itself where only its last part is missing."""
    link = await links(where=Output("/dev/vm-root\n")).look("/dev/vm-root")

    assert link == Link("/dev/vm-root", "", "")


async def test_a_path_through_a_missing_folder_has_no_device() -> None:
    assert (await links(where=Output("", "", 1)).look("/dev/vm-root")).device == ""


async def test_a_device_where_nothing_answers_has_no_wwn() -> None:
    link = await links(who=Output("", "", 1)).look("/dev/vm-root")

    assert link == Link("/dev/vm-root", "/dev/sdc", "")


@pytest.mark.parametrize(
    "who",
    [
        Output("", "sudo: a password is required\n", 1),
        Output("1ATA     QEMU HARDDISK\n"),
        Output(f"3{WWN}0\n"),
        Output(""),
    ],
)
async def test_an_identity_that_is_not_understood_is_an_error(who: Output) -> None:
    with pytest.raises(DeviceError):
        await links(who=who).look("/dev/vm-root")


async def test_only_whole_paths_are_followed() -> None:
    with pytest.raises(DeviceError, match="is no path"):
        await links().look("-rf")


def test_the_resync_is_a_change_with_a_time_of_its_own() -> None:
    call = update(("sudo", "/site/update.sh"), 120.0)

    assert call.changes
    assert call.timeout == 120.0
    call.parse(Output("found 4 volumes\n"))
    with pytest.raises(DeviceError, match=r"update\.sh failed: no session"):
        call.parse(Output("", "no session\n", 1))


@given(st.text(), st.text(), st.integers(0, 255))
def test_no_text_breaks_a_parser(stdout: str, stderr: str, code: int) -> None:
    for call in (follow("/dev/x"), identity("/dev/x"), size("/dev/x")):
        complaint(call.parse, Output(stdout, stderr, code))
