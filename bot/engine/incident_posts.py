"""What the room sees of incidents: one pinned message each, edited in place, and reminders."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core import incident_text
from bot.core.alerts import Alert
from bot.core.chat import Post, PostKind, Text
from bot.core.incidents import EntryKind, Incident
from bot.core.render import Reply
from bot.core.rooms import LOCAL
from bot.engine import incident_rows, outbox
from bot.engine.incident_rows import Timeline
from bot.errors import StoreError
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine

log = structlog.get_logger()

#: seconds between two rounds: what comes in between is one edit
PACE = 1.0


async def keep_pinned(engine: Engine) -> None:
    """Let each pinned message say what is known, for ever; a store that fails is tried again."""
    while True:
        await engine.incidents.news.wait()
        engine.incidents.news.clear()
        try:
            await tell(engine)
        except StoreError as error:
            log.error("incidents not told", why=str(error))
            engine.incidents.news.set()
        await asyncio.sleep(PACE)


async def tell(engine: Engine) -> None:
    """Show each incident of which the room reads less than is known; raises `StoreError`."""
    async with engine.incidents.write() as tx:
        for number in await incident_rows.stale(tx):
            await show(engine, tx, number)
    engine.outbox.wake()


async def show(engine: Engine, tx: AsyncConnection, number: int) -> None:
    """Let the pinned message of the incident *number* say all that is known within *tx*."""
    found = await incident_rows.whole(tx, number)
    assert found is not None
    await incident_rows.mark(tx, number, stale=False)
    incident, now = found.incident, engine.clock()
    first = engine.incidents.txn(incident.id)
    was_said = await outbox.has(tx, first)
    reply = incident_text.status(
        incident, found.entries, alerts_of(engine, incident), engine.prefix, now
    )
    txn = _of_edit(first, found, now) if was_said else first
    await outbox.put(tx, Post(incident.room, txn, reply.text(), edits=first if was_said else None))
    kind = PostKind.PIN if incident.open else PostKind.UNPIN
    turn = found.last(EntryKind.OPENED, EntryKind.REOPENED, EntryKind.RESOLVED)
    # once for each time that it was opened or resolved
    pin = f"{first}-{kind.value}-{turn.id}"
    await outbox.put(tx, Post(incident.room, pin, Text("", ""), edits=first, kind=kind))


def _of_edit(first: str, found: Timeline, now: float) -> str:
    """A txn for what is shown after the last entry, or once an update is overdue."""
    due = found.incident.due
    late = "-late" if due is not None and due <= now else ""
    return f"{first}-{found.entries[-1].id}{late}"


def alerts_of(engine: Engine, incident: Incident) -> list[Alert]:
    """The open alerts that belong to *incident*, worst first."""
    return [alert for alert in engine.alerts.standing if alert.id in incident.alerts]


def in_thread(
    engine: Engine, incident: Incident, name: str, reply: Reply, persons: Collection[str] = ()
) -> Post:
    """*reply* in the thread of *incident*, calling *persons*; said once for each *name*, ever."""
    called = [
        user
        for user, person in engine.policy.persons.items()
        if person in persons and not user.startswith(LOCAL)
    ]
    return Post(
        incident.room,
        engine.incidents.txn(f"{incident.id}-{name}"),
        reply.text(),
        mentions=tuple(called),
        under=engine.incidents.txn(incident.id),
        threaded=True,
    )


class Reminders:
    """Calls who leads an incident when an update of it is due: once for each time named."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: which incident was reminded of which time; what is said again after a restart is known
        #: to the outbox by its txn
        self._said: set[tuple[int, float]] = set()

    def next_due(self) -> float | None:
        """When the next one is due; None where none is."""
        waiting = [
            each.due
            for each in self._engine.incidents.open
            if each.due is not None and (each.id, each.due) not in self._said
        ]
        return min(waiting, default=None)

    async def remind(self, now: float) -> None:
        """Call for every update that is due by *now*; raises `StoreError`."""
        engine = self._engine
        said = set()
        async with engine.incidents.write() as tx:
            for number in await incident_rows.opened(tx):
                found = await incident_rows.whole(tx, number)
                if found is None or found.incident.due is None or found.incident.due > now:
                    continue
                due = found.incident.due
                post = self._reminder(found.incident, due)
                if not await outbox.has(tx, post.txn):
                    await outbox.put(tx, post)
                    await incident_rows.mark(tx, number, stale=True)
                said.add((number, due))
        self._said = said
        engine.incidents.news.set()
        engine.outbox.wake()

    def _reminder(self, incident: Incident, due: float) -> Post:
        prefix = self._engine.prefix
        words = _("⏰ {lead}, an update of incident {number} is due.")
        reply = Reply(
            words.format(lead=incident.lead, number=incident.id),
            hint=_(
                "{prefix}incident status TEXT says what is thought now; "
                "{prefix}incident update in 30m sets the next one."
            ).format(prefix=prefix),
        )
        name = f"due-{int(due * 1000):x}"
        return in_thread(self._engine, incident, name, reply, [incident.lead])
