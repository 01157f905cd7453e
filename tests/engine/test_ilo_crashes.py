"""``kill -9`` of the bot at every moment of a change of power: sent once, and the truth is said."""

from __future__ import annotations

import pytest

from bot.core.approvals import Approvals
from bot.engine.world import Timing
from bot.lab.faults import ILO_VSP_BUSY, KILL_HOST, Fault
from tests.engine.alive import Place
from tests.engine.test_crashes import comes_back, died, sample
from tests.fakes import Said

#: a change of power has so many commits, and so many passages of its wires, at most
COMMITS, PASSAGES = 40, 150
LINES = ("!ilo fz on", "!ilo fz off", "!ilo fz off --hard", "!ilo fz reset")


@pytest.fixture
def place(place: Place) -> Place:
    """A site where nothing waits for an approval, and nobody for long."""
    place.approvals = Approvals(by_risk={})
    place.timing = Timing(power=60.0)
    return place


def sent(place: Place) -> list[str]:
    """Every change that the iLO was sent."""
    return [line for line in place.sent if "-ilo: power " in line or "-ilo: stop " in line]


def begin(place: Place, line: str) -> float:
    """Make the world fit for *line*; when its host booted."""
    if line.endswith(" on"):
        place.lab.fault(Fault(KILL_HOST, "fz"))
    return place.lab.hosts["fz"].booted


async def dies_and_comes_back(
    place: Place, line: str, after: float, *, die_after: int | None = None
) -> None:
    booted = begin(place, line)
    async with place.bot(die_after=die_after) as bot:
        asked = place.chat.say(line)
        if await died(bot.store, place, asked):
            await bot.killed()

    said = await comes_back(place, asked, after)

    assert [each for each in place.chat.about(asked) if each.status and each.status.final] == [said]
    told_the_truth(place, line, said, booted)


def told_the_truth(place: Place, line: str, said: Said, booted: float) -> None:
    assert said.status is not None
    assert len(sent(place)) <= 1
    host = place.lab.hosts["fz"]
    done = {
        "!ilo fz on": host.powered,
        "!ilo fz reset": host.powered and host.booted != booted,
    }.get(line, not host.powered)
    if said.status.state == "succeeded":
        assert done, said.plain
    elif said.status.state == "failed":
        assert not done, said.plain
        assert not sent(place), said.plain
    else:
        # asked to shut down, perhaps: only time will tell
        assert said.status.state == "undetermined", said.plain
        assert "!job settle" in said.plain


@pytest.mark.parametrize("line", LINES)
async def test_the_figures_above_are_no_less_than_what_it_takes(place: Place, line: str) -> None:
    begin(place, line)
    async with place.bot() as bot:
        said = await bot.ask(line)
        assert bot.store.commits <= COMMITS
    assert said.status is not None
    assert said.status.state == "succeeded", said.plain
    assert place.passages <= PASSAGES
    assert len(sent(place)) == 1


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(("commit", "after"), sample(range(3, 26), 4))
async def test_after_any_commit(place: Place, line: str, commit: int, after: float) -> None:
    await dies_and_comes_back(place, line, after, die_after=commit)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(("passage", "after"), sample(range(5, 60), 7))
async def test_with_any_call_under_way(place: Place, line: str, passage: int, after: float) -> None:
    place.die_at_passage = passage
    await dies_and_comes_back(place, line, after)


@pytest.mark.parametrize("commit", range(3, 20, 2))
async def test_the_serial_port_is_freed_once(place: Place, commit: int) -> None:
    place.lab.fault(Fault(ILO_VSP_BUSY, "fz-ilo"))
    async with place.bot(die_after=commit) as bot:
        asked = place.chat.say("!ilo fz console --free")
        if await died(bot.store, place, asked):
            await bot.killed()

    said = await comes_back(place, asked, 1.0)

    assert len(sent(place)) <= 1
    assert said.status is not None
    if said.status.state == "succeeded":
        assert sent(place), said.plain
    else:
        assert "throws the other one out" in said.plain


@pytest.mark.campaign
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("after", [0.0, 5.0, 60.0])
@pytest.mark.parametrize("commit", range(3, COMMITS))
async def test_after_every_commit(place: Place, line: str, commit: int, after: float) -> None:
    await dies_and_comes_back(place, line, after, die_after=commit)
