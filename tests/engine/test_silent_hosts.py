"""A Dom0 that does not answer: every answer that needed it goes on with what its iLO says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.policy import Right, Role
from bot.lab.faults import HANG, HANG_HOST, KILL_HOST, REFUSE, Fault
from tests.engine.alive import APPRENTI, POLICY, Bot, Place
from tests.engine.asking import state

LINES = ("!migrate vm fz", "!domu destroy vm", "!console redisdead", "!domu list")


@pytest.mark.parametrize("line", LINES)
async def test_a_host_that_hangs_is_told_with_what_its_ilo_says(
    bot: Bot, place: Place, line: str
) -> None:
    place.lab.fault(Fault(HANG_HOST, "fz"))

    said = await bot.ask(line)

    assert "Its iLO says: fz has power. !ilo fz console shows its screen." in said.plain


async def test_a_host_without_power_is_told_as_such(bot: Bot, place: Place) -> None:
    place.lab.fault(Fault(KILL_HOST, "fz"))

    said = await bot.ask("!migrate vm fz")

    assert state(said) == "failed"
    assert "Its iLO says: fz has no power." in said.plain


async def test_nothing_is_said_where_every_host_answers(bot: Bot) -> None:
    assert "iLO" not in (await bot.ask("!domu list")).plain


async def test_nothing_is_said_where_there_is_no_ilo(place: Place) -> None:
    place.without_ilo = frozenset({"fz"})
    place.lab.fault(Fault(KILL_HOST, "fz"))
    async with place.bot() as bot:
        assert "iLO" not in (await bot.ask("!domu list")).plain


async def test_who_may_not_ask_the_ilo_is_not_told_of_it(place: Place) -> None:
    rights = tuple(map(Right.parse, ("domu.list", "ilo.show on fy")))
    place.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": Role(rights)})
    place.lab.fault(Fault(KILL_HOST, "fz"))
    async with place.bot() as bot:
        before = len(place.sent)
        assert "iLO" not in (await bot.ask("!domu list", APPRENTI)).plain
        assert not [line for line in place.sent[before:] if line.startswith("fz-ilo")]


@pytest.mark.parametrize(
    ("fault", "words"),
    [(REFUSE, "The iLO of fz does not say more"), (HANG, "The iLO of fz does not answer either.")],
)
async def test_an_ilo_that_is_silent_too_is_no_secret_and_no_trouble(
    bot: Bot, place: Place, fault: str, words: str
) -> None:
    place.lab.fault(Fault(KILL_HOST, "fz"))
    place.lab.fault(Fault(fault, "fz-ilo"))

    assert words in (await bot.ask("!migrate vm fz")).plain


async def test_the_ilo_itself_needs_no_hint_to_itself(bot: Bot, place: Place) -> None:
    place.lab.fault(Fault(KILL_HOST, "fz"))

    assert "Its iLO says" not in (await bot.ask("!ilo fz status")).plain


async def test_a_bug_in_that_look_costs_nobody_the_answer(
    bot: Bot, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise RuntimeError("a bug")

    ilo = bot.engine.world.hosts["fz"].lights_out
    monkeypatch.setattr(ilo, "power", broken)
    place.lab.fault(Fault(KILL_HOST, "fz"))

    said = await bot.ask("!domu list")

    assert state(said) == "succeeded"
    assert "iLO" not in said.plain
