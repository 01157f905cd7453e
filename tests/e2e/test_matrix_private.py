"""Private chats on a real homeserver: rooms of two, of members only, until a third comes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.chat import Post, Text
from bot.demo.synapse import Synapse
from bot.errors import ChatRefused
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client

pytestmark = pytest.mark.e2e

PONG = Text("pong", "pong")


@pytest.fixture
def place(place: Place) -> Place:
    """The room, with a bot that may be taken aside."""
    return replace(place, private=True)


async def test_a_member_may_take_the_bot_aside_also_after_a_restart(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with place.running(inbox) as chat:
        aside = await nounou.create_room("", (place.bot_id,), is_direct=True)
        await place.entered(nounou, aside)
        asked = await nounou.say(aside, "!ping")
        await inbox.until(lambda: bool(inbox.messages))
        assert (inbox.messages[0].event_id, inbox.messages[0].room) == (asked, aside)

        sent = await chat.send(Post(aside, "t1", PONG))
        assert (await nounou.wait_for(lambda m: m.event_id == sent)).room == aside
        assert chat.encrypted(aside) is False

    async with place.running(inbox):
        await nounou.say(aside, "!say again")
        await inbox.until(lambda: "!say again" in inbox.bodies)
        assert inbox.messages[-1].room == aside


async def test_a_private_chat_is_left_when_a_third_is_invited_and_nothing_more_is_read_there(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        aside = await nounou.create_room("", (place.bot_id,))
        await place.entered(nounou, aside)
        await nounou.invite(aside, "@apprenti:localhost")
        await nounou.say(aside, "!say with a listener")
        await place.gone(nounou, aside)
        await nounou.say(place.room_id, "!say among us")
        await inbox.until(lambda: bool(inbox.messages))

        assert inbox.bodies == ["!say among us"]
        with pytest.raises(ChatRefused, match="not in the configuration"):
            await chat.send(Post(aside, "t1", PONG))


async def test_a_third_who_came_while_the_bot_was_away_ends_the_private_chat(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with place.running(inbox):
        await place.entered(nounou)
        aside = await nounou.create_room("", (place.bot_id,))
        await place.entered(nounou, aside)
    await nounou.invite(aside, "@apprenti:localhost")
    await nounou.say(aside, "!say with a listener")

    async with place.running(inbox):
        await place.gone(nounou, aside)

    assert inbox.bodies == []


async def test_a_room_of_three_is_no_private_chat(place: Place, nounou: Client) -> None:
    async with place.running(Inbox()):
        others = ("@apprenti:localhost", place.bot_id)
        await place.gone(nounou, await nounou.create_room("", others))


async def test_where_private_chats_are_switched_off_again_they_are_left(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with place.running(inbox):
        aside = await nounou.create_room("", (place.bot_id,))
        await place.entered(nounou, aside)

    async with replace(place, private=False).running(inbox):
        await place.gone(nounou, aside)


async def test_a_stranger_takes_nobody_aside_and_is_reported_once_a_start(
    place: Place, nounou: Client, homeserver: Synapse
) -> None:
    inbox = Inbox()
    async with Client(homeserver.url, "stranger", "password") as stranger, place.running(inbox):
        traps = [await stranger.create_room("", (place.bot_id,)) for _each in range(2)]
        await inbox.until(lambda: len(inbox.reports) == 2)
        await place.entered(nounou)

        assert all(place.bot_id not in stranger.members[trap] for trap in traps)

    assert len({report.key for report in inbox.reports}) == 1
    assert inbox.reports[0].sentence == (
        "@stranger:localhost invited me to a room that is not mine to enter; I did not answer."
    )
