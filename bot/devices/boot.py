"""Which boot of a host this is."""

from __future__ import annotations

import re

from bot.devices.said import must_succeed, not_understood
from bot.devices.session import Call, Output

#: random(4): made anew at each boot
PATH = "/proc/sys/kernel/random/boot_id"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\n")


def boot_id() -> Call[str]:
    """The id of the host's boot."""

    def read(output: Output) -> str:
        must_succeed(output, "cat")
        if not _ID.fullmatch(output.stdout):
            raise not_understood("cat", output.stdout)
        return output.stdout.strip()

    return Call(("cat", PATH), read)
