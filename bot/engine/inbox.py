"""Taking in what the chat brings: sync token, handled events and new jobs in one transaction."""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Batch, Kind, Message, Post
from bot.core.render import Reply
from bot.core.text import is_command
from bot.engine import jobs, store
from bot.engine.absence import Presence, look_back
from bot.engine.engine import Engine
from bot.engine.incoming import Incoming
from bot.engine.outbox import say_once
from bot.errors import StoreError
from bot.i18n import _

log = structlog.get_logger()

TOKEN = "sync"  # noqa: S105 (a place in a stream, no secret)


class Inbox:
    """Turns batches into jobs; `Engine.arrived` is set when there are new ones."""

    def __init__(self, engine: Engine, main_room: str) -> None:
        self._engine = engine
        self._main_room = main_room
        #: the rooms that know of the outage
        self._told_broken: set[str] = set()
        self._presence: Presence | None = None
        #: whether a token is stored, so that a later start goes on from there
        self._begun = False
        #: the token that an earlier life of the bot stored last
        self._token: str | None = None
        #: for how long the bot was away before `since` was asked, where that was too long
        self.away_at_start: float | None = None
        #: the last job that was there when `since` was asked
        self.last_at_start = 0
        #: whether what waited then is sorted out
        self.looked_back = True

    async def since(self) -> str | None:
        """The token of the last batch that was stored."""
        self._presence = None
        self.away_at_start = (await self._remember()).away()
        async with self._engine.store.read() as tx:
            self.last_at_start = await jobs.last(tx)
        self.looked_back = False
        return self._token

    async def take(self, batch: Batch) -> None:
        """Store *batch*: each command becomes a job exactly once, or none of it happened.

        Raises `StoreError`; then the room was told that commands wait.  A batch in which nothing
        matters is let go instead, so that the commands behind it are heard of: an edit or a report
        in it is lost, unless the bot starts anew before a later one is stored.
        """
        presence = await self._remember()
        heard = batch.token is not None
        if self._is_nothing_new(batch) and not (heard and presence.due):
            if heard:
                presence.heard()
            return
        away = presence.away() if heard else None
        try:
            noted = await self._store(batch, presence, away)
        except StoreError as error:
            await self._say_broken(batch, error)
            if heard and away is None:
                # it was heard from all the same; what comes until it can be stored is not late
                presence.heard()
            if not self._begun or any(map(self._matters, batch.messages)):
                raise
            return
        self._told_broken.clear()
        self._begun = self._begun or heard
        if heard:
            self.looked_back = True
            presence.heard(noted=noted)

    async def _store(self, batch: Batch, presence: Presence, away: float | None) -> float | None:
        """All of *batch*, or nothing; returns what is noted of the time, where that counts."""
        noted = None
        async with self._engine.store.write() as tx:
            incoming = Incoming(self._engine, tx, away)
            for message in batch.messages:
                await incoming.take(message)
            await incoming.hold_late()
            for report in batch.reports:
                await incoming.report(report, self._main_room)
            if batch.token is not None:
                await store.put(tx, TOKEN, batch.token)
                # together: after a crash between the two, what was there would just be begun
                await self.look_back(tx)
                noted = await presence.note(tx)
        if incoming.told or not self.looked_back:
            self._engine.outbox.wake()
        if away is not None or not self.looked_back:
            self._engine.look_for_jobs()
        elif incoming.new:
            self._engine.begin(incoming.new)
        return noted

    async def look_back(self, tx: AsyncConnection) -> None:
        """Sort out what waited when `since` was asked, unless that was done; for the dispatcher."""
        if not self.looked_back:
            await look_back(self._engine, tx, self.away_at_start, self.last_at_start)

    async def _remember(self) -> Presence:
        """What an earlier life of the bot wrote down: where it stopped, and when."""
        if self._presence is None:
            presence = Presence(self._engine.clock, self._engine.timing.away)
            async with self._engine.store.read() as tx:
                self._token = await store.get(tx, TOKEN)
                await presence.load(tx, first=self._token is None)
            self._presence, self._begun = presence, self._token is not None
        return self._presence

    def _is_nothing_new(self, batch: Batch) -> bool:
        """Whether *batch* brings nothing but a token, which a later one or the time will store.

        The bot's own messages come so, one batch each; from an older token on they come once more.
        """
        return self._begun and not batch.messages and not batch.reports

    def _matters(self, message: Message) -> bool:
        """Whether somebody would miss *message*: a command, an answer, or what takes one back."""
        return message.kind in (Kind.REMOVAL, Kind.REACTION) or self._is_command(message)

    def _is_command(self, message: Message) -> bool:
        return message.kind is Kind.LINE and is_command(message.body, self._engine.prefix)

    async def _say_broken(self, batch: Batch, error: StoreError) -> None:
        """Tell each room once an outage, past the store."""
        engine = self._engine
        log.error("store broken", why=str(error))
        rooms = {
            message.room: message
            for message in batch.messages
            if self._is_command(message) and engine.policy.person(message.sender)
        }
        reply = Reply(str(error), hint=_("Commands wait until it can be written again."))
        for room, message in rooms.items():
            if room in self._told_broken:
                continue
            self._told_broken.add(room)
            txn = engine.txn(f"broken-{message.event_id[-16:]}")
            post = Post(room, txn, reply.text("✘"), about=message.event_id)
            await say_once(engine.chat, post)
