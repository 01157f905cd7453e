"""``kill -9`` of the bot while it mends a clock: nothing is sent twice, and the truth is said."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.core.approvals import Approvals
from bot.core.time_service import Sync
from bot.engine.clocks import ClockRules
from tests.engine.alive import Place
from tests.engine.test_crashes import comes_back, died, sample
from tests.engine.timekeeping import TimedPlace, timed
from tests.fakes import Said

#: mending a clock has so many commits, and so many passages of its wires, at most
COMMITS, PASSAGES = 30, 400


@dataclass(frozen=True)
class Case:
    """What is wrong with the clock of vm, and what it takes to mend it."""

    line: str
    off: float
    sends: tuple[str, ...]
    dead: bool = False


CASES = [
    Case("!clock fix vm", 0.2, ("vm: burst",)),
    Case("!clock fix vm", 2.0, ("vm: burst", "vm: makestep")),
    Case("!clock fix vm", -2.0, ("vm: burst", "vm: makestep")),
    Case("!clock fix vm", 0.2, ("vm: restart",), dead=True),
]


@pytest.fixture
def site(place: Place) -> TimedPlace:
    """A site where nothing waits for an approval."""
    site = timed(place)
    site.approvals = Approvals(by_risk={})
    site.clock_rules = ClockRules(patience=20.0, may_restart=True)
    return site


def begin(site: TimedPlace, case: Case) -> None:
    site.lab.timepieces["vm"].step(case.off)
    site.daemons["vm"].slews = 10_000.0
    if case.dead:
        site.daemons["vm"].sync = Sync.DEAD


async def dies_and_comes_back(
    site: TimedPlace, case: Case, after: float, *, die_after: int | None = None
) -> None:
    begin(site, case)
    async with site.bot(die_after=die_after) as bot:
        asked = site.chat.say(case.line)
        if await died(bot.store, site, asked):
            await bot.killed()

    said = await comes_back(site, asked, after)

    assert [each for each in site.chat.about(asked) if each.status and each.status.final] == [said]
    told_the_truth(site, case, said)


def told_the_truth(site: TimedPlace, case: Case, said: Said) -> None:
    assert said.status is not None
    told = site.told()
    assert len(told) == len(set(told)), told
    now = site.lab.timepieces["vm"].offset
    if said.status.state == "succeeded":
        assert abs(now) < 0.05, said.plain
        if case.sends[-1] != "vm: burst":
            assert told == list(case.sends)
    else:
        assert said.status.state == "failed", said.plain
        assert abs(now) > 0.04, said.plain
        assert case.sends[-1] not in told or case.off == 0.2, told


@pytest.mark.parametrize("case", CASES)
async def test_the_figures_above_are_no_less_than_what_it_takes(
    site: TimedPlace, case: Case
) -> None:
    begin(site, case)
    async with site.bot() as bot:
        said = await bot.ask(case.line)
        assert bot.store.commits <= COMMITS
    assert said.status is not None
    assert said.status.state == "succeeded", said.plain
    assert site.passages <= PASSAGES
    assert site.told() == list(case.sends)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("commit", "after"), sample(range(3, COMMITS), 3))
async def test_after_any_commit(site: TimedPlace, case: Case, commit: int, after: float) -> None:
    await dies_and_comes_back(site, case, after, die_after=commit)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("passage", "after"), sample(range(5, PASSAGES), 40))
async def test_with_any_call_under_way(
    site: TimedPlace, case: Case, passage: int, after: float
) -> None:
    site.die_at_passage = passage
    await dies_and_comes_back(site, case, after)


@pytest.mark.campaign
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("after", [0.0, 5.0, 60.0])
@pytest.mark.parametrize("commit", range(3, COMMITS))
async def test_after_every_commit(site: TimedPlace, case: Case, commit: int, after: float) -> None:
    await dies_and_comes_back(site, case, after, die_after=commit)


@pytest.mark.campaign
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("after", [0.0, 5.0, 60.0])
@pytest.mark.parametrize("passage", range(1, PASSAGES))
async def test_with_every_call_under_way(
    site: TimedPlace, case: Case, passage: int, after: float
) -> None:
    site.die_at_passage = passage
    await dies_and_comes_back(site, case, after)
