"""!clock fix never lets a clock jump otherwise than was shown, confirmed and allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.plan import Thing
from bot.core.risk import Risk
from bot.lab.clocks.link import Link
from tests.engine.alive import Bot, Place
from tests.engine.asking import state
from tests.engine.mending import how_far, mending, off, service, told

BURST = "vm: chronyc burst 4/4"
#: the Dom0, the one guest there that nobody can look into, and its transfers
LOCKED = ["clock", "domu", "migration"]


@pytest.fixture
def site(place: Place) -> Place:
    site = mending(place)
    site.approvals = Approvals(by_risk={Risk.INTERRUPTS: Need.CONFIRM})
    return site


@asynccontextmanager
async def asking(site: Place, line: str) -> AsyncIterator[tuple[Bot, str]]:
    async with site.bot() as bot:
        yield bot, bot.chat.say(line, proof=Proof.SIGNED)


async def card_that_waits(site: Place, line: str) -> str:
    """What is shown where a word is waited for; fails where none is."""
    async with asking(site, line) as (bot, asked):
        await bot.code(asked)
        assert told(site) == []
        return bot.chat.about(asked)[-1].plain


@pytest.mark.parametrize("jump", [600.0, -600.0])
async def test_a_clock_that_jumps_while_it_is_waited_for_is_not_stepped(
    site: Place, jump: float
) -> None:
    off(site, "vm", -2.0)
    async with asking(site, "!clock fix vm") as (bot, asked):
        await bot.chat.until(lambda: bool(told(site)))
        off(site, "vm", jump)
        said = await bot.chat.answer(asked)

    assert state(said) == "refused", said.plain
    assert "The clock of vm was not stepped: it was 2.00 s ± " in said.plain
    assert "and is 9 min 58 s" in said.plain or "and is 10 min 02 s" in said.plain
    assert "Send the command again" in said.plain
    assert told(site) == [BURST]


@pytest.mark.parametrize(("grown", "limit"), [(7200.0, "2 h 46 min"), (60.0, "1 min 40 s")])
async def test_a_step_that_grew_after_it_was_shown_is_confirmed_anew(
    site: Place, grown: float, limit: str
) -> None:
    off(site, "vm", 2.0)
    async with asking(site, "!clock fix vm") as (bot, asked):
        code = await bot.code(asked)
        off(site, "vm", grown)
        bot.chat.say(f"!confirm {code}", proof=Proof.SIGNED)
        said = await bot.chat.answer(asked)

    assert state(said) == "refused", said.plain
    assert f"vm is ahead by less than {limit}" in said.plain
    assert told(site) == []


async def test_a_slew_that_may_be_a_step_back_waits_for_a_word(site: Place) -> None:
    # chrony.conf: makestep 0.1 -1
    off(site, "vm", 0.8)

    card = await card_that_waits(site, "!clock fix vm")

    assert "by its own configuration it may step the clock instead" in card
    assert "the clock goes back by 800 ms" in card


async def test_a_slew_forward_waits_for_nobody(site: Place) -> None:
    off(site, "vm", -0.8)
    async with asking(site, "!clock fix vm") as (bot, asked):
        said = await bot.chat.answer(asked)

    assert state(said) == "succeeded", said.plain


async def test_the_guests_that_go_with_a_slew_are_named_and_not_touched_on_hold(
    site: Place,
) -> None:
    site.lab.timepieces["vm"].independent = False
    off(site, "fy", 0.8)
    async with site.bot() as bot:
        card = await bot.ask("!clock fix fy --dry-run")
        await bot.ask("!hold vm reason work")
        held = await bot.ask("!clock fix fy")

    assert "the clocks of its guests go with it: vm" in card.plain
    assert state(held) == "refused"
    assert told(site) == []


async def test_a_start_that_may_step_back_within_the_error_waits_for_a_word(site: Place) -> None:
    service(site, "zamok").alive = False
    off(site, "zamok", 0.35)
    site.lab.links["zamok"] = Link(delay=0.8)

    card = await card_that_waits(site, "!clock fix zamok")

    assert "zamok is within the error (± " in card
    assert "the clock may go back" in card


async def test_a_start_within_an_error_that_is_too_small_for_a_step_waits_for_nobody(
    site: Place,
) -> None:
    service(site, "zamok").alive = False
    async with asking(site, "!clock fix zamok") as (bot, asked):
        said = await bot.chat.answer(asked)

    assert state(said) == "succeeded", said.plain


async def test_a_guest_that_may_follow_its_dom0_is_not_touched_on_hold(site: Place) -> None:
    # nobody can look into it
    site.lab.timepieces["owl"].independent = False
    off(site, "fy", -5.0)
    async with site.bot() as bot:
        await bot.ask("!hold owl reason work")
        held = await bot.ask("!clock fix fy")
        await bot.ask("!release owl")
        asked = bot.chat.say("!clock fix fy")
        await bot.chat.until(lambda: bool(told(site)))
        [run] = bot.engine.running.values()
        assert run.plan is not None
        assert (Thing.DOMU, "owl") in run.plan.touches
        assert [key.partition("/")[0] for key in sorted(run.plan.keys)] == LOCKED
        said = await bot.chat.answer(asked)

    assert state(held) == "refused"
    assert state(said) == "succeeded", said.plain
    assert "went with it" not in said.plain


@pytest.mark.parametrize(
    ("name", "seconds"), [("redisdead", 0.9), ("redisdead", -0.5), ("zamok", 0.2)]
)
async def test_a_restart_that_may_step_needs_the_right_to_step(
    site: Place, name: str, seconds: float
) -> None:
    site.clock_rules = replace(site.clock_rules, may_step=False)
    service(site, name).alive = False
    off(site, name, seconds)
    async with site.bot() as bot:
        said = await bot.ask(f"!clock fix {name}")

    assert state(said) == "refused", said.plain
    assert "clock.step" in said.plain
    assert told(site) == []
    assert how_far(site, name) == pytest.approx(abs(seconds), abs=0.01)


async def test_a_restart_that_does_not_step_needs_no_right_to_step(site: Place) -> None:
    site.clock_rules = replace(site.clock_rules, may_step=False)
    off(site, "redisdead", -0.2)
    async with site.bot() as bot:
        said = await bot.ask("!clock fix redisdead")

    assert told(site) == ["redisdead: systemctl restart systemd-timesyncd"], said.plain


async def test_the_card_of_the_bots_own_domu_says_whose_deadlines_go_by_it(site: Place) -> None:
    site.own = replace(site.own, bot="vm")
    off(site, "vm", 2.0)

    card = await card_that_waits(site, "!clock fix vm")

    assert "the bot itself runs there: its deadlines go by that clock" in card
