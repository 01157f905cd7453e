"""Which log of a guest's console is the one to read."""

from __future__ import annotations

import pytest

from bot.devices.session import Output
from bot.devices.toolstacks import xl_console
from bot.devices.toolstacks.xl import XlToolstack
from bot.errors import DeviceError
from bot.lab import virtual
from bot.lab.blueprint import lab_world
from bot.lab.memory import MemorySite
from tests.lab.recorded import shell

TEMPLATE = "/var/log/xen/console/guest-{name}.log"
PLAIN, CAME = (TEMPLATE.replace("{name}", name) for name in ("vm", "vm--incoming"))


def test_a_guest_that_came_back_is_read_under_the_name_that_it_came_under() -> None:
    async def look() -> tuple[str, str]:
        world = lab_world()
        toolstack = XlToolstack("fy", MemorySite(world).session("fy"), TEMPLATE)
        before = await toolstack.console_log("vm", 4096)
        await shell(world, "fy", "xl migrate vm fz")
        await shell(world, "fz", "xl migrate vm fy")
        world.console("vm", "panic")
        after = await toolstack.console_log("vm", 4096)
        await world.close()
        assert before is not None
        assert after is not None
        assert after.printed > before.printed
        return before.text, after.text

    before, after = virtual.run(look())
    assert before.endswith("vm login: ")
    assert "Kernel panic - not syncing" in after


def test_no_log_is_none() -> None:
    call = xl_console.newest(TEMPLATE, "vm")
    missing = f"stat: cannot statx '{PLAIN}': No such file or directory\n"

    assert call.words == ("sudo", "stat", "-c", "%Y %n", "--", PLAIN, CAME)
    assert call.parse(Output("", missing * 2, 1)) is None
    assert call.parse(Output(f"17 {CAME}\n", missing, 1)) == (CAME, 17.0)
    assert call.parse(Output(f"18 {PLAIN}\n17 {CAME}\n")) == (PLAIN, 18.0)


@pytest.mark.parametrize(
    "output",
    [
        Output("", "sudo: a password is required\n", 1),
        Output("17 /etc/passwd\n"),
        Output(f"yesterday {PLAIN}\n"),
        Output(f"17{PLAIN}\n"),
    ],
)
def test_an_answer_that_is_none_is_an_error(output: Output) -> None:
    with pytest.raises(DeviceError):
        xl_console.newest(TEMPLATE, "vm").parse(output)
