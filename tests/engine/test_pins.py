"""Pins: the first key counts, another one blocks until somebody confirms it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.core.chat import Message
from bot.engine import audit_log, jobs
from bot.engine.jobs import Job
from bot.engine.pins import Pins
from bot.engine.store import Store
from tests.fakes import ROOM

ANNA = "@anna:example.org"


def pins(store: Store) -> Pins:
    return Pins(store, lambda: 1000.0)


async def recorded(store: Store) -> list[Mapping[str, Any]]:
    async with store.read() as tx:
        return [entry.data for entry in await audit_log.tail(tx, 10) if entry.kind == "key"]


async def asked_by_bruno(store: Store) -> Job:
    async with store.write() as tx:
        return await jobs.add(tx, Message("$1", ROOM, "@bruno:x", "!trust"), "bruno", "!trust", 0.0)


async def test_the_first_key_is_pinned_and_recorded_once(store: Store) -> None:
    assert await pins(store).holds(ANNA, "A")
    assert await pins(store).holds(ANNA, "A")

    (entry,) = await recorded(store)
    assert (entry["sender"], entry["state"]) == (ANNA, "first seen")
    assert entry["key"] == "A"


async def test_another_key_is_not_believed_after_a_restart_either(store: Store) -> None:
    await pins(store).holds(ANNA, "A")

    assert not await pins(store).holds(ANNA, "B")
    assert not await pins(store).holds(ANNA, "B")
    assert await pins(store).holds(ANNA, "A")

    found = await pins(store).of(ANNA)
    assert found is not None
    assert (found.key, found.offered) == ("A", "B")
    assert len(await recorded(store)) == 2


async def test_a_confirmed_key_takes_the_place_of_the_old_one(store: Store) -> None:
    known, job = pins(store), await asked_by_bruno(store)
    await known.holds(ANNA, "A")
    await known.holds(ANNA, "B")

    await known.confirm(ANNA, "B", job, "it is theirs")

    assert await known.holds(ANNA, "B")
    assert not await known.holds(ANNA, "A")
    found = await pins(store).of(ANNA)
    assert found is not None
    assert (found.key, found.confirmed_by, found.offered) == ("B", "bruno", "A")


async def test_two_at_once_pin_one(store: Store) -> None:
    known = pins(store)

    held = await asyncio.gather(known.holds(ANNA, "A"), known.holds(ANNA, "B"))

    assert list(held) == [True, False]


async def test_a_confirmation_is_not_overwritten_by_a_look_that_began_before(store: Store) -> None:
    known, job = pins(store), await asked_by_bruno(store)
    await known.holds(ANNA, "A")

    await asyncio.gather(known.confirm(ANNA, "B", job, "it is theirs"), known.holds(ANNA, "B"))

    assert await known.holds(ANNA, "B")
    assert await pins(store).holds(ANNA, "B")


async def test_nobody_is_known_before_they_were_seen(store: Store) -> None:
    assert await pins(store).of(ANNA) is None
