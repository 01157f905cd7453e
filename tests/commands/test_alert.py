"""!alert: what is listed, which alert is meant, who may, and what the record says."""

from __future__ import annotations

import pytest

from bot.core.alerts import AlertState
from tests.commands.alerting import alert_messages, allow, finding, fire, message
from tests.engine.alive import APPRENTI, NOUNOU2, Bot, Place
from tests.engine.asking import entries, state


@pytest.fixture
async def bot(bot: Bot) -> Bot:
    # recovery is over once a command is answered
    await bot.ask("!ping")
    return bot


async def restricted(place: Place, bot: Bot, *rights: str, deny: tuple[str, ...] = ()) -> None:
    allow(place, *rights, deny=deny)
    bot.engine.policy = place.policy


async def states(bot: Bot) -> dict[int, str]:
    found = {each.id: each.state.value for each in bot.engine.alerts.standing}
    over = {each.id: each.state.value for each in await bot.engine.alerts.recent(10)}
    return found | over


async def test_the_list_has_what_is_open_worst_first_and_who_is_on_it(bot: Bot) -> None:
    assert "No alert is open." in (await bot.ask("!alert list")).plain
    await fire(bot, finding("vm", "vm"), finding("daath", "daath"))
    await bot.ask("!alert ack 1", NOUNOU2)

    said = await bot.ask("!alert list")

    head, *lines = said.plain.splitlines()
    assert head == "2 open alerts."
    assert said.plain.index("daath is broken") < said.plain.index("vm is broken")
    assert any("vm is broken" in line and "nounou2" in line for line in lines)


async def test_what_is_over_is_listed_where_all_is_asked_for(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))
    await fire(bot)

    assert "vm is broken" not in (await bot.ask("!alert list")).plain
    said = await bot.ask("!alert list --all")
    assert "vm is broken" in said.plain
    assert "resolved" in said.plain


async def test_one_is_shown_with_all_that_is_known(bot: Bot) -> None:
    more = {"details": "it said: <b>no</b>", "hint": "{prefix}domu show vm"}
    await fire(bot, finding("vm", "vm", **more))

    said = await bot.ask("!alert show")

    assert "vm is broken" in said.plain
    assert "it said: <b>no</b>" in said.plain
    assert "<b>no</b>" not in said.post.text.html
    assert "!domu show vm\n!alert ack 1 says that you are on it." in said.plain


@pytest.mark.parametrize("word", ["1", "#1"])
async def test_acknowledging_takes_a_number(bot: Bot, word: str) -> None:
    await fire(bot, finding("vm", "vm"))

    said = await bot.ask(f"!alert ack {word}")

    assert said.plain == "✔ Alert 1 is yours: vm is broken"
    (alert,) = bot.engine.alerts.standing
    assert (alert.state, alert.by) == (AlertState.ACKNOWLEDGED, "nounou")
    (record,) = await entries(bot, "alert")
    assert (record["verb"], record["objects"], record["person"]) == ("alert.ack", ["vm"], "nounou")


async def test_the_second_is_told_who_was_first(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))
    await bot.ask("!alert ack", NOUNOU2)

    said = await bot.ask("!alert ack")

    assert state(said) == "refused"
    assert "Alert 1 is acknowledged already" in said.plain
    assert "acknowledged by nounou2" in said.plain


async def test_where_several_are_open_it_is_asked_which_one(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"), finding("daath", "daath"))

    said = await bot.ask("!alert close reason it is fine")

    assert state(said) == "usage"
    assert "1: vm is broken" in said.plain
    assert "2: daath is broken" in said.plain
    assert await states(bot) == {1: "firing", 2: "firing"}


async def test_the_one_that_nobody_is_on_is_meant_by_an_acknowledgement(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"), finding("daath", "daath"))
    await bot.ask("!alert ack 1")

    assert "Alert 2 is yours" in (await bot.ask("!alert ack")).plain


async def test_an_answer_to_a_message_means_what_it_tells(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"), finding("daath", "daath"))

    asked = bot.chat.say("!alert ack", answers=message(bot, "daath is broken"))

    assert "Alert 2 is yours" in (await bot.chat.answer(asked)).plain


async def test_a_command_in_the_thread_of_a_message_means_what_it_tells(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"), finding("daath", "daath"))

    asked = bot.chat.say("!alert ack", thread=message(bot, "vm is broken"))

    assert "Alert 1 is yours" in (await bot.chat.answer(asked)).plain


async def test_a_message_of_several_means_all_of_them(bot: Bot) -> None:
    await fire(bot, *(finding(key, key, group="all") for key in ("vm", "daath")))
    (told,) = alert_messages(bot)

    asked = bot.chat.say("!alert close reason both are gone", answers=told.event_id)

    assert "Closed 2 alerts (1, 2): both are gone" in (await bot.chat.answer(asked)).plain
    assert await states(bot) == {1: "closed", 2: "closed"}


@pytest.mark.parametrize("in_thread", [False, True])
async def test_the_message_of_one_that_is_over_means_no_other(bot: Bot, in_thread: bool) -> None:
    await fire(bot, finding("vm", "vm"))
    await fire(bot, finding("daath", "daath"))

    told = message(bot, "vm is broken")
    answers, thread = ("", told) if in_thread else (told, "")
    asked = bot.chat.say("!alert ack", answers=answers, thread=thread)

    assert state(await bot.chat.answer(asked)) == "refused"
    assert (await states(bot))[2] == "firing"


async def test_an_answer_to_what_is_no_alert_means_none(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))
    chat = bot.chat.say("what about vm?")

    said = await bot.chat.answer(bot.chat.say("!alert close reason fine", answers=chat))

    assert state(said) == "refused"
    assert await states(bot) == {1: "firing"}


async def test_in_a_thread_about_something_else_the_one_that_is_open_is_meant(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))
    elsewhere = bot.chat.say("let us look at vm here")

    said = await bot.chat.answer(bot.chat.say("!alert ack", thread=elsewhere))

    assert "Alert 1 is yours" in said.plain


async def test_a_silence_says_until_when_and_how_it_ends(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))

    said = await bot.ask("!alert silence for 2h reason the disk is ordered")

    assert said.plain.splitlines() == [
        "✔ Nobody is called about alert 1 (vm is broken) until 10:00 UTC: the disk is ordered",
        "!alert unsilence 1 ends that.",
    ]
    assert "the disk is ordered" in (await bot.ask("!alert list")).plain


async def test_a_silence_is_ended_once(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))
    await bot.ask("!alert silence 1 for 2h reason the disk is ordered")

    assert "People are called about alert 1" in (await bot.ask("!alert unsilence 1")).plain
    assert bot.engine.alerts.muted(bot.engine.alerts.standing[0]) == ""
    assert state(await bot.ask("!alert unsilence 1")) == "refused"


async def test_an_end_of_a_silence_says_what_mutes_it_still(bot: Bot) -> None:
    await bot.ask("!hold vm reason its disks are copied")
    await fire(bot, finding("vm", "vm"))
    await bot.ask("!alert silence 1 for 2h reason the disk is ordered")

    assert "its disks are copied" in (await bot.ask("!alert unsilence 1")).plain


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("silence 1", "for how long"),
        ("silence 1 reason because", "for how long"),
        ("silence 1 2h reason because", "for how long"),
        ("silence 1 for 2h", "The reason is missing."),
        ("silence 1 for 10s reason because", "from a minute to 30 days"),
        ("silence 1 for 31d reason because", "from a minute to 30 days"),
        ("silence 1 for soon reason because", "is not a length of time"),
        ("close 1", "The reason is missing."),
        ("close 1 reason", "The reason is missing."),
        ("close 1 it is gone", "The word reason is missing"),
        ("ack vm", "is not the number of an alert"),
        ("ack 7", "There is no alert 7."),
    ],
)
async def test_what_is_not_clear_changes_nothing(bot: Bot, line: str, words: str) -> None:
    await fire(bot, finding("vm", "vm"))

    said = await bot.ask(f"!alert {line}")

    assert state(said) == "usage"
    assert words in said.plain
    assert bot.engine.alerts.muted(bot.engine.alerts.standing[0]) == ""
    assert await states(bot) == {1: "firing"}


async def test_one_that_is_closed_is_over_for_people(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))

    said = await bot.ask("!alert close 1 reason 3 disks were pulled")

    assert said.plain == "✔ Closed alert 1 (vm is broken): 3 disks were pulled"
    await fire(bot, finding("vm", "vm"))
    assert await states(bot) == {1: "closed"}
    again = await bot.ask("!alert close 1 reason again")
    assert state(again) == "refused"
    assert "closed by nounou" in again.plain


async def test_a_right_on_some_objects_is_about_all_objects_of_an_alert(
    bot: Bot, place: Place
) -> None:
    await fire(bot, finding("vm", "vm"), finding("both", "vm", "daath"), finding("none"))
    await restricted(place, bot, "alert.ack on vm")

    assert "Alert 1 is yours" in (await bot.ask("!alert ack", APPRENTI)).plain
    for number in (2, 3):
        denied = await bot.ask(f"!alert ack {number}", APPRENTI)
        assert state(denied) == "denied"
        assert "broken" not in denied.plain
        assert "daath" not in denied.plain


async def test_nobody_reads_of_alerts_to_which_they_have_no_right(bot: Bot, place: Place) -> None:
    await fire(bot, finding("vm", "vm"), finding("daath", "daath"), finding("none"))
    await fire(bot, finding("vm", "vm"), finding("daath", "daath"))
    rights = ("alert.list on vm", "alert.show on vm", "alert.ack on no-*")
    await restricted(place, bot, *rights)

    seen = []
    for line in ("list --all", "show", "show 1", "show 2", "ack", "ack 2"):
        said = await bot.ask(f"!alert {line}", APPRENTI)
        assert "daath" not in said.plain, line
        assert "none is broken" not in said.plain, line
        seen += [line] if "vm is broken" in said.plain else []
    assert seen == ["list --all", "show", "show 1"]


async def test_a_denial_on_objects_leaves_alerts_without_any(bot: Bot, place: Place) -> None:
    await fire(bot, finding("vm", "vm"), finding("none"))
    await restricted(place, bot, "alert.*", deny=("* on vm",))

    said = await bot.ask("!alert list", APPRENTI)

    assert "none is broken" in said.plain
    assert "vm is broken" not in said.plain


async def test_of_a_message_of_several_only_what_one_may(bot: Bot, place: Place) -> None:
    await fire(bot, *(finding(key, key, group="all") for key in ("vm", "daath")))
    await restricted(place, bot, "alert.ack on vm")
    (told,) = alert_messages(bot)

    asked = bot.chat.say("!alert ack", APPRENTI, answers=told.event_id)

    said = await bot.chat.answer(asked)
    assert "Alert 1 is yours" in said.plain
    assert "1 more alert is not yours to do that with." in said.plain
    assert await states(bot) == {1: "acknowledged", 2: "firing"}


async def test_it_needs_the_right(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))

    for line in ("list", "show", "ack", "silence for 1h reason x", "unsilence", "close reason x"):
        assert state(await bot.ask(f"!alert {line}", APPRENTI)) == "denied", line
