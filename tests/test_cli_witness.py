"""``nounou audit verify`` with lines that somebody copied from the audit room."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bot.core.audit import Entry
from bot.engine.audit_log import append
from bot.engine.store import Store

COUNT = 5


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Entry]]:
    """A store with a record, and its entries."""
    folder = tmp_path_factory.mktemp("state")

    async def fill() -> list[Entry]:
        store = Store(folder)
        await store.open()
        async with store.write() as tx:
            found = [await append(tx, "asked", {"n": n}, 1_800_000_000.0) for n in range(COUNT)]
        await store.close()
        return found

    return folder, asyncio.run(fill())


def verify(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "audit", "verify", "--state", str(state), *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=50,
    )


def test_a_witness_that_agrees_is_counted(entries: tuple[Path, list[Entry]]) -> None:
    state, record = entries

    ended = verify(state, "--witness", record[1].short, "--witness", record[4].short)

    assert ended.returncode == 0
    assert "The record is whole: 5 entries" in ended.stdout
    assert "2 posts agree with it, about entries 2 to 5." in ended.stdout


@pytest.mark.parametrize(
    ("witness", "says"),
    [
        ("#2 ffffffffffff", "a post says #2 ffffffffffff, entry 2 is another one"),
        ("#6 ffffffffffff", "entry 6 is gone"),
    ],
)
def test_a_witness_that_contradicts_is_an_error(
    entries: tuple[Path, list[Entry]], witness: str, says: str
) -> None:
    ended = verify(entries[0], "--witness", witness)

    assert ended.returncode == 1
    assert "The record is whole" in ended.stdout
    assert says in ended.stderr


def test_a_file_holds_lines_as_they_were_copied(
    entries: tuple[Path, list[Entry]], tmp_path: Path
) -> None:
    state, record = entries
    file = tmp_path / "room.txt"
    file.write_text(
        f"[10:00] nounou: record {record[0].short} · job 1 · anna: !ping → succeeded\n"
        "[10:01] anna: good night\n"
        f"record head #{COUNT} {record[-1].hash}\n",
        encoding="utf-8",
    )

    ended = verify(state, "--witness-file", str(file))

    assert ended.returncode == 0
    assert "2 posts agree with it, about entries 1 to 5." in ended.stdout


def test_lines_that_tell_nothing_are_a_mistake(
    entries: tuple[Path, list[Entry]], tmp_path: Path
) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("good night\n", encoding="utf-8")

    for words in (
        ("--witness", "nonsense"),
        ("--witness-file", str(empty)),
        ("--witness-file", str(tmp_path / "nowhere")),
    ):
        ended = verify(entries[0], *words)
        assert ended.returncode == 2
        assert ended.stdout == ""
