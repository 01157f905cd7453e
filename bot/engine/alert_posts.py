"""What the room reads of alerts: one message for each, edited as it goes, and who is called."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core import alert_text
from bot.core.alerts import Alert, AlertState, Message
from bot.core.calling import persons
from bot.core.chat import Post
from bot.core.render import Reply
from bot.core.rooms import LOCAL
from bot.engine import alert_rows, outbox
from bot.errors import StoreError

if TYPE_CHECKING:
    from bot.engine.alert_desk import Change
    from bot.engine.engine import Engine

log = structlog.get_logger()

#: seconds between two rounds: nobody reads faster, however fast alerts come
PACE = 1.0
#: seconds after which is looked whether somebody has to be called, where nothing else happens:
#: jobs and holds end without a word to us
LOOK_AGAIN = 5.0


async def keep_telling(engine: Engine) -> None:
    """Say what there is to say of alerts, for ever; a store that fails is tried again."""
    while True:
        engine.alerts.news.clear()
        try:
            await tell(engine)
        except StoreError as error:
            log.error("alerts not told", why=str(error))
            engine.alerts.news.set()
        await asyncio.sleep(PACE)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN):
                await engine.alerts.news.wait()


async def tell(engine: Engine) -> None:
    """Show each message that says less than is known, and call whoever has to be called."""
    teller = Teller(engine)
    if not teller.wanted(engine.alerts.desk.messages.values()):
        return
    async with engine.alerts.change() as change:
        await teller.tell(change)
    engine.outbox.wake(engine.rooms.main)


class Teller:
    """One round of telling."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._now = engine.clock()
        self._of = engine.alerts.desk.by_message()

    def wanted(self, messages: Iterable[Message]) -> bool:
        """Whether there is anything to say of *messages*."""
        return any(self._is_stale(message) or self._due(message) for message in messages)

    def _is_stale(self, message: Message) -> bool:
        """Whether *message* says less than is known, or no longer why nobody is called."""
        if message.stale:
            return True
        told = self._engine.alerts.told_muted.get(message.id, "")
        return message.closed is None and told != self._muted(self._of[message.id])

    async def tell(self, change: Change) -> None:
        """Say it, within *change*."""
        self._of = change.desk.by_message()
        told = []
        for message in list(change.desk.messages.values()):
            due = self._due(message)
            if due or self._is_stale(message):
                await self._tell(change.tx, message, due)
                done = replace(message, stale=False)
                if due:
                    done = replace(done, called=self._now, calls=message.calls + 1)
                change.desk.messages[message.id] = done
                told.append(done)
        await alert_rows.change_messages(change.tx, told)
        change.desk.forget(self._now, self._engine.calling.comes_back)
        told_muted = self._engine.alerts.told_muted
        for number in told_muted.keys() - change.desk.messages.keys():
            del told_muted[number]

    async def _tell(self, tx: AsyncConnection, message: Message, due: list[Alert]) -> None:
        engine, alerts = self._engine, self._of[message.id]
        first = engine.txn(f"alert-{message.id}")
        was_said = await outbox.has(tx, first)
        whom = self._whom(message, due) if due else ()
        if due or not was_said or self._is_stale(message):
            muted = self._muted(alerts)
            engine.alerts.told_muted[message.id] = muted
            shown = alert_text.told(alerts, muted, engine.prefix, self._now)
            engine.edits += 1
            txn = f"{first}-{int(self._now * 1000):x}.{engine.edits}" if was_said else first
            edits = first if was_said else None
            called = () if was_said else whom
            await outbox.put(tx, self._post(txn, shown, called, edits=edits))
        if due and was_said and (whom or message.calls):
            again = alert_text.again(due, engine.prefix, self._now)
            txn = f"{first}-call-{int(self._now * 1000):x}"
            await outbox.put(tx, self._post(txn, again, whom, under=first))

    def _due(self, message: Message) -> list[Alert]:
        """The alerts about which people are to be called now; none where nobody is."""
        if message.closed is not None:
            return []
        firing = [each for each in self._of[message.id] if each.state is AlertState.FIRING]
        if not firing or not self._is_time(message, firing):
            return []
        return [each for each in firing if not self._engine.alerts.muted(each)]

    def _is_time(self, message: Message, firing: Sequence[Alert]) -> bool:
        if message.called is None:
            return True
        repeat = self._engine.calling.of(max(each.severity for each in firing)).repeat
        return repeat is not None and self._now >= message.called + repeat

    def _whom(self, message: Message, due: Sequence[Alert]) -> tuple[str, ...]:
        engine = self._engine
        call = engine.calling.of(max(alert.severity for alert in due))
        wanted = persons(engine.policy, call.whom(message.calls + 1))
        return tuple(
            user
            for user, person in engine.policy.persons.items()
            if person in wanted and not user.startswith(LOCAL)
        )

    def _muted(self, alerts: Sequence[Alert]) -> str:
        """Why nobody is called about any of *alerts*; empty where somebody is."""
        why = ""
        for alert in alerts:
            if alert.open:
                why = self._engine.alerts.muted(alert)
                if not why:
                    return ""
        return why

    def _post(
        self,
        txn: str,
        reply: Reply,
        whom: tuple[str, ...],
        *,
        edits: str | None = None,
        under: str | None = None,
    ) -> Post:
        return Post(
            self._engine.rooms.main,
            txn,
            reply.text(),
            edits=edits,
            mentions=whom,
            threaded=under is not None,
            under=under,
        )
