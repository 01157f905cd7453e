"""What is still to be said: kept in the store, sent in order, each exactly once.

A post is written in the transaction of what it tells, and sent under a transaction id that a second
sending keeps; so a crash between the two neither loses nor doubles it.  That it was sent is written
down beside the next sendings, for as many posts at a time as there are.

Texts go in the order in which they were queued.  An edit that comes too soon after another one in
its room waits, and lets everything else pass; the one that then goes is the latest.  Signs go when
no text can, so that they hold up no answer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import Integer, bindparam, case, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Chat, Post, PostKind
from bot.engine.outbox_rows import (
    REFUSED,
    SENT,
    WAITING,
    is_edit,
    is_passing,
    post_of,
    row_of,
    unpinned,
)
from bot.engine.schema import outbox
from bot.engine.store import Store
from bot.errors import BotError, ChatRefused, ChatUnavailable, ConfigError, StoreError
from bot.i18n import _

log = structlog.get_logger()

#: a homeserver's wish to wait so many seconds is kept within these: no slip of its silences us for
#: a day, or makes us ask without a pause
SHORTEST_ASKED, LONGEST_ASKED = 0.1, 3600.0

#: after so many bugs with one post it is passed over
MOST_BUGS = 5

#: after so many failures in a row nobody waits for a room any more
FAILURES = 3

# built once: that costs more than running them
_known = select(outbox.c.id).where(outbox.c.txn == bindparam("known"))
_queue = insert(outbox)
_before = outbox.alias()
#: texts first, signs after them; edits among either, or after all while they are not due
_turn = case(
    (outbox.c.kind != PostKind.TEXT.value, 1),
    (outbox.c.edits.is_not(None), bindparam("turn_of_edits", type_=Integer)),
    else_=0,
)
_waiting = (
    select(outbox)
    .where((outbox.c.room == bindparam("here")) & (outbox.c.state == WAITING))
    .order_by(_turn, outbox.c.id)
    .limit(bindparam("most", type_=Integer))
)
#: the edits that come before every other text, so that what they edit is not waiting itself
_edits = (
    select(outbox)
    .where((outbox.c.room == bindparam("here")) & (outbox.c.state == WAITING))
    .where((outbox.c.kind == PostKind.TEXT.value) & outbox.c.edits.is_not(None))
    .where(
        ~exists()
        .where((_before.c.room == outbox.c.room) & (_before.c.state == WAITING))
        .where((_before.c.kind == PostKind.TEXT.value) & _before.c.edits.is_(None))
        .where(_before.c.id < outbox.c.id)
    )
    .order_by(outbox.c.id)
)
_rooms = select(outbox.c.room).where(outbox.c.state == WAITING).distinct()
_counts = (
    select(outbox.c.room, func.count()).where(outbox.c.state == WAITING).group_by(outbox.c.room)
)
_event = select(outbox.c.event_id).where(outbox.c.txn == bindparam("known"))
# where a later edit took its place meanwhile, nothing has this txn any more
_mark = (
    update(outbox)
    .where(outbox.c.txn == bindparam("known"))
    .values(state=bindparam("end"), event_id=bindparam("event"))
    .values(plain="", html="", attachment="", picture=None)
)


async def put(tx: AsyncConnection, post: Post) -> None:
    """Queue *post*; an edit takes the place of one that still waits for the same message.

    `post.edits` is the txn of the message that it replaces.  A txn that was queued before is left
    as it is: it was said, or will be.
    """
    if await has(tx, post.txn):
        return
    if post.edits is not None and post.kind is PostKind.TEXT:
        # in its place, so that of several messages that are edited all the time each has its turn
        stale = (outbox.c.edits == post.edits) & (outbox.c.state == WAITING)
        stale &= outbox.c.kind == post.kind.value  # not a pin of the same message
        replaced = await tx.execute(update(outbox).where(stale).values(**row_of(post)))
        if replaced.rowcount:
            return
    await tx.execute(_queue, row_of(post))


async def has(tx: AsyncConnection, txn: str) -> bool:
    """Whether *txn* was queued, ever."""
    return (await tx.execute(_known, {"known": txn})).first() is not None


class Outbox:
    """Sends what waits: one queue a room, so that a slow room holds up no other.

    A room gets at most one edit in *edit_every* seconds.
    """

    def __init__(
        self,
        store: Store,
        chat: Chat,
        *,
        edit_every: float = 1.0,
        pause: float = 1.0,
        most_pause: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chat = chat
        self._edit_every = edit_every
        self._pause = pause
        self._most_pause = most_pause
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        #: as `_idle`, but for rooms in which nothing can be said now
        self._settled = asyncio.Event()
        #: rooms in which nothing could be said several times in a row
        self.failing: set[str] = set()
        #: rooms of which is known that something was queued there
        self._named: set[str] = set()
        #: whether other rooms have to be looked for as well
        self._look = True
        #: set for each room in which something was queued
        self._heard: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        #: the loop's time from which on a room may get its next edit
        self._edit_due: defaultdict[str, float] = defaultdict(float)
        #: the loop's time of the last edit of each message that is going to have more
        self._edited: dict[str, float] = {}
        #: txn -> state and event of what was sent and is not written down yet
        self._sent: dict[str, tuple[str, str | None]] = {}
        self._unwritten = asyncio.Event()
        #: how often a post hit a bug
        self._bugs: defaultdict[str, int] = defaultdict(int)

    def wake(self, *rooms: str) -> None:
        """Say that something was queued, in *rooms* where that is known."""
        self._idle.clear()
        self._settled.clear()
        self._look |= not rooms
        for room in rooms:
            self._named.add(room)
            self._heard[room].set()
        self._news.set()

    async def drained(self) -> None:
        """Return once nothing waits any more."""
        await self._idle.wait()

    async def settled(self) -> None:
        """Return once nothing waits but in rooms where trying again is all that happens."""
        await self._settled.wait()

    async def stuck(self) -> dict[str, int]:
        """The rooms in which nothing can be said now, and how many posts wait there."""
        if not self.failing:
            return {}
        async with self._store.read() as tx:
            counts = {room: number for room, number in await tx.execute(_counts)}
        return {room: counts[room] for room in sorted(self.failing & counts.keys())}

    async def event_of(self, txn: str) -> str | None:
        """The event that the post *txn* became; None where it is none, or not yet."""
        if txn in self._sent:
            return self._sent[txn][1]
        async with self._store.read() as tx:
            event_id: str | None = await tx.scalar(_event, {"known": txn})
            return event_id

    async def run(self) -> None:
        """Send for ever."""
        self._news.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_down())
            rooms: dict[str, asyncio.Task[None]] = {}
            while True:
                await self._news.wait()
                self._news.clear()
                for room in await self._with_news():
                    self._heard[room].set()
                    if room not in rooms or rooms[room].done():
                        rooms[room] = group.create_task(self._send_room(room))
                self._tell({room for room, task in rooms.items() if not task.done()})

    def _tell(self, busy: set[str]) -> None:
        """Say whether all is said, while posts wait in the *busy* rooms."""
        if self._news.is_set() or self._sent:
            return
        if not busy:
            self._idle.set()
        if busy <= self.failing:
            self._settled.set()

    async def _with_news(self) -> set[str]:
        named, self._named = self._named, set()
        if not self._look:
            return named
        self._look = False
        try:
            async with self._store.read() as tx:
                return named | {*await tx.scalars(_rooms)}
        except StoreError as error:
            log.error("outbox unreadable", why=str(error), pause=self._pause)
            await asyncio.sleep(self._pause)
            self.wake()
            return named

    async def _write_down(self) -> None:
        """Write down what was sent, for ever; what came meanwhile goes together."""
        while True:
            await self._unwritten.wait()
            self._unwritten.clear()
            sent = dict(self._sent)
            rows = [
                {"known": txn, "end": state, "event": event_id}
                for txn, (state, event_id) in sent.items()
            ]
            try:
                async with self._store.write() as tx:
                    await tx.execute(_mark, rows)
            except StoreError as error:
                log.error("not written down", posts=len(sent), why=str(error), pause=self._pause)
                await asyncio.sleep(self._pause)
                self._unwritten.set()
                continue
            for txn in sent:
                del self._sent[txn]
            self._news.set()

    async def _send_room(self, room: str) -> None:
        pause, failures = self._pause, 0
        while True:
            try:
                self._heard[room].clear()
                row = await self._next(room)
                if row is None:
                    if self._heard[room].is_set():
                        continue
                    break
                if is_edit(row) and (early := self._early(room)) > 0:
                    await self._news_within(room, early)
                    continue
                await self._send(row)
                pause, failures = self._pause, 0
                if room in self.failing:
                    self.failing.discard(room)
                    self._settled.clear()
            except (ChatUnavailable, StoreError) as error:
                asked = error.retry_after if isinstance(error, ChatUnavailable) else None
                log.warning("post waits", room=room, why=str(error), pause=pause, asked=asked)
                failures += 1
                if failures == FAILURES:
                    self.failing.add(room)
                    self._news.set()
                await asyncio.sleep(_spread(pause) if asked is None else _bounded(asked))
                if asked is None:
                    pause = min(pause * 2, self._most_pause)
        self._news.set()

    def _early(self, room: str) -> float:
        """Seconds until *room* may get its next edit."""
        return self._edit_due[room] - asyncio.get_running_loop().time()

    async def _news_within(self, room: str, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard[room].wait()

    async def _next(self, room: str) -> Any:
        """What is to be sent next in *room*; an edit that is not due only where all else was."""
        wanted = {
            "here": room,
            "turn_of_edits": 2 if self._early(room) > 0 else 0,
            "most": len(self._sent) + 1,
        }
        async with self._store.read() as tx:
            rows = await tx.execute(_waiting, wanted)
            row = next((row for row in rows if row.txn not in self._sent), None)
            if row is None or not is_edit(row):
                return row
            # of the messages that are edited, each in turn, however fast another one changes
            edits = [row, *await tx.execute(_edits, {"here": room})]
            rest = (each for each in edits if each.txn not in self._sent)
            return min(rest, key=lambda each: self._edited.get(each.edits, 0.0))

    async def _send(self, row: Any) -> None:
        event_id = await self._say(row)
        if is_edit(row):
            now = asyncio.get_running_loop().time()
            self._edit_due[row.room] = now + self._edit_every
            self._edited[row.edits] = now
            if not is_passing(row):
                del self._edited[row.edits]  # it was the last one
        self._sent[row.txn] = (SENT if event_id is not None else REFUSED, event_id)
        self._unwritten.set()

    async def _say(self, row: Any) -> str | None:
        """The event that *row* became; None where the chat will never take it, or shall not."""
        if row.expires is not None and row.expires <= self._clock():
            log.info("its time was over before it could be said", txn=row.txn)
            return None
        target = await self.event_of(row.edits) if row.edits else None
        if row.edits and target is None:
            if row.kind != PostKind.TEXT.value:
                return None  # what it takes back or pins was never there
            if is_passing(row):
                log.info("no message to show progress in", txn=row.txn)
                return None
            log.warning("the message to edit was never sent; sent anew", txn=row.txn)
        try:
            under = await self.event_of(row.under) if row.under else None
            return await self._chat.send(post_of(row, target, under))
        except ChatRefused as error:
            log.error("post refused", txn=row.txn, why=str(error))
            if row.kind == PostKind.PIN.value:
                await self._tell_not_pinned(row, str(error))
            return None
        except (ChatUnavailable, StoreError, ConfigError):
            raise
        except Exception as bug:
            # one post must not end the bot, now and at each start
            self._bugs[row.txn] += 1
            log.exception("outbox.bug", txn=row.txn, times=self._bugs[row.txn])
            if self._bugs[row.txn] < MOST_BUGS:
                raise ChatUnavailable(_("The post hit a bug")) from bug
            del self._bugs[row.txn]
            return None

    async def _tell_not_pinned(self, row: Any, why: str) -> None:
        """Say once in a room that nothing can be pinned there, and *why*."""
        async with self._store.write() as tx:
            await put(tx, unpinned(row, why))
        self.wake(row.room)


async def say_once(chat: Chat, post: Post) -> None:
    """Send *post* past the store, for when the store itself is what has failed; logs a failure."""
    try:
        await chat.send(post)
    except BotError as error:  # a chat has keys on disk, too
        log.error("nobody could be told", why=str(error))


def _spread(pause: float) -> float:
    """About *pause*, so that what failed together does not come back together."""
    return pause * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)


def _bounded(asked: float) -> float:
    return min(max(asked, SHORTEST_ASKED), LONGEST_ASKED)
