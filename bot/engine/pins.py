"""The key that each chat id signs its devices with: pinned at first sight, changed by confirmation.

Whoever holds the homeserver can give a person another key, and sign devices of their own with it.
So a key that differs from the pinned one blocks that chat id until another person, who has asked
the first one over another way, confirms it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import insert, select, update

from bot.engine import audit_log, jobs, schema
from bot.engine.jobs import Job
from bot.engine.store import Store

_log = structlog.get_logger()


@dataclass(frozen=True)
class Pinned:
    """What is known of one chat id."""

    user: str
    key: str
    #: seconds since 1970
    since: float
    #: empty where it was the first that was seen
    confirmed_by: str
    #: another key that the chat id shows now, and that nobody has confirmed
    offered: str | None


class Pins:
    """The pins in *store*."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        #: what the store has, so that a message costs no look into it
        self._known: dict[str, Pinned] = {}
        self._looking = asyncio.Lock()

    async def holds(self, user: str, key: str) -> bool:
        """Whether *key* is the one of *user*; the first one that is seen is.

        Raises `StoreError` where that cannot be recorded.
        """
        async with self._looking:
            return await self._holds(user, key)

    async def of(self, user: str) -> Pinned | None:
        """What is pinned for *user*; None for somebody who was never seen with a key."""
        if user not in self._known:
            async with self._store.read() as tx:
                query = select(schema.pins).where(schema.pins.c.user == user)
                row = (await tx.execute(query)).one_or_none()
            if row is None:
                return None
            self._known[user] = Pinned(**row._asdict())
        return self._known[user]

    async def confirm(self, user: str, key: str, job: Job, sentence: str) -> None:
        """From now on *key* is the one of *user*, on the word of *job*, which says so."""
        async with self._looking:  # a look under way would write back what it has read
            pinned = Pinned(user, key, self._clock(), job.person, None)
            await self._put(pinned, "confirmed", job, sentence)

    async def _holds(self, user: str, key: str) -> bool:
        pinned = await self.of(user)
        if pinned is not None and key in (pinned.key, pinned.offered):
            return key == pinned.key
        if pinned is None:
            await self._put(Pinned(user, key, self._clock(), "", None), "first seen")
            return True
        fresh = Pinned(user, pinned.key, pinned.since, pinned.confirmed_by, key)
        _log.warning("pins.changed", user=user, pinned=pinned.key, offered=key)
        await self._put(fresh, "changed")
        return False

    async def _put(self, pinned: Pinned, why: str, job: Job | None = None, said: str = "") -> None:
        """Write *pinned* together with its record, and with what *job* has *said* of it."""
        values = {
            "key": pinned.key,
            "since": pinned.since,
            "confirmed_by": pinned.confirmed_by,
            "offered": pinned.offered,
        }
        record = {"sender": pinned.user, "state": why, **values}
        async with self._store.write() as tx:
            change = update(schema.pins).where(schema.pins.c.user == pinned.user).values(**values)
            if not (await tx.execute(change)).rowcount:
                await tx.execute(insert(schema.pins).values(user=pinned.user, **values))
            await audit_log.append(tx, "key", record, self._clock())
            if job is not None:
                await jobs.done(tx, job.id, said)
        self._known[pinned.user] = pinned
