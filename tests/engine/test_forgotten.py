"""What the bot forgets of old messages, and what it knows of them all the same."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from bot.core.chat import Batch, Message
from bot.core.jobs import State
from bot.engine import housekeeping, jobs, schema
from bot.engine.inbox import Inbox
from tests.engine.alive import Bot, Place, TestedStore
from tests.fakes import NOUNOU, ROOM

MONTHS = 60 * 86400.0


def line(event_id: str) -> Message:
    return Message(event_id, ROOM, NOUNOU, "!ping")


async def known(store: TestedStore) -> set[str]:
    async with store.read() as tx:
        return set(await tx.scalars(select(schema.handled.c.event_id)))


async def test_a_command_that_is_delivered_again_once_it_is_forgotten_is_no_second_job(
    place: Place, store: TestedStore
) -> None:
    """Nor does it make the bot deaf: what comes with it is taken in."""
    engine = place.engine(store)
    await Inbox(engine, ROOM).take(Batch("1", (line("$old"),)))
    later = replace(engine, clock=lambda: place.clock() + MONTHS)
    await housekeeping._forget(later)
    assert await known(store) == set()

    await Inbox(later, ROOM).take(Batch("2", (line("$old"), line("$new"))))

    async with store.read() as tx:
        assert [job.event_id for job in await jobs.in_states(tx, State)] == ["$old", "$new"]


async def test_events_are_forgotten_while_the_bot_lives_and_seals_and_reports_are_kept(
    place: Place, bot: Bot
) -> None:
    async with bot.store.write() as tx:
        for key in ("$event", "seal:x", "report:invitation:x"):
            row = {"event_id": key, "at": place.clock() - MONTHS}
            await tx.execute(schema.handled.insert().values(**row))

    await place.later(2 * 3600)

    assert await known(bot.store) >= {"seal:x", "report:invitation:x"}
    assert "$event" not in await known(bot.store)
