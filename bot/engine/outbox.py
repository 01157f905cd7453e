"""What is still to be said: kept in the store, sent in order, each exactly once.

A post is written in the transaction of what it tells, and sent under a transaction id that a second
sending keeps; so a crash between the two neither loses nor doubles it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Chat, Post, PostKind, Status, Text
from bot.engine.schema import outbox
from bot.engine.store import Store
from bot.errors import BotError, ChatRefused, ChatUnavailable, StoreError

log = structlog.get_logger()

WAITING, SENT, REFUSED = "waiting", "sent", "refused"


async def put(tx: AsyncConnection, post: Post) -> None:
    """Queue *post*; an edit that still waits for the same message is replaced by it.

    `post.edits` is the txn of the message that it replaces.  A txn that was queued before is left
    as it is: it was said, or will be.
    """
    if post.edits is not None:
        stale = (outbox.c.edits == post.edits) & (outbox.c.state == WAITING)
        await tx.execute(delete(outbox).where(stale & (outbox.c.txn != post.txn)))
    if (await tx.execute(select(outbox.c.id).where(outbox.c.txn == post.txn))).first():
        return
    status = json.dumps(post.status.content()) if post.status else None
    await tx.execute(
        insert(outbox).values(
            room=post.room,
            txn=post.txn,
            plain=post.text.plain,
            html=post.text.html,
            about=post.about,
            threaded=post.threaded,
            edits=post.edits,
            status=status,
            state=WAITING,
            kind=post.kind.value,
            mentions=json.dumps(post.mentions) if post.mentions else None,
            to_unsigned=post.to_unsigned,
        )
    )


class Outbox:
    """Sends what waits: one ordered queue a room, so that a slow room holds up no other."""

    def __init__(
        self, store: Store, chat: Chat, *, pause: float = 1.0, most_pause: float = 60.0
    ) -> None:
        self._store = store
        self._chat = chat
        self._pause = pause
        self._most_pause = most_pause
        self._news = asyncio.Event()
        self._idle = asyncio.Event()

    def wake(self) -> None:
        """Say that something was queued."""
        self._idle.clear()
        self._news.set()

    async def drained(self) -> None:
        """Return once nothing waits any more."""
        await self._idle.wait()

    async def run(self) -> None:
        """Send for ever."""
        self._news.set()
        async with asyncio.TaskGroup() as group:
            rooms: dict[str, asyncio.Task[None]] = {}
            while True:
                await self._news.wait()
                self._news.clear()
                for room in await self._rooms():
                    if room not in rooms or rooms[room].done():
                        rooms[room] = group.create_task(self._send_room(room))
                if not self._news.is_set() and all(task.done() for task in rooms.values()):
                    self._idle.set()

    async def _rooms(self) -> list[str]:
        try:
            async with self._store.read() as tx:
                query = select(outbox.c.room).where(outbox.c.state == WAITING).distinct()
                return [str(room) for room in await tx.scalars(query)]
        except StoreError as error:
            log.error("outbox unreadable", why=str(error), pause=self._pause)
            await asyncio.sleep(self._pause)
            self._news.set()
            return []

    async def _send_room(self, room: str) -> None:
        pause = self._pause
        while True:
            try:
                row = await self._next(room)
                if row is None:
                    break
                await self._send(row)
                pause = self._pause
            except (ChatUnavailable, StoreError) as error:
                log.warning("post waits", room=room, why=str(error), pause=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._most_pause)
        self._news.set()

    async def _next(self, room: str) -> Any:
        async with self._store.read() as tx:
            mine = (outbox.c.room == room) & (outbox.c.state == WAITING)
            query = select(outbox).where(mine).order_by(outbox.c.id).limit(1)
            return (await tx.execute(query)).first()

    async def _send(self, row: Any) -> None:
        edits = await self._edited(row.edits) if row.edits else None
        if row.edits and edits is None:
            log.warning("the message to edit was never sent; sent anew", txn=row.txn)
        try:
            event_id: str | None = await self._chat.send(_post(row, edits))
            state = SENT
        except ChatRefused as error:
            log.error("post refused", txn=row.txn, why=str(error))
            event_id, state = None, REFUSED
        async with self._store.write() as tx:
            mine = update(outbox).where(outbox.c.id == row.id)
            await tx.execute(mine.values(state=state, event_id=event_id, plain="", html=""))

    async def _edited(self, txn: str) -> str | None:
        async with self._store.read() as tx:
            event_id: str | None = await tx.scalar(
                select(outbox.c.event_id).where(outbox.c.txn == txn)
            )
            return event_id


async def say_once(chat: Chat, post: Post, failed: Callable[[BotError], None]) -> None:
    """Send *post* past the store, for when the store itself is what has failed."""
    try:
        await chat.send(post)
    except (ChatUnavailable, ChatRefused) as error:
        failed(error)


def _post(row: Any, edits: str | None) -> Post:
    status = Status(**json.loads(row.status)) if row.status else None
    return Post(
        room=row.room,
        txn=row.txn,
        text=Text(row.plain, row.html),
        about=row.about,
        threaded=row.threaded,
        edits=edits,
        status=status,
        kind=PostKind(row.kind),
        mentions=tuple(json.loads(row.mentions)) if row.mentions else (),
        to_unsigned=row.to_unsigned,
    )
