"""Alerts for tests of what people do with them."""

from __future__ import annotations

from dataclasses import replace

from bot.core.alerts import Finding, Objects, Severity, Sight
from bot.core.plan import Thing
from bot.core.policy import Right, Role
from tests.engine.alive import POLICY, Bot, Place
from tests.fakes import Said


def about(*names: str) -> Objects:
    return frozenset((Thing.DOMU, name) for name in names)


def finding(key: str, *names: str, **more: object) -> Finding:
    """One that is critical, about DomUs *names*."""
    made = Finding(key, Severity.CRITICAL, f"{key} is broken", about(*names))
    return replace(made, **more)  # type: ignore[arg-type]


async def fire(bot: Bot, *findings: Finding) -> None:
    """The watch "guests" finds these and nothing else, and the room has been told."""
    await bot.engine.alerts.saw("guests", Sight(findings))
    if findings:
        last = findings[-1].title
        await bot.chat.until(lambda: any(last in said.plain for said in alert_messages(bot)))


def alert_messages(bot: Bot) -> list[Said]:
    """The messages about alerts, in the order in which they appeared."""
    mark = bot.engine.txn("alert-")
    return [said for said in bot.chat.said() if said.post.txn.startswith(mark)]


def message(bot: Bot, words: str) -> str:
    """The event id of the message about alerts that says *words*."""
    return next(said.event_id for said in alert_messages(bot) if words in said.plain)


def allow(place: Place, *allow: str, deny: tuple[str, ...] = ()) -> None:
    """Let the apprentice do this and nothing else."""
    role = Role(tuple(map(Right.parse, allow)), tuple(map(Right.parse, deny)))
    place.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": role})
