"""Messages that are there for a time: taken back once it is over, each once."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Post, PostKind, Text
from bot.engine import outbox
from bot.engine.outbox_rows import SENT, WAITING
from bot.engine.schema import outbox as posts


async def take_back(tx: AsyncConnection, now: float) -> set[str]:
    """Queue the removal of each message whose time is over *now*; the rooms where there were any.

    What still waits is left alone: the outbox sends nothing whose time is over.
    """
    over = (posts.c.expires <= now) & (posts.c.state != WAITING)
    rows = (await tx.execute(select(posts.c.room, posts.c.txn, posts.c.state).where(over))).all()
    if not rows:
        return set()
    await tx.execute(update(posts).where(over).values(expires=None))
    said = [row for row in rows if row.state == SENT]
    for row in said:
        gone = Post(row.room, f"{row.txn}-gone", Text("", ""), edits=row.txn, kind=PostKind.REMOVAL)
        await outbox.put(tx, gone)
    return {row.room for row in said}


async def taken_back(tx: AsyncConnection) -> set[str]:
    """The events of the messages that the bot itself has taken back, as far as it remembers."""
    gone, message = posts.alias(), posts.alias()
    query = select(message.c.event_id).join(gone, gone.c.edits == message.c.txn)
    query = query.where(gone.c.kind == PostKind.REMOVAL.value)
    query = query.where(message.c.kind == PostKind.TEXT.value, message.c.event_id.is_not(None))
    return set(await tx.scalars(query))
