"""A small site of fakes: `vm` on fy, with two disks that both hosts know; fz beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from bot.devices.host import Host
from bot.devices.xen import Disk
from bot.engine.world import World
from tests.fake_hosts import (
    FakeArray,
    FakeLauncher,
    FakeLinks,
    FakeOwnership,
    FakeToolstack,
    domain,
    fake_host,
)

WWNS = {"vm-root": f"600c{1:028x}", "vm-swap": f"600c{2:028x}", "owl-root": f"600c{3:028x}"}
OWL = "99999999-2222-3333-4444-555555555555"


@dataclass
class Side:
    """One host of the scene, with its fakes by their own types."""

    host: Host

    @property
    def xen(self) -> FakeToolstack:
        return cast(FakeToolstack, self.host.toolstack)

    @property
    def links(self) -> FakeLinks:
        return cast(FakeLinks, self.host.links)

    @property
    def launcher(self) -> FakeLauncher:
        return cast(FakeLauncher, self.host.launcher)

    @property
    def ownership(self) -> FakeOwnership:
        return cast(FakeOwnership, self.host.ownership)


class Scene:
    """Two hosts and an array; everything is in order until a test changes it."""

    def __init__(self) -> None:
        self.fy = Side(fake_host("fy", [domain()], wwns=WWNS))
        self.fz = Side(fake_host("fz", wwns=WWNS))
        self.array = FakeArray(dict(WWNS))
        disks = (Disk("/dev/vm-root", "xvda1", True), Disk("/dev/vm-swap", "xvda2", True))
        self.fy.xen.disks = self.fz.xen.disks = disks
        self.world = World({"fy": self.fy.host, "fz": self.fz.host}, {"nols": self.array})

    def moves(self) -> None:
        """Let the guest be on fz as soon as it was looked after."""
        self.fy.xen.now()
        self.fz.xen.now(domain(domid=7))

    @property
    def started(self) -> int:
        """How often a migration was started on any host."""
        return len(self.fy.launcher.started) + len(self.fz.launcher.started)
