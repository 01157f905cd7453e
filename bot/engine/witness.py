"""The chat as the record's witness: its head is posted there, and the record compared with it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Post
from bot.core.render import Reply
from bot.core.witness import Hearing, Witness, beginnings, compare, head_line, posted
from bot.engine import audit_log, expiry, outbox, store
from bot.engine.engine import Engine
from bot.engine.schema import audit
from bot.errors import ChatUnavailable, StoreError
from bot.i18n import _, ngettext

log = structlog.get_logger()

#: how many witnesses are read, the last ones
MOST = 1000
#: seconds until a head that was due is looked after again: it could perhaps not be posted
_AGAIN = 15.0
#: the key under which the number of the last posted head is kept, and when that was
_POSTED = "head posted"
#: the key under which the number of the first head in a room is kept, and which room that is
_FIRST = "first head"


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
                if await _first_posted(tx, engine) is None:
                    await store.put(tx, _FIRST, f"{number} {_room(engine)}")
            await store.put(tx, _POSTED, f"{number} {engine.clock()}")
    except StoreError as error:
        log.error("head not posted", why=str(error))
    engine.outbox.wake()


async def hear(engine: Engine) -> Hearing:
    """Compare the record with what the bot said of it in the audit room."""
    room = _room(engine)
    try:
        own = await engine.chat.own_posts(room, beginnings(), MOST)
    except ChatUnavailable as error:
        # a room that is silent proves nothing against the record, and the sentence says so
        return replace(_unchecked(room, str(error)), ok=True)
    witnesses = posted(own.texts)
    async with engine.store.read() as tx:
        heard = compare(witnesses, await _hashes(tx, witnesses))
        first = await _first_posted(tx, engine)
        last, _when = await _last_posted(tx, engine)
        by_itself = await expiry.taken_back(tx) if own.removed else set()
    if heard.ok and first is not None:
        heard = _doubted(heard, room, {witness.number for witness in witnesses}, first, last)
    if removed := sum(event not in by_itself for event in own.removed):
        said = ngettext(
            "Somebody took back {count} post of the bot there.",
            "Somebody took back {count} posts of the bot there.",
            removed,
        ).format(count=removed)
        heard = replace(heard, sentence=f"{heard.sentence} {said}")
    return heard


def _doubted(heard: Hearing, room: str, numbers: set[int], first: int, last: int) -> Hearing:
    """*heard* of posts about *numbers*, where heads were posted from the *first* to the *last*."""
    if not numbers:
        why = _("heads were posted there, the last of entry {number}, and none is found")
        return _unchecked(room, why.format(number=last))
    said = [heard.sentence]
    if first < min(numbers):
        said.append(
            _("Older ones, from entry {number} on, were not compared.").format(number=first)
        )
    if last > max(numbers):
        said.append(_("The last head, of entry {number}, is not found there.").format(number=last))
    return replace(heard, sentence=" ".join(said))


def _unchecked(room: str, why: str) -> Hearing:
    sentence = _("The record was not checked against {room}: {why}.")
    return Hearing(False, sentence.format(room=room, why=why.rstrip(".")))


def _room(engine: Engine) -> str:
    return engine.audit_room or engine.rooms.main


async def _last_posted(tx: AsyncConnection, engine: Engine) -> tuple[int, float]:
    """The number that was posted last, and when; the bot's start where none was."""
    number, _space, when = (await store.get(tx, _POSTED) or f"0 {engine.started}").partition(" ")
    return int(number), float(when)


async def _first_posted(tx: AsyncConnection, engine: Engine) -> int | None:
    """The number of the first head that was posted in the room of now; None where none was."""
    number, _space, room = (await store.get(tx, _FIRST) or "").partition(" ")
    return int(number) if room == _room(engine) else None


async def _hashes(tx: AsyncConnection, witnesses: list[Witness]) -> dict[int, str]:
    numbers = {witness.number for witness in witnesses}
    query = select(audit.c.number, audit.c.hash).where(audit.c.number.in_(numbers))
    return {row.number: row.hash for row in await tx.execute(query)}
