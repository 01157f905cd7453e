"""What a machine's kernel takes its time from."""

from __future__ import annotations

from bot.core.text import clean
from bot.core.time_service import Kernel
from bot.devices.session import Call, Output

CLOCKSOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#: kernels of xenified Linux, before pvops, have it
INDEPENDENT = "/proc/sys/xen/independent_wallclock"


def kernel_call() -> Call[Kernel]:
    """Which clocksource is in use, and whether the clock of a guest is its own."""
    return Call(("grep", "-H", "", CLOCKSOURCE, INDEPENDENT), _read)


def _read(output: Output) -> Kernel:
    # a file that does not exist is named on stderr, and the others are printed all the same
    found = dict(line.split(":", 1) for line in output.stdout.splitlines() if ":" in line)
    independent = found.get(INDEPENDENT, "").strip()
    return Kernel(
        clean(found.get(CLOCKSOURCE, "").strip(), 40),
        {"0": False, "1": True}.get(independent),
    )
