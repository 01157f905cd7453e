"""``kill -9`` of the bot while it mends a clock: nothing is sent twice, and the truth is said."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.engine.alive import Place
from tests.engine.mending import how_far, mending, off, service, told
from tests.engine.test_crashes import comes_back, died, sample
from tests.fakes import Said

#: mending a clock has so many commits, and so many passages of its wires, at most
COMMITS, PASSAGES = 50, 500


@dataclass(frozen=True)
class Case:
    """A machine whose clock is off, and what it takes to mend it."""

    name: str
    off: float
    sends: tuple[str, ...]
    dead: bool = False

    @property
    def line(self) -> str:
        return f"!clock fix {self.name}"


CASES = [
    Case("vm", 0.055, ("vm: chronyc burst 4/4",)),
    Case("vm", 20.0, ("vm: chronyc burst 4/4", "vm: chronyc makestep")),
    Case("vm", 0.055, ("vm: systemctl restart chrony",), dead=True),
    Case("zamok", -20.0, ("zamok: systemctl restart ntpsec",)),
]


@pytest.fixture
def site(place: Place) -> Place:
    site = mending(place)
    site.timing, site.clock_rules = (
        replace(site.timing, follow_every=10.0),
        replace(site.clock_rules, patience=60.0),
    )
    return site


def begin(site: Place, case: Case) -> None:
    off(site, case.name, case.off)
    if case.dead:
        service(site, case.name).alive = False


async def dies_and_comes_back(
    site: Place, case: Case, after: float, *, die_after: int | None = None
) -> None:
    begin(site, case)
    async with site.bot(die_after=die_after) as bot:
        asked = site.chat.say(case.line)
        if await died(bot.store, site, asked):
            await bot.killed()

    said = await comes_back(site, asked, after)

    assert [each for each in site.chat.about(asked) if each.status and each.status.final] == [said]
    told_the_truth(site, case, said)


def told_the_truth(site: Place, case: Case, said: Said) -> None:
    """Nothing was sent twice; and what is said is so, whether it was sent or not."""
    assert said.status is not None
    sent = told(site)
    assert sent == list(case.sends)[: len(sent)]
    if "is being slewed" in said.plain:
        # a step that never arrived is no reason for another one
        assert case.off * 0.1 < how_far(site, case.name) < case.off
    elif said.status.state == "succeeded":
        assert how_far(site, case.name) < 0.055, said.plain
        assert service(site, case.name).alive
    else:
        assert said.status.state == "failed", said.plain
        assert how_far(site, case.name) > 0.04, said.plain
        assert "before it did anything" in said.plain or "no better" in said.plain


@pytest.mark.parametrize("case", CASES)
async def test_the_figures_above_are_no_less_than_what_it_takes(site: Place, case: Case) -> None:
    begin(site, case)
    async with site.bot() as bot:
        said = await bot.ask(case.line)
        assert bot.store.commits <= COMMITS
    assert said.status is not None
    assert said.status.state == "succeeded", said.plain
    assert site.passages <= PASSAGES
    assert told(site) == list(case.sends)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("commit", "after"), sample(range(3, 40), 5))
async def test_after_any_commit(site: Place, case: Case, commit: int, after: float) -> None:
    await dies_and_comes_back(site, case, after, die_after=commit)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("passage", "after"), sample(range(5, 400), 50))
async def test_with_any_call_under_way(site: Place, case: Case, passage: int, after: float) -> None:
    site.die_at_passage = passage
    await dies_and_comes_back(site, case, after)


@pytest.mark.campaign
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("after", [0.0, 60.0])
@pytest.mark.parametrize("commit", range(3, COMMITS))
async def test_after_every_commit(site: Place, case: Case, commit: int, after: float) -> None:
    await dies_and_comes_back(site, case, after, die_after=commit)


@pytest.mark.campaign
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("after", [0.0, 60.0])
@pytest.mark.parametrize("passage", range(1, PASSAGES, 3))
async def test_with_every_call_under_way(
    site: Place, case: Case, passage: int, after: float
) -> None:
    site.die_at_passage = passage
    await dies_and_comes_back(site, case, after)
