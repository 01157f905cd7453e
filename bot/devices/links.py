"""The links ``/dev/NAME`` of one host, and who answers behind them."""

from __future__ import annotations

import re

from bot.devices.host import Link
from bot.devices.said import must_succeed, not_understood
from bot.devices.session import Call, Output, Session
from bot.errors import DeviceError
from bot.i18n import _

#: ``3`` and the WWN (SCSI page 0x83, NAA): 16 digits for local disks, 32 for the array's volumes
_IDENTITY = re.compile(r"3([0-9a-f]{32}|[0-9a-f]{16})")


class HostLinks:
    """The links of one host; *update_script* is the site's command that makes them anew."""

    def __init__(
        self, session: Session, update_script: tuple[str, ...], resync_timeout: float
    ) -> None:
        self.session = session
        self._update_script = update_script
        self._resync_timeout = resync_timeout

    async def resync(self) -> None:
        """Run the site's script."""
        await self.session.run(update(self._update_script, self._resync_timeout))

    async def look(self, path: str) -> Link:
        """Follow *path*, and ask the device at its end for its identity and size, now."""
        if not path.startswith("/") or "\0" in path:
            raise DeviceError(_("{path} is no path.").format(path=ascii(path[:80])))
        device = await self.session.run(follow(path))
        wwn = await self.session.run(identity(device)) if device else ""
        if not wwn:
            return Link(path, "" if device == path else device, "")
        return Link(path, device, wwn, await self.session.run(size(device)))


def update(words: tuple[str, ...], timeout: float) -> Call[None]:
    """Look for volumes and make the links, which takes a while."""

    def done(output: Output) -> None:
        must_succeed(output, words[-1])

    return Call(words, done, changes=True, timeout=timeout)


def follow(path: str) -> Call[str]:
    """The device behind *path*; empty where the way there does not exist."""

    def device(output: Output) -> str:
        if output.exit == 1 and not output.stdout.strip():
            return ""
        must_succeed(output, "readlink")
        found = output.stdout.removesuffix("\n")
        if found == output.stdout or not found.startswith("/") or not found.isprintable():
            raise not_understood("readlink", found)
        return found

    return Call(("readlink", "-f", path), device)


def identity(device: str) -> Call[str]:
    """The WWN that *device* answers to a fresh inquiry; empty where nothing answers."""

    def wwn(output: Output) -> str:
        if output.exit == 1 and "sudo:" not in output.stderr and not output.stdout.strip():
            return ""
        must_succeed(output, "scsi_id")
        match = _IDENTITY.fullmatch(output.stdout.strip().lower())
        if match is None:
            raise not_understood("scsi_id", output.stdout)
        return match[1]

    return Call(("sudo", "/lib/udev/scsi_id", "-g", "-u", "-d", device), wwn)


def size(device: str) -> Call[int]:
    """How many bytes *device* holds."""

    def count(output: Output) -> int:
        must_succeed(output, "blockdev")
        if not re.fullmatch(r"[0-9]{1,19}\n", output.stdout):
            raise not_understood("blockdev", output.stdout)
        return int(output.stdout)

    return Call(("sudo", "blockdev", "--getsize64", device), count)
