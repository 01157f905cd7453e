"""`python -m bench.authority`: what rights and the record cost, alone and a command.

Nothing is asserted: the figures go to standard output as tables in Markdown, what is being done
to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.long_record import DAY, fill
from bench.said import print_table, say
from bot.core.audit_query import parse
from bot.core.policy import Asked, Policy, Right, Role
from bot.engine import audit_log, audit_search, store
from bot.engine.store import Store

#: how many rules a policy has, and how often a decision is taken
RULES, DECISIONS = (10, 100, 1000), 2000
#: what is looked for; the first three stop at the twentieth entry
SEARCHES = (
    "by nounou3",
    "on vm-77",
    "verb domu.migrate since 30d",
    "job 77",
    "on nowhere",
    "nowhere",
)
SHOWN = 20

#: the cells of a row
Row = Sequence[str]


def main() -> int:
    """Measure everything once."""
    parser = argparse.ArgumentParser(prog="python -m bench.authority", description=__doc__)
    parser.add_argument(
        "--entries", type=int, default=1_000_000, help="of the record (%(default)s)"
    )
    parser.add_argument("--commands", type=int, default=400, help="recorded (%(default)s)")
    options = parser.parse_args()
    say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print_table(
        "Authorisation", ("rules", "µs a command, the last rule allows", "µs, none does"), _rights()
    )
    with tempfile.TemporaryDirectory(prefix="nounou-bench-") as folder:
        asyncio.run(_record(Path(folder), options.commands))
        asyncio.run(_long_record(Path(folder) / "long", options.entries))
    say(f"load {os.getloadavg()[0]:.1f}")
    return 0


def _rights() -> Iterator[Row]:
    """Everything that the pipeline asks of the policy for one command."""
    for count in RULES:
        allow = tuple(Right.parse(f"domu.migrate on vm-{number}") for number in range(count))
        policy = Policy({}, {"anna": ("role",)}, {"role": Role(allow)})
        times = []
        for name in (f"vm-{count - 1}", "vm-none"):
            asked = Asked("domu.migrate", (name,))
            began = time.perf_counter()
            for _turn in range(DECISIONS):
                rights = policy.of("anna", "#room:example.org")
                rights.verb(asked.verb)
                rights.decide(asked)
            times.append((time.perf_counter() - began) / DECISIONS * 1e6)
        yield (str(count), *(f"{each:.0f}" for each in times))


async def _record(folder: Path, count: int) -> None:
    """The same small transaction with an entry of the record and without, in turns."""
    opened = Store(folder / "short")
    await opened.open()
    plain: list[float] = []
    recorded: list[float] = []
    busy = {id(plain): 0.0, id(recorded): 0.0}
    data = {"job": 7, "person": "anna", "line": "!migrate vm fz", "state": "succeeded"}
    for number in range(count):
        for times in (plain, recorded):
            began, worked = time.perf_counter(), time.process_time()
            async with opened.write() as tx:
                await store.put(tx, "bench", str(number))
                if times is recorded:
                    await audit_log.append(tx, "ended", data, time.time())
            times.append(time.perf_counter() - began)
            busy[id(times)] += time.process_time() - worked
    await opened.close()
    rows = []
    for name, times in (("without an entry", plain), ("with one", recorded)):
        cells = (median(times) * 1000, median(times) / median(plain))
        cpu = (busy[id(times)] / count * 1000, busy[id(times)] / busy[id(plain)])
        rows.append((name, *(f"{cell:.2f}" for cell in (*cells, *cpu))))
    headings = ("", "ms, median", "over the first", "ms of CPU", "over the first")
    print_table("A transaction that is on disk", headings, rows)


async def _long_record(folder: Path, count: int) -> None:
    """Verifying and searching a record of *count* entries."""
    opened = Store(folder)
    await opened.open()
    say(f"making a record of {count:,} entries")
    await asyncio.to_thread(fill, folder, count)
    rows = [await _measured("verify, in the bot", lambda: audit_log.verify_all(opened), count)]
    for line in SEARCHES:
        query = parse(line.split(), DAY)
        work = lambda query=query: audit_search.search(opened, query, SHOWN)  # noqa: E731
        rows.append(await _measured(f"search {line}", work, count))
    rows.append(await _measured("show 77", lambda: audit_search.of_job(opened, 77, 300), count))
    everything = parse((), DAY)
    rows.append(await _measured("export", lambda: audit_search.export(opened, everything), count))
    await opened.close()
    rows.append(_beside("verify", folder, count))
    rows.append(_beside("export", folder, count))
    size = (folder / store.FILE).stat().st_size / 2**20
    heading = f"A record of {count:,} entries ({size:.0f} MiB)"
    print_table(heading, ("", "s", "entries/s", "loop held, ms", "of that CPU", "peak MiB"), rows)


@dataclass
class _Watch:
    """How long the loop was held by others at most, between two turns of its own."""

    longest: float = 0.0
    busiest: float = 0.0
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def __aenter__(self) -> _Watch:
        self._task = asyncio.create_task(self._look())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._task is not None
        await asyncio.sleep(0)  # its last turn
        self._task.cancel()

    async def _look(self) -> None:
        while True:
            clock, busy = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0)
            self.longest = max(self.longest, time.perf_counter() - clock)
            self.busiest = max(self.busiest, time.thread_time() - busy)


async def _measured(name: str, work: Callable[[], Coroutine[Any, Any, Any]], count: int) -> Row:
    """How long *work* takes within a loop that has other things to do."""
    say(name)
    began = time.perf_counter()
    async with _Watch() as watch:
        await work()
    took = time.perf_counter() - began
    held = (f"{watch.longest * 1000:.1f}", f"{watch.busiest * 1000:.1f}")
    return (name, f"{took:.2f}", f"{count / took:,.0f}" if "verify" in name else "", *held, "")


def _beside(verb: str, folder: Path, count: int) -> Row:
    """`nounou audit` as a process of its own."""
    say(f"nounou audit {verb}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    command = [sys.executable, "-m", "bot", "audit", verb, "--state", str(folder)]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - began
    peak = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
    return (f"nounou audit {verb}", f"{took:.2f}", f"{count / took:,.0f}", "", "", f"{peak:.0f}")


if __name__ == "__main__":
    sys.exit(main())
