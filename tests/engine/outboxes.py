"""What the tests of the outbox share: posts, and an outbox that runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import select

from bot.core.chat import Chat, Post, PostKind, Text
from bot.engine import schema
from bot.engine.outbox import Outbox, put
from bot.engine.store import Store
from tests.fakes import FakeChat

HERE, THERE = "#here:localhost", "#there:localhost"


def post(txn: str, plain: str = "", *, room: str = HERE, edits: str | None = None) -> Post:
    return Post(room, txn, Text(plain or txn, f"<b>{plain or txn}</b>"), edits=edits)


def sign(txn: str, shown: str, about: str = "$1") -> Post:
    """A sign on the event *about*."""
    return Post(HERE, txn, Text(shown, shown), about=about, kind=PostKind.REACTION)


def removal(txn: str, taken_back: str) -> Post:
    """Take back what was queued as *taken_back*."""
    return Post(HERE, txn, Text("", ""), edits=taken_back, kind=PostKind.REMOVAL)


async def queue(store: Store, *posts: Post) -> None:
    async with store.write() as tx:
        for each in posts:
            await put(tx, each)


async def states(store: Store) -> dict[str, str]:
    async with store.read() as tx:
        rows = await tx.execute(select(schema.outbox).order_by(schema.outbox.c.id))
        return {row.txn: row.state for row in rows}


@asynccontextmanager
async def speaking(store: Store, chat: Chat) -> AsyncIterator[Outbox]:
    """An outbox that runs."""
    box = Outbox(store, chat, edit_every=1.0, pause=1.0, most_pause=8.0)
    task = asyncio.create_task(box.run())
    try:
        yield box
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def plain(chat: FakeChat, room: str = HERE) -> list[str]:
    return [said.plain for said in chat.said(room)]
