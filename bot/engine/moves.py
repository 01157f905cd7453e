"""Which guests were moved live, and when, as the jobs have it."""

from __future__ import annotations

import json

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.clock_account import Move
from bot.core.jobs import State
from bot.engine import schema

#: the key under which a job's notes have what it moves
NOTE = "move"


async def last_moves(tx: AsyncConnection, since: float) -> dict[str, Move]:
    """The last live migration of each guest that ended well since (seconds since 1970)."""
    jobs, notes = schema.jobs, schema.notes
    query = (
        select(jobs.c.ended, notes.c.value)
        .join(notes, notes.c.job == jobs.c.id)
        .where(
            (notes.c.key == NOTE)
            & (jobs.c.state == State.SUCCEEDED.value)
            & (jobs.c.ended >= since)
        )
        .order_by(jobs.c.ended)
    )
    noted = [(row.ended, json.loads(row.value)) for row in await tx.execute(query)]
    return {move["guest"]: Move(ended, move["target"]) for ended, move in noted}
