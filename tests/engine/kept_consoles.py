"""The log that a host keeps of a console, and what guests print there."""

from __future__ import annotations

from bot.core.alerts import Alert
from bot.devices.console import ConsoleLog
from tests.engine.alive import Bot, Place
from tests.engine.scene import Scene
from tests.engine.watched import watches

BOOT = "[    0.000000] Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)\n"
LOGIN = "\nDebian GNU/Linux 12 vm hvc0\n\nvm login: "
ROOT = "root@vm:~# "
USER = "bob@vm:~$ "
PANIC = "[  812.500000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n"
OOM = "[ 4711.000000] Out of memory: Killed process 712 (mysqld) total-vm:1834972kB\n"
OOM_AGAIN = "[ 4999.000000] Out of memory: Killed process 801 (php) total-vm:1834972kB\n"
IO = "[ 5000.100000] blk_update_request: I/O error, dev xvda1, sector 2048 op 0x1:(WRITE)\n"
READ_ONLY = "[ 5000.200000] EXT4-fs (xvda1): Remounting filesystem read-only\n"
INITRAMFS = (
    "Gave up waiting for root file system device.\n"
    "ALERT!  /dev/xvda1 does not exist.  Dropping to a shell!\n(initramfs) "
)
FSCK = (
    "/dev/xvda1: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.\n"
    "Press enter for maintenance\n(or press Control-D to continue): "
)
#: a line that says nothing
DULL = "Mon Nov 23 08:05:32 UTC 2026 nothing to see\n"


def kept(text: str, printed: float) -> ConsoleLog:
    """A log that holds *text*, as a terminal gets it, and last grew in that second."""
    return ConsoleLog(text.replace("\n", "\r\n"), float(int(printed)))


class Log:
    """The log of the console of vm on fy, and the bot that watches it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.scene = Scene()
        self.text = ""
        place.watches = watches("consoles")

    def say(self, text: str) -> None:
        """Let the guest print *text* now."""
        self.be(self.text + text)

    def be(self, text: str, printed: float | None = None) -> None:
        """Let the log be *text*."""
        self.text = text
        when = self.place.clock() if printed is None else printed
        self.scene.fy.xen.kept["vm"] = kept(text, when)

    async def prints(self, text: str) -> None:
        """Print *text*, and let the watch look."""
        self.say(text)
        await self.place.later(120)


async def only(bot: Bot) -> Alert:
    """The one alert that stands."""
    (alert,) = bot.engine.alerts.standing
    return alert
