"""What the tests of `!domu destroy` share: the line, and what may become of the world."""

from __future__ import annotations

from collections.abc import Callable

from bot.devices.xen import Transfer
from bot.errors import Unreachable
from tests.engine.scene import Scene
from tests.fake_hosts import domain
from tests.fakes import Said

LINE = "!domu destroy vm"


def number(said: Said) -> int:
    """The job that *said* is about."""
    assert said.status is not None
    return said.status.job


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


def when_started(scene: Scene, change: Callable[[Scene], None]) -> None:
    """Let the world *change* as soon as the command was taken."""
    started = scene.fy.launcher.start

    async def start(name: str, words: tuple[str, ...]) -> None:
        try:
            await started(name, words)
        finally:
            change(scene)

    vars(scene.fy.launcher)["start"] = start


def gone(scene: Scene) -> None:
    scene.fy.xen.now()


def twice(scene: Scene) -> None:
    scene.fz.xen.now(domain(domid=9))


def half_moved(scene: Scene) -> None:
    scene.fy.xen.now(domain("vm--incoming", state="--p---"))


def moving(scene: Scene) -> None:
    scene.fy.xen.moving = (Transfer(77, "vm", "xl migrate vm fz"),)


def strange(scene: Scene) -> None:
    scene.fy.xen.now(domain(state="-b-??-"))


def silent_other(scene: Scene) -> None:
    scene.fz.xen.silent = Unreachable("fz is silent.")
