"""!clock fix: what it refuses, what it sends, and that the clock has the last word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.risk import Risk
from bot.core.time_service import Standing, Sync
from bot.engine.clocks import ClockRules
from bot.engine.world import Timing
from tests.engine.alive import Place
from tests.engine.asking import state
from tests.engine.timekeeping import TimedPlace, timed
from tests.fakes import Said


@pytest.fixture
def site(place: Place) -> TimedPlace:
    """A site where nothing waits for an approval."""
    site = timed(place)
    site.approvals = Approvals(by_risk={})
    site.timing = Timing(follow_every=2.0)
    site.clock_rules = ClockRules(patience=60.0)
    return site


async def fix(site: TimedPlace, line: str = "!clock fix vm") -> Said:
    async with site.bot() as bot:
        return await bot.ask(line)


def off(site: TimedPlace, seconds: float, name: str = "vm") -> None:
    site.lab.timepieces[name].step(seconds)


async def test_a_small_offset_is_slewed_away(site: TimedPlace) -> None:
    off(site, 0.2)

    said = await fix(site)

    assert state(said) == "succeeded"
    assert said.plain.startswith("✔ The clock of vm is right: it was 200 ms ± ")
    assert site.told() == ["vm: burst"]
    assert abs(site.lab.timepieces["vm"].offset) < 0.05


@pytest.mark.parametrize("seconds", [2.0, -2.0, 400.0])
async def test_a_large_one_is_stepped_once_its_time_service_sees_it(
    site: TimedPlace, seconds: float
) -> None:
    off(site, seconds)

    said = await fix(site)

    assert state(said) == "succeeded"
    assert said.plain.startswith("✔ chrony stepped the clock of vm")
    assert site.told() == ["vm: burst", "vm: makestep"]
    assert abs(site.lab.timepieces["vm"].offset) < 0.001


async def test_a_small_one_is_stepped_where_that_is_asked_for(site: TimedPlace) -> None:
    site.daemons["vm"].slews = 0.0
    off(site, 0.03)

    said = await fix(site, "!clock fix vm --step")

    assert state(said) == "succeeded"
    assert "vm: makestep" in site.told()


@pytest.mark.parametrize("offset", [0.0, 0.03])
async def test_where_nothing_is_to_be_mended_nothing_is_done(
    site: TimedPlace, offset: float
) -> None:
    off(site, offset)

    said = await fix(site)

    assert state(said) == "succeeded"
    assert "nothing was done" in said.plain
    assert site.told() == []


async def test_a_dead_service_is_started_where_the_config_allows_it(site: TimedPlace) -> None:
    site.daemons["vm"].sync = Sync.DEAD
    site.clock_rules = replace(site.clock_rules, may_restart=True)
    off(site, 0.3)

    said = await fix(site)

    assert state(said) == "succeeded"
    assert said.plain.startswith("✔ chrony runs anew on vm")
    assert site.told() == ["vm: restart"]


async def test_a_dom0_is_mended_and_no_guest_moves_meanwhile(site: TimedPlace) -> None:
    off(site, -5.0, "fy")
    async with site.bot() as bot:
        asked = bot.chat.say("!clock fix fy")
        await bot.chat.until(lambda: site.told() == ["fy: burst"])
        [run] = bot.engine.running.values()
        assert run.plan is not None
        assert run.plan.keys == {"clock/fy", "migration/fy"}
        said = await bot.chat.answer(asked)

    assert state(said) == "succeeded"
    assert site.told() == ["fy: burst", "fy: makestep"]


# -- refusals: nothing is sent


async def refused(site: TimedPlace, line: str = "!clock fix vm") -> str:
    said = await fix(site, line)
    assert state(said) == "refused", said.plain
    assert site.told() == []
    return said.plain


async def test_one_without_a_way_in_is_refused(site: TimedPlace) -> None:
    assert "guests.owl.ssh" in await refused(site, "!clock fix owl")


async def test_one_that_does_not_run_is_refused(site: TimedPlace) -> None:
    assert "no DomU called wm" in await refused(site, "!clock fix wm")


async def test_a_reference_that_most_clocks_doubt_is_not_followed(site: TimedPlace) -> None:
    for name in ("fy", "fz", "vm"):
        off(site, 30.0, name)

    assert "it would spread a wrong time" in await refused(site)


async def test_without_a_time_service_it_says_what_to_install(site: TimedPlace) -> None:
    del site.daemons["vm"]
    off(site, 0.3)

    assert "Install chrony there" in await refused(site)


async def test_a_dead_service_is_left_to_people_unless_allowed(site: TimedPlace) -> None:
    site.daemons["vm"].sync = Sync.DEAD

    assert "clock.restart" in await refused(site)


async def test_a_dead_service_is_not_started_where_that_would_step(site: TimedPlace) -> None:
    site.daemons["vm"].sync = Sync.DEAD
    site.clock_rules = replace(site.clock_rules, may_restart=True, may_step=False)
    off(site, 3.0)

    assert "may not step clocks" in await refused(site)


async def test_no_clock_is_stepped_where_the_config_forbids_it(site: TimedPlace) -> None:
    site.clock_rules = replace(site.clock_rules, may_step=False)
    off(site, 2.0)

    assert "clock.step" in await refused(site)


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing.FALSE, "disagree with one another: ntp1"),
        (Standing.SILENT, "None of the sources of chrony answers: ntp1"),
        (Standing.UNUSABLE, "too variable"),
    ],
)
async def test_sources_of_no_use_are_the_cause(
    site: TimedPlace, standing: Standing, why: str
) -> None:
    site.daemons["vm"].sync = Sync.UNSYNCHRONISED
    site.daemons["vm"].standing = standing
    off(site, 2.0)

    assert why in await refused(site)


# -- what goes otherwise


async def test_a_source_with_a_wrong_time_is_never_stepped_to(site: TimedPlace) -> None:
    off(site, 2.0)
    site.daemons["vm"].source = 2.0

    said = await fix(site)

    assert state(said) == "refused"
    assert "its own sources say another time" in said.plain
    assert "chrony holds the clock to be right" in said.plain
    assert site.told() == ["vm: burst"]


async def test_where_it_does_not_help_it_says_what_the_service_says(site: TimedPlace) -> None:
    off(site, 0.3)
    site.daemons["vm"].source = 0.3

    said = await fix(site)

    assert state(said) == "failed"
    assert "is no better" in said.plain
    assert "chrony holds the clock to be right" in said.plain


async def test_a_slow_slew_is_begun_and_says_how_long_it_takes(site: TimedPlace) -> None:
    off(site, 0.8)
    site.daemons["vm"].slews = 500.0

    said = await fix(site)

    assert state(said) == "succeeded"
    assert "is being slewed" in said.plain
    assert "about 23 min 5" in said.plain


async def test_a_step_whose_answer_was_lost_is_read_back(site: TimedPlace) -> None:
    off(site, 2.0)
    site.daemons["vm"].loses_answers = True

    said = await fix(site)

    assert state(said) == "succeeded"
    assert site.told() == ["vm: burst", "vm: makestep"]


async def test_a_step_that_never_arrived_is_not_sent_again(site: TimedPlace) -> None:
    off(site, 2.0)
    site.daemons["vm"].saw = 2.0
    site.daemons["vm"].loses_answers = site.daemons["vm"].shirks = True

    said = await fix(site)

    assert state(said) == "failed"
    assert "is no better" in said.plain
    assert site.told() == ["vm: burst", "vm: makestep"]


async def test_a_machine_that_forbids_it_says_so(site: TimedPlace) -> None:
    off(site, 2.0)
    site.daemons["vm"].forbids = "sudo: a password is required"

    said = await fix(site)

    assert state(said) == "failed"
    assert "Nothing was done to the clock of vm: sudo: a password is required" in said.plain


# -- whose word it waits for


@pytest.mark.parametrize(
    ("seconds", "line", "waits"),
    [
        (2.0, "!clock fix vm", True),
        (0.3, "!clock fix vm --step", True),
        (-2.0, "!clock fix vm", False),
        (0.3, "!clock fix vm", False),
    ],
)
async def test_only_a_step_back_interrupts_and_has_to_be_confirmed(
    site: TimedPlace, seconds: float, line: str, waits: bool
) -> None:
    site.approvals = Approvals(by_risk={Risk.INTERRUPTS: Need.CONFIRM})
    site.lab.timepieces["vm"].drift(20.0)
    off(site, seconds)
    async with site.bot() as bot:
        asked = bot.chat.say(line, proof=Proof.SIGNED)
        if waits:
            code = await bot.code(asked)
            assert "Dovecot" in bot.chat.about(asked)[-1].plain
            assert site.told() == []
            # the clock drifts on while somebody reads: other digits are no other plan
            await site.later(120.0)
            bot.chat.say(f"!confirm {code}", proof=Proof.SIGNED)
        said = await bot.chat.answer(asked)

    assert state(said) == "succeeded", said.plain


async def test_the_card_shows_what_would_be_done_and_does_nothing(site: TimedPlace) -> None:
    off(site, 2.0)

    said = await fix(site, "!clock fix vm --dry-run")

    assert "Nothing was done" in said.plain
    for text in (
        "✔ vm is 2.00 s ± 5.0 ms ahead, against the bot's own clock  [date +%s.%N]",
        "it is vm that is wrong",
        "✔ chrony runs and follows ntp1",
        "… the clock goes back by 2.00 s",
        "step the clock of vm back",
    ):
        assert text in said.plain
    assert site.told() == []
