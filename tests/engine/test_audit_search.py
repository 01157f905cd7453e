"""Looking for entries: all that are wanted and no others, and nobody has to wait meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.audit_query import Query, parse
from bot.core.chat import Message
from bot.core.jobs import Event
from bot.engine import audit_search, jobs
from bot.engine.audit_log import append, verify_all, verify_end
from bot.engine.audit_search import export, of_job, search
from bot.engine.store import Store
from tests.fakes import NOUNOU, ROOM

START = 1_800_000_000.0


async def write(store: Store, *entries: dict[str, Any], kind: str = "asked") -> None:
    """One entry a minute."""
    async with store.write() as tx:
        for number, data in enumerate(entries):
            await append(tx, kind, data, START + 60.0 * number)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that everything goes over their edges."""
    monkeypatch.setattr(audit_search, "LOOKED_AT", 7)
    monkeypatch.setattr(audit_search, "TAKEN", 3)


def of(line: str) -> Query:
    return parse(line.split(), START + 3600.0)


async def numbers(store: Store, line: str, most: int = 1000) -> list[int]:
    return [entry.number for entry in (await search(store, of(line), most)).entries]


async def test_every_wanted_entry_is_found_newest_first(store: Store) -> None:
    await write(store, *({"person": "ab"[n % 2], "line": f"!x {n}"} for n in range(40)))

    assert await numbers(store, "") == [*range(40, 0, -1)]
    assert await numbers(store, "by b") == [*range(40, 0, -2)]
    assert await numbers(store, "by b before 5") == [4, 2]
    assert await numbers(store, "since 30m until 25m") == [35, 34, 33, 32, 31]
    assert await numbers(store, "by nobody") == []


async def test_a_search_tells_how_to_go_on(store: Store) -> None:
    await write(store, *({"line": f"!x {n}"} for n in range(10)))

    first = await search(store, of(""), 4)
    rest = await search(store, of("").older_than(first.before or 0), 6)

    assert [entry.number for entry in first.entries] == [10, 9, 8, 7]
    assert first.before == 7
    assert [entry.number for entry in rest.entries] == [6, 5, 4, 3, 2, 1]
    assert rest.before is None


async def test_a_search_gives_up_where_nobody_would_wait_any_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_search, "FURTHEST", 10)
    await write(store, *({"line": f"!x {n}"} for n in range(30)))

    found = await search(store, of("nowhere"), 5)

    assert (found.entries, found.before) == ([], 21)


@pytest.mark.parametrize("sign", ["%", "_", "/", "\\", '"', "'", "é", "É", "x%y", "\u212a"])
async def test_a_word_is_no_pattern(store: Store, sign: str) -> None:
    await write(store, {"line": "plain x-y"}, {"line": f"say {sign} now"})

    assert await numbers(store, f"text {sign}") == [2]


def test_no_word_makes_the_store_try_many_ways() -> None:
    """A word full of ``%`` would take it very long, if it were a pattern."""
    assert " ESCAPE " in str(audit_search._statement(of("%a%a%a%a")))


async def test_kinds_and_jobs_are_looked_for_by_the_store(store: Store) -> None:
    await write(store, {"job": 7}, {"job": 70}, {"job": 1, "released": [6, 7]})
    await write(store, {"job": 9, "answer": 7}, kind="not approved")

    assert await numbers(store, "job 7") == [4, 3, 1]
    assert await numbers(store, "kind not*") == [4]
    assert await numbers(store, "kind NOT*ed job 7") == [4]


async def test_a_clock_that_was_set_back_hides_nothing(store: Store) -> None:
    async with store.write() as tx:
        for offset in (0.0, *(-3000.0 for _ in range(20)), 60.0):
            await append(tx, "asked", {}, START + 3600.0 + offset)

    assert await numbers(store, "since 30m") == [22, 1]


async def test_what_is_long_too_old_is_not_looked_at(store: Store) -> None:
    later = START + 10 * 86_400.0
    await write(store, *[{"line": "!old"}] * 200)
    async with store.write() as tx:
        await append(tx, "asked", {"line": "!new"}, later)
    looked = 0
    connect = store.read

    def counting() -> Any:
        nonlocal looked
        looked += 1
        return connect()

    store.read = counting  # type: ignore[method-assign]
    found = await search(store, parse(["since", "1h"], later + 60.0), 5)

    assert [entry.number for entry in found.entries] == [201]
    assert found.before is None
    assert looked < 4


async def test_the_story_of_a_job_is_all_of_it_and_begins_where_it_was_asked(store: Store) -> None:
    await write(store, {"job": 2}, *({"job": 3} for _ in range(20)), kind="too old")
    await write(store, {"job": 2})
    await write(store, *({"job": 3} for _ in range(20)), kind="sent")
    await write(store, {"job": 2}, kind="ended")

    story = await of_job(store, 2, 100)
    cut = await of_job(store, 3, 5)

    assert [entry.number for entry in story.entries] == [43, 22]
    assert story.before is None
    assert ([entry.number for entry in cut.entries], cut.before) == ([42, 41, 40, 39, 38], 38)


async def test_a_story_is_told_from_the_record_alone(store: Store) -> None:
    """The row of the job is in no chain: whoever writes the file may write there what they like."""
    month = 30 * 86_400.0
    async with store.write() as tx:
        job = await jobs.add(tx, Message("$1", ROOM, NOUNOU, "!x"), "nounou", "!x", START)
        await append(tx, "asked", {"job": job.id}, START)
        await append(tx, "sent", {"job": job.id}, START + 30.0)
        await append(tx, "ended", {"job": job.id}, START + 60.0)
        await jobs.move(tx, job.id, Event.CANCEL, START + 60.0)
    for moment in (START - month, START + month):
        async with store.write() as tx:
            await tx.execute(text(f"UPDATE jobs SET created = {moment}, ended = {moment}"))

        story = await of_job(store, job.id, 9)
        found = await search(store, Query(job=job.id), 9)

        assert [entry.number for entry in story.entries] == [3, 2, 1]
        assert story.entries == found.entries


async def test_an_export_is_json_lines_oldest_first(store: Store) -> None:
    await write(store, *({"line": f"!x {n}"} for n in range(10)))

    file = await export(store, of("before 4"))

    assert [json.loads(line)["number"] for line in file.lines.splitlines()] == [1, 2, 3]
    assert (file.count, file.cut) == (3, False)


@pytest.mark.parametrize(
    ("name", "value", "kept"), [("MOST_EXPORTED", 4, 4), ("LARGEST_EXPORT", 600, 2)]
)
async def test_an_export_has_the_newest_that_fit(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str, value: int, kept: int
) -> None:
    monkeypatch.setattr(audit_search, name, value)
    await write(store, *({"line": f"!x {n}"} for n in range(10)))

    file = await export(store, of(""))

    assert [json.loads(line)["number"] for line in file.lines.splitlines()] == [
        *range(11 - kept, 11)
    ]
    assert (file.count, file.cut) == (kept, True)


@pytest.mark.parametrize("reader", ["search", "verify"])
async def test_the_loop_goes_on_while_the_record_is_read(store: Store, reader: str) -> None:
    await write(store, *({"line": f"!x {n}"} for n in range(300)))
    turns = 0

    async def work() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(work())
    if reader == "search":
        await search(store, of("nowhere"), 5)
    else:
        assert (await verify_all(store)).ok
    beside.cancel()

    assert turns >= 3


async def test_entries_that_are_appended_while_it_verifies_are_verified_as_well(
    store: Store,
) -> None:
    await write(store, *({"line": f"!x {n}"} for n in range(250)))
    connect, reads = store.read, 0

    @asynccontextmanager
    async def read() -> AsyncIterator[AsyncConnection]:
        nonlocal reads
        reads += 1
        if reads == 2:
            await write(store, {"line": "late"})
        async with connect() as tx:
            yield tx

    store.read = read  # type: ignore[method-assign]
    verdict = await verify_all(store)

    assert (verdict.ok, verdict.count) == (True, 251)


async def test_the_end_alone_says_how_much_it_looked_at(store: Store) -> None:
    await write(store, *({"line": f"!x {n}"} for n in range(10)))

    async with store.read() as tx:
        some, all_of_it = await verify_end(tx, 3), await verify_end(tx, 10)

    assert some.ok
    assert some.sentence.startswith("The last 3 entries are whole, up to #10 ")
    assert all_of_it.sentence.startswith("The record is whole: 10 entries")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET kind = 'x' WHERE number = 9",
        "DELETE FROM audit WHERE number = 10",
        "DELETE FROM audit WHERE number = 9",
        "DELETE FROM audit",
    ],
)
async def test_the_end_alone_betrays_what_was_done_to_it(store: Store, statement: str) -> None:
    await write(store, *({"line": f"!x {n}"} for n in range(10)))
    async with store.write() as tx:
        await tx.execute(text(statement))

    async with store.read() as tx:
        assert not (await verify_end(tx, 3)).ok
