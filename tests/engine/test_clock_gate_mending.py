"""The way on that the gate names leads through it."""

from __future__ import annotations

import pytest

from tests.engine.alive import Place
from tests.engine.asking import state
from tests.engine.mending import mending, off, told


@pytest.mark.parametrize("behind", [0.02, 0.033])
async def test_a_clock_too_little_off_to_be_slewed_is_stepped_before_a_move(
    place: Place, behind: float
) -> None:
    site = mending(place)
    off(site, "fz", -behind)
    async with site.bot() as bot:
        refused = await bot.ask("!migrate vm fz --dry-run")
        without = await bot.ask("!clock fix fz")
        assert told(site) == []
        mended = await bot.ask("!clock fix fz --step")
        moved = await bot.ask("!migrate vm fz --dry-run")

    assert state(refused) == "refused"
    assert "Mend it: !clock fix fz --step" in refused.plain
    assert "!clock fix fz --step steps it all the same." in without.plain
    assert "chrony stepped the clock of fz" in mended.plain
    assert state(moved) == "succeeded", moved.plain
