"""A job that was running when the bot died: whether it begins anew, and what is said where not."""

from __future__ import annotations

import pytest

from bot.engine.context import Context
from bot.errors import Failed
from tests.engine.alive import Place
from tests.engine.away import state
from tests.engine.toys import Toys

AUDIT = "#audit:localhost"


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    place.audit_room = AUDIT
    return place


async def dies_in_its_step(place: Place, toys: Toys, found: Exception) -> str:
    """A bot dies in a step; the next has *found* what became of it."""

    async def turn(ctx: Context) -> None:
        async with ctx.step("turn the screw", changes=True):
            toys._did("turn")
            await toys.gate("turn").wait()

    async def look(ctx: Context) -> None:
        raise found

    toys.work, toys.recovers = {"it": turn}, look
    place.registry = toys.registry()
    async with place.bot() as bot:
        asked = bot.chat.say("!change it")
        await toys.until("turn")
        await bot.killed()
    toys.gate("turn").set()
    return asked


async def test_what_failed_after_a_step_of_an_earlier_life_is_told_in_the_audit_room(
    place: Place, toys: Toys
) -> None:
    asked = await dies_in_its_step(place, toys, Failed("The screw is broken."))

    async with place.bot() as bot:
        said = await bot.chat.answer(asked)
        await bot.engine.outbox.drained()

    assert state(said) == "failed"
    assert "!change it → failed" in place.chat.said(AUDIT)[-1].plain
