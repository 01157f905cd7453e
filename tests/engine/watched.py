"""What the tests of watches share: the bot's own watches, and what they told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.app import known_watches
from bot.core.watch import Watch
from tests.engine.alive import Bot

#: a look after so many seconds is over by then
SPARE = 5.0


def watches(*names: str, every: float | None = None) -> Sequence[Watch]:
    """Those of the bot's own watches that are called *names*, as often as they say."""
    found = {each.name: each for each in known_watches()}
    return [replace(found[name], every=every or found[name].every) for name in names]


def titles(bot: Bot) -> list[str]:
    """What stands now, without its details."""
    return [alert.title for alert in bot.engine.alerts.standing]


async def begun(bot: Bot) -> None:
    """Let every watch look once."""
    # recovery is over once a command is answered
    await bot.ask("!ping")
    await bot.place.later(SPARE)
