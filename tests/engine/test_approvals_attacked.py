"""Ways round an approval that were tried, and lead nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.policy import Policy, Right, Role
from bot.core.render import Reply
from bot.core.risk import Risk
from bot.engine.context import Context
from tests.engine.alive import APPRENTI, NOUNOU2, POLICY, Place
from tests.engine.asking import burn, entries, state
from tests.engine.toys import Toys


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


async def test_nobody_takes_back_what_is_past_its_point_of_no_return(
    place: Place, toys: Toys
) -> None:
    async def work(ctx: Context) -> Reply | None:
        async with ctx.step("send it", changes=True):
            await ctx.no_return()
            toys.done.append("sent")
            run = ctx.engine.running[ctx.job.id]
            run.cancel("asked")
        async with ctx.step("look at it"):
            toys.done.append("looked")
        return None

    toys.work["it"] = work
    async with place.bot() as bot:
        said = await bot.ask("!change it")

    assert state(said) == "succeeded"
    assert toys.done[-3:] == ["sent", "looked", "end it"]


async def test_who_asked_cannot_say_no_to_what_has_begun(place: Place, toys: Toys) -> None:
    place.approvals = Approvals(by_risk={Risk.CHANGES: Need.CONFIRM})
    gate = toys.gate("it")
    async with place.bot() as bot:
        code = await bot.code(asked := bot.chat.say("!change it"))
        await bot.ask(f"!confirm {code}")
        await toys.until("begin it")

        said = await bot.ask(f"!deny {code}")
        gate.set()

        assert "This code was used: job 1 has begun." in said.plain
        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_the_end_of_what_was_asked_for_is_recorded_though_others_were_denied(
    place: Place, toys: Toys
) -> None:
    place.policy = replace(
        POLICY, rights={**POLICY.rights, "apprenti": Role((Right.parse("toy.burn"),))}
    )
    async with place.bot() as bot:
        asked = bot.chat.say("!burn barn", APPRENTI, proof=Proof.SIGNED)
        code = await bot.code(asked)
        await bot.ask("!change it", APPRENTI)
        bot.engine.policy = POLICY
        await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)

        assert state(await bot.chat.answer(asked)) == "denied"
        assert [each["job"] for each in await entries(bot, "denied")] == [2, 1]


async def test_a_class_that_rose_meanwhile_is_asked_for_anew(place: Place, toys: Toys) -> None:
    place.approvals = Approvals(by_risk={Risk.CHANGES: Need.SECOND, Risk.DESTROYS: Need.SECOND})
    async with place.bot() as bot:
        code = await bot.code(asked := bot.chat.say("!change it"))
        toys.raises = Risk.DESTROYS
        await bot.ask(f"!approve {code}", NOUNOU2)

        said = await bot.chat.answer(asked)

        assert state(said) == "refused"
        assert "not the plan that was agreed to" in said.plain
        assert "begin it" not in toys.done


async def test_what_only_reads_waits_too_where_the_config_says_so(place: Place, toys: Toys) -> None:
    place.approvals = Approvals(also=((Right.parse("audit.tail"), Need.SECOND),))
    async with place.bot() as bot:
        code = await bot.code(asked := bot.chat.say("!audit tail"))
        await bot.ask(f"!approve {code}", NOUNOU2)

        assert state(await bot.chat.answer(asked)) == "succeeded"


@pytest.mark.parametrize("deny", ["access.approve", "access.*"])
async def test_who_may_not_approve_any_more_has_not_approved(
    place: Place, toys: Toys, deny: str
) -> None:
    toys.keys["field"] = frozenset({"toy/barn"})
    gate = toys.gate("field")
    async with place.bot() as bot:
        bot.chat.say("!change field")
        await toys.until("begin field")
        code = await bot.code(asked := burn(bot))
        await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)
        everything = (Right.parse("*"),)
        bot.engine.policy = Policy(
            POLICY.persons,
            {"nounou": ("nounou",), "nounou2": ("nounou2",)},
            {"nounou": Role(everything), "nounou2": Role(everything, (Right.parse(deny),))},
        )
        gate.set()

        assert "may not do it any more" in (await bot.chat.answer(asked)).plain
        assert "burn barn" not in toys.done


async def test_an_answer_from_a_plain_room_counts_no_more_once_the_config_says_so(
    place: Place, toys: Toys
) -> None:
    place.approvals = replace(place.approvals, plaintext=True)
    toys.keys["field"] = frozenset({"toy/barn"})
    gate = toys.gate("field")
    async with place.bot() as bot:
        bot.chat.say("!change field")
        await toys.until("begin field")
        code = await bot.code(asked := burn(bot))
        await bot.ask(f"!approve {code}", NOUNOU2)
        bot.engine.approvals = replace(place.approvals, plaintext=False)
        gate.set()

        assert "does not count any more" in (await bot.chat.answer(asked)).plain
        assert "burn barn" not in toys.done


async def test_who_gains_by_a_grant_does_not_approve_it(place: Place) -> None:
    place.policy = replace(
        POLICY, rights={**POLICY.rights, "apprenti": Role((Right.parse("access.*"),))}
    )
    async with place.bot() as bot:
        line = "!grant nounou2 toy.change for 1h reason night"
        code = await bot.code(asked := bot.chat.say(line))

        said = await bot.ask(f"!approve {code}", NOUNOU2)

        assert "You gain by job 1, so somebody else has to approve it." in said.plain
        assert bot.chat.final(asked) is None


async def test_nobody_else_is_needed_to_break_the_glass(place: Place) -> None:
    place.approvals = Approvals(by_risk={Risk.CHANGES: Need.SECOND})
    async with place.bot() as bot:
        code = await bot.code(asked := bot.chat.say("!break-glass reason alone"))
        await bot.ask(f"!confirm {code}")

        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_the_asker_needs_no_right_to_approve_to_take_it_back(place: Place) -> None:
    rights = tuple(map(Right.parse, ("toy.burn", "access.confirm")))
    place.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": Role(rights)})
    async with place.bot() as bot:
        asked = bot.chat.say("!burn barn", APPRENTI)
        code = await bot.code(asked)
        other = await bot.code(burn(bot))

        stranger = await bot.ask(f"!deny {other}", APPRENTI, Proof.SIGNED)
        await bot.ask(f"!deny {code}", APPRENTI)

        assert "it needs the right access.approve" in stranger.plain
        assert state(await bot.chat.answer(asked)) == "cancelled"
