"""A sign on a message about alerts is the command that one would type; elsewhere it is nothing."""

from __future__ import annotations

import pytest

from bot.core.alerts import AlertState
from tests.commands.alerting import alert_messages, finding, fire, message
from tests.engine.alive import APPRENTI, NOUNOU2, STRANGER, Bot, Place
from tests.engine.asking import entries, state
from tests.fakes import ROOM


@pytest.fixture
async def bot(bot: Bot) -> Bot:
    # recovery is over once a command is answered
    await bot.ask("!ping")
    return bot


async def lines(bot: Bot) -> list[object]:
    """The command lines that the record says somebody asked for, but for the first."""
    return [entry["line"] for entry in await entries(bot, "asked")][1:]


@pytest.mark.parametrize("sign", ["✅", "✅\ufe0f", "👀"])
async def test_it_acknowledges(bot: Bot, sign: str) -> None:
    await fire(bot, finding("vm", "vm"))

    said = await bot.chat.answer(bot.chat.react(sign, message(bot, "vm is broken"), NOUNOU2))

    assert "Alert 1 is yours" in said.plain
    (alert,) = bot.engine.alerts.standing
    assert (alert.state, alert.by) == (AlertState.ACKNOWLEDGED, "nounou2")
    assert [entry["via"] for entry in await entries(bot, "asked")][-1] == "reaction"


async def test_it_silences_for_an_hour(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))

    await bot.chat.answer(bot.chat.react("🔕", message(bot, "vm is broken")))

    (alert,) = bot.engine.alerts.standing
    silence = bot.engine.alerts.silence_of(alert)
    assert silence is not None
    assert 3590 < silence.until - bot.engine.clock() <= 3600


async def test_it_shortens_no_silence_that_somebody_asked_for_in_words(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))
    await bot.ask("!alert silence 1 for 2d reason the disk is ordered")

    said = await bot.chat.answer(bot.chat.react("🔕", message(bot, "vm is broken")))

    assert state(said) == "refused"
    assert "the disk is ordered" in said.plain
    silence = bot.engine.alerts.silence_of(bot.engine.alerts.standing[0])
    assert silence is not None
    assert silence.until > bot.engine.clock() + 86400


async def test_it_means_all_that_the_message_tells(bot: Bot) -> None:
    await fire(bot, *(finding(key, key, group="all") for key in ("vm", "daath")))
    (told,) = alert_messages(bot)

    said = await bot.chat.answer(bot.chat.react("✅", told.event_id))

    assert "2 alerts are yours: 1, 2" in said.plain


async def test_twice_is_already(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))
    told = message(bot, "vm is broken")
    await bot.chat.answer(bot.chat.react("✅", told))

    said = await bot.chat.answer(bot.chat.react("👀", told))

    assert state(said) == "refused"
    assert "already" in said.plain


async def test_it_needs_the_right(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))

    said = await bot.chat.answer(bot.chat.react("✅", message(bot, "vm is broken"), APPRENTI))

    assert state(said) == "denied"
    assert bot.engine.alerts.standing[0].state is AlertState.FIRING


async def test_elsewhere_it_is_nothing(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))
    person = bot.chat.say("we look at it")
    answer = (await bot.chat.answer(bot.chat.say("!ping"))).event_id
    told = message(bot, "vm is broken")

    for sign in ("✅", "👀", "🔕"):
        bot.chat.react(sign, person)
        bot.chat.react(sign, answer)
        bot.chat.react(sign, told, room="#other:localhost")
    for sign in ("❌", "👍", "✅✅", ""):
        bot.chat.react(sign, told)
    await bot.ask("!ping")

    assert await lines(bot) == ["!ping", "!ping"]


async def test_on_what_is_over_it_is_nothing(bot: Bot) -> None:
    await fire(bot, finding("vm", "vm"))
    await fire(bot)

    bot.chat.react("✅", message(bot, "vm is broken"))
    await bot.ask("!ping")

    assert await lines(bot) == ["!ping"]


async def test_it_counts_while_the_bot_was_starting(place: Place) -> None:
    async with place.bot() as bot:
        await bot.ask("!ping")
        await fire(bot, finding("vm", "vm"))
        told = message(bot, "vm is broken")
    sign = place.chat.react("✅", told)

    async with place.bot() as bot:
        assert "Alert 1 is yours" in (await bot.chat.answer(sign)).plain


async def test_a_pin_on_any_message_is_for_the_timeline(bot: Bot) -> None:
    person = bot.chat.say("we look at it", NOUNOU2)

    await bot.chat.answer(bot.chat.react("📌", person, room=ROOM))
    bot.chat.react("📌", person, STRANGER)
    await bot.ask("!ping")

    assert await lines(bot) == ["!incident pin", "!ping"]
    assert await entries(bot, "denied") == []


async def test_a_pin_puts_the_message_on_the_timeline_of_the_open_incident(bot: Bot) -> None:
    await bot.ask("!incident open mail is down")
    said = bot.chat.say("the queue has been full since noon", NOUNOU2)

    answer = await bot.chat.answer(bot.chat.react("📌", said))

    assert state(answer) == "succeeded"
    timeline = await bot.engine.incidents.entries(1)
    assert "the queue has been full since noon" in [entry.text for entry in timeline]


@pytest.mark.parametrize("commits", range(1, 6))
async def test_it_is_done_once_wherever_the_bot_dies(place: Place, commits: int) -> None:
    async with place.bot() as bot:
        await bot.ask("!ping")
        await fire(bot, finding("vm", "vm"))
        bot.store.die_after = bot.store.commits + commits
        sign = place.chat.react("✅", message(bot, "vm is broken"))
        await bot.store.dead.wait()
        await bot.killed()

    async with place.bot() as bot:
        assert "Alert 1 is yours" in (await bot.chat.answer(sign)).plain
        assert [entry["verb"] for entry in await entries(bot, "alert")] == ["alert.ack"]
