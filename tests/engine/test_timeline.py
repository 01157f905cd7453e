"""What the record says of what an incident affects joins its timeline, each entry once."""

from __future__ import annotations

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.incidents import Entry, EntryKind
from bot.core.risk import Risk
from bot.engine import timeline
from tests.engine.alive import NOUNOU2, Bot, Place
from tests.engine.test_crashes import died
from tests.fakes import NOUNOU, Said

OPEN = "!incident open sev2 mail is down"


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def did(bot: Bot, line: str, sender: str = NOUNOU) -> Said:
    said = await bot.ask(line, sender)
    assert state(said) == "succeeded", said.plain
    return said


async def recorded(bot: Bot, number: int = 1) -> list[Entry]:
    """What came to the timeline from the record, by itself, oldest first."""
    await bot.place.later(10)
    entries = await bot.engine.incidents.entries(number)
    found = [each for each in entries if each.kind is EntryKind.RECORD]
    return sorted(found, key=lambda each: (each.at, each.id))


async def said(bot: Bot, number: int = 1) -> list[str]:
    return [f"{each.person}: {each.text}" for each in await recorded(bot, number)]


async def test_a_job_on_what_is_affected_joins_by_itself(bot: Bot) -> None:
    await did(bot, OPEN)
    await did(bot, "!incident affects vm")
    await did(bot, "!migrate vm fz", NOUNOU2)

    began, before, after, ended = await recorded(bot)

    assert [each.data["kind"] for each in (before, after)] == ["pictured"] * 2
    assert began.person == ended.person == "nounou2"
    assert began.text == "began job 3: !migrate vm fz"
    assert ended.text.startswith("job 3 succeeded: !migrate vm fz → ")
    assert ended.data["kind"] == "ended"
    assert ended.data["verb"] == "domu.migrate"
    assert "vm" in ended.data["objects"]
    assert len(ended.data["hash"]) == 64


async def test_what_is_not_affected_or_only_looked_at_stays_away(bot: Bot) -> None:
    await did(bot, OPEN)
    await did(bot, "!incident affects vm-other")
    await did(bot, "!migrate vm fz")
    await did(bot, "!domu show vm")
    await did(bot, "!incident note vm-other was slow")
    assert await said(bot) == []


async def test_what_was_done_within_the_hour_before_joins_in_its_place(bot: Bot) -> None:
    await did(bot, "!hold vm-root reason too early")
    await bot.place.later(3700)
    await did(bot, "!hold vm reason a look")
    await bot.place.later(60)
    await did(bot, OPEN)
    assert await said(bot) == []
    await did(bot, "!release vm")

    await did(bot, "!incident affects vm vm-root")

    assert await said(bot) == [
        "nounou: holds domu vm: a look",
        "nounou: released domu vm, held by nounou: a look",
    ]
    entries = await recorded(bot)
    incident = await bot.engine.incidents.numbered(1)
    assert incident is not None
    assert entries[0].at < incident.opened < entries[1].at


async def test_denials_and_requests_with_their_answers_join(place: Place) -> None:
    place.approvals = Approvals(by_risk={Risk.CHANGES: Need.SECOND, Risk.INTERRUPTS: Need.SECOND})
    async with place.bot() as bot:
        await did(bot, OPEN)
        await did(bot, "!incident affects vm")
        assert state(await bot.ask("!migrate vm fz", "@apprenti:localhost")) == "denied"
        asked = bot.chat.say("!migrate vm fz", NOUNOU)
        code = await bot.code(asked)
        await did(bot, f"!approve {code}", NOUNOU2)
        await bot.chat.answer(asked)

        denied, requested, approved, began, *pictured, ended = await recorded(bot)

    assert denied.person == "apprenti"
    assert denied.text.startswith("was denied: !migrate vm fz (")
    assert requested.text == (
        "asked for job 4, which another person has to approve: !migrate vm fz"
    )
    assert (approved.person, approved.text) == (
        "nounou2",
        "approved job 4 of nounou: !migrate vm fz",
    )
    assert began.job == ended.job == 4
    assert {each.data["kind"] for each in pictured} == {"pictured"}


async def test_what_is_done_under_its_glass_joins_whatever_it_is_about(place: Place) -> None:
    place.approvals = Approvals(by_risk={Risk.CHANGES: Need.SECOND, Risk.INTERRUPTS: Need.SECOND})
    async with place.bot() as bot:
        glass = bot.chat.say("!break-glass for 30m reason the array burns")
        await did(bot, f"!confirm {await bot.code(glass)}")
        asked = bot.chat.say("!migrate vm fz", NOUNOU)
        await did(bot, f"!confirm {await bot.code(asked)}")
        await bot.chat.answer(asked)

        found = await said(bot)

    requested = "nounou: asked for job 3, which has to be confirmed: !migrate vm fz"
    assert f"{requested} (without a second person, glass 1)" in found
    assert any(each.startswith("nounou: job 3 succeeded: !migrate vm fz") for each in found)


@pytest.mark.parametrize("commits", range(1, 16))
async def test_after_a_crash_anywhere_each_entry_is_there_once(place: Place, commits: int) -> None:
    async with place.bot() as bot:
        await did(bot, OPEN)
        await did(bot, "!incident affects vm")
        await bot.place.later(10)
        bot.store.die_after = bot.store.commits + commits
        asked = bot.chat.say("!hold vm reason a look")
        if not await died(bot.store, place, asked):
            await place.later(10)
        await bot.killed()
    async with place.bot() as bot:
        await place.chat.answer(asked)
        assert await said(bot) == ["nounou: holds domu vm: a look"]


async def test_it_goes_on_where_it_died(place: Place) -> None:
    async with place.bot() as bot:
        await did(bot, OPEN)
        await did(bot, "!incident affects vm")
        await did(bot, "!hold vm reason a look")
        await bot.killed()
    async with place.bot() as bot:
        assert await said(bot) == ["nounou: holds domu vm: a look"]
        await did(bot, "!release vm")
        await bot.killed()
    async with place.bot() as bot:
        assert len(await said(bot)) == 2


async def test_what_came_before_the_end_joins_after_a_restart_as_well(place: Place) -> None:
    async with place.bot() as bot:
        await did(bot, OPEN)
        await did(bot, "!incident affects vm")
        await bot.place.later(10)
        await did(bot, "!hold vm reason a look")
        await did(bot, "!incident resolve it works")
        await bot.killed()
    async with place.bot() as bot:
        assert await said(bot) == ["nounou: holds domu vm: a look"]
        await did(bot, "!release vm")
        assert len(await said(bot)) == 1
        await did(bot, "!incident reopen")
        assert len(await said(bot)) == 2


async def test_a_long_record_ends_in_a_line_that_says_how_to_read_on(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await did(bot, OPEN)
    await did(bot, "!incident affects vm")
    monkeypatch.setattr(timeline, "MOST", 3)
    for _turn in range(4):
        await did(bot, "!hold vm reason a look")
        await did(bot, "!release vm")

    found = await said(bot)

    assert len(found) == 4
    assert any("There is more in the record" in each for each in found)
    assert any("!audit search on vm since" in each for each in found)
