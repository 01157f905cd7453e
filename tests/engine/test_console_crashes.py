"""``kill -9`` of the bot while it types: a key is never typed twice, and the truth is said."""

from __future__ import annotations

import pytest

from bot.config_console import CONSOLE_LOG
from bot.core.approvals import Approvals
from tests.engine.alive import Place
from tests.engine.test_crashes import comes_back, died, sample
from tests.fakes import Said

#: typing takes so many commits and passages of the wires at least, from the start of the bot
COMMITS, PASSAGES = 20, 100
LINES = ("!console vm --send x", "!sysrq vm s")


@pytest.fixture
def place(place: Place) -> Place:
    """A site where nothing waits for an approval."""
    place.approvals = Approvals(by_risk={})
    place.console_log = CONSOLE_LOG
    return place


def sent(place: Place) -> list[str]:
    """All that typed something, or may have."""
    return [line for line in place.sent if "--foreground" in line or "xl sysrq" in line]


async def dies_and_comes_back(
    place: Place, line: str, after: float, *, die_after: int | None = None
) -> None:
    async with place.bot(die_after=die_after) as bot:
        asked = place.chat.say(line)
        if await died(bot.store, place, asked):
            await bot.killed()

    told_the_truth(place, asked, await comes_back(place, asked, after))


def told_the_truth(place: Place, asked: str, said: Said) -> None:
    """One final answer: it was typed once, or not begun, or nobody knows; never a second time."""
    assert [each for each in place.chat.about(asked) if each.status and each.status.final] == [said]
    assert said.status is not None
    assert len(sent(place)) <= 1
    if said.status.state == "succeeded":
        assert len(sent(place)) == 1
    else:
        assert said.status.state == "undetermined", said.plain
        assert "nobody knows whether" in said.plain


@pytest.mark.parametrize("line", LINES)
async def test_the_figures_above_are_no_less_than_what_it_takes(place: Place, line: str) -> None:
    async with place.bot() as bot:
        said = await bot.ask(line)
        commits = bot.store.commits
    assert said.status is not None
    assert said.status.state == "succeeded"
    assert commits <= COMMITS
    assert place.passages <= PASSAGES


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(("commit", "after"), sample(range(3, COMMITS), 2))
async def test_after_any_commit(place: Place, line: str, commit: int, after: float) -> None:
    await dies_and_comes_back(place, line, after, die_after=commit)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(("passage", "after"), sample(range(5, PASSAGES), 7))
async def test_with_any_call_under_way(place: Place, line: str, passage: int, after: float) -> None:
    place.die_at_passage = passage
    await dies_and_comes_back(place, line, after)
