"""What waits from the local chat is not held for the homeserver's silence."""

from __future__ import annotations

import pytest

from bot.core.chat import Message, Proof
from bot.core.jobs import State
from bot.engine import jobs
from tests.engine.alive import Place, opened
from tests.fakes import NOUNOU, ROOM

LOCAL = "local:anna"


async def waiting(place: Place, room: str, proof: Proof, seconds_ago: float) -> str:
    """A command that a bot took in so long ago, and died before it began with it."""
    message = Message(f"${room}", room, NOUNOU, "!ping", proof=proof)
    async with opened(place.folder) as store, store.write() as tx:
        await jobs.add(tx, message, "nounou", message.body, place.clock() - seconds_ago)
    return message.event_id


async def silent_for_long(place: Place) -> None:
    """A bot heard from the homeserver long ago, and was there since."""
    async with place.bot() as bot:
        await bot.ask("!ping")
    await place.later(place.timing.away * 10)


@pytest.mark.parametrize("proof", [Proof.PLAIN, Proof.TERMINAL])
async def test_what_was_typed_a_moment_ago_is_run_after_a_restart(
    place: Place, proof: Proof
) -> None:
    await silent_for_long(place)
    typed = await waiting(place, LOCAL, Proof.LOCAL, 5)
    posted = await waiting(place, ROOM, proof, 5)

    async with place.bot() as bot:
        answer = await bot.chat.answer(typed)
        async with bot.store.read() as tx:
            held = await jobs.of_event(tx, posted)

    assert "pong" in answer.plain
    assert held is not None
    assert held.state is State.HELD


@pytest.mark.parametrize("seconds_ago", [1_000_000.0, -60.0])
async def test_what_was_typed_long_ago_is_held_like_the_rest(
    place: Place, seconds_ago: float
) -> None:
    await silent_for_long(place)
    typed = await waiting(place, LOCAL, Proof.LOCAL, seconds_ago)

    async with place.bot() as bot:
        await bot.chat.until(
            lambda: any("was not run" in said.plain for said in bot.chat.said(LOCAL))
        )
        async with bot.store.read() as tx:
            held = await jobs.of_event(tx, typed)

    assert held is not None
    assert held.state is State.HELD
