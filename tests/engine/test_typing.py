"""Showing that the bot is at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from bot.engine.typing import MOMENT, RENEW, Typing
from bot.lab.virtual import let_pass
from tests.engine.alive import Bot, Place
from tests.engine.toys import Toys
from tests.fakes import ROOM, FakeChat

THERE = "#there:localhost"
ON, OFF = (ROOM, True), (ROOM, False)


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


@pytest.fixture
async def typing(chat: FakeChat) -> AsyncIterator[Typing]:
    shown = Typing(chat)
    task = asyncio.create_task(shown.run())
    yield shown
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_quick_work_is_not_shown(typing: Typing, chat: FakeChat) -> None:
    for job in range(20):
        typing.begin(ROOM, job)
        await let_pass(MOMENT * 0.9)
        typing.end(ROOM, job)
    await let_pass(60)

    assert chat.typed == []


async def test_what_takes_a_moment_is_shown_until_it_ends(typing: Typing, chat: FakeChat) -> None:
    typing.begin(ROOM, 1)
    await let_pass(MOMENT * 1.1)
    assert chat.typed == [ON]

    typing.end(ROOM, 1)
    await let_pass(60)

    assert chat.typed == [ON, OFF]


async def test_it_is_renewed_before_the_chat_forgets_it(typing: Typing, chat: FakeChat) -> None:
    typing.begin(ROOM, 1)
    await let_pass(MOMENT + RENEW * 3.5)
    typing.end(ROOM, 1)
    await let_pass(1)

    assert RENEW < 30
    assert chat.typed == [ON] * 4 + [OFF]


async def test_it_goes_on_while_any_job_of_the_room_is_at_work(
    typing: Typing, chat: FakeChat
) -> None:
    typing.begin(ROOM, 1)
    await let_pass(1)
    typing.begin(ROOM, 2)
    typing.begin(ROOM, 2)
    typing.end(ROOM, 1)
    await let_pass(1)
    assert chat.typed == [ON]

    typing.end(ROOM, 2)
    typing.end(ROOM, 2)
    await let_pass(1)

    assert chat.typed == [ON, OFF]


async def test_each_room_is_shown_for_itself(typing: Typing, chat: FakeChat) -> None:
    typing.begin(ROOM, 1)
    typing.begin(THERE, 2)
    await let_pass(1)
    typing.end(ROOM, 1)
    await let_pass(1)

    assert chat.typed == [ON, (THERE, True), OFF]


async def test_work_that_begins_anew_is_shown_anew(typing: Typing, chat: FakeChat) -> None:
    for _again in range(2):
        typing.begin(ROOM, 1)
        await let_pass(1)
        typing.end(ROOM, 1)
        await let_pass(1)

    assert chat.typed == [ON, OFF] * 2


class TestCommands:
    @pytest.fixture
    def toys(self) -> Toys:
        toys = Toys()
        toys.keys = dict.fromkeys(("one", "two"), frozenset({"the key"}))
        toys.gate("one")
        return toys

    @pytest.fixture
    async def place(self, place: Place, toys: Toys) -> Place:
        place.registry = toys.registry()
        return place

    async def test_a_quick_answer_shows_nothing(self, bot: Bot, place: Place) -> None:
        await bot.ask("!ping")
        await place.later(60)

        assert bot.chat.typed == []

    async def test_a_job_is_at_work_while_it_runs_and_not_while_it_waits(
        self, bot: Bot, toys: Toys, place: Place
    ) -> None:
        one = bot.chat.say("!change one", room=ROOM)
        await toys.until("begin one")
        two = bot.chat.say("!change two", room="local:anna")
        await toys.until("plan two")
        await place.later(60)
        assert {room for room, on in bot.chat.typed} == {ROOM}

        toys.gate("two")
        toys.gate("one").set()
        await toys.until("begin two")
        await place.later(60)
        toys.gate("two").set()
        await bot.chat.answer(one)
        await bot.chat.answer(two)
        await place.later(1)

        shown = [each for each in bot.chat.typed if each[0] == "local:anna"]
        assert shown == [("local:anna", True)] * 3 + [("local:anna", False)]
        assert bot.chat.typed.count(OFF) == 1

    async def test_a_chat_that_hangs_holds_up_no_work(
        self, bot: Bot, toys: Toys, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def hang(room: str, *, on: bool) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(bot.chat, "typing", hang)
        asked = bot.chat.say("!change one")
        await toys.until("begin one")
        await place.later(60)
        toys.gate("one").set()

        assert "changed one" in (await bot.chat.answer(asked)).plain
