"""Incidents as tired people handle them: what they may have meant is understood, or said."""

from __future__ import annotations

from bot.api import Context, Reply, Secret, command
from bot.core.chat import Message
from bot.core.text import MASK
from bot.engine import audit_log
from tests.commands.test_incident import does, incident, pinned, typed
from tests.engine.alive import NOUNOU2, Bot, Place
from tests.fakes import ROOM


@command("vault put", needs="vault.put", risk="changes")
async def put(ctx: Context, word: Secret) -> Reply:
    """Keep it.

    Example: vault put x
    """
    return Reply("kept")


async def test_a_pinned_command_shows_no_word_that_nobody_may_read(place: Place) -> None:
    place.registry.add(put)
    async with place.bot() as bot:
        await does(bot, "!incident open one")
        seen = bot.chat.say("!vault put hunter22")
        await bot.chat.answer(seen)

        await does(bot, "!incident pin", answers=seen)

        [*_, entry] = await bot.engine.incidents.entries(1)
        assert entry.text == f"!vault put {MASK}"
        assert "hunter22" not in (await pinned(bot)).plain
        async with bot.engine.store.read() as tx:
            assert "hunter22" not in str(await audit_log.tail(tx, 1000))


async def test_what_was_recorded_before_it_was_opened_pushes_no_news_away(bot: Bot) -> None:
    for number in range(12):
        await bot.ask(f"!hold vm reason because-{number}")
        await bot.ask("!release vm")
    await bot.place.later(600)
    await does(bot, "!incident open one")
    await does(bot, "!incident note do not touch vm")
    await does(bot, "!incident affects vm")
    await bot.place.later(30)

    await does(bot, "!incident handover nounou2")

    [digest] = [each for each in bot.chat.said() if "you lead incident 1 now" in each.plain]
    for said in (digest.plain, (await pinned(bot)).plain):
        assert "do not touch vm" in said
        assert "because-" not in said


async def test_a_task_that_waits_for_no_member_is_a_sentence(bot: Bot) -> None:
    await does(bot, "!incident open one")

    said = await does(bot, "!incident task wait for fsck")

    assert "Nobody is called fsck here. So the task is yours." in said.plain
    [task] = (await incident(bot)).tasks
    assert (task.text, task.person) == ("wait for fsck", "nounou")


async def test_a_second_incident_is_told_of_the_first_and_lines_are_ready_to_copy(
    bot: Bot,
) -> None:
    await does(bot, "!incident open one")
    said = await does(bot, "!incident open two")
    assert "Incident 1 is open already: one. !incident resolve #2 duplicate ends" in said.plain

    said = await typed(bot, "!incident note the second path is back")

    assert said.plain.splitlines()[-1] == "!incident note #2 the second path is back"


async def test_status_without_words_tells_how_it_stands(bot: Bot) -> None:
    await does(bot, "!incident open mail is down")

    said = await does(bot, "!incident status")

    assert "incident 1 · SEV3 · mail is down" in said.plain
    assert "lead nounou" in said.plain


async def test_a_lead_who_may_not_lead_is_said(bot: Bot) -> None:
    await does(bot, "!incident open one")

    for verb in ("lead", "handover"):
        assert "apprenti lacks" in (await does(bot, f"!incident {verb} apprenti")).plain
        assert "lacks" not in (await does(bot, f"!incident {verb} nounou")).plain


async def test_a_sign_in_a_thread_means_the_incident_of_that(bot: Bot) -> None:
    await does(bot, "!incident open one")
    thread = (await pinned(bot)).event_id
    await does(bot, "!incident open two")
    bot.chat.deliver([Message("$seen", ROOM, NOUNOU2, "port 3 is dark", thread=thread)])

    await bot.chat.answer(bot.chat.react("📌", "$seen"))

    texts = [entry.text for entry in await bot.engine.incidents.entries(1)]
    assert "port 3 is dark" in texts
