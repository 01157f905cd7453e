"""What needs somebody's word: asked with the whole plan, answered once, by the right person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.own import Own
from bot.core.plan import Thing
from bot.core.policy import Policy, Right, Role
from bot.core.risk import Risk
from tests.engine.alive import APPRENTI, NOUNOU2, POLICY, Bot, Place
from tests.engine.asking import burn, entries, state
from tests.engine.toys import Toys
from tests.fakes import NOUNOU

PHONE = "@nounou-phone:elsewhere"


@pytest.fixture
def toys() -> Toys:
    toys = Toys()
    toys.touches = {(Thing.HOST, "oven"), (Thing.WWN, "600c0ff0")}
    return toys


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    place.policy = replace(POLICY, persons={**POLICY.persons, PHONE: "nounou"})
    return place


def apprenti_may(*rights: str) -> Policy:
    role = Role(tuple(map(Right.parse, rights)))
    return replace(POLICY, rights={**POLICY.rights, "apprenti": role})


async def test_a_second_person_sees_the_plan_and_approves_it(bot: Bot, toys: Toys) -> None:
    asked = burn(bot)
    code = await bot.code(asked)
    shown = bot.chat.about(asked)[0]

    assert toys.done == []
    assert shown.plain.splitlines() == [
        "⏳ job 1: !burn barn",
        "⏸ waits for another person's approval",
        "1. on oven: burn it down",
        "",
        "Dom0: oven",
        "WWN: 600c0ff0",
        f"Another person: !approve {code}, or !deny {code} WHY.",
        "It can be answered until 08:15 UTC.",
    ]
    assert shown.post.mentions == (NOUNOU2,)

    answer = await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)
    final = await bot.chat.answer(asked)

    assert answer.plain.startswith("✔ Approved: job 1 is looked at once more, then begins.")
    assert answer.status is not None
    assert list(answer.status.frees) == [asked]
    assert final.plain.startswith("✔ burnt barn\n✔ burn barn down: ")
    assert final.plain.endswith(", approved by nounou2.")
    assert toys.done == ["burn barn"]
    told = await entries(bot, "requested", "approved", "plan")
    assert [(each["kind"], each["person"]) for each in told] == [
        ("requested", "nounou"),
        ("approved", "nounou2"),
        ("plan", "nounou"),
    ]
    assert len({each["digest"] for each in told}) == 1


async def test_the_code_is_taken_as_people_type_it(bot: Bot) -> None:
    code = await bot.code(asked := burn(bot))

    await bot.ask(f"!approve {code[:3].lower()}-{code[3:].lower()}", NOUNOU2, Proof.SIGNED)

    assert state(await bot.chat.answer(asked)) == "succeeded"


@pytest.mark.parametrize(
    ("sender", "proof", "why"),
    [
        (NOUNOU, Proof.SIGNED, "You asked for job 1 yourself"),
        (PHONE, Proof.SIGNED, "You asked for job 1 yourself"),
        (APPRENTI, Proof.SIGNED, "You may not approve job 1: you may not run its command"),
        (NOUNOU2, Proof.PLAIN, "cannot be answered in a room that is not encrypted"),
        (NOUNOU2, Proof.UNSIGNED, "This device is not signed by its owner"),
        (NOUNOU2, Proof.CHANGED, "Your identity key has changed"),
    ],
)
async def test_an_answer_of_the_wrong_person_or_device_has_no_effect(
    place: Place, toys: Toys, sender: str, proof: Proof, why: str
) -> None:
    place.policy = replace(
        apprenti_may("access.approve"), persons={**POLICY.persons, PHONE: "nounou"}
    )
    async with place.bot() as bot:
        code = await bot.code(asked := burn(bot))

        answer = await bot.ask(f"!approve {code}", sender, proof)

        assert state(answer) == "denied"
        assert why in answer.plain
        assert bot.chat.final(asked) is None
        assert toys.done == []
        assert await entries(bot, "approved") == []


async def test_a_plain_room_approves_what_destroys_only_where_the_config_says_so(
    place: Place, toys: Toys
) -> None:
    place.approvals = replace(place.approvals, plaintext=True)
    async with place.bot() as bot:
        code = await bot.code(asked := bot.chat.say("!burn barn"))

        await bot.ask(f"!approve {code}", NOUNOU2)

        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_a_code_is_used_once(bot: Bot, toys: Toys) -> None:
    code = await bot.code(asked := burn(bot))
    await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)
    await bot.chat.answer(asked)
    again = await bot.code(burn(bot))

    answer = await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)

    assert again != code
    assert state(answer) == "refused"
    assert "This code was used: job 1 has begun." in answer.plain
    assert toys.done == ["burn barn"]


@pytest.mark.parametrize("word", ["", "ABCDEF", "'; drop'", "1"])
async def test_what_is_no_code_is_answered_and_has_no_effect(
    bot: Bot, toys: Toys, word: str
) -> None:
    await bot.code(burn(bot))

    answer = await bot.ask(f"!approve {word}", NOUNOU2, Proof.SIGNED)

    assert state(answer) == "usage"
    assert toys.done == []


async def test_a_request_expires_and_nothing_was_done(bot: Bot, toys: Toys, place: Place) -> None:
    code = await bot.code(asked := burn(bot))
    await place.later(901)

    final = await bot.chat.answer(asked)
    answer = await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)

    assert state(final) == "refused"
    assert "Nobody answered within 15 min 00 s, so nothing was done." in final.plain
    assert "The request of job 1 has expired." in answer.plain
    assert toys.done == []
    (expired,) = await entries(bot, "expired")
    assert (expired["person"], expired["asked_by"]) == ("bot", "nounou")


async def test_no_is_no(bot: Bot, toys: Toys) -> None:
    code = await bot.code(asked := burn(bot))

    await bot.ask(f"!deny {code} not before the backup", NOUNOU2, Proof.SIGNED)
    final = await bot.chat.answer(asked)

    assert "nounou2 said no (not before the backup); nothing was done." in final.plain
    assert state(final) == "refused"
    answer = await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)
    assert "nounou2 said no to job 1." in answer.plain
    assert toys.done == []


@pytest.mark.parametrize("line", ["!deny {code}", "!job cancel 1"])
async def test_who_asked_can_take_it_back(bot: Bot, toys: Toys, line: str) -> None:
    code = await bot.code(asked := burn(bot))

    await bot.ask(line.format(code=code), proof=Proof.SIGNED)
    final = await bot.chat.answer(asked)
    answer = await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)

    assert state(final) == "cancelled"
    assert "its code counts no more" in answer.plain
    assert toys.done == []


async def test_a_plan_that_is_another_one_under_the_locks_is_refused_with_the_difference(
    bot: Bot, toys: Toys
) -> None:
    """The approval is for what was shown: another WWN behind the same words is another thing."""
    code = await bot.code(asked := burn(bot))
    toys.touches = {(Thing.HOST, "oven"), (Thing.WWN, "600c0bad")}

    await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)
    final = await bot.chat.answer(asked)

    assert state(final) == "refused"
    assert "nothing was done" in final.plain
    assert "- WWN 600c0ff0" in final.plain
    assert "+ WWN 600c0bad" in final.plain
    assert toys.done == []


async def test_other_steps_are_another_plan(bot: Bot, toys: Toys) -> None:
    code = await bot.code(asked := burn(bot))
    toys.steps = ["burn it down", "and the house"]

    await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)
    final = await bot.chat.answer(asked)

    assert "+ on oven: and the house" in final.plain
    assert toys.done == []


@pytest.mark.parametrize(
    ("rights", "why"),
    [
        ({"nounou2": Role()}, "nounou2, who approved this, may not do it any more"),
        ({"nounou": Role()}, "You may not run burn: it needs the right toy.burn."),
    ],
)
async def test_rights_are_looked_at_again_under_the_locks(
    bot: Bot, toys: Toys, rights: dict[str, Role], why: str
) -> None:
    toys.keys["field"] = frozenset({"toy/barn"})
    gate = toys.gate("field")
    blocker = bot.chat.say("!change field")
    await toys.until("begin field")
    code = await bot.code(asked := burn(bot))
    await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)

    own = {"nounou": ("nounou",), "nounou2": ("nounou2",)}
    both = {"nounou": Role((Right.parse("*"),)), "nounou2": Role((Right.parse("*"),))}
    bot.engine.policy = Policy(POLICY.persons, own, both | rights)
    gate.set()
    await bot.chat.answer(blocker)

    assert why in (await bot.chat.answer(asked)).plain
    assert toys.done.count("burn barn") == 0


async def test_an_approval_expires_while_its_job_waits_for_locks(
    bot: Bot, toys: Toys, place: Place
) -> None:
    toys.keys["field"] = frozenset({"toy/barn"})
    gate = toys.gate("field")
    bot.chat.say("!change field")
    await toys.until("begin field")
    code = await bot.code(asked := burn(bot))
    await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)
    await place.later(901)
    gate.set()

    final = await bot.chat.answer(asked)

    assert "The approval expired while the job waited, so nothing was done." in final.plain
    assert "burn barn" not in toys.done


async def test_a_class_can_want_its_askers_confirmation(place: Place, toys: Toys) -> None:
    place.approvals = Approvals(by_risk={Risk.CHANGES: Need.CONFIRM})
    async with place.bot() as bot:
        code = await bot.code(asked := bot.chat.say("!change it"))
        other = await bot.ask(f"!confirm {code}", NOUNOU2)
        second = await bot.ask(f"!approve {code}", NOUNOU2)

        await bot.ask(f"!confirm {code}")

        assert "Only nounou, who asked for job 1, can confirm it." in other.plain
        assert "waits for its asker's confirmation" in second.plain
        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_the_plan_raises_the_class_and_never_lowers_it(place: Place, toys: Toys) -> None:
    async with place.bot() as bot:
        toys.raises = Risk.READS
        await bot.code(burn(bot))
        toys.raises = Risk.DESTROYS
        await bot.code(bot.chat.say("!change it"))

        assert toys.done == ["plan it"]


async def test_a_right_can_want_more_than_its_class(place: Place) -> None:
    place.approvals = replace(place.approvals, also=((Right.parse("toy.change"), Need.SECOND),))
    async with place.bot() as bot:
        code = await bot.code(asked := bot.chat.say("!change it"))

        await bot.ask(f"!approve {code}", NOUNOU2)

        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_what_could_silence_the_bot_is_confirmed(place: Place) -> None:
    place.own = Own(homeserver="vm")
    async with place.bot() as bot:
        await bot.code(asked := bot.chat.say("!migrate vm fz"))

        assert "vm is the DomU of the homeserver" in bot.chat.about(asked)[0].plain
        assert place.migrations() == []


@pytest.mark.parametrize("answer", ["!approve X", "!confirm X", "!deny X"])
async def test_an_answer_never_waits_for_an_answer(place: Place, answer: str) -> None:
    place.approvals = Approvals(by_risk={Risk.CHANGES: Need.SECOND, Risk.DESTROYS: Need.SECOND})
    async with place.bot() as bot:
        code = await bot.code(burn(bot))

        said = await bot.ask(answer.replace("X", code), NOUNOU2, Proof.SIGNED)

        assert said.status is not None
        assert said.status.final
