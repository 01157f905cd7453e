"""The record in the store: it is written with what it records, and tampering is seen."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.engine.audit_file import verify
from bot.engine.audit_log import append, tail, verify_all
from bot.engine.store import FILE, Store, put
from bot.errors import StoreError
from tests.engine.alive import opened


async def write(store: Store, *lines: str) -> None:
    async with store.write() as tx:
        for line in lines:
            await append(tx, "asked", {"line": line}, 1_800_000_000.25)


async def said(store: Store) -> str:
    return (await verify_all(store)).sentence


async def test_entries_are_numbered_dated_and_chained(store: Store) -> None:
    await write(store, "!ping", "!status")

    async with store.read() as tx:
        first, second = await tail(tx, 9)

    assert (first.number, second.number) == (1, 2)
    assert first.at == "2027-01-15T08:00:00.250+00:00"
    assert second.previous == first.hash
    assert second.data == {"line": "!status"}


async def test_the_tail_is_the_end_oldest_first(store: Store) -> None:
    await write(store, *map(str, range(5)))

    async with store.read() as tx:
        assert [entry.data["line"] for entry in await tail(tx, 2)] == ["3", "4"]


async def test_what_did_not_happen_leaves_no_entry(store: Store) -> None:
    await write(store, "!ping")

    async def fail() -> None:
        async with store.write() as tx:
            await append(tx, "asked", {"line": "never"}, 0.0)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    await write(store, "!status")

    assert await said(store) != ""
    assert "whole: 2 entries" in await said(store)


async def test_the_command_line_reads_the_same_record_beside_the_bot(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await write(store, "!ping", "!status")
        beside = verify(tmp_path)
        inside = await said(store)

    assert beside.ok
    assert beside.sentence == inside
    assert verify(tmp_path) == beside


def test_where_there_is_no_store_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store"):
        verify(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"junk" * 500])
def test_a_file_that_is_no_store_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(StoreError, match="cannot be read"):
        verify(tmp_path)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ('UPDATE audit SET data = \'{"line": "!innocent"}\' WHERE number = 2', "entry 2"),
        ("UPDATE audit SET data = 'no json' WHERE number = 2", "entry 2"),
        ("UPDATE audit SET data = '[1]' WHERE number = 2", "entry 2"),
        ('UPDATE audit SET data = \'{"line":  "b"}\' WHERE number = 2', "entry 2"),
        ('UPDATE audit SET data = \'{"line": "x", "line": "b"}\' WHERE number = 2', "entry 2"),
        ("UPDATE audit SET data = CAST(data AS BLOB) WHERE number = 2", "entry 2"),
        ("UPDATE audit SET kind = CAST(kind AS BLOB) WHERE number = 2", "entry 2"),
        (f"UPDATE audit SET data = '{'[' * 9999}' WHERE number = 2", "entry 2"),
        ("UPDATE audit SET number = -1 WHERE number = 1", "entry -1"),
        (
            "INSERT INTO audit SELECT 0, at, kind, data, previous, hash FROM audit WHERE number=4",
            "0",
        ),
        ("UPDATE audit SET at = '2000-01-01' WHERE number = 1", "entry 1"),
        ("UPDATE audit SET kind = 'ended' WHERE number = 3", "entry 3"),
        ("UPDATE audit SET previous = hash WHERE number = 3", "entry 3"),
        ("UPDATE audit SET hash = previous WHERE number = 3", "entry 3"),
        ("DELETE FROM audit WHERE number = 1", "entry 2"),
        ("DELETE FROM audit WHERE number = 2", "entry 3"),
        ("DELETE FROM audit WHERE number = 4", "cut: 3 entries are there, 4 were written"),
        ("DELETE FROM audit", "cut: 0 entries"),
        ("UPDATE meta SET value = '3 x' WHERE key = 'audit'", "cut"),
        ("UPDATE meta SET value = 'garbage' WHERE key = 'audit'", "cut"),
        ("DELETE FROM meta WHERE key = 'audit'", "cut"),
        (
            "INSERT INTO audit SELECT 5, at, kind, data, previous, hash FROM audit WHERE number=4",
            "entry 5",
        ),
    ],
)
async def test_tampering_with_the_file_is_seen_by_both_readers(
    tmp_path: Path, statement: str, says: str
) -> None:
    async with opened(tmp_path) as store:
        await write(store, *"abcd")
    with closing(sqlite3.connect(tmp_path / FILE)) as thief:
        thief.execute(statement)
        thief.commit()

    assert not verify(tmp_path).ok
    assert says in verify(tmp_path).sentence
    async with opened(tmp_path) as store:
        assert says in await said(store)


async def test_a_cut_record_with_a_head_to_match_is_seen_by_who_noted_the_last_hash(
    store: Store,
) -> None:
    """The store alone cannot betray it: that is what the lines in the audit room are for."""
    await write(store, *"abcd")
    async with store.read() as tx:
        noted = (await tail(tx, 1))[0]
        kept = (await tail(tx, 2))[0]
    async with store.write() as tx:
        await tx.execute(text("DELETE FROM audit WHERE number = 4"))
        await put(tx, "audit", f"3 {kept.hash}")

    verdict = await verify_all(store)

    assert verdict.ok
    assert verdict.head != noted.hash
