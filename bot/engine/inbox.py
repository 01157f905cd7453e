"""Taking in what the chat brings: sync token, handled events and new jobs in one transaction."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Batch, Kind, Message, Post
from bot.core.render import Reply
from bot.core.text import cut, is_command
from bot.engine import audit_log, denials, jobs, store
from bot.engine.engine import Engine
from bot.engine.outbox import say_once
from bot.engine.schema import handled
from bot.errors import BotError, StoreError
from bot.i18n import _

log = structlog.get_logger()

TOKEN = "sync"  # noqa: S105 (a place in a stream, no secret)


class Inbox:
    """Turns batches into jobs; `arrived` is set when there are new ones."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.arrived = asyncio.Event()
        self._told_broken = False
        #: whether a token is stored, so that a later start goes on from there
        self._begun = False
        #: the newest token that was handed over
        self._token: str | None = None

    async def since(self) -> str | None:
        """The token of the last batch that was stored."""
        async with self._engine.store.read() as tx:
            token = await store.get(tx, TOKEN)
        self._begun, self._token = token is not None, token
        return token

    async def take(self, batch: Batch) -> None:
        """Store *batch*: each command becomes a job exactly once, or none of it happened.

        Raises `StoreError`; then the room was told that commands wait.  A batch without any is let
        go instead, so that the commands behind it are heard of; a later start gets it again.
        """
        engine = self._engine
        if self._is_nothing_new(batch):
            return
        try:
            async with engine.store.write() as tx:
                for message in batch.messages:
                    await self._take_message(tx, message)
                if batch.token is not None:
                    await store.put(tx, TOKEN, batch.token)
        except StoreError as error:
            await self._say_broken(batch, error)
            if self._begun and not self._commands(batch):
                return
            raise
        self._told_broken, self._begun = False, True
        if batch.messages:
            self.arrived.set()
            engine.outbox.wake()

    def _is_nothing_new(self, batch: Batch) -> bool:
        token, self._token = self._token, batch.token or self._token
        return not batch.messages and not batch.reports and batch.token in (None, token)

    async def _take_message(self, tx: AsyncConnection, message: Message) -> None:
        now = self._engine.clock()
        seen = select(handled.c.event_id).where(handled.c.event_id == message.event_id)
        if (await tx.execute(seen)).first():
            return
        await tx.execute(insert(handled).values(event_id=message.event_id, at=now))
        if message.kind is not Kind.LINE or not is_command(message.body, self._engine.prefix):
            return
        line = cut(message.body.strip(), self._engine.command_bytes)
        person = self._engine.policy.person(message.sender)
        if person is None:
            stranger: dict[str, object] = {
                "sender": message.sender,
                "room": message.room,
                "line": line,
            }
            await denials.record(tx, message.sender, stranger, now)
            return
        number = await jobs.add(tx, message, person, line, now)
        asked = {
            "job": number,
            "person": person,
            "sender": message.sender,
            "room": message.room,
            "event": message.event_id,
            "line": line,
        }
        await audit_log.append(tx, "asked", asked, now)

    def _commands(self, batch: Batch) -> list[Message]:
        prefix = self._engine.prefix
        return [message for message in batch.messages if is_command(message.body, prefix)]

    async def _say_broken(self, batch: Batch, error: StoreError) -> None:
        """Tell the rooms once an outage, past the store."""
        engine = self._engine
        log.error("store broken", why=str(error))
        rooms = {
            message.room: message
            for message in self._commands(batch)
            if engine.policy.person(message.sender)
        }
        if self._told_broken or not rooms:
            return
        self._told_broken = True
        reply = Reply(str(error), hint=_("Commands wait until it can be written again."))
        for room, message in rooms.items():
            txn = engine.txn(f"broken-{message.event_id[-16:]}")
            post = Post(room, txn, reply.text("✘"), about=message.event_id)
            await say_once(engine.chat, post, _log_unsaid)


def _log_unsaid(error: BotError) -> None:
    log.error("nobody could be told", why=str(error))
