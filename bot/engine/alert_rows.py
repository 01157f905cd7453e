"""Alerts and their messages as rows of the store, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.alerts import OPEN, Alert, AlertState, Message, Objects, Severity
from bot.core.plan import Thing
from bot.engine import schema

_alerts, _posts = schema.alerts, schema.alert_posts
#: in which an alert is still known to its source
KNOWN = (AlertState.FIRING, AlertState.ACKNOWLEDGED, AlertState.CLOSED)

# built once, for a storm needs them thousands of times
_add = insert(_alerts)
_change = update(_alerts).where(_alerts.c.id == bindparam("number"))
_add_post = insert(_posts)
_change_post = update(_posts).where(_posts.c.id == bindparam("number"))
_last = (
    select(_alerts)
    .where((_alerts.c.source == bindparam("s")) & (_alerts.c.key == bindparam("k")))
    .order_by(_alerts.c.id.desc())
    .limit(1)
)


async def current_messages(tx: AsyncConnection, since: float) -> list[Message]:
    """The messages that are not over, that say less than is known, or that are of after *since*."""
    over = _posts.c.closed.is_(None) | _posts.c.stale
    wanted = over | (_posts.c.opened > since) | (_posts.c.closed > since)
    query = select(_posts).where(wanted).order_by(_posts.c.id)
    return [_message(row) for row in await tx.execute(query)]


async def current_alerts(tx: AsyncConnection) -> list[Alert]:
    """The alerts that their source still knows, and those that a current message tells of."""
    told = select(_posts.c.id).where(_posts.c.closed.is_(None) | _posts.c.stale)
    known = _alerts.c.state.in_([state.value for state in KNOWN])
    return await _read(tx, select(_alerts).where(known | _alerts.c.post.in_(told)))


async def numbered(tx: AsyncConnection, number: int) -> Alert | None:
    """The alert *number*."""
    found = await _read(tx, select(_alerts).where(_alerts.c.id == number))
    return found[0] if found else None


async def any_open(tx: AsyncConnection, message: int) -> bool:
    """Whether the *message* tells any alert that people still have to do with."""
    is_open = _alerts.c.state.in_([state.value for state in OPEN])
    query = select(_alerts.c.id).where((_alerts.c.post == message) & is_open).limit(1)
    return await tx.scalar(query) is not None


async def ended(tx: AsyncConnection, count: int) -> list[Alert]:
    """The last *count* alerts that are over for people, newest first."""
    over = _alerts.c.state.in_([AlertState.RESOLVED.value, AlertState.CLOSED.value])
    query = select(_alerts).where(over).order_by(_alerts.c.seen.desc(), _alerts.c.id.desc())
    return await _read(tx, query.limit(count))


async def last_of(tx: AsyncConnection, source: str, key: str) -> Alert | None:
    """The newest alert that *source* knows as *key*, whether or not it is over."""
    row = (await tx.execute(_last, {"s": source, "k": key})).first()
    return None if row is None else _alert(row)


async def add(tx: AsyncConnection, alert: Alert) -> int:
    """Write down the new *alert*; returns its number."""
    result = await tx.execute(_add, _row(alert))
    return int((result.inserted_primary_key or (0,))[0])


async def change(tx: AsyncConnection, alert: Alert) -> None:
    """Write down what became of *alert*."""
    await tx.execute(_change, {"number": alert.id} | _row(alert))


async def add_message(tx: AsyncConnection, message: Message) -> int:
    """Write down the new *message*; returns its number."""
    result = await tx.execute(_add_post, _post_row(message))
    return int((result.inserted_primary_key or (0,))[0])


async def change_messages(tx: AsyncConnection, messages: Iterable[Message]) -> None:
    """Write down what became of *messages*."""
    for message in messages:
        await tx.execute(_change_post, {"number": message.id} | _post_row(message))


async def _read(tx: AsyncConnection, query: Select[Any]) -> list[Alert]:
    return [_alert(row) for row in await tx.execute(query)]


def _row(alert: Alert) -> dict[str, Any]:
    values = dict(vars(alert))
    del values["id"]
    objects = sorted([thing.value, name] for thing, name in alert.objects)
    return values | {
        "severity": int(alert.severity),
        "state": alert.state.value,
        "objects": json.dumps(objects),
    }


def _alert(row: Any) -> Alert:
    values = row._asdict()
    return Alert(
        **values
        | {
            "severity": Severity(values["severity"]),
            "state": AlertState(values["state"]),
            "objects": _objects(values["objects"]),
        }
    )


def _objects(text: str) -> Objects:
    return frozenset((Thing(thing), name) for thing, name in json.loads(text))


def _post_row(message: Message) -> dict[str, Any]:
    values = dict(vars(message))
    del values["id"]
    values["grp"] = values.pop("group")
    return values


def _message(row: Any) -> Message:
    values = row._asdict()
    values["group"] = values.pop("grp")
    return Message(**values)
