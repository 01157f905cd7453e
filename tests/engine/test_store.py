"""The store: one file, one owner, everything or nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text

from bot.core.chat import Proof
from bot.core.jobs import State
from bot.engine import jobs
from bot.engine.schema import outbox
from bot.engine.store import FILE, get, put
from bot.engine.upgrades import VERSION
from bot.errors import ConfigError, StoreError
from tests.engine.alive import TestedStore, opened

DATA = Path(__file__).parent.parent / "data"


async def value(store: TestedStore, key: str) -> str | None:
    async with store.read() as tx:
        return await get(tx, key)


async def keep(store: TestedStore, key: str, value: str) -> None:
    async with store.write() as tx:
        await put(tx, key, value)


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store, "colour", "green")
        await keep(store, "colour", "red")

    async with opened(tmp_path) as store:
        assert await value(store, "colour") == "red"


@pytest.mark.parametrize("older", [False, True])
async def test_nobody_else_can_read_what_lies_in_the_state_folder(
    tmp_path: Path, older: bool
) -> None:
    folder = tmp_path / "state"
    (folder / "local").mkdir(parents=True)
    kept = [folder / "matrix-session.json", folder / "local" / "anna.jsonl"]
    if older:
        async with opened(folder):
            pass
        kept.append(folder / FILE)
    for path in kept:
        path.touch()
        path.chmod(0o644)
    (folder / "local").chmod(0o755)

    before = os.umask(0o022)
    try:
        async with opened(folder) as store:
            await keep(store, "colour", "green")
            there = [*folder.rglob("*")]
            names = {path.name for path in there}
            modes = {path.name: path.stat().st_mode & 0o077 for path in there}
    finally:
        os.umask(before)

    assert {FILE, f"{FILE}-wal", "anna.jsonl", "matrix-session.json"} <= names
    assert modes == dict.fromkeys(modes, 0)


async def test_a_site_keeps_its_id_and_no_two_sites_share_one(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as store:
        first = store.site_id
    async with opened(tmp_path / "a") as again, opened(tmp_path / "b") as other:
        assert first == again.site_id
        assert first != other.site_id
        assert len(first) == 32


async def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"

    async with opened(folder):
        assert folder.stat().st_mode & 0o777 == 0o700


async def test_two_bots_on_one_folder_are_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as first:
        with pytest.raises(ConfigError, match="Another bot runs"):
            async with opened(tmp_path):
                pass
        await keep(first, "still", "mine")

    async with opened(tmp_path) as later:
        assert await value(later, "still") == "mine"


async def test_a_store_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store, "schema", str(VERSION + 1))

    with pytest.raises(ConfigError, match=f"version {VERSION + 1}, this bot needs {VERSION}"):
        async with opened(tmp_path):
            pass


async def test_a_store_of_an_older_version_is_upgraded_with_its_jobs(tmp_path: Path) -> None:
    """The tables of version 1, as they were: a job that waits, and an answer that waits."""
    with closing(sqlite3.connect(tmp_path / FILE)) as old:
        old.executescript((DATA / "store-1.sql").read_text("utf-8"))

    async with opened(tmp_path) as store:
        assert await value(store, "schema") == str(VERSION)
        async with store.read() as tx:
            (job,) = await jobs.in_states(tx, [State.QUEUED])
            post = (await tx.execute(select(outbox))).one()

    assert (job.line, job.proof) == ("!migrate vm fz", Proof.PLAIN)
    assert (post.plain, post.kind, post.to_unsigned) == ("pong", "text", False)


async def test_an_upgraded_store_finds_what_is_old_as_fast_as_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with closing(sqlite3.connect(tmp_path / "old" / FILE)) as old:
        old.executescript((DATA / "store-1.sql").read_text("utf-8"))

    indexes = []
    for folder in ("old", "new"):
        async with opened(tmp_path / folder) as store, store.read() as tx:
            query = text("SELECT name FROM sqlite_master WHERE type = 'index'")
            indexes.append(set(await tx.scalars(query)))

    assert indexes[0] == indexes[1]
    assert "handled_by_age" in indexes[1]


async def test_a_transaction_that_fails_leaves_nothing(store: TestedStore) -> None:
    async def half() -> None:
        async with store.write() as tx:
            await put(tx, "half", "written")
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        await half()

    assert await value(store, "half") is None


async def test_a_full_disk_is_a_store_error_and_nothing_is_half_written(
    store: TestedStore,
) -> None:
    await store.reconnect("max_page_count=60")
    await keep(store, "before", "there")

    async def fill() -> None:
        async with store.write() as tx:
            await put(tx, "small", "written first")
            await put(tx, "large", "x" * 500_000)

    with pytest.raises(StoreError, match="full"):
        await fill()

    assert await value(store, "small") is None
    assert await value(store, "large") is None
    assert await value(store, "before") == "there"


async def test_a_store_that_became_read_only_is_a_store_error(store: TestedStore) -> None:
    async def write_on() -> None:
        async with store.write() as tx:
            await tx.execute(text("PRAGMA query_only=ON"))
            await put(tx, "late", "never")

    with pytest.raises(StoreError, match=r"cannot be written \(.*readonly"):
        await write_on()

    assert await value(store, "late") is None


async def test_a_file_that_is_no_store_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("this is not a database, but it is long enough" * 50)

    with pytest.raises(StoreError, match="not a database"):
        async with opened(tmp_path):
            pass


async def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        async with opened(tmp_path / "file"):
            pass


async def test_what_is_written_is_on_the_disk_before_anybody_goes_on(store: TestedStore) -> None:
    async with store.write() as tx:
        # 2 is FULL: WAL, synced at each commit (sqlite.org, PRAGMA synchronous)
        assert await tx.scalar(text("PRAGMA synchronous")) == 2
        assert await tx.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await tx.scalar(text("PRAGMA foreign_keys")) == 1


async def test_a_reader_sees_what_was_committed_and_not_what_is_under_way(
    store: TestedStore,
) -> None:
    await keep(store, "colour", "green")

    async with store.write() as tx:
        await put(tx, "colour", "red")
        assert await value(store, "colour") == "green"

    assert await value(store, "colour") == "red"


async def test_another_process_that_holds_the_file_is_waited_for_and_then_said(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        await store.reconnect(busy_timeout=0.05)
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked"):
                await keep(store, "a", "b")
            other.execute("ROLLBACK")

        await keep(store, "a", "b")
        assert await value(store, "a") == "b"


async def test_what_is_to_follow_a_change_follows_it_once_it_is_on_disk(
    store: TestedStore,
) -> None:
    heard: list[str] = []
    async with store.write():
        store.once_written(lambda: heard.append("written"))
        assert heard == []
    async with store.write():
        pass
    assert heard == ["written"]


async def test_nothing_follows_a_change_that_did_not_happen(store: TestedStore) -> None:
    heard: list[str] = []

    async def fail() -> None:
        async with store.write() as tx:
            store.once_written(lambda: heard.append("written"))
            await tx.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StoreError):
        await fail()
    assert store.failing
    async with store.write():
        pass

    assert (heard, store.failing) == ([], False)
