"""What the bot is put together from, by its configuration."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app import registry_of, rooms_of
from bot.config import Config
from bot.config import Rooms as RoomsConfig
from bot.core.rooms import Rooms
from bot.errors import ConfigError
from tests.test_config import ROOT, SMALL, folder, written

__all__ = ["folder"]

#: the module of a command, with what stands above it
FREE = """\
from bot.api import Context, Reply, command


{decorator}
async def free(ctx: Context) -> Reply:
    \"\"\"Do something.\"\"\"
    return Reply("")
"""

MAIN, AUDIT, HELP = "#main:here", "#audit:here", "#help:here"


def rooms(**values: object) -> Rooms:
    config = RoomsConfig.model_validate({"main": MAIN, **values})
    return rooms_of(Config.model_construct(rooms=config))


def test_rooms_take_what_the_configuration_says() -> None:
    found = rooms(audit=AUDIT, commands={HELP: ["bot.*", "domu.list"]})

    assert found == Rooms(MAIN, AUDIT, {HELP: ("bot.*", "domu.list")})


def test_the_record_is_in_the_main_room_where_the_configuration_names_no_other() -> None:
    assert rooms().names == (MAIN,)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of commands of a site; it is forgotten afterwards."""
    package = tmp_path / "site_commands"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [each for each in sys.modules if each.startswith("site_commands")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("decorator", "why"),
    [
        ('@command("free", needs="")', "'free' declares no right"),
        ('@command("free")', "needs"),
        ('@command("free", needs="free")', "'free' declares no right"),
        ('@command("ping", needs="bot.ping")', "two commands are named 'ping'"),
        ("@command(", "was never closed"),
        ("import no_such_module", "no_such_module"),
    ],
)
def test_a_command_with_no_declared_right_stops_the_start(
    package: Path, decorator: str, why: str
) -> None:
    (package / "free.py").write_text(FREE.format(decorator=decorator), encoding="utf-8")

    with pytest.raises(ConfigError, match=re.escape(why)) as caught:
        registry_of(["commands", "site_commands"])

    assert str(caught.value).startswith("the commands of the package site_commands cannot be used")


def test_a_package_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="no_such_package cannot be used"):
        registry_of(["no_such_package"])


def test_the_process_says_in_a_sentence_which_command_declares_no_right(
    package: Path, folder: Path
) -> None:
    decorator = '@command("free", needs="")'
    (package / "free.py").write_text(FREE.format(decorator=decorator), encoding="utf-8")
    path = written(folder, SMALL + "commands: [commands, site_commands]\n")

    for words in ("run", "check-config"):
        ended = subprocess.run(
            [sys.executable, "-m", "bot", words, str(path)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=50,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(package.parent)])},
        )

        assert ended.returncode == 2
        assert ended.stderr.startswith("nounou: the commands of the package site_commands cannot")
        assert "'free' declares no right" in ended.stderr
        assert ended.stderr.count("\n") == 1
