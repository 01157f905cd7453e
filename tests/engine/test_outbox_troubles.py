"""Posts that cannot be said: refused, hit by a bug, or for a room that nobody can write to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.core.chat import Post, Status, Text
from bot.engine.outbox import Outbox
from bot.engine.outbox_rows import REFUSED, SENT
from bot.errors import ChatRefused, ChatUnavailable, ConfigError
from tests.engine.alive import Place, TestedStore
from tests.engine.outboxes import HERE, THERE, plain, post, queue, speaking, states
from tests.fakes import FakeChat


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


def progress(txn: str, edits: str | None = None, *, final: bool = False) -> Post:
    status = Status("$1", 7, "running", final)
    return Post(HERE, txn, Text(txn, txn), about="$1", edits=edits, status=status)


async def test_of_a_progress_message_that_was_refused_only_the_end_is_said_anew(
    store: TestedStore, chat: FakeChat
) -> None:
    def refuse(each: Post) -> None:
        if each.txn == "p":
            raise ChatRefused

    chat.trouble = refuse
    await queue(store, progress("p"))
    async with speaking(store, chat) as box:
        await box.drained()
        for each in (progress("p-1", "p"), progress("p-2", "p"), progress("end", "p", final=True)):
            await queue(store, each)
            box.wake()
            await box.drained()

    assert plain(chat) == ["end"]
    refused = dict.fromkeys(("p", "p-1", "p-2"), REFUSED)
    assert await states(store) == {**refused, "end": SENT}


@pytest.mark.parametrize(("bugs", "said"), [(1, ["poison", "next"]), (99, ["next"])])
async def test_a_post_that_hits_a_bug_is_tried_again_and_then_passed_over(
    store: TestedStore, chat: FakeChat, bugs: int, said: list[str]
) -> None:
    tries: list[str] = []

    def trip(each: Post) -> None:
        if each.txn == "poison" and len(tries) < bugs:
            tries.append(each.txn)
            raise ZeroDivisionError

    chat.trouble = trip
    await queue(store, post("poison"), post("next"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == said
    assert len(tries) == min(bugs, 5)
    assert (await states(store))["poison"] == (SENT if "poison" in said else REFUSED)


async def test_a_wrong_configuration_ends_the_outbox(store: TestedStore, chat: FakeChat) -> None:
    def refuse(_post: Post) -> None:
        raise ConfigError("the token is refused")

    chat.trouble = refuse
    await queue(store, post("one"))

    with pytest.raises(ExceptionGroup) as caught:
        await Outbox(store, chat).run()

    assert caught.group_contains(ConfigError, match="the token is refused")


def locked(*rooms: str) -> Callable[[Post], None]:
    def trouble(each: Post) -> None:
        if each.room in rooms:
            raise ChatUnavailable("not in the room")

    return trouble


async def test_a_stop_waits_for_no_room_that_nobody_can_write_to(
    store: TestedStore, chat: FakeChat
) -> None:
    chat.trouble = locked(THERE)
    gate = chat.gates[HERE] = asyncio.Event()
    await queue(store, post("here"), post("there", room=THERE), post("more", room=THERE))

    async with speaking(store, chat) as box:
        await chat.until(lambda: len(chat.attempts) == 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(box.settled(), 20)
        gate.set()
        await box.settled()
        assert await box.stuck() == {THERE: 2}
        assert plain(chat) == ["here"]

        chat.trouble = lambda _post: None
        await box.drained()
        assert await box.stuck() == {}

    assert plain(chat, THERE) == ["there", "more"]


async def test_a_room_that_failed_once_is_waited_for(store: TestedStore, chat: FakeChat) -> None:
    chat.lose_answers = 1
    await queue(store, post("one"))

    async with speaking(store, chat) as box:
        await box.settled()

    assert set((await states(store)).values()) == {SENT}


async def test_the_status_says_what_waits_for_a_room(place: Place) -> None:
    place.chat.trouble = locked(THERE)
    async with place.bot() as bot:
        await queue(bot.store, post("one", room=THERE))
        bot.engine.outbox.wake()
        await place.chat.until(lambda: len(place.chat.attempts) >= 3)
        said = await bot.ask("!status")
        began = asyncio.get_running_loop().time()

    assert f"{THERE}  1 post waits: nothing can be said there now" in said.plain
    assert "1 in trouble" in said.plain
    assert asyncio.get_running_loop().time() - began < 1
