"""The alerts that still matter, in memory as the store has them, and how words change them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.alerts import TOLD, Alert, AlertEvent, AlertState, Finding, Message, Severity, after
from bot.core.calling import Calling
from bot.core.text import clean, clean_lines
from bot.engine import alert_rows as rows

#: the group of all that is too much to get messages of their own
STORM = "storm"
#: seconds in which new messages are counted
MINUTE = 60.0
#: characters that are kept of a source's words
LONGEST_KEY = 200
_LONGEST = {"title": 300, "details": 2000, "hint": 500, "url": 1000}


@dataclass
class Desk:
    """What is current.  A draft of it is changed, and takes its place once that is on disk."""

    alerts: dict[int, Alert] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    #: the number of each alert that its source still knows
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    #: how many alerts of each message people still have to do with
    open: Counter[int] = field(default_factory=Counter)
    #: how many of each message and severity fire
    firing: Counter[tuple[int, Severity]] = field(default_factory=Counter)

    @classmethod
    async def load(cls, tx: AsyncConnection, now: float, comes_back: float) -> Desk:
        """All that is current in the store, and what may come back within so many seconds."""
        desk = cls()
        for message in await rows.current_messages(tx, now - max(MINUTE, comes_back)):
            desk.messages[message.id] = message
        for alert in await rows.current_alerts(tx):
            desk.put(alert)
        return desk

    def draft(self) -> Desk:
        """A copy to change."""
        return Desk(
            dict(self.alerts),
            dict(self.messages),
            dict(self.known),
            Counter(self.open),
            Counter(self.firing),
        )

    def of(self, source: str, key: str) -> Alert | None:
        """The alert that *source* still knows as *key*."""
        number = self.known.get((source, key))
        return None if number is None else self.alerts[number]

    def of_source(self, source: str) -> list[Alert]:
        """All alerts that *source* still knows."""
        return [
            self.alerts[number] for (name, _key), number in self.known.items() if name == source
        ]

    def by_message(self) -> dict[int, list[Alert]]:
        """The alerts that each message tells of, oldest first."""
        found: dict[int, list[Alert]] = {number: [] for number in self.messages}
        for alert in self.alerts.values():
            found.setdefault(alert.post, []).append(alert)
        return found

    def put(self, alert: Alert) -> None:
        """Take in what became of *alert*."""
        if (before := self.alerts.get(alert.id)) is not None:
            self._count(before, -1)
        self._count(alert, 1)
        self.alerts[alert.id] = alert
        if alert.state in rows.KNOWN:
            self.known[alert.source, alert.key] = alert.id
        else:
            self.known.pop((alert.source, alert.key), None)

    def _count(self, alert: Alert, by: int) -> None:
        self.open[alert.post] += by * alert.open
        self.firing[alert.post, alert.severity] += by * (alert.state is AlertState.FIRING)

    def forget(self, now: float, comes_back: float) -> None:
        """Forget the messages that are over and say so, with their alerts, once none comes back."""
        gone = {
            number
            for number, message in self.messages.items()
            if message.closed is not None
            and not message.stale
            and message.closed <= now - comes_back
            and message.opened <= now - MINUTE
        }
        if not gone:
            return
        for alert in [each for each in self.alerts.values() if each.post in gone]:
            if alert.state not in rows.KNOWN:
                del self.alerts[alert.id]
        for number in gone:
            del self.messages[number]
            self.open.pop(number, None)
            for severity in Severity:
                self.firing.pop((number, severity), None)


class Change:
    """One transaction that changes alerts: what it does to the draft it does to the store."""

    def __init__(
        self,
        tx: AsyncConnection,
        desk: Desk,
        now: float,
        calling: Calling,
        muted: Callable[[Alert], str],
    ) -> None:
        self.tx = tx
        self.desk = desk
        self.now = now
        self._calling = calling
        self._muted = muted
        #: each alert that came into another state, in order
        self.moved: list[Alert] = []
        self._groups = {
            message.group: message.id
            for message in desk.messages.values()
            if message.closed is None
        }
        #: messages to be written when all is done
        self._touched: set[int] = set()

    async def fire(self, source: str, finding: Finding) -> None:
        """The *source* says that this is so."""
        finding = bounded(finding)
        alert = self.desk.of(source, finding.key)
        if alert is None:
            before = await rows.last_of(self.tx, source, finding.key)
            back = (
                before is not None and self.now - (before.ended or 0.0) < self._calling.comes_back
            )
            if before is not None and back:
                await self._again(before, finding)
            else:
                await self._first(source, finding)
        elif not alert.says(finding):
            worse = finding.severity > alert.severity
            event = AlertEvent.WORSEN if worse else AlertEvent.FIRE
            changes = _told(finding)
            if worse and alert.post not in self.desk.messages:
                # it was closed so long ago that nobody looks at its message
                changes["post"] = await self._message_of(source, finding)
            await self._move(alert, event, changes)
            if worse:
                self._call_anew(self.desk.alerts[alert.id].post)

    def _comes_back(self, alert: Alert) -> bool:
        """Whether *alert*, which is over, ended so recently that it would be the old one."""
        return self.now - (alert.ended or 0.0) < self._calling.comes_back

    async def end(self, source: str, key: str) -> None:
        """The *source* says that this is over."""
        alert = self.desk.of(source, _key(key))
        if alert is not None:
            await self._move(alert, AlertEvent.END, {"ended": self.now})

    async def acknowledge(self, alert: Alert, person: str) -> None:
        """A *person* takes it on; raises `Refused` where that cannot be."""
        await self._move(alert, AlertEvent.ACKNOWLEDGE, {"by": person, "acked": self.now})

    async def close(self, alert: Alert, person: str) -> None:
        """For people it is over; raises `Refused` where it is already."""
        await self._move(alert, AlertEvent.CLOSE, {"by": person, "ended": self.now})

    def touch(self, number: int) -> None:
        """The message *number* says less than is known; one that is over for long is left alone."""
        if number not in self.desk.messages:
            return
        self.desk.messages[number] = replace(self.desk.messages[number], stale=True)
        self._touched.add(number)

    async def write(self) -> None:
        """Write down what became of the messages."""
        messages = self.desk.messages
        for number in self._touched:
            over = not self.desk.open[number]
            closed = (messages[number].closed or self.now) if over else None
            messages[number] = replace(messages[number], closed=closed)
        await rows.change_messages(self.tx, [messages[number] for number in sorted(self._touched)])

    async def _first(self, source: str, finding: Finding) -> None:
        alert = Alert(
            id=0,
            source=source,
            key=finding.key,
            post=await self._message_of(source, finding),
            state=AlertState.FIRING,
            since=self.now if finding.since is None else min(finding.since, self.now),
            seen=self.now,
            ended=None,
            times=1,
            **_told(finding),
        )
        self._moved(replace(alert, id=await rows.add(self.tx, alert)))

    async def _again(self, alert: Alert, finding: Finding) -> None:
        """It comes back so soon that it is the same: in its old message, where that can be."""
        message = self.desk.messages.get(alert.post)
        if message is None or message.closed is not None:
            alert = replace(alert, post=await self._message_of(alert.source, finding, alert))
        anew = {"ended": None, "times": alert.times + 1, "by": "", "acked": None}
        # nobody is called for its coming back alone: in its old message they are at their turn
        await self._move(alert, AlertEvent.FIRE, _told(finding) | anew)

    async def _move(self, alert: Alert, event: AlertEvent, changes: dict[str, Any]) -> None:
        state = after(alert.state, event)
        moved = replace(alert, state=state, seen=self.now, **changes)
        await rows.change(self.tx, moved)
        self._moved(moved, told=state is not alert.state)

    def _moved(self, alert: Alert, *, told: bool = True) -> None:
        self.desk.put(alert)
        self.touch(alert.post)
        if told:
            self.moved.append(alert)

    def _call_anew(self, number: int) -> None:
        message = replace(self.desk.messages[number], called=None, calls=0)
        self.desk.messages[number] = message

    async def _message_of(self, source: str, finding: Finding, before: Alert | None = None) -> int:
        """The message that tells *finding*: that of its group, a new one, or that of the storm."""
        group = _group(source, finding)
        if (number := self._groups.get(group)) is not None:
            self._worse(number, finding.severity)
            return number
        old = self.desk.messages.get(before.post) if before is not None else None
        if old is not None and old.group == group:
            self._groups[group] = old.id
            return old.id
        recent = sum(each.opened > self.now - MINUTE for each in self.desk.messages.values())
        if recent >= self._calling.messages_a_minute:
            group = STORM
            if (number := self._groups.get(group)) is not None:
                self._worse(number, finding.severity)
                return number
        message = Message(0, group, self.now)
        number = await rows.add_message(self.tx, message)
        self.desk.messages[number] = replace(message, id=number)
        self._groups[group] = number
        return number

    def _worse(self, number: int, severity: Severity) -> None:
        """Somebody is called anew where what joins a message is worse than all that they know."""
        # newest first: in a storm the answer is the first one
        for alert in reversed(self.desk.alerts.values()):
            known = alert.post == number and alert.state is AlertState.FIRING
            if known and alert.severity >= severity and not self._muted(alert):
                return
        self._call_anew(number)


def bounded(finding: Finding) -> Finding:
    """The *finding* with texts that are fit to be shown, and no longer than people read."""
    texts: dict[str, Any] = {
        name: clean(getattr(finding, name), most) for name, most in _LONGEST.items()
    }
    texts["details"] = clean_lines(finding.details, _LONGEST["details"])
    return replace(finding, key=_key(finding.key), **texts)


def _told(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in TOLD}


def _key(key: str) -> str:
    if len(key) <= LONGEST_KEY and key.isprintable():
        return key
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def _group(source: str, finding: Finding) -> str:
    return _key(f"{source}:{finding.group or finding.key}")
