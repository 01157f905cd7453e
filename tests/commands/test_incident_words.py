"""Incidents as tired people handle them: what they may have meant is understood, or said."""

from __future__ import annotations

from bot.api import Context, Reply, Secret, command
from bot.core.text import MASK
from bot.engine import audit_log
from tests.commands.test_incident import does, pinned
from tests.engine.alive import Bot, Place


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
