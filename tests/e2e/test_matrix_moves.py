"""Rooms that are replaced, and being put out of one and coming back, on a real homeserver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.chat.matrix import MatrixChat
from bot.core.chat import Post, Text
from bot.errors import ChatUnavailable
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client

pytestmark = pytest.mark.e2e

PONG = Text("pong", "pong")
ENCRYPTION = {"algorithm": "m.megolm.v1.aes-sha2"}
PUBLIC: dict[str, Any] = {"preset": "public_chat"}


@asynccontextmanager
async def inside(
    place: Place, nounou: Client, inbox: Inbox, *rooms: str
) -> AsyncIterator[MatrixChat]:
    """The chat, in its room and heard of there."""
    async with place.running(inbox, *rooms) as chat:
        await place.entered(nounou)
        await nounou.say(place.room_id, "!say hello")
        await inbox.until(lambda: "!say hello" in inbox.bodies)
        yield chat


async def heir(nounou: Client, old: str, **more: Any) -> str:
    """A room that says that it comes after *old*, with a tombstone there that names it."""
    predecessor = {"predecessor": {"room_id": old, "event_id": "$tombstone"}}
    new = await nounou.create_room(creation_content=predecessor, **more)
    await nounou.set_state(old, "m.room.tombstone", {"body": "x", "replacement_room": new})
    return new


@pytest.mark.parametrize("by_id", [False, True], ids=["alias", "id"])
async def test_a_room_that_was_upgraded_is_followed_where_the_bot_is_invited(
    place: Place, nounou: Client, by_id: bool
) -> None:
    inbox, name = Inbox(), place.room_id if by_id else place.alias
    async with inside(place, nounou, inbox, name) as chat:
        first = await chat.send(Post(name, "t1", PONG))
        path = f"rooms/{place.room_id}/upgrade"
        new = str((await nounou.ask("POST", path, {"new_version": "11"}))["replacement_room"])
        await inbox.until(lambda: bool(inbox.reports))
        assert "was replaced" in inbox.reports[0].sentence

        await nounou.invite(new, place.bot_id)
        await place.entered(nounou, new)
        await nounou.say(new, "!say over there")
        await inbox.until(lambda: "!say over there" in inbox.bodies)

        assert inbox.messages[-1].room == name
        # what was said in the old room cannot be edited from here, so it is said again
        sent = await chat.send(Post(name, "t2", Text("done", "done"), edits=first))
        assert (await nounou.wait_for(lambda m: m.event_id == sent)).room == new

    async with place.running(inbox, name) as chat:
        await nounou.say(new, "!say after a restart")
        await inbox.until(lambda: "!say after a restart" in inbox.bodies)
        sent = await chat.send(Post(name, "t3", PONG))
        assert (await nounou.wait_for(lambda m: m.event_id == sent)).room == new


async def test_an_heir_that_anybody_may_enter_is_entered_at_once_after_all_that_was_said_before(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with inside(place, nounou, inbox):
        await nounou.say(place.room_id, "!say the last here")
        new = await heir(nounou, place.room_id, **PUBLIC)
        await place.entered(nounou, new)
        await nounou.say(new, "!say the first there")
        await inbox.until(lambda: "!say the first there" in inbox.bodies)

    assert inbox.bodies == ["!say hello", "!say the last here", "!say the first there"]
    assert {message.room for message in inbox.messages} == {place.alias}


async def test_an_upgrade_while_the_bot_was_away_is_followed_at_the_start(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with inside(place, nounou, inbox):
        pass
    new = await heir(nounou, place.room_id, **PUBLIC)

    async with place.running(inbox):
        await place.entered(nounou, new)
        await nounou.say(new, "!ping")
        await inbox.until(lambda: "!ping" in inbox.bodies)


async def test_a_tombstone_that_points_to_a_room_of_its_own_is_not_followed(
    place: Place, nounou: Client
) -> None:
    """Who may write tombstones may not choose that the bot listens and speaks elsewhere."""
    inbox = Inbox()
    async with inside(place, nounou, inbox) as chat:
        trap = await nounou.create_room(**PUBLIC)
        await nounou.set_state(place.room_id, "m.room.tombstone", {"replacement_room": trap})
        await place.gone(nounou, trap)
        await nounou.say(place.room_id, "!say still here")
        await inbox.until(lambda: "!say still here" in inbox.bodies)
        sent = await chat.send(Post(place.alias, "t1", PONG))

        assert (await nounou.wait_for(lambda m: m.event_id == sent)).room == place.room_id
        assert "not its heir" in inbox.reports[0].sentence


async def test_nothing_is_said_in_clear_in_the_plain_heir_of_an_encrypted_room(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with inside(place, nounou, inbox):
        await nounou.set_state(place.room_id, "m.room.encryption", ENCRYPTION)
        new = await heir(nounou, place.room_id, **PUBLIC)
        await place.entered(nounou, new)

    async with place.running(inbox) as chat:
        await nounou.say(new, "!say in clear")
        await inbox.until(lambda: bool(inbox.reports))
        assert chat.encrypted(place.alias)
        with pytest.raises(ChatUnavailable, match="was encrypted and is not any more"):
            await chat.send(Post(place.alias, "t1", PONG))

    assert inbox.bodies == ["!say hello"]
    assert "came unencrypted" in inbox.reports[0].sentence


@pytest.mark.parametrize("verb", ["kick", "ban"])
async def test_put_out_and_invited_again_the_bot_is_back_and_says_so(
    place: Place, nounou: Client, verb: str
) -> None:
    inbox = Inbox()
    async with inside(place, nounou, inbox) as chat:
        room = f"rooms/{place.room_id}"
        why = {"user_id": place.bot_id, "reason": "too\nloud \u202egnol"}
        await nounou.ask("POST", f"{room}/{verb}", why)
        await place.gone(nounou, place.room_id)
        await inbox.until(lambda: bool(chat._rooms.memory.put_out))
        await nounou.say(place.room_id, "!say in its absence")
        if verb == "ban":
            await nounou.ask("POST", f"{room}/unban", {"user_id": place.bot_id})
        await nounou.invite(place.room_id, place.bot_id)
        await place.entered(nounou)
        await nounou.say(place.room_id, "!say are you back")
        await inbox.until(lambda: "!say are you back" in inbox.bodies)
        sent = await chat.send(Post(place.alias, "t1", PONG))

        assert (await nounou.wait_for(lambda m: m.event_id == sent)).room == place.room_id

    assert inbox.bodies == ["!say hello", "!say are you back"]
    assert [report.sentence for report in inbox.reports] == [
        f"@nounou:localhost put me out of the room {place.alias} (too loud gnol). "
        "I am back; what was said there meanwhile is not run."
    ]


async def test_a_post_for_a_room_that_the_bot_was_put_out_of_waits(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    side = await nounou.create_room(f"side-{place.bot}", (place.bot_id,))
    alias = f"#side-{place.bot}:localhost"
    async with inside(place, nounou, inbox, place.alias, alias) as chat:
        await nounou.ask("POST", f"rooms/{place.room_id}/kick", {"user_id": place.bot_id})
        await place.entered(nounou, side)
        await nounou.say(side, "!say the bot knows that it was put out after this")
        await inbox.until(lambda: len(inbox.messages) == 2)

        with pytest.raises(ChatUnavailable, match="not in the room"):
            await chat.send(Post(place.alias, "t1", PONG))
