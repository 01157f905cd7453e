"""The chat as the record's witness: its head is posted there, and the record compared with it."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Post
from bot.core.render import Reply
from bot.core.witness import Hearing, Witness, compare, head_line, posted
from bot.engine import audit_log, outbox, store
from bot.engine.engine import Engine
from bot.engine.schema import audit
from bot.errors import ChatUnavailable, StoreError
from bot.i18n import _

log = structlog.get_logger()

#: how many of the bot's last posts are read
MOST = 200
#: seconds until a head that was due is looked after again: it could perhaps not be posted
_AGAIN = 15.0
#: the key under which the number of the last posted head is kept, and when that was
_POSTED = "head posted"


async def keep_posting(engine: Engine) -> None:
    """Post the head whenever it is time and the record has grown, for ever."""
    every = engine.post_head_every
    while every is not None:
        left = await _until_due(engine, every)
        if left <= 0:
            await post_head(engine)
            left = _AGAIN
        await asyncio.sleep(left)


async def _until_due(engine: Engine, every: float) -> float:
    """Seconds until the head is to be posted; a store that cannot be read is tried again then."""
    try:
        async with engine.store.read() as tx:
            _number, when = await _last_posted(tx, engine)
    except StoreError as error:
        log.error("head not posted", why=str(error))
        return every
    return min(when + every - engine.clock(), every)


async def post_head(engine: Engine) -> None:
    """Post the record's head in the audit room, unless it was posted before."""
    if engine.post_head_every is None:
        return
    try:
        async with engine.store.write() as tx:
            number, digits = await audit_log.head(tx)
            last, _when = await _last_posted(tx, engine)
            if number not in (0, last):
                text = Reply(head_line(number, digits)).text()
                await outbox.put(tx, Post(_room(engine), engine.txn(f"head-{number}"), text))
            await store.put(tx, _POSTED, f"{number} {engine.clock()}")
    except StoreError as error:
        log.error("head not posted", why=str(error))
    engine.outbox.wake()


async def hear(engine: Engine) -> Hearing:
    """Compare the record with what the bot said of it in the audit room."""
    room = _room(engine)
    try:
        witnesses = posted(await engine.chat.own_posts(room, MOST))
    except ChatUnavailable as error:
        why = str(error).rstrip(".")
        return Hearing(
            True, _("The posts in {room} were not compared: {why}.").format(room=room, why=why)
        )
    async with engine.store.read() as tx:
        return compare(witnesses, await _hashes(tx, witnesses))


def _room(engine: Engine) -> str:
    return engine.audit_room or engine.rooms.main


async def _last_posted(tx: AsyncConnection, engine: Engine) -> tuple[int, float]:
    """The number that was posted last, and when; the bot's start where none was."""
    number, _space, when = (await store.get(tx, _POSTED) or f"0 {engine.started}").partition(" ")
    return int(number), float(when)


async def _hashes(tx: AsyncConnection, witnesses: list[Witness]) -> dict[int, str]:
    numbers = {witness.number for witness in witnesses}
    query = select(audit.c.number, audit.c.hash).where(audit.c.number.in_(numbers))
    return {row.number: row.hash for row in await tx.execute(query)}
