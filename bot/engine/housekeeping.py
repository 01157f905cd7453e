"""What is done now and then: counting denials, and ending and forgetting what had its time."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import ColumnElement, Select, String, cast, delete, func, literal, or_, select

from bot.core.chat import PostKind
from bot.engine import clock_history, denials, expiry, snapshots
from bot.engine.engine import Engine
from bot.engine.outbox_rows import WAITING
from bot.engine.schema import alert_posts, handled, incidents
from bot.engine.schema import outbox as posts
from bot.errors import StoreError

log = structlog.get_logger()

#: seconds between two rounds, and between two times that old events are forgotten
EVERY = 15.0
_FORGET_EVERY = 3600.0
#: how long the ids of handled events are kept: no chat delivers older ones after the token.  Seals
#: and reports are kept for ever: a homeserver may bring back what is as old as it likes
_EVENTS_KEPT = 30 * 86400.0
#: how many posts are kept once they were said, for edits to find their message
_POSTS_KEPT = 20_000
#: how many edits are kept: nothing refers to them
_EDITS_KEPT = 200


async def keep_house(engine: Engine) -> None:
    """Do a round, then another, for ever; a store that fails is tried again."""
    loop = asyncio.get_running_loop()
    due, clocks_due = loop.time(), loop.time()
    while True:
        try:
            await _round(engine)
            if loop.time() >= due:
                await _forget(engine)
                due = loop.time() + _FORGET_EVERY
            if loop.time() >= clocks_due and not await _thin(engine):
                clocks_due = loop.time() + _FORGET_EVERY
        except StoreError as error:
            log.error("no housekeeping", why=str(error))
        await asyncio.sleep(EVERY)


async def _round(engine: Engine) -> None:
    async with engine.store.write() as tx:
        now = engine.clock()
        await denials.flush(tx, now)
        await snapshots.forget(tx, now)
        over = await expiry.take_back(tx, now)
        newest = await tx.scalar(select(func.max(posts.c.id))) or 0
        said = posts.c.state != WAITING
        edits = (posts.c.kind == PostKind.TEXT.value) & posts.c.edits.is_not(None)
        old_edits = (posts.c.id <= newest - _EDITS_KEPT) & edits
        old = (posts.c.id <= newest - _POSTS_KEPT) & ~_goes_on(engine)
        await tx.execute(delete(posts).where(said & old_edits))
        await tx.execute(delete(posts).where(said & old))
    if over:
        engine.outbox.wake(*over)


def _goes_on(engine: Engine) -> ColumnElement[bool]:
    """Whether a post is spoken of later: it is edited, answered or taken back."""
    current = alert_posts.c.closed.is_(None) | alert_posts.c.stale
    of_alerts = _txns(engine.txn("alert-"), alert_posts.c.id).where(current)
    others = posts.alias()
    of_incidents = _txns(engine.txn("incident-"), incidents.c.id)
    awaited = select(others.c.edits).where(others.c.state == WAITING, others.c.edits.is_not(None))
    return or_(
        posts.c.txn.in_(of_alerts),
        posts.c.txn.in_(of_incidents),
        posts.c.txn.in_(awaited),
        posts.c.expires.is_not(None),
    )


def _txns(begin: str, number: ColumnElement[int]) -> Select[tuple[str]]:
    return select(literal(begin) + cast(number, String))


async def _forget(engine: Engine) -> None:
    """Forget the ids of old events, which begin with a dollar sign, and nothing else."""
    old = handled.c.at < engine.clock() - _EVENTS_KEPT
    events = (handled.c.event_id >= "$") & (handled.c.event_id < "%")
    async with engine.store.write() as tx:
        await tx.execute(delete(handled).where(old & events))


async def _thin(engine: Engine) -> bool:
    """Put some old readings of clocks together; whether there are more, for the next round."""
    async with engine.store.write() as tx:
        return await clock_history.thin(tx, engine.clock(), engine.clock_rules.keep)
