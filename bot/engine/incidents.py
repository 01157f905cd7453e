"""Incidents: what several people handle together, kept entry by entry.

The store is the truth.  Memory has how the open ones stand, up to an entry that it knows; whatever
was written since, by whomever, it reads from there on.  So an entry may be added in any transaction
of the store, together with what it tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.alerts import Alert, AlertState
from bot.core.audit import Entry as Recorded
from bot.core.incidents import Entry, EntryKind, Incident
from bot.core.text import clean
from bot.engine import audit_log, incident_posts, incident_rows, schema
from bot.engine.glass import Broken
from bot.engine.incident_rows import Timeline
from bot.i18n import _

if TYPE_CHECKING:
    from bot.engine.engine import Engine

#: how many characters of a title, and of the text of an entry, are kept
LONGEST_TITLE, LONGEST_TEXT = 150, 2000
#: how bad one is of which nobody says it: the best but one
USUAL = 3
#: how many names the alerts that an incident is opened on bring with them
_MOST_NAMES = 50
#: how many entries of a timeline are about alerts
_MOST_TOLD = 500


@dataclass(frozen=True)
class _Known:
    """The open incidents after the entry with the id *seen*."""

    open: Mapping[int, Incident] = field(default_factory=dict)
    seen: int = 0


class Incidents:
    """The incidents of this site."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known = _Known()
        #: set when a pinned message may say less than is known
        self.news = asyncio.Event()
        engine.alerts.listeners.append(self._heard)

    async def load(self) -> None:
        """Learn what the store has; raises `StoreError`."""
        async with self._engine.store.read() as tx:
            numbers = await incident_rows.opened(tx)
            found = [await incident_rows.whole(tx, number) for number in numbers]
            last = await incident_rows.last(tx)
        self._know(_Known({each.incident.id: each.incident for each in found if each}, last))
        self.news.set()

    @property
    def open(self) -> list[Incident]:
        """All open ones, oldest first."""
        return [self._known.open[number] for number in sorted(self._known.open)]

    def affecting(self, names: Collection[str]) -> list[Incident]:
        """The open ones that affect any of *names*."""
        wanted = set(names)
        return [each for each in self.open if wanted & set(each.affects)]

    async def settle(self) -> None:
        """Learn what was written in other transactions; raises `StoreError`."""
        async with self._engine.store.read() as tx:
            known = await self._caught_up(tx)
        self._know(known)

    async def numbered(self, number: int) -> Incident | None:
        """The incident *number*, open or not; None where there never was one."""
        found = await self.timeline(number)
        return found.incident if found is not None else None

    async def entries(self, number: int) -> list[Entry]:
        """The timeline of the incident *number*, oldest first."""
        found = await self.timeline(number)
        return list(found.entries) if found is not None else []

    async def timeline(self, number: int) -> Timeline | None:
        """The incident *number* and its entries, as they are at one time."""
        async with self._engine.store.read() as tx:
            return await incident_rows.whole(tx, number)

    async def latest(self, count: int) -> list[Incident]:
        """The last *count* incidents, newest first."""
        async with self._engine.store.read() as tx:
            return await incident_rows.latest(tx, count)

    async def of_message(self, event_id: str) -> int | None:
        """The number of the incident whose pinned message is *event_id*; None for any other."""
        posts, begin = schema.outbox, self.txn("")
        if not event_id:
            return None
        async with self._engine.store.read() as tx:
            txn = await tx.scalar(select(posts.c.txn).where(posts.c.event_id == event_id))
        number = (txn or "").removeprefix(begin)
        return int(number) if txn != number and number.isdecimal() else None

    def txn(self, name: int | str) -> str:
        """The txn of the pinned message of the incident *name*, or of what belongs to it."""
        return self._engine.txn(f"incident-{name}")

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes incidents; what it did counts once it is on disk."""
        async with self._engine.store.write() as tx:
            yield tx
            known = await self._caught_up(tx)
        self._know(known)
        self._engine.timekeeper.poke()

    async def begin(
        self,
        tx: AsyncConnection,
        *,
        title: str,
        severity: int = USUAL,
        person: str,
        room: str,
        job: int | None,
        objects: Collection[str] = (),
        alerts: Sequence[Alert] = (),
        audit: int | None = None,
    ) -> int:
        """Open an incident that *person* leads; returns its number.

        What is said of it goes to the main room where *room* is none of the config's.
        """
        engine, now = self._engine, self._engine.clock()
        room = room if room in engine.rooms.names else engine.rooms.main
        heard, _hash = await audit_log.head(tx)
        title = clean(title, LONGEST_TITLE)
        number = await incident_rows.begin(tx, title, room, now, heard)
        opened = {"severity": severity}
        await self.add(tx, number, EntryKind.OPENED, person, title, opened, job=job, audit=audit)
        names = dict.fromkeys([*objects, *names_of(alerts)])
        if names:
            await self.add(
                tx, number, EntryKind.AFFECTS, person, "", {"objects": [*names]}, job=job
            )
        await self._join(tx, number, alerts)
        # at once: whatever is said in its thread comes after it
        await incident_posts.show(engine, tx, number)
        return number

    async def add(
        self,
        tx: AsyncConnection,
        incident: int,
        kind: EntryKind,
        person: str = "",
        text: str = "",
        data: Mapping[str, Any] | None = None,
        *,
        job: int | None = None,
        audit: int | None = None,
        at: float | None = None,
    ) -> None:
        """Add an entry to the timeline of *incident*, and let its pinned message say so.

        *audit* is the number of the entry of the record that it comes from: where that is on the
        timeline already, nothing is added.
        """
        if audit is not None and await incident_rows.has(tx, incident, audit):
            return
        await incident_rows.add(
            tx,
            incident,
            kind,
            self._engine.clock() if at is None else at,
            person=person,
            text=clean(text, LONGEST_TEXT),
            data=data or {},
            audit=audit,
            job=job,
        )
        if kind in (EntryKind.AFFECTS, EntryKind.REOPENED):
            await self._join(tx, incident)
        # whoever hears it waits for this transaction to end
        self.news.set()

    async def glass_broken(
        self, tx: AsyncConnection, broken: Broken, recorded: Recorded, room: str
    ) -> None:
        """A broken glass is an incident, or an entry of each that is open."""
        title = _("glass broken by {person}: {reason}").format(
            person=broken.person, reason=broken.reason
        )
        known = await self._caught_up(tx)
        data = {"kind": recorded.kind, "hash": recorded.hash}
        values: dict[str, Any] = {"job": broken.job, "audit": recorded.number}
        for number in known.open:
            await self.add(tx, number, EntryKind.RECORD, broken.person, title, data, **values)
        if not known.open:
            await self.begin(tx, title=title, person=broken.person, room=room, **values)

    async def _heard(self, tx: AsyncConnection, alerts: Sequence[Alert]) -> None:
        """An alert that is about what an open incident affects belongs to it from then on."""
        known = await self._caught_up(tx)
        for incident in known.open.values():
            mine, affects = set(incident.alerts), set(incident.affects)
            heard = [each for each in alerts if each.id in mine or affects & set(each.names)]
            await self._tell_alerts(tx, incident.id, heard)

    async def _join(self, tx: AsyncConnection, number: int, alerts: Iterable[Alert] = ()) -> None:
        """Let *alerts* belong to the incident, and what fires already on what it affects."""
        found = await incident_rows.whole(tx, number)
        assert found is not None
        there, affects = set(found.incident.alerts), set(found.incident.affects)
        standing = self._engine.alerts.standing if affects else ()
        meant = {each.id: each for each in standing if affects & set(each.names)}
        meant |= {each.id: each for each in alerts}
        await self._tell_alerts(tx, number, [meant[each] for each in meant if each not in there])

    async def _tell_alerts(
        self, tx: AsyncConnection, incident: int, alerts: Sequence[Alert]
    ) -> None:
        """Add how *alerts* stand now; what is too many for a timeline is said there once."""
        if not alerts:
            return
        before = await incident_rows.count(tx, incident, EntryKind.ALERT)
        told = [_told(each) for each in alerts[: max(0, _MOST_TOLD - before)]]
        if before <= _MOST_TOLD < before + len(alerts):
            words = _(
                "more alerts than are kept here: {prefix}alert list shows those that are open"
            )
            told.append(("", words.format(prefix=self._engine.prefix), {}))
        if told:
            await incident_rows.add_alerts(tx, incident, self._engine.clock(), told)
            self.news.set()

    def _know(self, known: _Known) -> None:
        """Hold on to *known*, unless somebody who looked later was faster."""
        if known.seen >= self._known.seen:
            self._known = known

    async def _caught_up(self, tx: AsyncConnection) -> _Known:
        """What is known, and whatever *tx* sees of what was added since."""
        before = self._known
        opened = dict(before.open)
        read: set[int] = set()
        seen = before.seen
        for number, entry in await incident_rows.since(tx, seen):
            seen = entry.id
            if number in opened and number not in read:
                opened[number] = opened[number].with_entry(entry)
            elif number not in read:
                # new, or reopened; its other entries are read with this one
                read.add(number)
                found = await incident_rows.whole(tx, number)
                assert found is not None
                opened[number] = found.incident
        return _Known({n: each for n, each in opened.items() if each.open}, seen)


def names_of(alerts: Iterable[Alert]) -> list[str]:
    """What *alerts* are about, as far as an incident that is opened on them takes it over."""
    return [*dict.fromkeys(name for alert in alerts for name in alert.names)][:_MOST_NAMES]


def _told(alert: Alert) -> tuple[str, str, dict[str, Any]]:
    """Who did it, the title and the data of an entry about *alert*."""
    by = alert.by if alert.state in (AlertState.ACKNOWLEDGED, AlertState.CLOSED) else ""
    data = {"alert": alert.id, "state": alert.state.value, "severity": alert.severity.name.lower()}
    return by, clean(alert.title, LONGEST_TEXT), {**data, "since": alert.since}
