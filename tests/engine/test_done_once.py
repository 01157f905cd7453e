"""``kill -9`` around a change of the bot's own store: it is done once, and that is what is said.

All of it waits for a confirmation here, so that what began anew would ask for another code; and
after the crash nobody is there any more who could type it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from bot.app import registry_of
from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.events import Ended
from bot.core.render import Reply
from bot.core.risk import Risk
from bot.engine import jobs
from bot.engine.context import Context
from bot.engine.reload import Fresh
from bot.engine.run import Run
from bot.errors import OutcomeUnknown
from tests.engine.alive import APPRENTI, NOUNOU2, POLICY, Bot, Place
from tests.engine.asking import entries, state
from tests.engine.away import listed, missed
from tests.engine.test_alert_crashes import CASES as ALERTS
from tests.engine.test_crashes import died
from tests.engine.test_incidents import CASES as INCIDENTS
from tests.engine.toys import Toys
from tests.fakes import NOUNOU

OLD, NEW = "o" * 43, "n" * 43
ASKING = Approvals(by_risk={Risk.CHANGES: Need.CONFIRM, Risk.DESTROYS: Need.SECOND})


@pytest.fixture
async def place(place: Place) -> Place:
    toys = Toys()

    async def lose(ctx: Context) -> Reply:
        raise OutcomeUnknown("nobody knows")

    async def look(ctx: Context) -> Reply:
        return Reply("It was done.")

    toys.work["lost"], toys.settles = lose, look
    place.registry = toys.registry()
    return place


async def nothing(place: Place) -> None:
    """Nothing has to be there before."""


def typed(line: str) -> Callable[[Place], Awaitable[None]]:
    """*line* was typed before, and has ended."""

    async def before(place: Place) -> None:
        async with place.bot() as bot:
            await bot.ask(line)

    return before


async def granted(place: Place) -> None:
    async with place.bot() as bot:
        asked = bot.chat.say("!grant apprenti toy.change for 1h reason work")
        await bot.ask(f"!approve {await bot.code(asked)}", NOUNOU2)
        await bot.chat.answer(asked)


async def another_key(place: Place) -> None:
    async with place.bot() as bot:
        await bot.engine.pins.holds(APPRENTI, OLD)
        await bot.engine.pins.holds(APPRENTI, NEW)


async def held(place: Place) -> None:
    """Job 2 came while the bot was away."""
    await missed(place, "!ping")
    async with place.bot():
        await listed(place)


async def for_another(place: Place) -> None:
    """Job 1 waits for another person's word."""
    async with place.bot(approvals=ASKING) as bot:
        await bot.code(bot.chat.say("!burn barn", proof=Proof.SIGNED))


async def for_itself(place: Place) -> None:
    """Job 1 waits for its asker's word."""
    async with place.bot(approvals=ASKING) as bot:
        await bot.code(bot.chat.say("!change it", proof=Proof.SIGNED))


@dataclass(frozen=True)
class Case:
    """A line, what the record has of it once it is done, what it says then, and what was before."""

    line: str
    kind: str
    says: str
    before: Callable[[Place], Awaitable[None]] = nothing
    sender: str = NOUNOU


CASES = [
    Case("!hold fz reason work", "hold placed", "Dom0 fz is held by nounou"),
    Case("!release fz", "hold released", "Dom0 fz is free", typed("!hold fz reason work")),
    Case("!host maintenance fz on reason work", "hold placed", "Dom0 fz is in maintenance"),
    Case(
        "!host maintenance fz off",
        "hold released",
        "Dom0 fz takes guests in again.",
        typed("!host maintenance fz on reason work"),
    ),
    Case("!revoke 1", "revoked", "Grant 1 is revoked; nothing waited for it.", granted),
    Case("!grant apprenti toy.change for 1h reason work", "granted", "Grant 1: apprenti has"),
    Case("!break-glass reason fire", "glass broken", "The glass is broken until"),
    Case("!break-glass end", "glass ended", "The glass is whole", typed("!break-glass reason x")),
    Case(f"!trust apprenti {NEW}", "key", "apprenti is believed again", another_key),
    Case("!config reload", "reloaded", "The policy is the same as before."),
    Case("!job cancel 2", "cancelled", "Job 2 is cancelled; it had not begun.", held),
    Case("!job release 2", "released", "Job 2 is released.", held),
    Case("!job settle 1", "settled", "Job 1 is settled, its locks", typed("!change lost")),
    Case("!deny CODE", "not approved", "Job 1 is stopped", for_another, NOUNOU2),
    Case("!approve CODE", "approved", "Approved: job 1 is looked at", for_another, NOUNOU2),
    Case("!confirm CODE", "confirmed", "Confirmed: job 1 is looked at", for_itself),
]


async def done(bot: Bot, case: Case) -> int:
    """How often it was done."""
    if case.kind in ("cancelled", "settled"):
        async with bot.store.read() as tx:
            found = [await jobs.get(tx, number) for number in (1, 2)]
        return sum(job is not None and job.code == case.kind for job in found)
    kept = await entries(bot, case.kind)
    return sum(entry.get("state") in (None, "confirmed") for entry in kept)


async def begin(bot: Bot, case: Case, die_after: int | None = None) -> str:
    """Type the line and what it waits for; the bot dies *die_after* so many commits from then."""
    if case.line.endswith("CODE"):
        line = case.line.replace("CODE", await bot.code("$m0"))
        return bot.chat.say(line, case.sender, proof=Proof.SIGNED)
    asked = bot.chat.say(case.line, case.sender, proof=Proof.SIGNED)
    code = await bot.code(asked)
    bot.store.die_after = die_after and bot.store.commits + die_after
    if case.line.startswith("!grant"):
        bot.chat.say(f"!approve {code}", NOUNOU2, proof=Proof.SIGNED)
    else:
        bot.chat.say(f"!confirm {code}", proof=Proof.SIGNED)
    return asked


async def reload() -> Fresh:
    """What the file says now: the same as before."""
    return Fresh(POLICY, ASKING)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.line)
async def test_what_was_done_is_said_though_the_bot_died_before_it_could(
    place: Place, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    await case.before(place)
    place.approvals = ASKING
    original = Run.end

    async def dies(run: Run, event: Ended) -> None:
        if run.job.line.startswith(case.line.removesuffix("CODE")):
            bot.store.dead.set()
            await asyncio.get_running_loop().create_future()
        await original(run, event)

    async with place.bot(reload=reload) as bot:
        with monkeypatch.context() as patched:
            patched.setattr(Run, "end", dies)
            asked = await begin(bot, case)
            await bot.store.dead.wait()
            await bot.killed()

    async with place.bot(reload=reload) as bot:
        said = await bot.chat.answer(asked)

        assert said.plain.startswith(f"✔ {case.says}"), said.plain
        assert state(said) == "succeeded"
        assert await done(bot, case) == 1
        assert (await entries(bot, "ended"))[-1]["state"] == "succeeded"
        assert "whole" in (await bot.ask("!audit verify")).plain


@pytest.mark.parametrize("commit", range(1, 10))
@pytest.mark.parametrize("case", [CASES[0], CASES[1], CASES[2], CASES[4]], ids=lambda c: c.line)
async def test_whenever_the_bot_dies_it_says_what_is_so(
    place: Place, case: Case, commit: int
) -> None:
    await case.before(place)
    place.approvals = ASKING
    async with place.bot(reload=reload) as bot:
        asked = await begin(bot, case, commit)
        await died(bot.store, place, asked)
        await bot.killed()

    async with place.bot(reload=reload) as bot:
        said = await bot.chat.answer(asked)

        times = await done(bot, case)
        assert (state(said), times) in [("succeeded", 1), ("refused", 0)], said.plain
        assert ("nothing was done" in said.plain) == (not times)


def test_every_command_that_changes_something_says_what_it_did_after_a_crash() -> None:
    """A command has a recoverer, or it is among those above."""
    lines = [case.line for case in CASES] + [case.line for case in INCIDENTS]
    lines += [case.line for case in ALERTS]
    lines.append("!incident export")  # in test_reports.py
    tried = {" ".join(line.removeprefix("!").split()[:2]) for line in lines}
    for command in registry_of(["commands"]):
        if command.risk > Risk.READS and command.recoverer is None:
            assert any(line.startswith(command.name) for line in tried), command.name
