"""What may wait leaves the loop alone, and what cannot wait does not go the long way."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.engine.sqlite import BEGIN_WRITE, Connection, connecting
from tests.engine.alive import threads_at_work


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    with threads_at_work():
        yield


@asynccontextmanager
async def connected(path: Path, busy_timeout: float = 10.0) -> AsyncIterator[Connection]:
    """A connection with a table ``t``."""
    connection = connecting(path, busy_timeout)()
    await connection
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS t (x INTEGER)")
        yield connection
    finally:
        await connection.close()


async def count(connection: Connection) -> int:
    rows = await connection.execute_fetchall("SELECT count(*) FROM t")
    return int(next(iter(rows))[0])


async def test_a_statement_runs_in_the_thread_of_the_loop(tmp_path: Path) -> None:
    async with connected(tmp_path / "s") as connection:
        await connection.create_function("thread", 0, threading.get_ident)

        rows = await connection.execute_fetchall("SELECT thread()")

    assert list(rows) == [(threading.get_ident(),)]


async def test_the_loop_goes_on_while_another_process_holds_the_file(tmp_path: Path) -> None:
    async with connected(tmp_path / "s") as connection:
        with closing(sqlite3.connect(tmp_path / "s", isolation_level=None)) as other:
            other.execute(BEGIN_WRITE)
            begun = asyncio.ensure_future(connection.execute(BEGIN_WRITE))
            for _turn in range(10):
                await asyncio.sleep(0)
            assert not begun.done()
            other.execute("COMMIT")

            await begun

        assert connection.in_transaction


async def test_the_loop_goes_on_while_the_disk_is_written(tmp_path: Path) -> None:
    async with connected(tmp_path / "s") as connection:
        await connection.execute(BEGIN_WRITE)
        await connection.execute("INSERT INTO t VALUES (1)")
        raw = connection._connection
        assert raw is not None
        threads: list[int] = []
        raw.set_trace_callback(lambda _statement: threads.append(threading.get_ident()))

        await connection.commit()

    assert threads
    assert threading.get_ident() not in threads


async def test_what_follows_a_cancelled_commit_waits_for_it(tmp_path: Path) -> None:
    async with connected(tmp_path / "s") as connection:
        release = threading.Event()
        await connection.execute(BEGIN_WRITE)
        await connection.execute("INSERT INTO t VALUES (1)")
        raw = connection._connection
        assert raw is not None
        raw.set_trace_callback(lambda _statement: release.wait(20))
        commit = asyncio.create_task(connection.commit())
        await asyncio.sleep(0)
        commit.cancel()
        await asyncio.wait([commit])
        looking = asyncio.create_task(count(connection))
        await asyncio.sleep(0)
        assert not looking.done()

        release.set()

        assert await looking == 1
        assert not connection.in_transaction


async def test_a_failing_statement_raises_where_it_was_asked_and_the_next_one_works(
    tmp_path: Path,
) -> None:
    async with connected(tmp_path / "s") as connection:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await connection.execute("SELECT * FROM nowhere")

        assert await count(connection) == 0


async def test_a_closed_connection_says_so(tmp_path: Path) -> None:
    async with connected(tmp_path / "s") as connection:
        pass

    with pytest.raises(ValueError, match="no active connection"):
        await connection.execute("SELECT 1")
