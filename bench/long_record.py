"""A long record, as a bot would have written it in years, made in seconds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.core.audit import GENESIS, Entry, seal, text_of
from bot.engine import store

#: the day on which its last entry is written, in seconds since 1970: 2026-11-25
DAY = 1_795_564_800.0
#: seconds between two entries: a million of them are some two years
_APART = 60.0
#: how many entries a job has
_ENTRIES = 8


_JOB = """
    INSERT INTO jobs (id, event_id, room, sender, person, line, cut, state, code, result, risk,
                      no_return, created, touched, ended)
    VALUES (:job, :job, '', '', '', '', 0, 'succeeded', 'ok', '', 2, 1, :start, :end, :end)
"""


def fill(folder: Path, count: int) -> None:
    """Put *count* entries into the empty record in *folder*."""
    with closing(sqlite3.connect(folder / store.FILE, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        rows = (
            (e.number, e.at, e.kind, text_of(e.data), e.previous, e.hash) for e in _chain(count)
        )
        connection.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", rows)
        last = connection.execute("SELECT hash FROM audit WHERE number = ?", (count,)).fetchone()
        head = f"{count} {last[0]}"
        connection.execute("UPDATE meta SET value = ? WHERE key = 'audit'", (head,))
        connection.executemany(_JOB, _jobs(count))
        connection.execute("COMMIT")


def _chain(count: int) -> Iterator[Entry]:
    previous = GENESIS
    for number, (kind, data) in zip(range(1, count + 1), _said(), strict=False):
        at = datetime.fromtimestamp(DAY - (count - number) * _APART, UTC)
        entry = seal(number, at.isoformat(timespec="milliseconds"), kind, data, previous)
        previous = entry.hash
        yield entry


def _jobs(count: int) -> Iterator[dict[str, Any]]:
    """The job of each eight entries."""
    for job in range(1, count // _ENTRIES + 1):
        end = DAY - (count - job * _ENTRIES) * _APART
        yield {"job": job, "start": end - (_ENTRIES - 1) * _APART, "end": end}


def _said() -> Iterator[tuple[str, dict[str, Any]]]:
    """Migrations without an end, eight entries each: of 20 persons, and of 500 guests."""
    job = 0
    while True:
        job += 1
        person, guest = f"nounou{job % 20}", f"vm-{job % 500}"
        about = {
            "job": job,
            "person": person,
            "verb": "domu.migrate",
            "objects": [guest, "fy", "fz"],
        }
        line = {"line": f"!migrate {guest} fz"}
        yield "asked", line | {"job": job, "person": person, "sender": f"@{person}:example.org"}
        yield (
            "plan",
            about | {"digest": "a1" * 32, "risk": "interrupts", "steps": [["fy", line["line"]]]},
        )
        yield "step", about | {"step": f"move {guest} to fz"}
        for words in (f"sudo xl -v migrate {guest} fz", f"sudo rm -r .nounou/jobs/{job}"):
            yield "sent", about | {"where": "fy", "words": words}
            yield "returned", about | {"where": "fy", "exit": 0}
        result = f"{guest} runs on fz; it stood still for 1.2 s."
        yield "ended", line | about | {"state": "succeeded", "code": "ok", "result": result}
