"""A right for a time: who may give which, how long it counts, and what its end stops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.policy import Policy, Right, Role
from tests.engine.alive import APPRENTI, EPOCH, NOUNOU2, POLICY, Bot, Place
from tests.engine.granted import GRANT, approved, code_of, entries, noticed, state
from tests.engine.toys import Toys
from tests.fakes import NOUNOU


@pytest.fixture
def toys() -> Toys:
    toys = Toys()
    toys.keys = dict.fromkeys(("one", "two"), frozenset({"the key"}))
    return toys


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


def with_rights(**allow: tuple[str, ...]) -> Policy:
    """The tests' policy, in which the roles named have other rights."""
    roles = {name: Role(tuple(map(Right.parse, rights))) for name, rights in allow.items()}
    return replace(POLICY, rights={**POLICY.rights, **roles})


async def test_a_grant_that_a_second_person_approved_counts(bot: Bot, toys: Toys) -> None:
    assert state(await bot.ask("!change it", APPRENTI)) == "denied"

    said = await approved(bot)

    assert said.plain.startswith("✔ Grant 1: apprenti has toy.change until 09:00 UTC."), said.plain
    assert said.plain.endswith(", approved by nounou2.")
    assert state(await bot.ask("!change it", APPRENTI)) == "succeeded"
    assert toys.done.count("end it") == 1


async def test_the_request_shows_exactly_what_would_be_granted(bot: Bot) -> None:
    asked = bot.chat.say(GRANT)
    await code_of(bot, asked)

    [said] = bot.chat.about(asked)
    assert (
        "on the bot: nounou grants apprenti: toy.change, until 09:00 UTC (power work)" in said.plain
    )
    assert "✔ nounou has toy.change by roles" in said.plain


async def test_without_the_second_person_nothing_is_granted(bot: Bot) -> None:
    asked = bot.chat.say(GRANT)
    code = await code_of(bot, asked)

    for sender in (NOUNOU, APPRENTI):
        for verb in ("approve", "confirm"):
            assert state(await bot.ask(f"!{verb} {code}", sender)) in ("denied", "refused")

    assert state(await bot.ask("!change it", APPRENTI)) == "denied"
    assert (await bot.ask("!grants")).plain == "Nothing is granted to anybody now."


async def test_a_grant_to_a_chat_id_is_one_to_its_person(bot: Bot) -> None:
    said = await approved(bot, f"!grant {APPRENTI} toy.change for 1h reason power work")

    assert "Grant 1: apprenti has toy.change" in said.plain
    assert state(await bot.ask("!change it", APPRENTI)) == "succeeded"


async def test_a_denial_about_a_person_meets_the_chat_id_too(place: Place) -> None:
    role = POLICY.rights["nounou"]
    deny = (Right.parse("access.grant person apprenti"),)
    place.policy = replace(POLICY, rights={**POLICY.rights, "nounou": replace(role, deny=deny)})
    async with place.bot() as bot:
        for person in ("apprenti", APPRENTI):
            said = await bot.ask(f"!grant {person} toy.change for 1h reason power work")
            assert state(said) == "denied"


async def test_a_clock_that_is_set_back_before_a_grant_does_not_prolong_it(bot: Bot) -> None:
    await approved(bot)
    bot.engine.clock = lambda: EPOCH - 3600.0

    assert state(await bot.ask("!change it", APPRENTI)) == "denied"


async def test_a_grant_is_recorded_with_who_gave_it_and_why(bot: Bot) -> None:
    await approved(bot)

    [data] = await entries(bot, "granted")
    assert data["person"] == "nounou"
    assert data["to"] == "apprenti"
    assert data["right"] == "toy.change"
    assert data["reason"] == "power work"
    assert data["grant"] == 1


async def test_all_can_see_what_is_granted(bot: Bot) -> None:
    await approved(bot)

    said = await bot.ask("!grants")

    assert said.plain.startswith("1 grant lasts.")
    for text in ("apprenti", "toy.change", "until 09:00 UTC", "by nounou", "power work"):
        assert text in said.plain


@pytest.mark.parametrize(
    "words",
    [
        "",
        "apprenti",
        "apprenti for 2h reason x",
        "apprenti toy.change",
        "apprenti toy.change for 2h",
        "apprenti toy.change reason x",
        "apprenti toy.change for reason x",
        "apprenti toy.change for 2h reason",
        "apprenti toy.change for soon reason x",
        "apprenti toy.change on for 2h reason x",
        "apprenti toy.change on vm vm for 2h reason x",
    ],
)
async def test_what_says_not_everything_is_a_usage_error(bot: Bot, words: str) -> None:
    said = await bot.ask(f"!grant {words}")

    [ended] = await entries(bot, "ended")
    assert ended["code"] == "usage", said.plain


async def test_the_usage_says_what_is_wanted(bot: Bot) -> None:
    said = await bot.ask("!grant apprenti toy.change for 2h")

    assert "Usage: grant PERSON RIGHT for TIME reason WHY…" in said.plain


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("!grant nounou toy.change for 2h reason x", "Nobody grants a right to themselves."),
        ("!grant @nounou:localhost toy.change for 2h reason x", "a right to themselves."),
        ("!grant @x:y toy.change for 2h reason x", "@x:y is no member."),
        ("!grant aprenti toy.change for 2h reason x", "aprenti is no member."),
        ("!grant apprenti toy.change for 30s reason x", "A grant lasts a minute at least"),
        ("!grant apprenti toy.change for 8d reason x", "seven days at most"),
        ("!grant apprenti access.grant for 2h reason x", "Nobody grants the right to decide"),
        ("!grant apprenti access.approve for 2h reason x", "Nobody grants the right to decide"),
        ("!grant apprenti a*.grant* for 2h reason x", "Nobody grants the right to decide"),
        ("!grant apprenti * for 2h reason x", "Nobody grants the right to decide"),
        ("!grant apprenti config.reload for 2h reason x", "Nobody grants the right to decide"),
    ],
)
async def test_what_nobody_may_grant_is_refused_before_anybody_is_asked(
    bot: Bot, line: str, why: str
) -> None:
    said = await bot.ask(line)

    assert state(said) == "refused"
    assert why in said.plain
    assert await entries(bot, "requested") == []


async def test_nobody_grants_more_than_they_hold(bot: Bot) -> None:
    bot.engine.policy = with_rights(nounou=("access.*", "domu.migrate on vm", "toy.*"))

    more = await bot.ask("!grant apprenti domu.migrate for 2h reason x")
    other = await bot.ask("!grant apprenti domu.migrate on owl for 2h reason x")
    just = bot.chat.say("!grant apprenti domu.migrate on vm for 2h reason x")

    assert "Nobody grants more than they hold" in more.plain
    assert "Nobody grants more than they hold" in other.plain
    assert await code_of(bot, just)


async def test_what_was_granted_cannot_be_granted_on(bot: Bot) -> None:
    bot.engine.policy = with_rights(apprenti=("access.*", "bot.*"))
    await approved(bot)

    said = await bot.ask("!grant nounou2 toy.change for 2h reason x", APPRENTI)

    assert state(said) == "refused"
    assert "Nobody grants more than they hold" in said.plain


async def test_a_giver_who_loses_the_right_meanwhile_grants_nothing(bot: Bot) -> None:
    asked = bot.chat.say(GRANT)
    code = await code_of(bot, asked)
    bot.engine.policy = with_rights(nounou=("access.*",))

    await bot.ask(f"!approve {code}", NOUNOU2)
    said = await bot.chat.answer(asked)

    assert state(said) in ("denied", "refused")
    assert bot.engine.grants.active(EPOCH) == []


async def test_a_grant_counts_only_while_its_giver_has_the_right(bot: Bot) -> None:
    await approved(bot)
    before = bot.engine.policy

    bot.engine.policy = with_rights(nounou=("bot.*",))
    assert state(await bot.ask("!change it", APPRENTI)) == "denied"

    bot.engine.policy = before
    assert state(await bot.ask("!change it", APPRENTI)) == "succeeded"


async def test_a_denial_of_ones_own_roles_wins_over_a_grant(bot: Bot) -> None:
    await approved(bot)
    role = replace(POLICY.rights["apprenti"], deny=(Right.parse("toy.*"),))
    bot.engine.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": role})

    assert state(await bot.ask("!change it", APPRENTI)) == "denied"


async def test_who_is_no_member_any_more_has_no_grant(bot: Bot) -> None:
    await approved(bot)
    bot.engine.policy = replace(POLICY, roles={"nounou": ("nounou",)})

    assert not bot.engine.rights("apprenti", "").verb("toy.change")


async def test_a_grant_ends_at_its_time_and_both_are_told(
    bot: Bot, place: Place, toys: Toys
) -> None:
    await approved(bot)
    await place.later(3580)
    assert state(await bot.ask("!change it", APPRENTI)) == "succeeded"

    said = await noticed(bot, "Grant 1 has ended: toy.change for apprenti, by nounou.")

    assert 3600 <= place.clock() - EPOCH <= 3601
    assert set(said.post.mentions) == {NOUNOU, APPRENTI}
    assert state(await bot.ask("!change it", APPRENTI)) == "denied"
    [data] = await entries(bot, "grant ended")
    assert (data["person"], data["of"], data["stopped"]) == ("bot", "apprenti", [])


async def test_a_grant_that_nobody_could_end_counts_no_longer_all_the_same(
    bot: Bot, place: Place
) -> None:
    """The store is broken when the time is over: nothing may rely on an end that is written."""
    await approved(bot)
    await bot.store.breaks("grants")
    await place.later(3700)

    assert not bot.engine.rights("apprenti", "").verb("toy.change")

    await bot.store.mend()
    await noticed(bot, "Grant 1 has ended")


async def test_its_end_stops_a_job_that_waits_for_locks(bot: Bot, place: Place, toys: Toys) -> None:
    await approved(bot)
    toys.gate("one")
    bot.chat.say("!change one")
    await toys.until("begin one")
    waiting = bot.chat.say("!change two", APPRENTI)
    await toys.until("plan two")

    said = await bot.chat.answer(waiting)

    assert place.clock() - EPOCH >= 3600
    assert state(said) == "denied"
    assert "The grant that allowed this has ended, and nothing of it was begun." in said.plain
    assert "Job 4 had not begun and is stopped." in (await noticed(bot, "has ended")).plain
    toys.gate("one").set()
    assert "begin two" not in toys.done


async def test_its_end_stops_a_job_that_waits_for_an_approval(
    bot: Bot, place: Place, toys: Toys
) -> None:
    bot.engine.approvals = Approvals(
        also=((Right.parse("toy.change"), Need.SECOND),), expire=100_000
    )
    await approved(bot)
    waiting = bot.chat.say("!change it", APPRENTI)
    code = await code_of(bot, waiting)

    said = await bot.chat.answer(waiting)

    assert state(said) == "denied"
    assert "begin it" not in toys.done
    assert state(await bot.ask(f"!approve {code}")) == "refused"


async def test_its_end_leaves_alone_what_has_begun_and_what_needs_it_not(
    bot: Bot, place: Place, toys: Toys
) -> None:
    await approved(bot)
    toys.gate("one")
    toys.gate("look")
    running = bot.chat.say("!change one", APPRENTI)
    await toys.until("begin one")
    waiting = bot.chat.say("!change two", NOUNOU2)
    looking = bot.chat.say("!wait look", NOUNOU2)
    await toys.until("begin look")

    await noticed(bot, "Grant 1 has ended")

    for gate in ("one", "look"):
        toys.gate(gate).set()
    for asked in (running, waiting, looking):
        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_revoking_ends_a_grant_at_once_and_stops_what_waits(bot: Bot, toys: Toys) -> None:
    await approved(bot)
    toys.gate("one")
    bot.chat.say("!change one")
    await toys.until("begin one")
    waiting = bot.chat.say("!change two", APPRENTI)
    await toys.until("plan two")

    said = await bot.ask("!revoke 1 the work is done", NOUNOU2)

    assert said.plain == "✔ Grant 1 is revoked; job 4 is stopped."
    assert state(await bot.chat.answer(waiting)) == "denied"
    told = await noticed(bot, "nounou2 revoked grant 1")
    assert "Reason: the work is done" in told.plain
    assert set(told.post.mentions) == {NOUNOU, APPRENTI}
    [data] = await entries(bot, "revoked")
    assert (data["person"], data["reason"], data["stopped"]) == ("nounou2", "the work is done", [4])
    assert state(await bot.ask("!change it", APPRENTI)) == "denied"
    toys.gate("one").set()


async def test_what_has_ended_is_not_revoked_again(bot: Bot) -> None:
    await approved(bot)
    await bot.ask("!revoke 1")

    assert (await bot.ask("!revoke #1")).plain == "✔ Grant 1 has ended already."
    assert "There is no grant 7." in (await bot.ask("!revoke 7")).plain
    assert len(await entries(bot, "revoked")) == 1


async def test_who_may_not_grant_may_not_revoke(bot: Bot) -> None:
    await approved(bot)

    assert state(await bot.ask("!revoke 1", APPRENTI)) == "denied"
    assert state(await bot.ask(GRANT, APPRENTI)) == "denied"


async def test_a_second_grant_of_the_same_keeps_the_job_alive(
    bot: Bot, place: Place, toys: Toys
) -> None:
    await approved(bot)
    await approved(bot, GRANT.replace("1h", "3h"))
    toys.gate("one")
    bot.chat.say("!change one")
    await toys.until("begin one")
    waiting = bot.chat.say("!change two", APPRENTI)
    await toys.until("plan two")

    await noticed(bot, "Grant 1 has ended")
    toys.gate("one").set()

    assert state(await bot.chat.answer(waiting)) == "succeeded"


@pytest.mark.parametrize(
    ("right", "why", "remedy"),
    [
        ("migrate on vm", "no command needs migrate", "!help COMMAND names the right"),
        ("domu.migrat on vm", "no command needs domu.migrat", "!help COMMAND names the right"),
        ("domu.migrate whatever vm", "has a parameter whatever", "write one of: "),
        ("domu.migrate on vm since 2h", "has a parameter since", "write one of: "),
        ("bot.ping on vm", "takes an object", "leave out what is said of objects"),
    ],
)
async def test_what_would_give_nothing_is_not_granted(
    bot: Bot, right: str, why: str, remedy: str
) -> None:
    said = await bot.ask(f"!grant apprenti {right} for 1h reason power work")

    assert state(said) == "refused"
    assert "✘ This right gives nothing: " in said.plain
    assert why in said.plain
    assert remedy in said.plain
    assert bot.engine.grants.active(EPOCH) == []
