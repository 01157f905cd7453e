"""What a person's look at a console showed, where no watch can: told as alerts all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.alerts import Alert, Finding, Told
from bot.core.console import Condition, Notice
from bot.core.console_alerts import (
    PROMPTS,
    SEVERITIES,
    SOURCE,
    UNTIL_BOOT,
    booted,
    condition_of,
    finding,
    over,
)
from bot.core.plan import Thing
from bot.devices.console import Way
from bot.engine.consoles import Shot
from bot.errors import DeviceError, Refused

if TYPE_CHECKING:
    from bot.engine.engine import Engine


async def noticed(engine: Engine, shot: Shot) -> None:
    """Tell as alerts what *shot* shows, and end those that it shows to be over.

    Of a guest whose host keeps a log nothing is told: the watch reads it.  Raises `StoreError`.
    """
    if shot.way is Way.LOG or shot.screen.empty:
        return
    thing = Thing.DOMU if shot.guest else Thing.HOST
    found = {each.condition: each for each in shot.notices if _is_new(each, shot)}
    words = [
        # whoever reads a console holds it alone: nobody is at work in a session that it shows
        Told(finding(thing, shot.whose, shot.host, notice), firing=True)
        for notice in found.values()
        if notice.condition in SEVERITIES and shot.fresh
    ]
    for alert in engine.alerts.desk.of_source(SOURCE):
        if (thing, shot.whose) in alert.objects and _over(alert, shot, found, engine.clock()):
            words.append(Told(Finding(alert.key, alert.severity, alert.title), firing=False))
    if words and not await _is_watched(engine, shot):
        await engine.alerts.told(SOURCE, words)


def _is_new(notice: Notice, shot: Shot) -> bool:
    """False for an event of which only what was read before tells: it was told when it came."""
    lasts = notice.condition in PROMPTS | UNTIL_BOOT
    return lasts or shot.news is None or notice.condition in shot.news


def _over(alert: Alert, shot: Shot, found: dict[Condition, Notice], now: float) -> bool:
    condition = condition_of(alert.key)
    if condition is None or condition in found:
        return False
    return over(condition, found, now - alert.seen, boot=booted(shot.screen))


async def _is_watched(engine: Engine, shot: Shot) -> bool:
    """Whether the watch sees this console; true as well where that cannot be asked."""
    host = engine.world.hosts.get(shot.host)
    if not shot.guest or host is None:
        return False
    try:
        return await host.toolstack.console_printed(shot.guest) is not None
    except (DeviceError, Refused):
        return True
