"""The file that names the one bot of a host, made for real with dash and bash."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.devices.ownership import OwnerFile, own
from bot.devices.session import Output
from bot.errors import DeviceError
from tests.devices.shell import Shell

FILE = ".nounou/owner"


async def test_the_first_bot_owns_the_host_and_the_second_learns_whose_it_is(shell: Shell) -> None:
    owner = OwnerFile(shell, FILE)

    assert await owner.claim("crans 4f") == "crans 4f"
    assert await owner.claim("other") == "crans 4f"
    assert (shell.home / FILE).read_text() == "crans 4f\n"


def test_of_many_claims_at_once_all_learn_the_same_owner(shell: Shell) -> None:
    with ThreadPoolExecutor(10) as pool:
        owners = set(pool.map(lambda n: shell.ask(own(FILE, f"site-{n}")), range(10)))

    assert len(owners) == 1
    assert [path.name for path in (shell.home / ".nounou").iterdir()] == ["owner"]


def test_a_file_that_cannot_be_made_is_an_error(shell: Shell) -> None:
    (shell.home / ".nounou").write_text("a file where the folder should be")

    with pytest.raises(DeviceError):
        shell.ask(own(FILE, "crans"))


@pytest.mark.parametrize(
    "stdout", ["", "\n", "a\nb\n", "a" * 300 + "\n", "half a na", "a\x1b[2J\n"]
)
def test_an_owner_that_cannot_be_read_is_an_error(stdout: str) -> None:
    with pytest.raises(DeviceError):
        own(FILE, "crans").parse(Output(stdout))
