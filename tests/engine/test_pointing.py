"""A command that was typed in a thread, or as an answer, is so for as long as it is known."""

from __future__ import annotations

import pytest

from bot.core.chat import Message
from bot.engine import jobs
from bot.engine.store import Store
from tests.engine.alive import Place
from tests.fakes import NOUNOU, ROOM


@pytest.mark.parametrize(("thread", "answers"), [("$t", "$a"), ("$t", ""), ("", "$a"), ("", "")])
async def test_a_job_keeps_where_its_command_pointed(
    store: Store, thread: str, answers: str
) -> None:
    message = Message("$1", ROOM, NOUNOU, "!ping", thread=thread, answers=answers)
    async with store.write() as tx:
        added = await jobs.add(tx, message, "nounou", "!ping", 1.0)
    async with store.read() as tx:
        kept = await jobs.get(tx, added.id)

    assert kept == added
    assert (added.thread, added.answers) == (thread, answers)


async def test_also_after_the_bot_began_anew(place: Place) -> None:
    async with place.bot() as bot:
        asked = bot.chat.say("!ping", thread="$root", answers="$alert")
        await bot.chat.answer(asked)
        await bot.killed()

    async with place.bot() as bot, bot.store.read() as tx:
        job = await jobs.of_event(tx, asked)

    assert job is not None
    assert (job.thread, job.answers) == ("$root", "$alert")
