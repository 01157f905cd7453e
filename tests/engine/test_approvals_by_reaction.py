"""A sign on the plan counts where the config says so, and never for what destroys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.risk import Risk
from tests.engine.alive import APPRENTI, NOUNOU2, Place
from tests.engine.asking import burn, entries, state
from tests.engine.toys import Toys
from tests.fakes import NOUNOU, ROOM


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


async def test_it_confirms_as_the_code_does(place: Place) -> None:
    place.approvals = Approvals(
        by_risk={Risk.CHANGES: Need.CONFIRM}, reactions=frozenset({Risk.CHANGES})
    )
    async with place.bot() as bot:
        await bot.code(asked := bot.chat.say("!change it"))

        bot.chat.react("✅\ufe0f", bot.chat.about(asked)[0].event_id)

        assert state(await bot.chat.answer(asked)) == "succeeded"
        (confirmed,) = await entries(bot, "confirmed")
        assert confirmed["via"] == "reaction"


async def test_it_never_counts_for_what_destroys(place: Place, toys: Toys) -> None:
    place.approvals = replace(
        place.approvals, plaintext=True, reactions=frozenset({Risk.CHANGES, Risk.DESTROYS})
    )
    async with place.bot() as bot:
        await bot.code(asked := burn(bot))

        reaction = bot.chat.react("✅", bot.chat.about(asked)[0].event_id, NOUNOU2)
        said = await bot.chat.answer(reaction)

        assert "A reaction does not count for this." in said.plain
        assert bot.chat.final(asked) is None
        assert toys.done == []


async def test_it_does_not_count_where_the_config_names_no_class(place: Place) -> None:
    place.approvals = Approvals(by_risk={Risk.CHANGES: Need.CONFIRM})
    async with place.bot() as bot:
        await bot.code(asked := bot.chat.say("!change it"))

        reaction = bot.chat.react("✅", bot.chat.about(asked)[0].event_id)

        assert "Type it: !confirm" in (await bot.chat.answer(reaction)).plain


async def test_it_does_not_count_from_somebody_whose_key_has_changed(place: Place) -> None:
    place.approvals = Approvals(
        by_risk={Risk.CHANGES: Need.CONFIRM}, reactions=frozenset({Risk.CHANGES})
    )
    async with place.bot() as bot:
        await bot.engine.pins.holds(NOUNOU, "first")
        await bot.engine.pins.holds(NOUNOU, "another")
        await bot.code(asked := bot.chat.say("!change it"))

        reaction = bot.chat.react("✅", bot.chat.about(asked)[0].event_id)

        assert state(await bot.chat.answer(reaction)) == "denied"
        assert bot.chat.final(asked) is None


async def test_a_second_person_is_a_second_person(place: Place, toys: Toys) -> None:
    place.approvals = Approvals(
        by_risk={Risk.CHANGES: Need.SECOND}, reactions=frozenset({Risk.CHANGES})
    )
    async with place.bot() as bot:
        await bot.code(asked := bot.chat.say("!change it"))
        target = bot.chat.about(asked)[0].event_id

        own = await bot.chat.answer(bot.chat.react("✅", target))
        denied = await bot.chat.answer(bot.chat.react("✅", target, APPRENTI))
        bot.chat.react("✅", target, "@stranger:localhost")
        assert (state(own), state(denied)) == ("denied", "denied")

        bot.chat.react("✅", target, NOUNOU2)
        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_a_cross_says_no(place: Place) -> None:
    place.approvals = Approvals(
        by_risk={Risk.CHANGES: Need.SECOND}, reactions=frozenset({Risk.CHANGES})
    )
    async with place.bot() as bot:
        await bot.code(asked := bot.chat.say("!change it"))

        bot.chat.react("❌", bot.chat.about(asked)[0].event_id, NOUNOU2)

        assert "nounou2 said no" in (await bot.chat.answer(asked)).plain


async def test_a_cross_on_what_destroys_means_nothing(place: Place, toys: Toys) -> None:
    """A homeserver could stop anything with one, in somebody's name."""
    async with place.bot() as bot:
        await bot.code(asked := burn(bot))

        said = await bot.chat.answer(
            bot.chat.react("❌", bot.chat.about(asked)[0].event_id, NOUNOU2)
        )

        assert state(said) == "denied"
        assert bot.chat.final(asked) is None
        assert await entries(bot, "not approved") == []


async def test_a_sign_counts_in_the_room_of_the_plan_alone(place: Place) -> None:
    place.approvals = Approvals(
        by_risk={Risk.CHANGES: Need.CONFIRM}, reactions=frozenset({Risk.CHANGES})
    )
    async with place.bot() as bot:
        await bot.code(asked := bot.chat.say("!change it"))

        bot.chat.react("✅", bot.chat.about(asked)[0].event_id, room="!aside:localhost")
        await bot.ask("!ping")

        assert bot.chat.final(asked) is None


async def test_a_sign_given_to_one_plan_does_not_approve_the_next(place: Place, toys: Toys) -> None:
    """The message of the first plan was edited to the second one."""
    place.approvals = Approvals(
        by_risk={Risk.CHANGES: Need.CONFIRM}, reactions=frozenset({Risk.CHANGES})
    )
    async with place.bot() as bot:
        await bot.code(asked := bot.chat.say("!change it"))
        await bot.killed()
    toys.raises = Risk.CHANGES
    toys.keys["it"] = frozenset({"toy/another"})
    async with place.bot() as bot:
        await bot.chat.until(lambda: len(bot.chat.about(asked)[0].before) > 0)
        said = await bot.chat.answer(bot.chat.react("✅", bot.chat.about(asked)[0].event_id))

        assert "A reaction does not count for this." in said.plain
        assert bot.chat.final(asked) is None


async def test_no_sign_gives_rights_away(place: Place) -> None:
    place.approvals = Approvals(reactions=frozenset({Risk.CHANGES}))
    async with place.bot() as bot:
        line = "!grant apprenti toy.change for 1h reason she learns"
        await bot.code(asked := bot.chat.say(line))

        said = await bot.chat.answer(
            bot.chat.react("✅", bot.chat.about(asked)[0].event_id, NOUNOU2)
        )

        assert state(said) == "denied"


async def test_signs_elsewhere_and_other_signs_mean_nothing(place: Place, toys: Toys) -> None:
    place.approvals = Approvals(
        by_risk={Risk.CHANGES: Need.CONFIRM}, reactions=frozenset({Risk.CHANGES})
    )
    async with place.bot() as bot:
        await bot.code(asked := bot.chat.say("!change it"))
        bot.chat.react("👀", bot.chat.about(asked)[0].event_id)
        bot.chat.react("✅", asked)
        bot.chat.react("✅", "$nothing")
        await bot.ask("!ping")

        assert bot.chat.final(asked) is None
        assert len(await entries(bot, "asked")) == 2
        assert {said.post.room for said in bot.chat.said()} == {ROOM}
