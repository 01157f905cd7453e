"""`!why`: the rule that decides, or that none does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.policy import Right, Role
from bot.core.risk import Risk
from tests.engine.alive import APPRENTI, POLICY, Bot, Place
from tests.fakes import NOUNOU, ROOM, Said

LEARNS = Role(
    tuple(map(Right.parse, ("bot.*", "domu.list", "domu.migrate on vm* to fz"))),
    tuple(map(Right.parse, ("domu.migrate on vm-db",))),
)


@pytest.fixture
async def place(place: Place) -> Place:
    place.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": LEARNS})
    return place


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


@pytest.mark.parametrize(
    ("typed", "sender", "says"),
    [
        (
            "!why apprenti migrate vm-1 fz",
            NOUNOU,
            "apprenti may run !migrate vm-1 fz.\n"
            "allowed by: domu.migrate on vm* to fz (role apprenti)\n"
            "It can interrupt something (class interrupts): it waits for nobody.",
        ),
        (
            "!why migrate vm-1 fz",
            APPRENTI,
            "apprenti may run !migrate vm-1 fz.\n"
            "allowed by: domu.migrate on vm* to fz (role apprenti)",
        ),
        ("!why !migrate vm-1 fz", APPRENTI, "apprenti may run !migrate vm-1 fz."),
        ("!why apprenti !migrate vm-1 fz", NOUNOU, "apprenti may run !migrate vm-1 fz."),
        ("!why '!migrate vm-1 fz'", APPRENTI, "apprenti may run !migrate vm-1 fz."),
        ("!why migrate vm-1 fz --dry-run", APPRENTI, "apprenti may run !migrate vm-1 fz --dry-run"),
        (
            "!why migrate vm-db fz",
            APPRENTI,
            "apprenti may not run !migrate vm-db fz.\n"
            "denied by: domu.migrate on vm-db (role apprenti)",
        ),
        (
            "!why migrate vm-1 fy",
            APPRENTI,
            "apprenti may not run !migrate vm-1 fy.\n"
            "No rule allows it; it needs the right domu.migrate.\n"
            "not enough: domu.migrate on vm* to fz (role apprenti)",
        ),
        (
            "!why job cancel 1",
            APPRENTI,
            "apprenti may not run !job cancel 1.\n"
            "No rule allows it; it needs the right job.cancel.",
        ),
        (
            "!why migrate",
            APPRENTI,
            "Whether apprenti may run !migrate depends on its words.\n"
            "denied by: domu.migrate on vm-db (role apprenti)\n"
            "allowed by: domu.migrate on vm* to fz (role apprenti)",
        ),
        ("!why job cancel", APPRENTI, "apprenti may not run !job cancel."),
        (
            "!why migrate",
            NOUNOU,
            "nounou may run !migrate.\nallowed by: * (role nounou)\nIt can interrupt",
        ),
        ("!why @apprenti:localhost migrate vm-1 fz", NOUNOU, "apprenti may run !migrate vm-1 fz."),
        ("!why @apprenti:localhost job cancel", NOUNOU, "apprenti may not run !job cancel."),
        ("!why ping", NOUNOU, "nounou may run !ping.\nallowed by: * (role nounou)\nIt reads"),
    ],
)
async def test_the_rule_that_decides_is_named(bot: Bot, typed: str, sender: str, says: str) -> None:
    said = await bot.ask(typed, sender)

    assert state(said) == "succeeded"
    assert said.plain.startswith(says)


@pytest.mark.parametrize("typed", ["migrate vm-db fz", "migrate vm-1 fy", "job cancel 1"])
async def test_who_may_not_waits_for_nobody(bot: Bot, typed: str) -> None:
    said = await bot.ask(f"!why {typed}", APPRENTI)

    assert "may not run" in said.plain
    assert "wait" not in said.plain


async def test_what_it_says_is_what_happens(bot: Bot) -> None:
    """The command is then judged in the same way, before anything is looked up."""
    for line in (
        "migrate vm fz --dry-run",
        "migrate vm-db fz",
        "migrate vm fy",
        "migrate vm no-such-host",
        "job cancel 1",
        "domu list",
        "ping",
    ):
        judged = await bot.ask(f"!why {line}", APPRENTI)
        run = await bot.ask(f"!{line}", APPRENTI)

        assert ("may not run" in judged.plain) is (state(run) == "denied"), line


async def test_nothing_is_looked_up(bot: Bot, place: Place) -> None:
    await bot.ask("!ping")
    await place.later(60)
    sent = len(place.sent)

    said = await bot.ask("!why migrate no-such-guest fz", NOUNOU)

    assert said.plain.startswith("nounou may run !migrate no-such-guest fz.")
    assert len(place.sent) == sent


async def test_a_room_that_does_not_take_it_is_said(place: Place) -> None:
    place.commands = {ROOM: ("bot.*",), "#work:localhost": ("*",)}
    async with place.bot() as bot:
        said = await bot.ask("!why domu list", NOUNOU)

    assert said.plain.startswith("nounou may not run !domu list.\nallowed by: * (role nounou)")
    assert "This room does not take it; these do: #work:localhost." in said.plain


async def test_whom_it_would_wait_for_is_said(place: Place) -> None:
    also = ((Right.parse("domu.migrate on web-* in #nounou:*"), Need.SECOND),)
    approvals = Approvals({Risk.INTERRUPTS: Need.NONE}, also)
    async with place.bot(approvals=approvals) as bot:
        mail = await bot.ask("!why migrate mail fz")
        web = await bot.ask("!why migrate web-1 fz")

    assert mail.plain.endswith("(class interrupts): it waits for nobody.")
    assert web.plain.endswith("(class interrupts): it waits for another person's approval.")


@pytest.mark.parametrize(
    ("typed", "says", "hint"),
    [
        ("!why", "Which command?", "!why [PERSON] COMMAND…"),
        ("!why migrat vm fz", "There is no command migrat.", "Did you mean migrate"),
        (
            "!why aprenti migrate vm fz",
            "aprenti is neither a command nor a member.",
            "Did you mean apprenti?",
        ),
        (
            "!why @x:y ping",
            "@x:y is neither a command nor a member.",
            "There are: apprenti, nounou, nounou2.",
        ),
        ("!why apprenti migrat vm fz", "There is no command migrat.", "Did you mean migrate"),
        ("!why apprenti", "There is no command apprenti.", ""),
        ("!why migrate vm", "TO is missing.", "migrate DOMU TO"),
        ("!why migrate vm fz --dry", "--dry is not an option of migrate.", "--dry-run"),
        ("!why 'migrate \"vm'", "A quote is opened and never closed.", ""),
    ],
)
async def test_what_cannot_be_judged_is_a_wrong_line(
    bot: Bot, typed: str, says: str, hint: str
) -> None:
    said = await bot.ask(typed)

    assert state(said) == "usage"
    assert says in said.plain
    assert hint in said.plain


async def test_the_caret_stands_under_the_wrong_word(bot: Bot) -> None:
    said = await bot.ask("!why apprenti migrat vm fz")

    line, carets = said.plain.splitlines()[1:3]
    assert line[carets.index("^") :].startswith("migrat ")
    assert carets.count("^") == len("migrat")
