"""Incidents as people handle them: what they type, what is pinned, and what they are told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.core.alerts import Finding, Severity, Told
from bot.core.approvals import Approvals, Need
from bot.core.chat import Message
from bot.core.incidents import EntryKind, Incident
from bot.core.plan import Thing
from bot.core.policy import Right, Role
from bot.core.risk import Risk
from tests.engine.alive import APPRENTI, NOUNOU2, POLICY, Bot, Place
from tests.fakes import NOUNOU, ROOM, Said


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def does(bot: Bot, line: str, sender: str = NOUNOU, **more: Any) -> Said:
    """Type *line*, pointing at messages where *more* says so; it succeeds."""
    said = await typed(bot, line, sender, **more)
    assert state(said) == "succeeded", said.plain
    return said


async def typed(bot: Bot, line: str, sender: str = NOUNOU, **more: Any) -> Said:
    event_id = f"$t{len(bot.chat.batches)}"
    bot.chat.deliver([Message(event_id, ROOM, sender, line, **more)])
    return await bot.chat.answer(event_id)


async def pinned(bot: Bot, number: int = 1) -> Said:
    """The pinned message of the incident, once it says all that is known."""
    await bot.place.later(3)
    event_id = await bot.engine.outbox.event_of(bot.engine.txn(f"incident-{number}"))
    assert event_id is not None
    return bot.chat.messages[event_id]


async def incident(bot: Bot, number: int = 1) -> Incident:
    found = await bot.engine.incidents.numbered(number)
    assert found is not None
    return found


async def fires(bot: Bot, key: str = "gone", *objects: tuple[Thing, str]) -> int:
    """An alert begins to fire; its number."""
    finding = Finding(key, Severity.CRITICAL, f"{key} is so", objects=frozenset(objects))
    await bot.engine.alerts.told("test", [Told(finding, firing=True)])
    return max(alert.id for alert in bot.engine.alerts.standing)


async def test_an_incident_is_played_through(bot: Bot) -> None:
    said = await does(bot, "!incident open sev2 mail is down")
    assert said.plain.startswith("✔ Incident 1 is open; you lead it.\nSEV2: mail is down.")
    status = await pinned(bot)
    assert bot.chat.pins[ROOM] == [status.event_id]

    await does(bot, "!incident join", NOUNOU2)
    await does(bot, "!incident scribe nounou2")
    await does(bot, "!incident sev 1")
    await does(bot, "!incident affects vm fz")
    await does(bot, "!incident note the disk don't answer --at all", NOUNOU2)
    await does(bot, "!incident status a loose cable")
    await does(bot, "!incident task call the vendor for nounou2")
    await does(bot, "!incident task look at the switch")
    await does(bot, "!incident done 1", NOUNOU2)
    await does(bot, "!incident update in 30m")

    assert (await pinned(bot)).plain.splitlines() == [
        "🚨 incident 1 · SEV1 · mail is down",
        "lead nounou · scribe nounou2",
        "Affects vm, fz",
        "Since 2027-01-15 08:00 UTC",
        "Thought to be the cause: a loose cable",
        "Next update 08:30 UTC",
        "☐ 2. look at the switch (nounou)",
        "",
        "08:00 UTC nounou thinks: a loose cable",
        "08:00 UTC task 1 for nounou2: call the vendor",
        "08:00 UTC task 2 for nounou: look at the switch",
        "08:00 UTC nounou2 did task 1: call the vendor",
        "08:00 UTC next update due 08:30 UTC, said nounou",
        "Type in this thread: !incident note TEXT, status, task, update; "
        "!incident resolve SUMMARY ends it.",
    ]

    said = await does(bot, "!incident resolve the cable was loose")
    assert said.plain.splitlines()[:2] == [
        "✔ Incident 1 is resolved: the cable was loose",
        "Tasks that are open still: 1.",
    ]
    last = await pinned(bot)
    assert last.plain.startswith("✅ incident 1 · SEV1 · mail is down")
    assert "From 2027-01-15 08:00 UTC to 08:00 UTC: the cable was loose" in last.plain
    assert bot.chat.pins[ROOM] == []

    await does(bot, "!incident reopen", NOUNOU2)
    assert (await pinned(bot)).plain.startswith("🚨 incident 1 ·")
    assert bot.chat.pins[ROOM] == [status.event_id]

    timeline = await does(bot, "!incident timeline")
    assert "08:00 UTC nounou2: the disk don't answer --at all" in timeline.plain
    assert "08:00 UTC nounou2 reopened it" in timeline.plain


async def test_without_a_number_the_thread_says_which_and_else_the_one_open(bot: Bot) -> None:
    assert "No incident is open." in (await bot.ask("!incident note lost")).plain
    await does(bot, "!incident open one")
    await does(bot, "!incident note to the only one")
    await does(bot, "!incident open two")

    said = await bot.ask("!incident note to which")
    assert "Several incidents are open; which one?" in said.plain
    assert "🚨 incident 1 · SEV3 · one" in said.plain

    thread = (await pinned(bot, 1)).event_id
    await does(bot, "!incident note from the thread", thread=thread)
    await does(bot, "!incident note as an answer", answers=thread)
    await does(bot, "!incident note #2 by its number")
    said = await bot.ask("!incident note #7 to nobody")
    assert "There is no incident 7." in said.plain

    texts = [e.text for e in await bot.engine.incidents.entries(1) if e.kind is EntryKind.NOTE]
    assert texts == ["to the only one", "from the thread", "as an answer"]
    texts = [e.text for e in await bot.engine.incidents.entries(2) if e.kind is EntryKind.NOTE]
    assert texts == ["by its number"]


async def test_of_two_who_resolve_it_the_second_is_told_by_whom(bot: Bot) -> None:
    await does(bot, "!incident open one")
    asked = [bot.chat.say("!incident resolve it was the fan", each) for each in (NOUNOU, NOUNOU2)]

    first, second = [await bot.chat.answer(each) for each in asked]

    assert state(first) == "succeeded"
    assert "Incident 1 is already resolved, by nounou at 08:00 UTC: it was the fan" in second.plain
    assert "!incident reopen #1" in second.plain
    again = [await bot.ask("!incident reopen #1", each) for each in (NOUNOU, NOUNOU2)]
    assert state(again[0]) == "succeeded"
    assert "Incident 1 is open already, by nounou since 08:00 UTC." in again[1].plain


async def test_people_who_write_at_once_lose_no_entry(bot: Bot) -> None:
    await does(bot, "!incident open one")
    asked = [
        bot.chat.say(f"!incident note {number}", sender)
        for number in range(20)
        for sender in (NOUNOU, NOUNOU2)
    ]
    await asyncio.gather(*(bot.chat.answer(each) for each in asked))

    notes = [e for e in await bot.engine.incidents.entries(1) if e.kind is EntryKind.NOTE]
    assert sorted((int(e.text), e.person) for e in notes) == [
        (number, person) for number in range(20) for person in ("nounou", "nounou2")
    ]
    assert bot.engine.incidents.open == [await incident(bot)]


async def test_what_is_said_after_it_is_resolved_is_kept_and_the_rest_refused(bot: Bot) -> None:
    await does(bot, "!incident open one")
    await does(bot, "!incident resolve over")

    await does(bot, "!incident note #1 the bill has come")
    await does(bot, "!incident task #1 order a spare")
    said = await bot.ask("!incident sev #1 1")

    assert "already resolved" in said.plain
    assert (await incident(bot)).severity == 3


async def test_a_message_that_is_answered_goes_on_the_timeline_once(bot: Bot) -> None:
    await does(bot, "!incident open one")
    seen = bot.chat.say("the lamps of fz are red", NOUNOU2)

    said = await does(bot, "!incident pin", answers=seen)
    assert "What nounou2 said is on the timeline of incident 1." in said.plain
    again = await typed(bot, "!incident pin", NOUNOU2, answers=seen)
    assert "on the timeline of incident 1 already" in again.plain
    assert "not clear which message" in (await bot.ask("!incident pin")).plain
    gone = await typed(bot, "!incident pin", answers="$gone")
    assert "cannot be read" in gone.plain

    status = await pinned(bot)
    line = "08:00 UTC nounou2 wrote (pinned by nounou): the lamps of fz are red"
    assert status.plain.count(line) == 1


async def test_the_lead_is_reminded_of_an_update_once_though_the_bot_restarts(
    place: Place,
) -> None:
    async with place.bot() as bot:
        await does(bot, "!incident open one")
        await does(bot, "!incident lead nounou2")
        await does(bot, "!incident update in 30m")
        thread = (await pinned(bot)).event_id
    async with place.bot() as bot:
        await place.later(1900)
        assert "⏰ An update was due at 08:30 UTC" in (await pinned(bot)).plain
    async with place.bot() as bot:
        await place.later(100)
        said = [each for each in bot.chat.said() if "an update of incident 1 is due" in each.plain]
        assert [(each.post.mentions, each.post.under) for each in said] == [((NOUNOU2,), thread)]

        await does(bot, "!incident status it was the fan", NOUNOU2)
        assert "was due" not in (await pinned(bot)).plain


async def test_who_takes_over_is_called_and_told_how_it_stands(bot: Bot) -> None:
    await does(bot, "!incident open sev1 mail is down")
    await does(bot, "!incident affects vm")
    await does(bot, "!incident status a loose cable")
    await does(bot, "!incident task call the vendor")
    await fires(bot, "vm gone", (Thing.DOMU, "vm"))

    await does(bot, "!incident handover nounou2")

    thread = (await pinned(bot)).event_id
    [digest] = [each for each in bot.chat.said() if "you lead incident 1 now" in each.plain]
    assert (digest.post.mentions, digest.post.under) == ((NOUNOU2,), thread)
    for part in ("lead nounou2", "Affects vm", "Since ", "a loose cable", "call the vendor"):
        assert part in digest.plain
    assert "🔥 1: vm gone is so" in digest.plain
    assert (await incident(bot)).lead == "nounou2"


async def test_it_takes_over_what_an_alert_says(bot: Bot) -> None:
    number = await fires(bot, "vm gone", (Thing.DOMU, "vm"))

    said = await does(bot, f"!incident open --alert {number}")

    assert "SEV2: vm gone is so" in said.plain
    found = await incident(bot)
    assert (found.affects, found.alerts) == (("vm",), (number,))
    again = await bot.ask(f"!incident open sev1 --alert {number} the same")
    assert "belongs to an incident already" in again.plain
    assert "Nobody" not in (await pinned(bot)).plain
    assert "There is no alert 99." in (await bot.ask("!incident open --alert 99 x")).plain


async def test_it_opens_as_an_answer_to_an_alert(bot: Bot) -> None:
    await fires(bot, "vm gone", (Thing.DOMU, "vm"))
    await bot.place.later(3)
    [told] = [each for each in bot.chat.said() if "vm gone is so" in each.plain]

    await does(bot, "!incident open sev4 the guest fell over", answers=told.event_id)

    found = await incident(bot)
    assert (found.title, found.severity, found.alerts) == ("the guest fell over", 4, (1,))
    await does(bot, "!incident open another")
    await does(bot, "!incident note in the alert's thread", thread=told.event_id)
    assert (await bot.engine.incidents.entries(1))[-1].text == "in the alert's thread"


@pytest.mark.parametrize(
    ("typed", "severity", "title"),
    [
        ("sev1 a b", 1, "a b"),
        ("SEV4 a", 4, "a"),
        ("1 of 2 paths is down", 3, "1 of 2 paths is down"),
        ("fz died --again", 3, "fz died --again"),
        ("5 hosts", 3, "5 hosts"),
        ("sev9 a", 3, "sev9 a"),
    ],
)
async def test_how_bad_it_is_may_stand_before_the_title(
    bot: Bot, typed: str, severity: int, title: str
) -> None:
    await does(bot, f"!incident open {typed}")

    found = await incident(bot)
    assert (found.severity, found.title) == (severity, title)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("open", "The title is missing."),
        ("open --alert x", "Behind --alert stands the number"),
        ("sev 7", "a number from 1 (worst) to 4"),
        ("lead nounuo", "Did you mean nounou"),
        ("lead", "Which member?"),
        ("affects ../x", "is not a name"),
        ("affects", "Name what it affects"),
        ("note", "The text is missing."),
        ("resolve", "Say in a sentence"),
        ("done x", "Which task?"),
        ("done 7", "has no task 7"),
        ("update 30m", "When is the next update due?"),
        ("update in 1s", "a minute at least"),
        ("join now", "too much here"),
    ],
)
async def test_what_cannot_be_meant_is_said(bot: Bot, line: str, said: str) -> None:
    await does(bot, "!incident open one")

    assert said in (await bot.ask(f"!incident {line}")).plain
    assert [each.kind for each in await bot.engine.incidents.entries(1)] == [EntryKind.OPENED]


async def test_a_name_that_nothing_has_is_taken_and_said(bot: Bot) -> None:
    await does(bot, "!incident open one")
    await bot.engine.inventory.refresh()

    said = await does(bot, "!incident affects vm fz vmm")

    assert "Not known as a DomU or Dom0 now: vmm" in said.plain


async def test_what_people_say_waits_for_nobody_unless_its_right_is_named(place: Place) -> None:
    place.approvals = Approvals(
        by_risk={Risk.CHANGES: Need.CONFIRM},
        also=((Right.parse("incident.resolve"), Need.CONFIRM),),
    )
    async with place.bot() as bot:
        await does(bot, "!incident open one")
        await does(bot, "!incident note at once")
        asked = bot.chat.say("!incident resolve over")
        bot.chat.say(f"!confirm {await bot.code(asked)}")
        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_each_has_a_right_of_its_own(place: Place) -> None:
    rights = {**POLICY.rights}
    allowed = ("incident.note", "incident.list")
    rights["apprenti"] = Role(tuple(map(Right.parse, allowed)))
    place.policy = replace(POLICY, rights=rights)
    async with place.bot() as bot:
        assert state(await bot.ask("!incident open one", APPRENTI)) == "denied"
        await does(bot, "!incident open one")
        await does(bot, "!incident join", APPRENTI)
        await does(bot, "!incident note here", APPRENTI)
        assert "#1" in (await does(bot, "!incident list", APPRENTI)).plain
        for line in ("sev 1", "lead apprenti", "handover apprenti", "resolve x", "affects vm"):
            assert state(await bot.ask(f"!incident {line}", APPRENTI)) == "denied"


async def test_the_list_has_the_open_ones_and_with_all_the_others(bot: Bot) -> None:
    assert "No incident is open." in (await does(bot, "!incident list")).plain
    assert "There was no incident yet." in (await does(bot, "!incident list --all")).plain
    await does(bot, "!incident open one")
    await does(bot, "!incident resolve over")
    await does(bot, "!incident open two")

    assert "one" not in (await does(bot, "!incident list")).plain.splitlines()[2]
    assert len((await does(bot, "!incident list --all")).plain.splitlines()) == 5
