"""Alerts: what watches and other programs say is wrong, told once, kept, acted on.

Each word of a source is on disk before it counts.  What many say at once is written together.  What
people read of it is made by `bot.engine.alert_posts`, as fast as people can read and no faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.alert_text import worst_first
from bot.core.alerts import Alert, AlertState, Finding, Sight, Told
from bot.engine import alert_rows, audit_log, jobs, schema
from bot.engine.alert_desk import Change, Desk, bounded
from bot.engine.mirror import Mirror
from bot.engine.muting import Silence, muted_by_work
from bot.errors import Refused, StoreError

if TYPE_CHECKING:
    from bot.engine.engine import Engine
    from bot.engine.jobs import Job

#: hears of all that changed, in the transaction that changes it
Listener = Callable[[AsyncConnection, Sequence[Alert]], Awaitable[None]]


#: how many words are written together: between two such parts the loop turns to people
TOGETHER = 100


@dataclass(eq=False)
class _Words:
    """What one source said, until it is on disk."""

    source: str
    fire: Sequence[Finding]
    end: Sequence[str]
    written: bool = False
    error: StoreError | None = None


class Alerts:
    """The alerts of this site."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = Desk()
        self._lock = asyncio.Lock()
        self._waiting: list[_Words] = []
        #: nobody knows whether the last change is on disk
        self._doubtful = True
        self._silences = Mirror(engine.store, schema.silences, Silence)
        #: set when there is something to say
        self.news = asyncio.Event()
        self.listeners: list[Listener] = []
        #: what the message with each number says of why nobody is called
        self.told_muted: dict[int, str] = {}
        engine.timekeeper.due("silences", self._silences.next_due, self._end_silences)

    async def load(self) -> None:
        """Learn what the store has; raises `StoreError`."""
        await self._silences.load()
        async with self._lock:
            await self._load()
        self.news.set()

    @property
    def desk(self) -> Desk:
        """All that is current, as the store has it; not to be changed."""
        return self._desk

    @property
    def standing(self) -> list[Alert]:
        """The alerts that people still have to do with, worst first."""
        return worst_first([alert for alert in self._desk.alerts.values() if alert.open])

    def silence_of(self, alert: Alert) -> Silence | None:
        """The silence that counts for *alert* now."""
        for silence in self._silences.active(self._engine.clock()):
            if (silence.source, silence.key) == (alert.source, alert.key):
                return silence
        return None

    def muted(self, alert: Alert) -> str:
        """Why nobody is called about *alert* now, as a sentence; empty where somebody is."""
        silence = self.silence_of(alert)
        if silence is not None:
            return silence.sentence(self._engine.clock())
        return muted_by_work(self._engine, alert)

    async def saw(self, source: str, sight: Sight) -> None:
        """Take in all that the watch *source* finds wrong now; raises `StoreError`.

        What it does not name any more is over, unless nobody could look.
        """
        found = {finding.key: finding for finding in map(bounded, sight.findings)}
        desk = self._desk
        fire = [each for each in found.values() if self._is_news(desk.of(source, each.key), each)]
        end = [
            alert.key
            for alert in desk.of_source(source)
            if alert.key not in found and not alert.objects & sight.unseen
        ]
        if fire or end or self._doubtful:
            await self._take(_Words(source, list(found.values()), end))

    async def told(self, source: str, words: Sequence[Told]) -> None:
        """Take in what a program says; it is on disk when this returns.  Raises `StoreError`."""
        # the last word on each counts: one batch may hold several
        last = {word.finding.key: word for word in words}
        fire = [word.finding for word in last.values() if word.firing]
        end = [word.finding.key for word in last.values() if not word.firing]
        await self._take(_Words(source, fire, end))

    async def numbered(self, number: int) -> Alert | None:
        """The alert *number*; None where there never was one."""
        async with self._engine.store.read() as tx:
            return await alert_rows.numbered(tx, number)

    async def recent(self, count: int) -> list[Alert]:
        """The last *count* alerts that are over for people, newest first."""
        async with self._engine.store.read() as tx:
            return await alert_rows.ended(tx, count)

    async def of_message(self, event_id: str) -> list[Alert]:
        """The open alerts that the bot's message *event_id* tells of, worst first."""
        async with self._engine.store.read() as tx:
            return await self.told_by(tx, event_id)

    async def is_message(self, event_id: str) -> bool:
        """Whether the bot's message *event_id* is about alerts, open or not."""
        async with self._engine.store.read() as tx:
            return await self.message_of(tx, event_id) is not None

    async def told_by(self, tx: AsyncConnection, event_id: str) -> list[Alert]:
        """As `of_message`, within a transaction."""
        number = await self.message_of(tx, event_id)
        found = [alert for alert in self._desk.alerts.values() if alert.post == number]
        return worst_first([alert for alert in found if alert.open])

    async def message_of(self, tx: AsyncConnection, event_id: str) -> int | None:
        """The number of the message about alerts that the event *event_id* is or belongs to."""
        posts = schema.outbox
        txn = await tx.scalar(select(posts.c.txn).where(posts.c.event_id == event_id))
        begin = self._engine.txn("alert-")
        if not event_id or txn is None or not txn.startswith(begin):
            return None
        return int(txn.removeprefix(begin).partition("-")[0])

    async def acknowledge(self, job: Job, alerts: Iterable[Alert], sentence: str) -> None:
        """Let the asker of *job* take *alerts* on, which says so with *sentence*.

        Raises `Refused` where none of them can be.
        """

        async def one(change: Change, alert: Alert) -> None:
            await change.acknowledge(alert, job.person)

        await self._act(job, "alert.ack", alerts, sentence, one, "acknowledged")

    async def close(self, job: Job, alerts: Iterable[Alert], reason: str, sentence: str) -> None:
        """End *alerts* for people: none fires again before it was gone; raises as `acknowledge`."""

        async def one(change: Change, alert: Alert) -> None:
            await change.close(alert, job.person)

        await self._act(job, "alert.close", alerts, sentence, one, "closed", reason=reason)

    async def silence(
        self, job: Job, alerts: Sequence[Alert], until: float, reason: str, sentence: str
    ) -> None:
        """Let nobody be called about *alerts* until then; a silence that stands is replaced."""
        now = self._engine.clock()
        async with self._silences.write() as tx:
            await self._lift(tx, alerts, now)
            for alert in alerts:
                await self._silences.add(
                    tx,
                    source=alert.source,
                    key=alert.key,
                    reason=reason,
                    person=job.person,
                    job=job.id,
                    since=now,
                    until=until,
                )
            more = {"until": until, "reason": reason}
            await self._record(tx, job, "alert.silence", "silenced", alerts, more)
            await jobs.done(tx, job.id, sentence)
        self.news.set()
        self._engine.timekeeper.poke()

    async def unsilence(self, job: Job, alerts: Sequence[Alert], sentence: str) -> None:
        """End the silence of *alerts*; one that has none is left as it is."""
        async with self._silences.write() as tx:
            await self._lift(tx, alerts, self._engine.clock())
            await self._record(tx, job, "alert.silence", "unsilenced", alerts, {})
            await jobs.done(tx, job.id, sentence)
        self.news.set()

    async def _lift(self, tx: AsyncConnection, alerts: Iterable[Alert], now: float) -> None:
        meant = {(alert.source, alert.key) for alert in alerts}
        for silence in self._silences.active(now):
            if (silence.source, silence.key) in meant:
                await self._silences.end(tx, silence.id, "lifted", now)

    async def _end_silences(self, now: float) -> None:
        await self._silences.settle()
        over = self._silences.over(now)
        async with self._silences.write() as tx:
            for silence in over:
                await self._silences.end(tx, silence.id, "ended", now)
        self.news.set()

    async def _now(self, change: Change, alert: Alert) -> Alert:
        """How *alert* stands now, which may be long over."""
        if (now := change.desk.alerts.get(alert.id)) is not None:
            return now
        return await alert_rows.numbered(change.tx, alert.id) or alert

    async def _act(
        self,
        job: Job,
        verb: str,
        alerts: Iterable[Alert],
        sentence: str,
        one: Callable[[Change, Alert], Awaitable[None]],
        what: str,
        **more: str,
    ) -> None:
        async with self.change() as change:
            done: list[Alert] = []
            error = None
            for alert in alerts:
                now = await self._now(change, alert)
                try:
                    await one(change, now)
                    done.append(now)
                except Refused as refused:
                    error = refused
            if error is not None and not done:
                raise error
            await self._record(change.tx, job, verb, what, done, more)
            await jobs.done(change.tx, job.id, sentence)

    async def _record(
        self,
        tx: AsyncConnection,
        job: Job,
        verb: str,
        what: str,
        alerts: Iterable[Alert],
        more: dict[str, object] | dict[str, str],
    ) -> None:
        chosen = list(alerts)
        data = {
            "person": job.person,
            "job": job.id,
            "verb": verb,
            "objects": sorted({name for alert in chosen for name in alert.names}),
            "alerts": [alert.id for alert in chosen][:100],
            "what": what,
            **more,
        }
        await audit_log.append(tx, "alert", data, self._engine.clock())

    def _is_news(self, alert: Alert | None, finding: Finding) -> bool:
        return alert is None or not alert.says(finding)

    async def _take(self, words: _Words) -> None:
        """Write *words*, together with all that others say meanwhile."""
        self._waiting.append(words)
        try:
            async with self._lock:
                while not words.written:
                    await self._write_some()
        finally:
            if words in self._waiting:
                self._waiting.remove(words)
        if words.error is not None:
            raise words.error

    def _next(self) -> list[_Words]:
        """Take out what is written together next."""
        many = 0
        for place, words in enumerate(self._waiting):
            many += len(words.fire) + len(words.end)
            if place and many > TOGETHER:
                break
        else:
            place = len(self._waiting)
        found, self._waiting = self._waiting[:place], self._waiting[place:]
        return found

    async def _write_some(self) -> None:
        """Write what waited longest, all of it or nothing; the lock is held."""
        waiting = self._next()
        error = None
        try:
            async with self._changing() as change:
                for words in waiting:
                    for finding in words.fire:
                        await change.fire(words.source, finding)
                    for key in words.end:
                        await change.end(words.source, key)
        except StoreError as failed:
            error = failed
        except BaseException:
            # whoever wrote for all was cancelled: the next of them does
            self._waiting = waiting + self._waiting
            raise
        for words in waiting:
            words.written, words.error = True, error

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """A transaction that changes alerts: all of it is on disk in the end, or nothing."""
        async with self._lock, self._changing() as change:
            yield change

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Change]:
        if self._doubtful:
            await self._load()
        calling, desk = self._engine.calling, self._desk.draft()
        try:
            async with self._engine.store.write() as tx:
                change = Change(tx, desk, self._engine.clock(), calling, self.muted)
                yield change
                if change.moved:
                    for listener in self.listeners:
                        await listener(tx, change.moved)
                await change.write()
        except BaseException:
            self._doubtful = True
            raise
        self._desk = desk
        for alert in change.moved:
            if alert.state is AlertState.FIRING:
                self._engine.tally.fired[alert.source, alert.severity.name.lower()] += 1
        self.news.set()

    async def _load(self) -> None:
        async with self._engine.store.read() as tx:
            comes_back = self._engine.calling.comes_back
            desk = await Desk.load(tx, self._engine.clock(), comes_back)
        self._desk, self._doubtful = desk, False
