"""Commands and drivers are found by being there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.devices.storage import StorageArray
from bot.plugins import drivers_in, modules_in

#: a driver of a new make, whole but for what a test leaves out
DRIVER = """
from bot.devices.storage import ArrayInfo, StorageArray

class NewMake(StorageArray):
    driver = "newmake"

    async def info(self):
        return ArrayInfo("new", "1")
"""
VOLUMES = """
    async def volumes(self):
        return ()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package that can be imported under its folder's name."""
    folder = tmp_path / f"site_{tmp_path.name.replace('-', '_')}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return folder


def test_every_module_of_a_package_is_imported_in_the_order_of_names(package: Path) -> None:
    for name in ("zebra", "ant"):
        (package / f"{name}.py").write_text(f"called = {name!r}\n")

    assert [vars(module)["called"] for module in modules_in(package.name)] == ["ant", "zebra"]


def test_an_empty_package_has_no_modules(package: Path) -> None:
    assert modules_in(package.name) == []


def test_a_package_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError):
        modules_in("no_such_package")


def test_a_module_that_cannot_be_imported_stops_the_start(package: Path) -> None:
    (package / "broken.py").write_text("import no_such_module\n")

    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        modules_in(package.name)


def test_a_driver_is_found_by_being_there(package: Path) -> None:
    (package / "newmake.py").write_text(DRIVER + VOLUMES)

    found = drivers_in(package.name, StorageArray)

    assert list(found) == ["newmake"]
    assert issubclass(found["newmake"], StorageArray)


def test_a_driver_that_lacks_a_method_is_an_error_and_not_a_driver_less(package: Path) -> None:
    """A check that cannot fail is none: this one is fed what it must refuse."""
    (package / "newmake.py").write_text(DRIVER)

    with pytest.raises(TypeError, match=r"newmake\.NewMake lacks volumes"):
        drivers_in(package.name, StorageArray)


def test_a_class_without_a_name_of_its_own_is_no_driver(package: Path) -> None:
    (package / "parts.py").write_text(DRIVER.replace('driver = "newmake"', "pass") + VOLUMES)

    assert drivers_in(package.name, StorageArray) == {}


def test_the_real_drivers_are_found() -> None:
    assert "msa" in drivers_in("bot.devices.arrays", StorageArray)
