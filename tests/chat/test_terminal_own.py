"""The terminal protocol's question for what the bot said itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.chat.terminal import TerminalChat
from bot.core.chat import OwnPosts, Post, Text
from bot.errors import ChatUnavailable
from tests.chat.other_end import PATIENCE, OtherEnd, both_ends


@pytest.fixture
async def ends() -> AsyncIterator[tuple[TerminalChat, OtherEnd]]:
    async with both_ends() as ends:
        yield ends


class TestTheBotsOwnPosts:
    async def test_are_asked_for(self, ends: tuple[TerminalChat, OtherEnd]) -> None:
        chat, other = ends
        async with asyncio.TaskGroup() as group:
            group.create_task(chat.run(other.receive, None))
            await other.welcome(own=True)
            assert (await other.heard())["type"] == "read"
            asked = group.create_task(chat.own_posts("#r", ("record",), 200))
            question = await other.heard()
            assert question == {
                "type": "own",
                "ask": 0,
                "room": "#r",
                "begin": ["record"],
                "most": 200,
            }
            await other.say(type="own", ask=7, posts=["not asked for"])
            await other.say(type="own", ask=0, posts="no list")
            await other.say(type="own", ask=0, posts=None)

            await other.say(type="own", ask=0, posts=["record head #1", "record #1"])

            assert await asked == OwnPosts(["record head #1", "record #1"])
            await other.close()

    async def test_are_not_waited_for_once_it_is_closed(
        self, ends: tuple[TerminalChat, OtherEnd]
    ) -> None:
        chat, other = ends
        async with asyncio.TaskGroup() as group:
            group.create_task(chat.run(other.receive, None))
            await other.welcome(own=True)
            assert (await other.heard())["type"] == "read"
            asked = group.create_task(reason(chat))
            await other.heard()
            await other.close()

            assert await asked == "The chat is closed"
        assert await reason(chat) == "The chat is closed"

    async def test_are_not_asked_for_where_the_other_end_does_not_tell_them(
        self, ends: tuple[TerminalChat, OtherEnd]
    ) -> None:
        chat, other = ends
        async with asyncio.TaskGroup() as group:
            group.create_task(chat.run(other.receive, None))
            await other.welcome()
            assert (await other.heard())["type"] == "read"

            assert await reason(chat) == "This chat does not tell what was said in it"
            await other.close()


async def reason(chat: TerminalChat) -> str:
    with pytest.raises(ChatUnavailable) as refusal:
        await chat.own_posts("#r", ("record",), 200)
    return str(refusal.value)


async def test_what_is_said_on_the_way_out_is_answered_still(
    ends: tuple[TerminalChat, OtherEnd],
) -> None:
    chat, other = ends
    running = asyncio.create_task(chat.run(other.receive, None))
    await other.welcome()
    assert (await other.heard())["type"] == "read"
    running.cancel()
    await asyncio.wait([running])

    async with asyncio.TaskGroup() as group:
        sending = group.create_task(chat.send(Post("#r", "t", Text("bye", "bye"))))
        assert (await other.heard())["txn"] == "t"
        await other.say(type="sent", txn="t", event_id="$t2")

        assert await asyncio.wait_for(sending, PATIENCE) == "$t2"
