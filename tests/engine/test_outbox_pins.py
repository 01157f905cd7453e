"""Posts that belong to messages of the bot itself: in their threads, and pins of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.chat import Post, PostKind, Text
from bot.errors import ChatRefused
from tests.engine.alive import TestedStore
from tests.engine.outboxes import HERE, THERE, plain, post, queue, speaking, states
from tests.fakes import FakeChat


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


def pin(txn: str, pinned: str, *, room: str = HERE, kind: PostKind = PostKind.PIN) -> Post:
    """Pin what was queued as *pinned*."""
    return Post(room, txn, Text("", ""), edits=pinned, kind=kind)


def event_of(chat: FakeChat, shown: str) -> str:
    (found,) = [said.event_id for said in chat.messages.values() if said.plain == shown]
    return found


async def test_a_post_under_another_goes_into_the_thread_of_what_that_became(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, post("alert"), replace(post("more"), under="alert"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert [each.under for each in chat.attempts] == [None, event_of(chat, "alert")]


async def test_a_post_under_one_that_was_never_sent_is_said_in_the_room(
    store: TestedStore, chat: FakeChat
) -> None:
    def refuses(post: Post) -> None:
        if post.txn == "alert":
            raise ChatRefused

    chat.trouble = refuses
    await queue(store, post("alert"), replace(post("more"), under="alert"))
    await queue(store, replace(post("else"), under="unheard of"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == ["more", "else"]
    assert [said.post.under for said in chat.said(HERE)] == [None, None]


async def test_a_message_is_pinned_once_it_was_said_and_unpinned_again(
    store: TestedStore, chat: FakeChat
) -> None:
    chat.pins[HERE] = ["$theirs"]
    await queue(store, pin("p", "incident"), post("incident"))
    async with speaking(store, chat) as box:
        await box.drained()
        assert chat.pins[HERE] == ["$theirs", event_of(chat, "incident")]

        await queue(store, pin("u", "incident", kind=PostKind.UNPIN))
        box.wake()
        await box.drained()

    assert chat.pins[HERE] == ["$theirs"]


async def test_an_edit_of_a_message_does_not_take_the_place_of_its_pin(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, post("incident"), pin("p", "incident"))
    await queue(store, post("e", "now", edits="incident"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == ["now"]
    assert chat.pins[HERE] == [event_of(chat, "now")]


async def test_the_pin_of_a_message_that_was_never_sent_is_none(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, pin("p", "gone"), pin("u", "gone", kind=PostKind.UNPIN))

    async with speaking(store, chat) as box:
        await box.drained()

    assert chat.attempts == []
    assert set((await states(store)).values()) == {"refused"}


async def test_where_nothing_may_be_pinned_people_are_told_once_in_each_room(
    store: TestedStore, chat: FakeChat
) -> None:
    chat.may_pin = False
    for number, room in enumerate((HERE, HERE, THERE)):
        await queue(
            store, post(f"i{number}", room=room), pin(f"p{number}", f"i{number}", room=room)
        )
        async with speaking(store, chat) as box:  # a bot that begins anew each time
            await box.drained()

    assert plain(chat) == ["i0", f"give me power level 50 in {HERE} to pin", "i1"]
    assert plain(chat, THERE) == ["i2", f"give me power level 50 in {THERE} to pin"]
    told = chat.said(HERE)[1]
    assert told.post.under == event_of(chat, "i0")


async def test_that_nothing_may_be_pinned_is_told_though_the_store_fails_meanwhile(
    store: TestedStore, chat: FakeChat
) -> None:
    chat.may_pin = False
    await queue(store, post("i"))
    async with speaking(store, chat) as box:
        await box.drained()
        await queue(store, pin("p", "i"))
        await store.breaks("outbox")
        box.wake()
        await chat.until(lambda: sum(each.txn == "p" for each in chat.attempts) > 1)
        await store.mend()
        await box.drained()

    assert plain(chat) == ["i", f"give me power level 50 in {HERE} to pin"]
