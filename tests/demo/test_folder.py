"""The configuration that the demo writes for the lab's site."""

from __future__ import annotations

from pathlib import Path

from bot import config
from bot.demo.folder import Folder
from bot.demo.policy import of_the_lab
from bot.lab.place import Place
from bot.lab.site import Site
from bot.lab.world import Pace


async def test_each_host_of_the_demo_has_its_ilo_with_the_server_enrolled(tmp_path: Path) -> None:
    site = Site(Place(tmp_path / "site"), Pace())
    await site.open()
    folder = Folder(tmp_path / "demo", "terminal")
    room = {"chat": {"kind": "terminal"}, "rooms": {"main": "#lab:nounou.example"}}
    folder.write_config(of_the_lab(), site.description(), room)
    await site.close()

    hosts = config.load(folder.config).hosts

    for ilo in site.world.ilos.values():
        named = hosts[ilo.host.name].lights_out
        assert named is not None
        assert named.serial == ilo.serial_number
        assert named.old_algorithms is (ilo.name == "fy-ilo")
        assert named.password is not None
