"""Posts with pictures: they wait through a restart, are sent once, and then take no room."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.core.chat import Picture, Post
from bot.engine import schema
from bot.errors import ChatRefused
from tests.engine.alive import TestedStore
from tests.engine.outboxes import plain, post, queue, speaking, states
from tests.fakes import FakeChat

#: seconds since 1970, long after any test
NEVER_YET = 4e9
PICTURE = Picture("vm-fy.png", b"\x89PNG\r\n\x1a\n\x00\xff" * 50)
SHOWN = replace(post("shot", "vm on fy"), under="job", picture=PICTURE, expires=NEVER_YET)


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


async def kept(store: TestedStore) -> dict[str, bytes | None]:
    """What is in the store of each post's picture."""
    async with store.read() as tx:
        rows = await tx.execute(select(schema.outbox.c.txn, schema.outbox.c.picture))
        return {row.txn: row.picture for row in rows}


async def test_a_picture_travels_whole_in_its_turn(store: TestedStore, chat: FakeChat) -> None:
    await queue(store, post("job"), SHOWN, post("after"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == ["job", "vm on fy", "after"]
    assert chat.attempts[1] == replace(SHOWN, under=chat.said(SHOWN.room)[0].event_id)


async def test_a_picture_that_waits_survives_a_restart_and_is_sent_once(
    store: TestedStore, chat: FakeChat
) -> None:
    chat.down = True
    await queue(store, post("job"), SHOWN)
    async with speaking(store, chat) as box:
        await box.settled()
    assert (await kept(store))["shot"] == PICTURE.png

    chat.down, chat.lose_answers = False, 2
    async with speaking(store, chat) as box:
        await box.drained()
    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == ["job", "vm on fy"]
    assert {each.picture for each in chat.attempts if each.txn == "shot"} == {PICTURE}


async def test_what_was_sent_takes_no_room_and_is_still_known_to_expire(
    store: TestedStore, chat: FakeChat
) -> None:
    def refuses(post: Post) -> None:
        if post.txn == "refused":
            raise ChatRefused

    chat.trouble = refuses
    await queue(store, SHOWN, replace(SHOWN, txn="refused"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert await kept(store) == {"shot": None, "refused": None}
    assert await states(store) == {"shot": "sent", "refused": "refused"}
    async with store.read() as tx:
        row = (await tx.execute(select(schema.outbox).where(schema.outbox.c.txn == "shot"))).one()
    assert (row.file, row.expires, bool(row.event_id)) == ("vm-fy.png", NEVER_YET, True)
