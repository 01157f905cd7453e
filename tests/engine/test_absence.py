"""A bot that was away: what it begins by itself when it comes back, and what it only answers."""

from __future__ import annotations

from bot.core.chat import Message
from bot.engine import jobs
from bot.engine.jobs import Job
from tests.engine.alive import Place, opened
from tests.fakes import NOUNOU, ROOM


async def accepted(place: Place, line: str, seconds_ago: float) -> Job:
    """A command that a bot took in so long ago, and died before it began with it."""
    async with opened(place.folder) as store:
        async with store.write() as tx:
            message = Message("$then", ROOM, NOUNOU, line)
            number = await jobs.add(tx, message, "nounou", line, place.clock() - seconds_ago)
        async with store.read() as tx:
            job = await jobs.get(tx, number)
    assert job is not None
    return job


async def test_a_command_of_a_short_absence_is_begun_by_itself(place: Place) -> None:
    job = await accepted(place, "!migrate vm fz", place.timing.resume_within - 60)

    async with place.bot():
        answer = await place.chat.answer(job.event_id)

    assert "vm runs on fz, and only there" in answer.plain
    assert place.where("vm") == ["fz"]


async def test_a_command_of_a_long_absence_is_answered_and_not_begun(place: Place) -> None:
    job = await accepted(place, "!migrate vm fz", place.timing.resume_within + 60)

    async with place.bot():
        answer = await place.chat.answer(job.event_id)

    assert "too old" in answer.plain
    assert "Send !migrate vm fz again" in answer.plain
    assert place.migrations() == []
    assert place.where("vm") == ["fy"]
