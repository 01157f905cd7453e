"""Finding the request that a message of the bot shows."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.approvals import Need
from bot.core.chat import PostKind
from bot.engine import approvals, jobs, schema
from bot.engine.approvals import Request, Standing
from bot.engine.jobs import Job

#: the command that answers yes
VERBS = {Need.CONFIRM: "confirm", Need.SECOND: "approve"}


async def of_post(tx: AsyncConnection, event_id: str) -> tuple[Request, Job] | None:
    """The open request that the bot's message *event_id* shows, and its job."""
    posts = schema.outbox
    said = (posts.c.event_id == event_id) & (posts.c.kind == PostKind.TEXT.value)
    about = await tx.scalar(select(posts.c.about).where(said))
    job = await jobs.of_event(tx, about) if about else None
    if job is None:
        return None
    request = await approvals.live(tx, job.id)
    return (request, job) if request is not None and request.state is Standing.OPEN else None
