"""Incidents in a bot: what joins a timeline by itself, and that no entry is lost or doubled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from bot.core.alerts import Finding, Severity, Told
from bot.core.chat import Message
from bot.core.incidents import EntryKind
from bot.core.plan import Thing
from bot.engine import audit_log
from tests.engine.alive import NOUNOU2, Bot, Place
from tests.engine.granted import entries, state
from tests.engine.test_crashes import died
from tests.fakes import NOUNOU, ROOM

GONE = Finding("vm", Severity.CRITICAL, "vm is gone", objects=frozenset({(Thing.DOMU, "vm")}))


async def kinds(bot: Bot, number: int = 1) -> list[EntryKind]:
    return [entry.kind for entry in await bot.engine.incidents.entries(number)]


async def opened(bot: Bot, *titles: str) -> None:
    for title in titles:
        assert state(await bot.ask(f"!incident open {title}")) == "succeeded"


async def says(bot: Bot, firing: bool) -> None:
    await bot.engine.alerts.told("test", [Told(GONE, firing)])


async def test_an_alert_on_what_is_affected_joins_with_all_that_becomes_of_it(bot: Bot) -> None:
    await opened(bot, "one", "two")
    await bot.ask("!incident affects #1 vm")

    await says(bot, True)
    await says(bot, False)
    await bot.engine.incidents.settle()

    told = [e for e in await bot.engine.incidents.entries(1) if e.kind is EntryKind.ALERT]
    assert [(e.data["alert"], e.data["state"], e.text) for e in told] == [
        (1, "firing", "vm is gone"),
        (1, "resolved", "vm is gone"),
    ]
    assert await kinds(bot, 2) == [EntryKind.OPENED]
    assert [each.alerts for each in bot.engine.incidents.open] == [(1,), ()]
    assert bot.engine.incidents.affecting(["vm", "fz"]) == bot.engine.incidents.open[:1]


async def test_a_broken_glass_opens_an_incident_of_who_broke_it(bot: Bot) -> None:
    await bot.ask("!break-glass for 30m reason fy is on fire", NOUNOU2)
    await bot.place.later(3)

    [found] = bot.engine.incidents.open
    assert (found.title, found.lead, found.severity) == (
        "glass broken by nounou2: fy is on fire",
        "nounou2",
        3,
    )
    status = await bot.engine.outbox.event_of(bot.engine.txn("incident-1"))
    assert bot.chat.pins[ROOM] == [status]


async def test_a_broken_glass_is_an_entry_of_the_incident_that_is_open(bot: Bot) -> None:
    await opened(bot, "one")
    await bot.ask("!break-glass for 30m reason fy is on fire", NOUNOU2)
    await bot.engine.incidents.settle()

    [found] = bot.engine.incidents.open
    last = (await bot.engine.incidents.entries(1))[-1]
    assert (last.kind, last.person, last.text) == (
        EntryKind.RECORD,
        "nounou2",
        "glass broken by nounou2: fy is on fire",
    )
    assert last.data["kind"] == "glass broken"
    async with bot.store.read() as tx:
        [broken] = [e for e in await audit_log.tail(tx, 100) if e.kind == "glass broken"]
    assert (last.audit, last.data["hash"]) == (broken.number, broken.hash)
    assert found.people == ("nounou",)


async def test_what_the_record_has_is_on_a_timeline_once(bot: Bot) -> None:
    await opened(bot, "one")
    incidents = bot.engine.incidents

    for _again in range(2):
        async with incidents.write() as tx:
            await incidents.add(tx, 1, EntryKind.RECORD, text="a job", audit=77)

    assert await kinds(bot) == [EntryKind.OPENED, EntryKind.RECORD]


async def test_what_is_written_elsewhere_is_known_once_it_is_looked_for(bot: Bot) -> None:
    incidents = bot.engine.incidents
    async with bot.store.write() as tx:
        await incidents.begin(tx, title="x", person="nounou", room="local:root", job=None)
        await incidents.add(tx, 1, EntryKind.SEVERITY, "nounou", data={"severity": 1})
    await incidents.settle()
    assert [(each.severity, each.room) for each in incidents.open] == [(1, ROOM)]

    async with bot.store.write() as tx:
        await incidents.add(tx, 1, EntryKind.RESOLVED, "nounou", "over")
    await incidents.settle()
    assert incidents.open == []

    async with bot.store.write() as tx:
        await incidents.add(tx, 1, EntryKind.REOPENED, "nounou")
        await incidents.add(tx, 1, EntryKind.NOTE, "nounou2", "again")
    await incidents.settle()
    assert incidents.open == [await incidents.numbered(1)]
    assert incidents.open[0].people == ("nounou", "nounou2")


async def test_a_transaction_that_fails_leaves_nothing_in_memory(bot: Bot) -> None:
    await opened(bot, "one")
    before = bot.engine.incidents.open

    async def fail() -> None:
        async with bot.engine.incidents.write() as tx:
            await bot.engine.incidents.add(tx, 1, EntryKind.NOTE, "nounou", "lost")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert bot.engine.incidents.open == before
    assert await kinds(bot) == [EntryKind.OPENED]


async def test_many_entries_at_once_are_few_edits_of_one_message(bot: Bot) -> None:
    await opened(bot, "one")
    incidents = bot.engine.incidents
    for number in range(100):
        async with incidents.write() as tx:
            await incidents.add(tx, 1, EntryKind.NOTE, "nounou", f"note {number}")
    await bot.place.later(5)

    event_id = await bot.engine.outbox.event_of(bot.engine.txn("incident-1"))
    said = bot.chat.messages[event_id or ""]
    assert "nounou: note 99" in said.plain
    assert len(said.before) <= 5


async def test_after_a_restart_it_stands_as_before(place: Place) -> None:
    async with place.bot() as bot:
        await opened(bot, "one", "two")
        await bot.ask("!incident affects #1 vm")
        await bot.ask("!incident resolve #2 over")
        before = bot.engine.incidents.open
        assert [each.id for each in before] == [1]
        await bot.killed()
    async with place.bot() as bot:
        await bot.ask("!ping")
        assert bot.engine.incidents.open == before
        await says(bot, True)
        assert (await kinds(bot))[-1] is EntryKind.ALERT


@dataclass(frozen=True)
class Case:
    """A line, what it leaves on the timeline of incident 1, and what it says."""

    line: str
    kind: EntryKind
    says: str
    before: tuple[str, ...] = ()


CASES = [
    Case("!incident open one", EntryKind.OPENED, "Incident"),
    Case("!incident note #1 it burns", EntryKind.NOTE, "Noted in incident 1."),
    Case("!incident handover #1 nounou2", EntryKind.HANDOVER, "nounou2 leads incident 1 now"),
    Case("!incident resolve #1 over", EntryKind.RESOLVED, "Incident 1 is resolved: over"),
    Case("!incident pin #1", EntryKind.PINNED, "What nounou said"),
    Case("!incident join #1", EntryKind.JOINED, "You are with incident 1."),
    Case("!incident lead #1 nounou2", EntryKind.LEAD, "nounou2 leads incident 1."),
    Case("!incident scribe #1 nounou2", EntryKind.SCRIBE, "nounou2 is the scribe"),
    Case("!incident sev #1 2", EntryKind.SEVERITY, "Incident 1 is SEV2."),
    Case("!incident affects #1 vm", EntryKind.AFFECTS, "Incident 1 affects vm."),
    Case("!incident task #1 call for nounou2", EntryKind.TASK, "Task 1 of incident 1 is for"),
    Case("!incident done #1 1", EntryKind.DONE, "Task 1 of incident 1 is done.", ("task x",)),
    Case("!incident status #1 a fan", EntryKind.STATUS, "The pinned message of incident 1"),
    Case("!incident update #1 in 2h", EntryKind.UPDATE_DUE, "nounou is reminded"),
    Case("!incident reopen #1", EntryKind.REOPENED, "Incident 1 is open", ("resolve x",)),
]


@pytest.mark.parametrize(
    ("case", "commit"),
    [
        *((case, commit) for case in CASES[:5] for commit in range(1, 10)),
        *((case, commit) for case in CASES[5:] for commit in range(2, 5)),
    ],
    ids=lambda each: each.line if isinstance(each, Case) else str(each),
)
async def test_whenever_the_bot_dies_each_entry_is_there_once_and_is_told(
    place: Place, case: Case, commit: int
) -> None:
    if case.kind is not EntryKind.OPENED:
        async with place.bot() as bot:
            await opened(bot, "one")
            for line in case.before:
                await bot.ask(f"!incident {line}")
    async with place.bot() as bot:
        await bot.ask("!ping")
        bot.store.die_after = bot.store.commits + commit
        asked = f"$t{len(bot.chat.batches)}"
        answers = "$m0" if case.kind is EntryKind.PINNED else ""
        bot.chat.deliver([Message(asked, ROOM, NOUNOU, case.line, answers=answers)])
        if await died(bot.store, place, asked):
            await bot.killed()

    async with place.bot() as bot:
        said = await bot.chat.answer(asked)
        await place.later(5)
        await bot.engine.outbox.drained()

        assert said.plain.startswith(f"✔ {case.says}"), said.plain
        assert (await kinds(bot)).count(case.kind) == 1
        kept = [each for each in await entries(bot, "incident") if each["entry"] == case.kind.value]
        assert len(kept) == 1
        status = await bot.engine.outbox.event_of(bot.engine.txn("incident-1"))
        stands = [each for each in bot.chat.said() if each.plain[:1] in "🚨✅"]
        assert [each.event_id for each in stands] == [status]
        is_open = case.kind is not EntryKind.RESOLVED
        assert stands[0].plain.startswith("🚨" if is_open else "✅")
        assert bot.chat.pins[ROOM] == ([status] if is_open else [])
        digests = [each for each in bot.chat.said() if "you lead incident 1" in each.plain]
        assert len(digests) == (case.kind is EntryKind.HANDOVER)
        assert "whole" in (await bot.ask("!audit verify")).plain


async def test_two_lives_and_two_people_count_tasks_without_a_gap(place: Place) -> None:
    async with place.bot() as bot:
        await opened(bot, "one")
        asked = [
            bot.chat.say(f"!incident task number {number}", sender)
            for number in range(5)
            for sender in (NOUNOU, NOUNOU2)
        ]
        await asyncio.gather(*(bot.chat.answer(each) for each in asked[:3]))
        await bot.killed()
    async with place.bot() as bot:
        await asyncio.gather(*(bot.chat.answer(each) for each in asked))
        [found] = bot.engine.incidents.open
        assert [task.number for task in found.tasks] == list(range(1, 11))
