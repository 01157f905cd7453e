"""What the chat delivers from a real homeserver: everything once, in order, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.core.chat import Batch, Kind, Post, PostKind, Text
from bot.demo.synapse import Synapse
from bot.errors import StoreError
from tests.e2e.chat_site import PATIENCE, Inbox, Place
from tests.e2e.client import Client, Refusal

pytestmark = pytest.mark.e2e


async def post_in_parallel(client: Client, room: str, count: int, at_a_time: int) -> None:
    """Say ``!say 0`` to ``!say {count - 1}``, in whatever order they get there."""
    free = asyncio.Semaphore(at_a_time)

    async def say(number: int) -> None:
        async with free:
            await client.say(room, f"!say {number}")

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(say(number))


def said(client: Client, room_id: str) -> list[str]:
    """The event ids of the room in its own order."""
    return [seen.event_id for seen in client.messages.values() if seen.room == room_id]


async def test_a_line_typed_in_the_room_is_delivered_under_the_rooms_configured_name(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()

    async with place.running(inbox):
        await place.entered(nounou)
        asked = await nounou.say(place.alias, "!ping")
        await inbox.until(lambda: bool(inbox.messages))

    (message,) = inbox.messages
    assert (message.event_id, message.room) == (asked, place.alias)
    assert (message.sender, message.body) == ("@nounou:localhost", "!ping")


async def test_a_room_may_be_configured_by_its_id(place: Place, nounou: Client) -> None:
    inbox = Inbox()

    async with place.running(inbox, place.room_id):
        await place.entered(nounou)
        await nounou.say(place.alias, "!ping")
        await inbox.until(lambda: bool(inbox.messages))

    assert inbox.messages[0].room == place.room_id


@pytest.mark.timeout(180)
async def test_three_hundred_quick_messages_arrive_once_each_in_the_rooms_order(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()

    async with place.running(inbox):
        await place.entered(nounou)
        await post_in_parallel(nounou, place.room_id, 300, at_a_time=8)
        await inbox.until(lambda: len(inbox.messages) >= 300)
        await nounou.until(lambda: len(said(nounou, place.room_id)) >= 300 or None)

    assert [message.event_id for message in inbox.messages] == said(nounou, place.room_id)


@pytest.mark.timeout(180)
async def test_what_was_said_while_the_bot_was_away_is_delivered_once_and_in_order(
    place: Place, nounou: Client
) -> None:
    """More than one page of the sync and more than one page of the gap."""
    inbox = Inbox()
    async with place.running(inbox):
        await place.entered(nounou)
        await nounou.say(place.room_id, "!say before")
        await inbox.until(lambda: len(inbox.messages) == 1)

    await post_in_parallel(nounou, place.room_id, 230, at_a_time=8)
    async with place.running(inbox):
        await nounou.say(place.room_id, "!say after")
        await inbox.until(lambda: "!say after" in inbox.bodies)
    await nounou.until(lambda: len(said(nounou, place.room_id)) >= 232 or None)

    assert [message.event_id for message in inbox.messages] == said(nounou, place.room_id)


async def test_a_batch_that_was_not_stored_when_the_bot_died_comes_again_after_the_restart(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with place.running(inbox):
        await place.entered(nounou)
        await nounou.say(place.room_id, "!say first")
        await inbox.until(lambda: len(inbox.messages) == 1)
    dying = asyncio.Event()

    async def die(batch: Batch) -> None:
        if batch.messages:
            dying.set()
            await asyncio.Event().wait()  # for ever: the bot is killed in here

    inbox.before = die
    async with place.running(inbox):
        for number in range(5):
            await nounou.say(place.room_id, f"!say {number}")
        await asyncio.wait_for(dying.wait(), PATIENCE)
    inbox.before = None
    async with place.running(inbox):
        await inbox.until(lambda: len(inbox.messages) >= 6)

    assert inbox.bodies == ["!say first", *(f"!say {number}" for number in range(5))]


async def test_the_same_batch_is_delivered_until_the_store_takes_it(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    tries: list[Batch] = []

    async def refuse(batch: Batch) -> None:
        if batch.messages:
            tries.append(batch)
            if len(tries) < 3:
                raise StoreError

    inbox.before = refuse
    async with place.running(inbox):
        await place.entered(nounou)
        await nounou.say(place.room_id, "!ping")
        await inbox.until(lambda: bool(inbox.messages))

    assert tries == [tries[0]] * 3
    assert inbox.bodies == ["!ping"]


async def test_history_from_before_the_bot_came_in_is_never_delivered(
    place: Place, nounou: Client
) -> None:
    await post_in_parallel(nounou, place.room_id, 120, at_a_time=8)
    inbox = Inbox()

    async with place.running(inbox):
        await place.entered(nounou)
        await nounou.say(place.room_id, "!ping")
        await inbox.until(lambda: bool(inbox.messages))

    assert inbox.bodies == ["!ping"]


async def test_a_bot_that_lost_its_memory_answers_nothing_from_before(
    place: Place, nounou: Client
) -> None:
    async with place.running(Inbox()):
        await place.entered(nounou)
    await nounou.say(place.room_id, "!say while away")
    fresh = Inbox()

    async with place.running(fresh):
        await nounou.say(place.room_id, "!ping")
        await fresh.until(lambda: bool(fresh.messages))

    assert fresh.bodies == ["!ping"]


async def test_a_new_name_of_the_bot_hides_nothing_that_was_said_before_it(
    place: Place, nounou: Client, homeserver: Synapse
) -> None:
    """The profile change is a join event as well, but no entrance."""
    inbox = Inbox()
    async with place.running(inbox):
        await place.entered(nounou)

    await nounou.say(place.room_id, "!say one")
    async with Client(homeserver.url, place.bot, place.password) as bot:
        name = {"membership": "join", "displayname": "Nounou"}
        await bot.set_state(place.room_id, "m.room.member", name, place.bot_id)
    await nounou.say(place.room_id, "!say two")
    async with place.running(inbox):
        await inbox.until(lambda: "!say two" in inbox.bodies)

    assert inbox.bodies == ["!say one", "!say two"]


QUOTE = "> <@nounou2:localhost> !migrate vm fz\n> !second line\n\n"


def edit(body: str, event_id: str) -> dict[str, Any]:
    return {
        "msgtype": "m.text",
        "body": f"* {body}",
        "m.new_content": {"msgtype": "m.text", "body": body},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }


async def test_edits_notices_emotes_quotes_and_redacted_lines_are_no_lines(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with place.running(inbox):
        await place.entered(nounou)
        first = await nounou.say(place.room_id, "!say first")
        await inbox.until(lambda: len(inbox.messages) == 1)

    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": first}}}
    await nounou.send(place.room_id, edit("!say edited", first))
    await nounou.send(place.room_id, {"msgtype": "m.notice", "body": "!say notice"})
    await nounou.send(place.room_id, {"msgtype": "m.emote", "body": "!say emote"})
    await nounou.say(place.room_id, QUOTE.rstrip(), **reply)
    await nounou.say(place.room_id, QUOTE + "!say own words", **reply)
    await nounou.say(place.room_id, QUOTE + "!say without relation")
    redacted = await nounou.say(place.room_id, "!say redacted")
    await nounou.ask("PUT", f"rooms/{place.room_id}/redact/{redacted}/1", {})
    async with place.running(inbox):
        await nounou.say(place.room_id, "!say last")
        await inbox.until(lambda: "!say last" in inbox.bodies)

    assert inbox.bodies == [
        "!say first",
        "!say own words",
        "!say without relation",
        "!say last",
    ]
    others = [m for m in inbox.messages if m.kind is not Kind.LINE]
    assert [(m.kind, m.body, m.target) for m in others] == [
        (Kind.EDIT, "!say edited", first),
        (Kind.REMOVAL, "", redacted),
    ]


async def test_a_reaction_is_delivered_once_and_the_bots_own_never(
    place: Place, nounou: Client
) -> None:
    """Also one that lies in a gap."""
    inbox = Inbox()
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        asked = await nounou.say(place.room_id, "!say it")
        sign = Text("⏳", "⏳")
        await chat.send(Post(place.alias, "t1", sign, about=asked, kind=PostKind.REACTION))
        first = await nounou.react(place.room_id, asked, "✅")
        await inbox.until(lambda: len(inbox.messages) == 2)
    missed = await nounou.react(place.room_id, asked, "👍")
    await post_in_parallel(nounou, place.room_id, 120, at_a_time=8)
    async with place.running(inbox):
        await inbox.until(lambda: len(inbox.messages) == 123)

    reactions = [m for m in inbox.messages if m.kind is Kind.REACTION]
    assert [(m.event_id, m.sender, m.body, m.target) for m in reactions] == [
        (first, "@nounou:localhost", "✅", asked),
        (missed, "@nounou:localhost", "👍", asked),
    ]


async def test_what_the_bots_own_account_says_is_never_delivered(
    place: Place, nounou: Client, homeserver: Synapse
) -> None:
    inbox = Inbox()

    async with (
        place.running(inbox),
        Client(homeserver.url, place.bot, place.password) as bot,
    ):
        await place.entered(nounou)
        await bot.say(place.room_id, "!say mine")
        await nounou.say(place.room_id, "!say yours")
        await inbox.until(lambda: bool(inbox.messages))

    assert inbox.bodies == ["!say yours"]


def nested(depth: int) -> object:
    return [nested(depth - 1)] if depth else "x"


HOSTILE: list[tuple[str, object]] = [
    ("m.room.message", {"msgtype": "m.text", "body": "!h", "m.relates_to": "oops"}),
    ("m.room.message", {"msgtype": "m.text", "body": "!h", "m.relates_to": {"rel_type": {}}}),
    ("m.room.message", {"msgtype": "m.text", "body": "!h", "m.relates_to": {"event_id": []}}),
    ("m.room.message", {"msgtype": "m.text", "body": "!h", "m.new_content": 5}),
    ("m.room.message", {"msgtype": "m.text", "body": "!h", "deep": nested(110)}),
    ("m.room.message", {"msgtype": "m.text", "body": "!h" + "x" * 60_000}),
    ("m.room.message", {"msgtype": "m.text", "body": "!h\0\x1b[2J\u202e"}),
    ("m.room.message", {"msgtype": "m.text", "body": 5}),
    ("m.room.message", {"msgtype": ["m.text"], "body": {"a": 1}}),
    ("m.room.message", {}),
    ("m.room.encryption", {"algorithm": 5}),
    ("m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "m.relates_to": "oops"}),
    ("m.room.member", {"membership": "join"}),
    ("m.room.tombstone", {"replacement_room": 7}),
    ("m.reaction", {"m.relates_to": []}),
    ("org.example.rubbish", {"a": [None, True, {}]}),
]


async def test_no_content_whatever_stops_what_comes_after_it(place: Place, nounou: Client) -> None:
    inbox = Inbox()

    async with place.running(inbox):
        await place.entered(nounou)
        taken = 0
        for kind, content in HOSTILE:
            try:
                await nounou.send(place.room_id, content, kind=kind)
            except Refusal:
                continue  # this homeserver knows better
            taken += 1
        await nounou.say(place.room_id, "!ping")
        await inbox.until(lambda: "!ping" in inbox.bodies)

    assert taken >= 10
    assert inbox.bodies[-1] == "!ping"
    assert all(body == "!ping" or body.startswith("!h") for body in inbox.bodies)


async def test_who_speaks_is_told_by_the_user_id_and_not_by_the_displayed_name(
    place: Place, nounou: Client, homeserver: Synapse
) -> None:
    inbox = Inbox()
    async with Client(homeserver.url, "stranger", "password") as stranger:
        await nounou.invite(place.room_id, stranger.user_id)
        await stranger.join(place.room_id)
        name = {"membership": "join", "displayname": "@nounou:localhost"}
        await stranger.set_state(place.room_id, "m.room.member", name, stranger.user_id)

        async with place.running(inbox):
            await place.entered(nounou)
            await stranger.say(place.room_id, "!ping")
            await inbox.until(lambda: bool(inbox.messages))

    assert inbox.messages[0].sender == "@stranger:localhost"


async def test_a_stored_line_gets_a_read_receipt_and_one_that_is_not_stored_gets_none(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    receipt = (place.bot_id, place.room_id)
    refused = asyncio.Event()
    broken = True

    async def refuse(batch: Batch) -> None:
        if batch.messages and broken:
            refused.set()
            raise StoreError

    inbox.before = refuse
    async with place.running(inbox):
        await place.entered(nounou)
        said = await nounou.say(place.room_id, "!ping")
        await asyncio.wait_for(refused.wait(), PATIENCE)
        assert receipt not in nounou.receipts

        broken = False

        assert await nounou.until(lambda: nounou.receipts.get(receipt)) == said
