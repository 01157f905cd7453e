"""The commands about clocks that hosts and guests of the lab know."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.devices.session import Output
from bot.lab.clocks.chronyc import chronyc
from bot.lab.clocks.ntpq import ntpq
from bot.lab.clocks.systemd import systemctl, timedatectl
from bot.lab.clocks.timepiece import Timepiece

if TYPE_CHECKING:
    from bot.lab.world import World

CLOCKSOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#: only kernels of xenified Linux, before pvops, have it
INDEPENDENT = "/proc/sys/xen/independent_wallclock"


async def carry_out(
    world: World, name: str, words: tuple[str, ...], *, root: bool = False
) -> Output:
    """What the machine *name* answers to *words*; `sudo -n` makes it *root*."""
    piece = world.timepieces[name]
    while words[:1] == ("sudo",):
        root, words = True, words[1:]
        while words and words[0].startswith("-"):
            words = words[1:]
    if not words:
        return Output("", "usage: sudo -h | -K | -k | -V\n", 1)
    program, service = words[0].rpartition("/")[2], piece.service
    match program:
        case "date":
            return date(piece, words[1:], root=root)
        case "grep":
            return grep(piece, words[1:])
        case "systemctl":
            return systemctl(piece, words[1:], root=root)
        case "timedatectl":
            return timedatectl(piece, words[1:])
        case "chronyc" if service is not None and service.kind == "chrony":
            return await chronyc(service, words[1:], root=root)
        case "ntpq" if service is not None and service.kind == "ntpd":
            return ntpq(service, words[1:])
    return Output("", f"sh: 1: {words[0]}: not found\n", 127)


def date(piece: Timepiece, words: tuple[str, ...], *, root: bool = False) -> Output:
    """`date [+FORM]` with %s and %N, and `date -s @SECONDS`, of coreutils 9.1."""
    if words[:1] == ("-s",) and len(words) == 2:
        wanted = re.fullmatch(r"@(-?\d{1,10}(?:\.\d*)?)", words[1])
        if wanted is None:
            return Output("", f"date: invalid date ‘{words[1]}’\n", 1)
        said = f"{datetime.fromtimestamp(float(wanted[1]), UTC):%a %b %e %H:%M:%S UTC %Y}\n"
        if not root:
            return Output(said, "date: cannot set date: Operation not permitted\n", 1)
        piece.set_to(float(wanted[1]))
        return Output(said)
    wall = piece.told()
    if not words or not words[0].startswith("+"):
        return Output(f"{datetime.fromtimestamp(wall, UTC):%a %b %e %H:%M:%S UTC %Y}\n")
    seconds, nanoseconds = int(wall), int(wall % 1 * 10**9)
    text = words[0][1:].replace("%s", str(seconds)).replace("%N", f"{nanoseconds:09}")
    return Output(f"{text}\n")


def grep(piece: Timepiece, words: tuple[str, ...]) -> Output:
    """`grep -H "" FILE…` of the kernel's files about clocks."""
    files = {CLOCKSOURCE: piece.clocksource}
    if piece.independent is not None:
        files[INDEPENDENT] = str(int(piece.independent))
    wanted = [word for word in words if word.startswith("/")]
    out = "".join(f"{path}:{files[path]}\n" for path in wanted if path in files)
    missing = [path for path in wanted if path not in files]
    err = "".join(f"grep: {path}: No such file or directory\n" for path in missing)
    return Output(out, err, 2 if missing else 0)
