"""`python -m bench.clocks`: how right measured clocks are, and what 1,000 guests cost.

Nothing is asserted: the figures go to standard output as tables in Markdown, what is being done
to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from bench import clock_error, clock_sweep
from bench.said import print_table, say


def main() -> int:
    """Measure everything once."""
    parser = argparse.ArgumentParser(prog="python -m bench.clocks", description=__doc__)
    parser.add_argument("--turns", type=int, default=20, help="readings a row (%(default)s)")
    parser.add_argument("--guests", type=int, default=1000, help="swept (%(default)s)")
    options = parser.parse_args()
    say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="nounou-bench-") as folder:
        # the memory of a process that did nothing before
        swept = asyncio.run(clock_sweep.rows(Path(folder), options.guests, say))
        print_table("Many guests", clock_sweep.HEADINGS, swept)
    with tempfile.TemporaryDirectory(prefix="nounou-bench-") as folder:
        told = asyncio.run(clock_error.rows(Path(folder), options.turns, say))
        print_table("The error", clock_error.HEADINGS, told)
    say(f"load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
