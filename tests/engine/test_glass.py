"""The glass that a lone person breaks: what it spares and what not, and that all hear of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.policy import Right, Role
from bot.core.risk import Risk
from tests.engine.alive import APPRENTI, EPOCH, NOUNOU2, POLICY, Bot, Place
from tests.engine.asking import burn
from tests.engine.granted import GRANT, entries, noticed, notices, state
from tests.engine.test_crashes import died
from tests.engine.toys import Toys
from tests.fakes import NOUNOU, Said

BREAK = "!break-glass for 30m reason fy is on fire"


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    """A place in which what the toys change wants a second person."""
    place.registry = toys.registry()
    second = tuple((Right.parse(verb), Need.SECOND) for verb in ("toy.change", "toy.burn"))
    place.approvals = Approvals(also=second)
    return place


async def confirmed(bot: Bot, line: str, by: str = NOUNOU) -> Said:
    """Type *line*, confirm it oneself, and wait for its final answer."""
    asked = bot.chat.say(line, by)
    bot.chat.say(f"!confirm {await bot.code(asked)}", by)
    return await bot.chat.answer(asked)


async def test_with_a_broken_glass_ones_own_confirmation_is_enough(bot: Bot, toys: Toys) -> None:
    asked = bot.chat.say("!change it")
    assert state(await bot.ask(f"!confirm {await bot.code(asked)}")) == "refused"

    said = await bot.ask(BREAK)
    assert said.plain.startswith("✔ The glass is broken until 08:30 UTC; every member is told.")

    assert state(await confirmed(bot, "!change another")) == "succeeded"
    assert "end another" in toys.done
    assert "end it" not in toys.done


async def test_the_question_says_for_whom_the_confirmation_stands_in(bot: Bot) -> None:
    await bot.ask(BREAK)

    asked = bot.chat.say("!change it")
    await bot.code(asked)

    said = bot.chat.about(asked)[0].plain
    assert "⏸ waits for the confirmation of nounou, in place of a second person (glass 1)" in said


async def burnt(bot: Bot) -> Said:
    """Burn the barn, confirm that, and wait for the final answer."""
    asked = burn(bot)
    bot.chat.say(f"!confirm {await bot.code(asked)}", proof=Proof.SIGNED)
    return await bot.chat.answer(asked)


async def test_the_answer_says_that_nobody_else_agreed(bot: Bot) -> None:
    await bot.ask(BREAK)

    said = await burnt(bot)

    assert said.plain.startswith("✔ burnt barn")
    assert said.plain.endswith(", without a second person (glass 1).")


async def test_what_ones_own_confirmation_is_enough_for_says_nothing_of_a_glass(bot: Bot) -> None:
    await bot.ask(BREAK)
    bot.engine.approvals = Approvals(by_risk={Risk.DESTROYS: Need.CONFIRM})

    said = await burnt(bot)

    assert said.plain.startswith("✔ burnt barn")
    assert "glass" not in "\n".join([*said.before, said.plain])


async def test_the_status_says_who_broke_it_until_when_and_why(bot: Bot) -> None:
    await bot.ask(BREAK)

    rows = [" ".join(row.split()) for row in (await bot.ask("!status")).plain.splitlines()]
    assert "⚠ glass broken by nounou until 08:30 UTC: fy is on fire" in rows

    await bot.ask("!break-glass end")
    assert "glass" not in (await bot.ask("!status")).plain


async def test_every_member_is_called_when_it_breaks_and_when_it_ends(
    bot: Bot, place: Place
) -> None:
    await bot.ask(BREAK)

    broken = await noticed(bot, "nounou broke the glass until 08:30 UTC: fy is on fire")
    assert set(broken.post.mentions) == set(POLICY.persons)
    await confirmed(bot, "!change it")

    whole = await noticed(bot, "The glass of nounou is whole again.")
    assert set(whole.post.mentions) == set(POLICY.persons)
    assert "1 command went without a second person." in whole.plain
    assert "!break-glass review 1" in whole.plain
    assert 1800 <= place.clock() - EPOCH <= 1802


async def test_it_is_for_the_one_who_broke_it_and_for_nobody_else(bot: Bot) -> None:
    await bot.ask(BREAK)

    asked = bot.chat.say("!change it", NOUNOU2)
    code = await bot.code(asked)
    said = await bot.ask(f"!confirm {code}", NOUNOU2)

    assert state(said) == "refused"
    assert "needs another person's approval" in said.plain
    assert f"Somebody else types !approve {code}" in said.plain


async def test_it_gives_no_right(bot: Bot) -> None:
    role = Role((*POLICY.rights["apprenti"].allow, Right.parse("access.*")))
    bot.engine.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": role})
    await bot.ask(BREAK, APPRENTI)

    assert state(await bot.ask("!change it", APPRENTI)) == "denied"


async def test_a_grant_wants_the_second_person_all_the_same(bot: Bot) -> None:
    await bot.ask(BREAK)

    asked = bot.chat.say(GRANT)
    said = await bot.ask(f"!confirm {await bot.code(asked)}")

    assert state(said) == "refused"
    assert bot.engine.grants.active(EPOCH) == []


async def test_once_it_is_whole_what_waits_is_not_begun(bot: Bot, place: Place, toys: Toys) -> None:
    """The time ends between the confirmation and the locks."""
    toys.keys = dict.fromkeys(("one", "two"), frozenset({"the key"}))
    toys.gate("one")
    await bot.ask("!break-glass for 5m reason alone")
    first = bot.chat.say("!change one")
    bot.chat.say(f"!confirm {await bot.code(first)}")
    await toys.until("begin one")
    second = bot.chat.say("!change two")
    await bot.ask(f"!confirm {await bot.code(second)}")

    await noticed(bot, "The glass of nounou is whole again.")
    toys.gate("one").set()
    said = await bot.chat.answer(second)

    assert state(said) == "refused"
    assert "begin two" not in toys.done
    assert state(await bot.chat.answer(first)) == "succeeded"


async def test_it_can_be_ended_early(bot: Bot, place: Place) -> None:
    await bot.ask(BREAK)

    said = await bot.ask("!break-glass end")

    assert said.plain == "✔ The glass is whole again; every member is told."
    await noticed(bot, "The glass of nounou is whole again.")
    assert place.clock() - EPOCH < 100
    asked = bot.chat.say("!change it")
    assert state(await bot.ask(f"!confirm {await bot.code(asked)}")) == "refused"
    assert (await bot.ask("!break-glass end")).plain == "✔ Your glass is whole already."
    [data] = await entries(bot, "glass ended")
    assert (data["person"], data["glass"]) == ("nounou", 1)


async def test_a_clock_that_is_set_back_before_it_does_not_prolong_it(
    bot: Bot, place: Place
) -> None:
    await bot.ask(BREAK)
    bot.engine.clock = lambda: EPOCH - 3600.0

    asked = bot.chat.say("!change it")
    said = await bot.ask(f"!confirm {await bot.code(asked)}")

    assert state(said) == "refused"
    assert "needs another person's approval" in said.plain


async def test_what_is_broken_cannot_be_broken_again(bot: Bot) -> None:
    await bot.ask(BREAK)

    said = await bot.ask("!break-glass for 1m reason again")

    assert state(said) == "refused"
    assert "Your glass is broken already, until 08:30 UTC." in said.plain
    assert len(notices(bot, "broke the glass")) == 1


async def test_without_a_time_it_lasts_as_long_as_the_config_allows(bot: Bot) -> None:
    bot.engine.approvals = replace(bot.engine.approvals, break_glass=600.0)

    longer = await bot.ask("!break-glass for 11m reason alone")
    said = await bot.ask("!break-glass reason alone")

    assert "The glass stays broken for 10 min 00 s at most." in longer.plain
    assert "until 08:10 UTC" in said.plain


async def test_a_breaking_lasts_long_enough_to_be_of_use(bot: Bot) -> None:
    said = await bot.ask("!break-glass for 59s reason alone")

    assert state(said) == "refused"
    assert "The glass stays broken for a minute at least." in said.plain
    assert bot.engine.glass.active(EPOCH) == []
    assert state(await bot.ask("!break-glass for 1m reason alone")) == "succeeded"


@pytest.mark.parametrize("words", ["", "alone", "for 5m", "for 5m alone", "reason", "for reason x"])
async def test_without_a_reason_nothing_breaks(bot: Bot, words: str) -> None:
    said = await bot.ask(f"!break-glass {words}")

    assert "Usage: break-glass [for TIME] reason WHY…" in said.plain
    assert bot.engine.glass.active(EPOCH) == []


async def test_the_review_lists_what_was_done_under_it_by_whom_and_why(bot: Bot) -> None:
    assert (await bot.ask("!break-glass review")).plain == "The glass was never broken."
    await bot.ask(BREAK)
    await confirmed(bot, "!change it")
    await bot.ask("!domu list")
    await bot.ask("!break-glass end")
    asked = bot.chat.say("!change more")
    await bot.ask(f"!approve {await bot.code(asked)}", NOUNOU2)

    said = await bot.ask("!break-glass review", NOUNOU2)

    first, *rows, last = said.plain.splitlines()
    assert first == "Glass 1: nounou, from 08:00 UTC to 08:00 UTC: fy is on fire"
    assert [row.split() for row in rows[1:]] == [
        ["3", "succeeded", "08:00", "UTC", "nounou", "!change", "it"]
    ]
    assert last == "1 command went without a second person."


async def test_what_never_ran_did_not_go_without_a_second_person(bot: Bot) -> None:
    await bot.ask(BREAK)
    asked = bot.chat.say("!change it")
    await bot.ask(f"!deny {await bot.code(asked)}")
    await confirmed(bot, "!change another")
    await bot.ask("!break-glass end")

    whole = await noticed(bot, "The glass of nounou is whole again.")
    said = await bot.ask("!break-glass review")

    _first, _headings, *rows, last = said.plain.splitlines()
    assert "1 command went without a second person." in whole.plain
    assert [row.split()[0] for row in rows] == ["2", "4"]
    assert ["not run" in row for row in rows] == [True, False]
    assert last == "1 command went without a second person."
    [ended] = await entries(bot, "glass ended")
    assert ended["jobs"] == 1


async def test_what_a_second_person_approved_in_the_end_is_not_of_the_glass(place: Place) -> None:
    async with place.bot() as bot:
        await bot.ask("!break-glass for 5m reason alone")
        asked = bot.chat.say("!change it")
        await bot.code(asked)
        await bot.killed()
    await place.later(400)

    async with place.bot() as bot:
        await bot.chat.until(lambda: "!approve" in bot.chat.about(asked)[0].plain)
        await bot.ask(f"!approve {await bot.code(asked)}", NOUNOU2)
        assert state(await bot.chat.answer(asked)) == "succeeded"

        said = await bot.ask("!break-glass review")
        assert said.plain.splitlines()[1:] == ["0 commands went without a second person."]


async def test_an_earlier_one_is_reviewed_by_its_number(bot: Bot) -> None:
    for reason in ("first", "second"):
        await bot.ask(f"!break-glass reason {reason}")
        await bot.ask("!break-glass end")

    latest, first = await bot.ask("!break-glass review"), await bot.ask("!break-glass review 1")

    assert latest.plain.startswith("Glass 2")
    assert "The one before: !break-glass review 1" in latest.plain
    assert first.plain.startswith("Glass 1")
    assert "0 commands went without a second person." in first.plain
    assert "never broken under the number 7" in (await bot.ask("!break-glass review 7")).plain


async def test_what_was_done_under_it_is_in_the_record(bot: Bot) -> None:
    await bot.ask(BREAK)
    await confirmed(bot, "!change it")
    await noticed(bot, "The glass of nounou is whole again.")

    [broken] = await entries(bot, "glass broken")
    assert (broken["person"], broken["reason"], broken["glass"]) == ("nounou", "fy is on fire", 1)
    [requested] = await entries(bot, "requested")
    assert (requested["need"], requested["glass"]) == ("confirm", 1)
    [ended] = await entries(bot, "glass ended")
    assert (ended["person"], ended["of"], ended["jobs"]) == ("bot", "nounou", 1)


async def test_it_survives_a_restart_and_ends_at_its_time(place: Place) -> None:
    async with place.bot() as bot:
        await bot.ask(BREAK)
    async with place.bot() as bot:
        assert state(await confirmed(bot, "!change it")) == "succeeded"
    await place.later(10_000)
    async with place.bot() as bot:
        start = place.clock()
        await noticed(bot, "The glass of nounou is whole again.")
        assert place.clock() - start < 1


@pytest.mark.parametrize("commit", range(2, 10))
async def test_a_crash_after_any_commit_breaks_it_once(place: Place, commit: int) -> None:
    async with place.bot(die_after=commit) as bot:
        asked = bot.chat.say(BREAK)
        await died(bot.store, place, asked)
        await bot.killed()

    async with place.bot() as bot:
        said = await bot.chat.answer(asked)
        await bot.engine.outbox.drained()

        assert state(said) == "succeeded", said.plain
        assert len(await entries(bot, "glass broken")) == 1
        assert len(notices(bot, "broke the glass")) == 1
