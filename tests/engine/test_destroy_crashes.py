"""``kill -9`` of the bot at every moment of a destruction: it is sent once, and the truth is said.

The bot dies after its n-th commit, or with its n-th call under way, as in `test_crashes`.  The
guest is started again by nobody, so one look at the world says what became of it.
"""

from __future__ import annotations

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.risk import Risk
from bot.lab.faults import Fault
from tests.engine.alive import NOUNOU2, Bot, Place
from tests.engine.test_crashes import comes_back, died, sample
from tests.fakes import Said

LINE = "!domu destroy vm"
#: a destruction has so many commits, and so many passages of its wires, from the start of the bot
COMMITS, PASSAGES = 34, 180


@pytest.fixture
def place(place: Place) -> Place:
    """A site where nothing waits for an approval."""
    place.approvals = Approvals(by_risk={})
    return place


def domains(place: Place) -> list[str]:
    """The names of all domains of fy, what is dying among them."""
    return [domain.name for domain in place.lab.hosts["fy"].domains.values()]


def sent(place: Place) -> list[str]:
    """The places of all destructions that were sent."""
    return [line.split()[4] for line in place.sent if "xl destroy" in line]


async def dies_and_comes_back(place: Place, after: float, *, die_after: int | None = None) -> None:
    """The bot dies where the test said, while it destroys a guest, and is started again."""
    async with place.bot(die_after=die_after) as bot:
        asked = place.chat.say(LINE)
        if await died(bot.store, place, asked):
            await bot.killed()

    told_the_truth(place, asked, await comes_back(place, asked, after))


def told_the_truth(place: Place, asked: str, said: Said) -> None:
    """One final answer, which says what is so; at most one destruction was begun."""
    assert [each for each in place.chat.about(asked) if each.status and each.status.final] == [said]
    assert said.status is not None
    if said.status.state == "succeeded":
        assert "vm is destroyed: it was on fy, and is on no host now." in said.plain
        assert domains(place) == ["zamok", "owl"]
    else:
        assert said.status.state == "failed", said.plain
        assert "never started" in said.plain
        assert domains(place) == ["vm", "zamok", "owl"]
    assert len(sent(place)) == len(set(sent(place)))
    assert len(sent(place)) <= 2
    assert place.lab.watch.seen == []


async def test_the_figures_above_are_no_less_than_what_it_takes(place: Place) -> None:
    async with place.bot() as bot:
        said = await bot.ask(LINE)
        commits = bot.store.commits
    assert said.status is not None
    assert said.status.state == "succeeded"
    assert commits <= COMMITS
    assert place.passages <= PASSAGES


@pytest.mark.parametrize(("commit", "after"), sample(range(3, COMMITS), 3))
async def test_after_any_commit(place: Place, commit: int, after: float) -> None:
    await dies_and_comes_back(place, after, die_after=commit)


@pytest.mark.parametrize(("passage", "after"), sample(range(5, PASSAGES), 13))
async def test_with_any_call_under_way(place: Place, passage: int, after: float) -> None:
    place.die_at_passage = passage
    await dies_and_comes_back(place, after)


@pytest.mark.campaign
@pytest.mark.parametrize("after", [0.0, 0.7, 60.0])
@pytest.mark.parametrize("commit", range(3, COMMITS))
async def test_after_every_commit(place: Place, commit: int, after: float) -> None:
    await dies_and_comes_back(place, after, die_after=commit)


@pytest.mark.campaign
@pytest.mark.parametrize("after", [0.0, 0.7, 60.0])
@pytest.mark.parametrize("passage", range(1, PASSAGES))
async def test_with_every_call_under_way(place: Place, passage: int, after: float) -> None:
    place.die_at_passage = passage
    await dies_and_comes_back(place, after)


async def test_a_link_that_is_cut_after_the_start_is_read_back(place: Place, bot: Bot) -> None:
    place.lab.fault(Fault("drop-after-send", "fy", "nounou-detach", 1))

    said = await bot.ask(LINE)

    assert said.status is not None
    assert said.status.state == "succeeded"
    assert len(sent(place)) == 1
    assert domains(place) == ["zamok", "owl"]


async def test_a_start_that_arrives_after_it_was_given_up_destroys_nothing(
    place: Place, bot: Bot
) -> None:
    place.lab.fault(Fault("hang", "fy", "nounou-detach"))

    said = await bot.ask(LINE)
    place.lab.faults.clear()
    await place.later(60.0)

    assert said.status is not None
    assert said.status.state == "failed"
    assert "never started" in said.plain
    assert domains(place) == ["vm", "zamok", "owl"]


async def test_what_xl_cannot_destroy_is_said_with_what_xl_said(place: Place, bot: Bot) -> None:
    place.lab.fault(Fault("destroy-failure", "fy", times=1))

    said = await bot.ask(LINE)
    again = await bot.ask(LINE)

    assert said.status is not None
    assert said.status.state == "failed"
    assert "vm was not destroyed and is still on fy (running). xl could not" in said.plain
    assert "Unable to destroy guest" in said.plain
    assert "vm is destroyed" in again.plain


async def test_a_zombie_is_not_called_gone_until_it_is(place: Place, bot: Bot) -> None:
    place.lab.fault(Fault("zombie", "fy"))

    said = await bot.ask(LINE)
    assert said.status is not None
    job = said.status.job
    held = await bot.ask(f"!job settle {job}")
    place.lab.faults.clear()
    await place.lab.until(lambda: domains(place) == ["zamok", "owl"])
    settled = await bot.ask(f"!job settle {job}")

    assert said.status.state == "undetermined"
    assert "vm is dying on fy and not gone yet (domain 1)." in said.plain
    assert "vm is dying on fy" in held.plain
    assert "settled, its locks are free. vm is destroyed" in settled.plain
    assert len(sent(place)) == 1


async def test_a_command_that_is_killed_half_way_leaves_the_end_to_a_person(
    place: Place, bot: Bot
) -> None:
    asked = bot.chat.say(LINE)
    fy = place.lab.hosts["fy"]
    await place.lab.until(lambda: not fy.domains[1].runs)
    [sudo] = [each for each in fy.processes.all() if each.args == "sudo xl destroy 1"]

    fy.processes.kill(sudo.pid)

    said = await bot.chat.answer(asked)
    assert said.status is not None
    assert said.status.state == "undetermined"
    assert "vm is not in order: vm on fy (id 1, paused)" in said.plain
    settled = await bot.ask(f"!job settle {said.status.job}")
    assert "vm was not destroyed and is still on fy (paused)." in settled.plain
    assert "vm is destroyed" in (await bot.ask(LINE)).plain


async def test_a_host_that_loses_its_power_meanwhile_takes_the_guest_with_it(
    place: Place, bot: Bot
) -> None:
    asked = bot.chat.say(LINE)
    fy = place.lab.hosts["fy"]
    await place.lab.until(lambda: not fy.domains[1].runs)

    place.lab.fault(Fault("kill-host", "fy"))
    await place.later(30.0)
    place.lab.fault(Fault("revive", "fy"))

    said = await bot.chat.answer(asked)
    assert said.status is not None
    assert said.status.state == "succeeded"
    assert place.where("vm") == []


async def test_one_that_never_arrived_is_approved_anew_after_a_crash(place: Place) -> None:
    """The first approval was consumed; beginning anew is no reason to go without."""
    place.approvals = Approvals(by_risk={Risk.DESTROYS: Need.SECOND}, plaintext=True)
    place.lab.fault(Fault("hang", "fy", "nounou-detach"))

    def code() -> str:
        codes = (each.status.code for each in place.chat.about(asked) if each.status)
        return next(filter(None, codes), "")

    async with place.bot() as bot:
        asked = place.chat.say(LINE)
        await place.chat.until(lambda: bool(code()))
        first = code()
        await bot.ask(f"!approve {first}", NOUNOU2)
        await place.later(5.0)
        assert len(sent(place)) == 1
        await bot.killed()
    place.lab.faults.clear()
    async with place.bot() as bot:
        await place.chat.until(lambda: code() not in ("", first))
        assert domains(place) == ["vm", "zamok", "owl"]
        await bot.ask(f"!approve {code()}", NOUNOU2)
        said = await place.chat.answer(asked)

    assert "vm is destroyed" in said.plain
    assert len(sent(place)) == 2
