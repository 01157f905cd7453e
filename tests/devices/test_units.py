"""What sudo and systemctl say of a change."""

from __future__ import annotations

import pytest

from bot.devices import units
from bot.devices.session import Output
from bot.errors import DeviceError

WARNING = "sudo: unable to resolve host fz: Name or service not known\n"
STEP = units.change("chronyc", "makestep")


def test_a_warning_of_sudo_is_no_refusal() -> None:
    STEP.parse(Output("200 OK\n", WARNING, 0))


@pytest.mark.parametrize("before", ["", WARNING])
def test_what_sudo_refuses_is_told_in_its_words(before: str) -> None:
    with pytest.raises(DeviceError, match="sudo says: a password is required"):
        STEP.parse(Output("", before + "sudo: a password is required\n", 1))


def test_what_the_command_says_itself_is_not_laid_to_sudo() -> None:
    with pytest.raises(DeviceError, match="506 Cannot talk to daemon") as raised:
        STEP.parse(Output("", WARNING + "506 Cannot talk to daemon\n", 1))

    assert "sudo says" not in str(raised.value)
