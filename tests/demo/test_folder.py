"""The configuration that the demo writes for the lab's site."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import config
from bot.config import Config
from bot.demo.folder import Folder
from bot.demo.policy import of_the_lab
from bot.lab.place import Place
from bot.lab.site import Site
from bot.lab.world import Pace


@pytest.fixture
async def written(tmp_path: Path) -> AsyncIterator[tuple[Site, Config]]:
    """A site, and the configuration for it as the bot loads it."""
    site = Site(Place(tmp_path / "site"), Pace())
    await site.open()
    folder = Folder(tmp_path / "demo", "terminal")
    room = {"chat": {"kind": "terminal"}, "rooms": {"main": "#lab:nounou.example"}}
    folder.write_config(of_the_lab(), site.description(), room)
    yield site, config.load(folder.config)
    await site.close()


def test_each_host_of_the_demo_has_its_ilo_with_the_server_enrolled(
    written: tuple[Site, Config],
) -> None:
    site, found = written

    for ilo in site.world.ilos.values():
        named = found.hosts[ilo.host.name].lights_out
        assert named is not None
        assert named.serial == ilo.serial_number
        assert named.old_algorithms is (ilo.name == "fy-ilo")
        assert named.password is not None


def test_the_bot_of_the_demo_gets_into_those_guests_that_let_it(
    written: tuple[Site, Config],
) -> None:
    _site, found = written

    assert {name for name, guest in found.guests.items() if guest.ssh} == {"vm", "zamok", "sleeper"}
    assert [name for name, guest in found.guests.items() if guest.ntp] == ["redisdead"]
    assert found.clock.restart
