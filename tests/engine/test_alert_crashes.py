"""``kill -9`` around what a person does to an alert: it is done once, and that is what is said."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.core.alerts import AlertState, Finding, Severity, Sight
from tests.engine.alive import Place
from tests.engine.asking import entries, state
from tests.engine.test_crashes import died

FOUND = Sight((Finding("fy", Severity.WARNING, "fy does not answer"),))


@dataclass(frozen=True)
class Case:
    """A command, what it says, and how alert 1 stands then."""

    line: str
    says: str
    stands: AlertState
    #: what was typed before
    before: str = "!ping"


CASES = [
    Case("!alert ack 1", "✔", AlertState.ACKNOWLEDGED),
    Case("!alert close 1 reason meant so", "✔", AlertState.CLOSED),
    Case("!alert silence 1 for 2h reason known", "✔", AlertState.FIRING),
    Case(
        "!alert unsilence 1",
        "✔",
        AlertState.FIRING,
        before="!alert silence 1 for 2h reason known",
    ),
]


@pytest.mark.parametrize("commit", range(1, 6))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.line)
async def test_it_is_done_once_wherever_the_bot_dies(place: Place, case: Case, commit: int) -> None:
    async with place.bot() as bot:
        await bot.ask("!ping")
        await bot.engine.alerts.saw("hosts", FOUND)
        await bot.ask(case.before)
        done = len(await entries(bot, "alert"))
        asked = bot.chat.say(case.line)
        bot.store.die_after = bot.store.commits + commit
        await died(bot.store, place, asked)
        await bot.killed()

    async with place.bot() as bot:
        said = await bot.chat.answer(asked)

        assert state(said) == "succeeded", said.plain
        assert said.plain.startswith(case.says)
        assert len(await entries(bot, "alert")) == done + 1
        alert = await bot.engine.alerts.numbered(1)
        assert alert is not None
        assert alert.state is case.stands
        assert "whole" in (await bot.ask("!audit verify")).plain
