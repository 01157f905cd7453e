"""A bot that was away for long, and what it says of it."""

from __future__ import annotations

from bot.engine import jobs
from bot.engine.jobs import Job
from tests.engine.alive import Bot, Place
from tests.fakes import NOUNOU, Said

LONG = 14 * 60.0


async def lived(place: Place) -> None:
    """A bot was there, and heard from the chat just now."""
    async with place.bot() as bot:
        await bot.ask("!ping")


async def missed(place: Place, *lines: str, sender: str = NOUNOU, away: float = LONG) -> list[str]:
    """A bot that lived, died, and missed *lines*; returns their events."""
    await lived(place)
    asked = place.chat.say_all(lines, sender)
    await place.later(away)
    return asked


def lists(place: Place) -> list[Said]:
    """What the bot said of commands that it does not run."""
    return [said for said in place.chat.said() if said.plain.startswith("⏸ I was away")]


async def listed(place: Place, count: int = 1) -> Said:
    """The last of *count* lists, once they are there."""
    await place.chat.until(lambda: len(lists(place)) >= count)
    return lists(place)[-1]


async def job(bot: Bot, event_id: str) -> Job:
    async with bot.store.read() as tx:
        found = await jobs.of_event(tx, event_id)
    assert found is not None
    return found


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state
