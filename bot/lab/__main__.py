"""`python -m bot.lab --state FOLDER`: the embedded site as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import signal
import sys
from pathlib import Path

from bot.lab.faults import UnknownFault, read_fault
from bot.lab.place import Place
from bot.lab.site import Site
from bot.lab.world import Pace

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> int:
    """Run the site until SIGTERM, or until the process that started it dies."""
    options = _options()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        asyncio.run(_run(options))
    except UnknownFault as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.lab", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the site's folder")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME[:WHERE[:MATCH]]", help="a fault"
    )
    parser.add_argument("--seconds-a-migration", type=float, default=Pace().migration, metavar="N")
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    site = Site(Place(options.state), Pace(migration=options.seconds_a_migration))
    try:
        await site.open(read_fault(text) for text in options.fault)
        await stop.wait()
    finally:
        await site.close()


if __name__ == "__main__":
    sys.exit(main())
