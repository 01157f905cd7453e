"""`python -m bench`: measure the chat on a real homeserver in a folder that is removed afterwards.

Nothing is asserted: the figures go to standard output as tables in Markdown, what is being done
to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from bench.measure import AT_A_TIME, measure
from bench.report import table
from bench.stage import ENCRYPTED, PLAIN, set_up


def main() -> int:
    """Measure once; the exit status is 1 where the time ran out."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="nounou-bench-", ignore_cleanup_errors=True) as folder:
        try:
            asyncio.run(_run(options, Path(folder)))
        except TimeoutError:
            _say(f"not done within {options.within:g} s; the machine is too slow or too busy")
            return 1
        except (KeyboardInterrupt, asyncio.CancelledError):
            return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)

    def number(name: str, kind: type, default: float, says: str) -> None:
        parser.add_argument(name, type=kind, default=default, metavar="N", help=says)

    number("--turns", int, 100, "pings of each contestant (%(default)s)")
    number("--flood", int, 1000, f"questions posted {AT_A_TIME} at a time (%(default)s)")
    number("--stopped", int, 150, "questions posted while it is stopped (%(default)s)")
    number("--seconds", float, 5.0, "how long it is stopped at least (%(default)s)")
    number("--within", float, 1200.0, "seconds for everything (%(default)s)")
    everybody = (*PLAIN, *ENCRYPTED)
    parser.add_argument(
        "--only", nargs="+", choices=everybody, default=everybody, help="these contestants alone"
    )
    return parser.parse_args()


async def _run(options: argparse.Namespace, folder: Path) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    _say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; starting everything")
    async with asyncio.timeout(options.within), set_up(folder, options.only) as stage:
        figures = await measure(
            stage,
            turns=options.turns,
            flood=options.flood,
            stopped=options.stopped,
            seconds=options.seconds,
            say=_say,
        )
    _say(f"load {os.getloadavg()[0]:.1f}")
    for title, names in (("Plain room", PLAIN), ("Encrypted room", ENCRYPTED)):
        rows = [each for each in figures if each.name in names]
        if rows:
            print(f"{title}\n\n{table(rows)}\n")


def _say(sentence: str) -> None:
    print(f"bench: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
