"""A plan that waits for somebody's word is found again with `!job list` and `!job show`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.plan import Thing
from bot.core.policy import Right, Role
from tests.engine.alive import APPRENTI, NOUNOU2, POLICY, Bot, Place
from tests.engine.asking import burn
from tests.engine.toys import Toys


@pytest.fixture
async def place(place: Place) -> Place:
    toys = Toys(touches={(Thing.HOST, "oven")})
    toys.gate("slow")
    place.registry = toys.registry()
    return place


async def test_it_is_shown_again_with_its_plan_its_code_and_who_may_answer(bot: Bot) -> None:
    code = await bot.code(burn(bot))

    said = await bot.ask("!job show 1", NOUNOU2)

    first, *rest = said.plain.splitlines()
    assert first.startswith("Job 1 is awaiting approval: !burn barn (by nounou, ")
    assert rest == [
        "1. on oven: burn it down",
        "",
        "Dom0: oven",
        f"Another person: !approve {code}, or !deny {code} WHY.",
        "It can be answered until 08:15 UTC.",
        "nounou2 can approve it.",
    ]


async def test_it_is_shown_after_a_restart_too(place: Place) -> None:
    async with place.bot() as bot:
        code = await bot.code(burn(bot))
    async with place.bot() as bot:
        await bot.chat.until(lambda: 1 in bot.engine.running)

        assert f"!approve {code}" in (await bot.ask("!job show 1")).plain


async def test_what_was_answered_asks_for_nothing_more(bot: Bot) -> None:
    asked = burn(bot)
    code = await bot.code(asked)
    await bot.ask(f"!deny {code} not today", NOUNOU2)
    await bot.chat.answer(asked)

    said = await bot.ask("!job show 1")

    assert code not in said.plain
    assert "can be answered" not in said.plain


async def test_what_is_open_is_listed_first_with_the_code_that_is_awaited(bot: Bot) -> None:
    code = await bot.code(burn(bot))
    bot.chat.say("!change slow")
    for name in ("a", "b"):
        await bot.ask(f"!change {name}")

    listed = (await bot.ask("!job list")).plain

    assert listed.startswith("2 open.")
    rows = [" ".join(row.split()) for row in listed.splitlines()[2:-1]]
    assert [row.split()[0] for row in rows] == ["2", "1", "4", "3"]
    assert rows[1].startswith(f"1 awaiting approval, {code} nounou !burn barn ")


async def test_who_may_not_approve_is_not_named(place: Place) -> None:
    role = Role((*POLICY.rights["apprenti"].allow, Right.parse("access.approve")))
    place.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": role})
    async with place.bot() as bot:
        await bot.code(burn(bot))

        said = await bot.ask("!job show 1", APPRENTI)

    assert said.plain.endswith("\nnounou2 can approve it.")
