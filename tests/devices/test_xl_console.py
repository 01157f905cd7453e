"""What `xl console` ended with: what it showed, who holds it; no word of a guest is in an error."""

from __future__ import annotations

import pytest

from bot.devices.console import ConsoleHeld
from bot.devices.session import Output, anything
from bot.devices.toolstacks import xl_console
from bot.errors import DeviceError, OutcomeUnknown

#: xen tools/console/client/main.c, not recorded
LOCKED = "xenconsole: Could not lock /var/lock/xenconsole.7: Resource temporarily unavailable\n"


def test_a_view_that_the_host_ended_is_what_it_showed() -> None:
    view = xl_console.view("fy", 7, 2.0)

    assert view.words == ("sudo", "timeout", "-k", "2", "2", "xl", "console", "7")
    assert view.parse(Output("vm login: ", "", 124)) == "vm login: "


@pytest.mark.parametrize("output", [Output("", LOCKED, 11), Output(LOCKED, "", 11)])
def test_who_else_holds_it_is_told(output: Output) -> None:
    with pytest.raises(ConsoleHeld, match="Somebody else holds this console on fy"):
        xl_console.view("fy", 7, 2.0).parse(output)


def test_the_words_of_the_guest_are_no_part_of_an_error() -> None:
    for said in ("root password is hunter2\n", f"vm login: {LOCKED}"):
        with pytest.raises(DeviceError) as told:
            xl_console.visit("fy", 7, (), anything).parse(Output(said, "", 1))
        assert "exit code 1" in str(told.value)
        assert "hunter2" not in str(told.value)


def test_after_a_key_was_typed_no_failure_is_certain() -> None:
    visit = xl_console.visit("fy", 7, (b"\r",), anything)

    with pytest.raises(OutcomeUnknown):
        visit.parse(Output(LOCKED, "", 1, typed=1))


def test_a_warning_of_sudo_hides_no_log() -> None:
    warning = "sudo: unable to resolve host fy: Name or service not known\n"
    missing = "stat: cannot statx '/l/vm--incoming': No such file or directory\n"
    call = xl_console.newest("/l/{name}", "vm")

    assert call.parse(Output("1800000000 /l/vm\n", warning + missing, 1)) == ("/l/vm", 1800000000.0)
    assert call.parse(Output("", warning + missing * 2, 1)) is None
    for trouble in ("Input/output error", "Permission denied"):
        with pytest.raises(DeviceError):
            call.parse(Output("", f"stat: cannot statx '/l/vm': {trouble}\n", 1))
