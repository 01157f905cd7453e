"""Commands in the wrong room, and commands against the bot itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.core.own import Own
from tests.engine.alive import APPRENTI, NOUNOU2, Bot, Place
from tests.fakes import NOUNOU, ROOM, Said
from tests.helped import helped

HELP, ASIDE, LOCAL = "#help:localhost", "!aside:localhost", "local:anna"
BOT, HOMESERVER = "vm", "redisdead"


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def ask_in(bot: Bot, room: str, line: str, sender: str = NOUNOU) -> Said:
    return await bot.chat.answer(bot.chat.say(line, sender, room))


class TestRooms:
    @pytest.fixture
    async def bot(self, place: Place) -> AsyncIterator[Bot]:
        place.commands = {HELP: ("bot.*", "domu.list")}
        async with place.bot() as bot:
            yield bot

    async def test_a_room_takes_only_what_is_on_its_list_and_says_where_the_rest_may_be_used(
        self, bot: Bot, place: Place
    ) -> None:
        said = await ask_in(bot, HELP, "!migrate vm fz")

        assert state(said) == "denied"
        assert f"migrate may not be used in this room; use it in {ROOM}." in said.plain
        assert place.migrations() == []
        assert state(await ask_in(bot, HELP, "!ping")) == "succeeded"
        assert state(await ask_in(bot, HELP, "!domu list")) == "succeeded"

    async def test_who_lacks_the_right_is_not_told_in_which_rooms_it_would_be_of_use(
        self, bot: Bot
    ) -> None:
        said = await ask_in(bot, HELP, "!migrate vm fz", APPRENTI)

        assert "it needs the right domu.migrate" in said.plain
        assert ROOM not in said.plain

    async def test_the_room_comes_before_the_words(self, bot: Bot) -> None:
        lines = ("!migrate vm fz", "!migrate eel fz", "!migrate", "!migrate vm fz --dry-run")
        answers = {(await ask_in(bot, HELP, line)).plain for line in lines}

        assert len(answers) == 1

    async def test_in_private_nothing_is_changed(self, bot: Bot, place: Place) -> None:
        said = await ask_in(bot, ASIDE, "!migrate vm fz")

        assert state(said) == "denied"
        assert f"so it may not be used in private; use it in {ROOM}." in said.plain
        assert place.migrations() == []
        assert state(await ask_in(bot, ASIDE, "!job cancel 1")) == "denied"
        assert state(await ask_in(bot, ASIDE, "!domu show vm")) == "succeeded"

    async def test_what_no_room_takes_may_be_used_nowhere(self, place: Place) -> None:
        place.commands = {ROOM: ("bot.*",)}
        async with place.bot() as bot:
            said = await bot.ask("!domu list")

        assert "domu list may not be used in any room." in said.plain

    async def test_on_the_bots_own_host_everything_may_be_used(
        self, bot: Bot, place: Place
    ) -> None:
        said = await ask_in(bot, LOCAL, "!migrate vm fz")

        assert state(said) == "succeeded"
        assert place.where("vm") == ["fz"]

    async def test_help_lists_what_may_be_used_in_the_room(self, bot: Bot) -> None:
        here, aside, there = [
            helped((await ask_in(bot, room, "!help")).plain) for room in (ROOM, ASIDE, HELP)
        ]

        assert {"migrate", "job cancel"} <= here
        assert "migrate" not in aside
        assert "job show" in aside
        assert "domu list" in there
        assert "domu show" not in there
        assert state(await ask_in(bot, HELP, "!help migrate")) == "usage"


class TestTheBotItself:
    @pytest.fixture
    async def bot(self, place: Place) -> AsyncIterator[Bot]:
        place.own = Own(bot=BOT, homeserver=HOMESERVER)
        async with place.bot() as bot:
            await bot.ask("!domu list")
            yield bot

    @pytest.mark.parametrize("room", [ROOM, LOCAL])
    @pytest.mark.parametrize("line", [f"!migrate {BOT} fz", f"!domu destroy {BOT}"])
    async def test_its_own_domu_is_left_alone_and_the_world_is_not_even_looked_at(
        self, bot: Bot, place: Place, line: str, room: str
    ) -> None:
        await place.later(60)
        sent = len(place.sent)

        said = await ask_in(bot, room, line, NOUNOU2)

        assert state(said) == "refused"
        assert f"I run in {BOT}" in said.plain
        assert place.sent[sent:] == []

    async def test_the_homeservers_domu_is_moved_once_that_is_confirmed(
        self, bot: Bot, place: Place
    ) -> None:
        code = await bot.code(asked := bot.chat.say(f"!migrate {HOMESERVER} fy"))
        assert place.where(HOMESERVER) == ["fz"]

        await bot.ask(f"!confirm {code}")

        assert state(await bot.chat.answer(asked)) == "succeeded"
        assert place.where(HOMESERVER) == ["fy"]

    async def test_a_dry_run_is_made_and_its_card_warns(self, bot: Bot) -> None:
        said = await bot.ask(f"!migrate {BOT} fz --dry-run")

        assert state(said) == "succeeded"
        assert f"✘ I run in {BOT}" in said.plain
        assert "✔ " in said.plain

    async def test_a_dry_run_on_the_homeservers_domu_warns_and_says_what_it_waits_for(
        self, bot: Bot
    ) -> None:
        said = await bot.ask(f"!migrate {HOMESERVER} fy --dry-run")

        assert f"… {HOMESERVER} is the DomU of the homeserver" in said.plain
        assert said.plain.endswith("It would wait for its asker's confirmation.")

    async def test_looking_at_it_is_free(self, bot: Bot) -> None:
        assert state(await bot.ask(f"!domu show {BOT}")) == "succeeded"

    async def test_others_are_moved(self, bot: Bot, place: Place) -> None:
        said = await bot.ask("!migrate zamok fz")

        assert "I run in" not in said.plain
        assert state(said) == "refused"
        assert "is a PV guest" in said.plain


def test_with_nothing_in_the_config_nothing_is_spared() -> None:
    assert Own().objection("") == ""
    assert Own().objection("vm") == ""


def test_a_homeserver_in_the_bots_own_domu_is_spared_for_good() -> None:
    assert Own("vm", "vm").objection("vm").startswith("I run in vm")
