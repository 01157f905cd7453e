"""Each scene of the lab is read for what it is, by the log, without a terminal, and with one."""

from __future__ import annotations

import pytest

from bot.core.console import Condition, examine
from bot.devices.toolstacks.xl import XlToolstack
from bot.lab import virtual
from bot.lab.blueprint import lab_world
from bot.lab.consoles.scenes import SCENES
from bot.lab.memory import MemorySite
from bot.screen.terminal import replay

TEMPLATE = "/var/log/xen/console/guest-{name}.log"

#: the worst that is seen; what the kernel only says is over a login prompt
WORST = {
    "boot-menu": Condition.BOOT_MENU,
    "busybox-session": Condition.ROOT_SESSION,
    "emergency": Condition.EMERGENCY,
    "flood": Condition.UNKNOWN,
    "fsck": Condition.FSCK,
    "hostile": Condition.UNKNOWN,
    "hung-task": Condition.HUNG_TASK,
    "initramfs": Condition.INITRAMFS,
    "io-error": Condition.IO_ERROR,
    "kernel-over-prompt": Condition.LOGIN,
    "lockup": Condition.LOCKUP,
    "login": Condition.LOGIN,
    "oom": Condition.OOM,
    "oops": Condition.OOPS,
    "panic": Condition.PANIC,
    "password": Condition.PASSWORD,
    "question": Condition.QUESTION,
    "read-only": Condition.READ_ONLY,
    "root-session": Condition.ROOT_SESSION,
    "session": Condition.SESSION,
    "silent": Condition.LOGIN,
    "utf8-cut": Condition.UNKNOWN,
    "xen-timeout": Condition.XEN_TIMEOUT,
}


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_is_read_for_what_it_is_by_every_way(scene: str) -> None:
    async def look() -> list[str]:
        world = lab_world()
        site = MemorySite(world)
        fy = XlToolstack("fy", site.session("fy"), TEMPLATE)
        fz = XlToolstack("fz", site.session("fz"), "")
        world.console("vm", scene)
        world.console("redisdead", scene)
        log = await fy.console_log("vm", 64 * 1024)
        assert log is not None
        texts = [log.text, await fz.view_console(1, 2), (await fy.visit_console(1)).text]
        await world.close()
        return texts

    seen = [examine(replay(text))[0].condition for text in virtual.run(look())]

    assert seen == [WORST[scene]] * 3
