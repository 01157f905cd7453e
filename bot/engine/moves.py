"""The live migrations that the bot did, by what their jobs noted."""

from __future__ import annotations

import json

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.clock_account import Move
from bot.core.jobs import State
from bot.engine import schema

#: under which a job notes where it moves a guest
NOTE = "move"


async def since(tx: AsyncConnection, moment: float) -> list[tuple[str, Move]]:
    """Each guest's moves that ended well after *moment* (seconds since 1970), the oldest first."""
    jobs, notes = schema.jobs.c, schema.notes.c
    query = (
        select(jobs.ended, notes.value)
        .join(schema.jobs, jobs.id == notes.job)
        .where(notes.key == NOTE, jobs.state == State.SUCCEEDED.value, jobs.ended >= moment)
        .order_by(jobs.ended)
    )
    noted = [(ended, json.loads(value)) for ended, value in await tx.execute(query)]
    return [(str(it["guest"]), Move(ended, str(it["target"]))) for ended, it in noted]
