"""Alerts that belong to incidents: which join by themselves, and how many are kept."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.core.alerts import Finding, Severity, Told
from bot.core.incidents import Entry, EntryKind
from bot.core.plan import Thing
from bot.engine import housekeeping, incidents, schema
from tests.commands.test_incident import does, fires, incident, pinned
from tests.engine.alive import Bot
from tests.fakes import Said

VM = (Thing.DOMU, "vm")


async def told(bot: Bot, number: int = 1) -> list[Entry]:
    entries = await bot.engine.incidents.entries(number)
    return [entry for entry in entries if entry.kind is EntryKind.ALERT]


async def storm(bot: Bot, count: int, *names: str, firing: bool = True) -> None:
    """So many alerts of one group, each about one of *names*."""
    found = [
        Finding(
            f"s{n}",
            Severity.WARNING,
            f"s{n} is so",
            objects=frozenset({(Thing.DOMU, names[n % len(names)])}),
            group="storm",
        )
        for n in range(count)
    ]
    await bot.engine.alerts.told("test", [Told(each, firing) for each in found])


async def message(bot: Bot, text: str) -> Said:
    await bot.place.later(3)
    return next(each for each in bot.chat.said() if text in each.plain)


async def test_what_fires_already_joins_once_it_is_affected(bot: Bot) -> None:
    await fires(bot, "vm gone", VM)
    await fires(bot, "fz gone", (Thing.DOMU, "fz"))
    await does(bot, "!incident open one")
    assert await told(bot) == []

    await does(bot, "!incident affects vm")
    await does(bot, "!incident affects vm")

    assert [(each.data["alert"], each.data["state"]) for each in await told(bot)] == [(1, "firing")]
    assert "vm gone is so" in (await pinned(bot)).plain


async def test_what_fires_on_the_same_joins_what_is_opened_on_an_alert(bot: Bot) -> None:
    await fires(bot, "vm gone", VM)
    await fires(bot, "vm slow", VM)

    await does(bot, "!incident open --alert 2")

    assert sorted((await incident(bot)).alerts) == [1, 2]
    assert len(await told(bot)) == 2


async def test_what_began_while_it_was_resolved_joins_when_it_is_opened_again(bot: Bot) -> None:
    await does(bot, "!incident open one")
    await does(bot, "!incident affects vm")
    await does(bot, "!incident resolve it is over")
    await fires(bot, "vm gone", VM)
    assert await told(bot) == []

    await does(bot, "!incident reopen #1")

    assert (await incident(bot)).alerts == (1,)


async def test_all_that_a_message_tells_belong_to_what_is_opened_on_it(bot: Bot) -> None:
    await storm(bot, 3, "vm", "fz")
    answered = await message(bot, "s0 is so")

    await does(bot, "!incident open the storm", answers=answered.event_id)

    found = await incident(bot)
    assert (sorted(found.alerts), sorted(found.affects)) == ([1, 2, 3], ["fz", "vm"])
    again = "belongs to an incident already"
    bot_says = await bot.ask("!incident open --alert 2 once more")
    assert again in bot_says.plain


async def test_a_group_brings_no_more_names_than_can_be_read(bot: Bot) -> None:
    await storm(bot, 60, *(f"vm{n}" for n in range(60)))
    answered = await message(bot, "is so")

    await does(bot, "!incident open the storm", answers=answered.event_id)

    found = await incident(bot)
    assert (len(found.alerts), len(found.affects)) == (60, 50)


async def test_a_timeline_keeps_so_many_alerts_and_says_once_where_the_others_are(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents, "_MOST_TOLD", 3)
    await does(bot, "!incident open one")
    await does(bot, "!incident affects vm")

    await storm(bot, 3, "vm")
    assert len(await told(bot)) == 3
    await storm(bot, 5, "vm")
    await storm(bot, 5, "vm", firing=False)

    assert [each.data.get("alert") for each in await told(bot)] == [1, 2, 3, None]
    assert (await incident(bot)).alerts == (1, 2, 3)
    words = "more alerts than are kept here: !alert list shows those that are open"
    assert words in (await does(bot, "!incident timeline")).plain
    await does(bot, "!incident export")


async def test_a_storm_leaves_no_more_on_a_timeline_than_people_read(bot: Bot) -> None:
    await does(bot, "!incident open one")
    await does(bot, "!incident affects vm")

    await storm(bot, 2000, "vm")

    assert len(await told(bot)) == 501


async def test_the_messages_of_incidents_and_of_open_alerts_are_never_forgotten(bot: Bot) -> None:
    """However much was said since: they are edited, answered and pinned."""
    await fires(bot, "vm gone", VM)
    await fires(bot, "fz gone", (Thing.DOMU, "fz"))
    await does(bot, "!incident open one")
    first = await pinned(bot)
    await does(bot, "!alert close 2 reason nothing")
    await bot.place.later(3)

    async with bot.store.write() as tx:
        row = {"id": 40_000, "room": "#r", "txn": "late", "plain": "", "html": "", "state": "sent"}
        await tx.execute(schema.outbox.insert().values(threaded=False, **row))
    await housekeeping._round(bot.engine)

    async with bot.store.read() as tx:
        left = set(await tx.scalars(select(schema.outbox.c.txn)))
    assert left == {"late", bot.engine.txn("alert-1"), bot.engine.txn("incident-1")}
    await does(bot, "!incident note still here", thread=first.event_id)
    assert "still here" in (await pinned(bot)).plain
    assert (await pinned(bot)).event_id == first.event_id
