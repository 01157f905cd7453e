"""On a real homeserver: threads of the bot's own messages, pins, and messages that are pointed at;
in a plain room and in an encrypted one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.chat import Post, PostKind, Proof, Text
from bot.errors import ChatRefused
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client
from tests.e2e.secret_room import Scene, heard, meet, post
from tests.engine.alive import opened
from tests.engine.outboxes import queue, speaking

pytestmark = pytest.mark.e2e

REPLY, THREAD = "m.in_reply_to", "m.thread"


def pin(place: Place, event_id: str, kind: PostKind = PostKind.PIN) -> Post:
    return replace(post(place.alias, ""), text=Text("", ""), edits=event_id, kind=kind)


def answer_to(event_id: str) -> dict[str, Any]:
    return {"m.relates_to": {REPLY: {"event_id": event_id}}}


def in_thread(event_id: str) -> dict[str, Any]:
    """As clients write in a thread: the last message is shown as answered to those without."""
    relation = {"rel_type": THREAD, "event_id": event_id, "is_falling_back": True}
    return {"m.relates_to": {**relation, REPLY: {"event_id": event_id}}}


async def let_pin(client: Client, place: Place) -> None:
    """Give the bot the power level that it asks for."""
    levels = await client.ask("GET", f"rooms/{place.room_id}/state/m.room.power_levels")
    levels["users"][place.bot_id] = 50
    await client.set_state(place.room_id, "m.room.power_levels", levels)


async def pinned(client: Client, place: Place) -> list[str]:
    found = await client.ask("GET", f"rooms/{place.room_id}/state/m.room.pinned_events")
    return list(found["pinned"])


async def under(client: Client, place: Place, root: str) -> list[str]:
    """The events that the homeserver counts to the thread that *root* begins."""
    return [each["event_id"] for each in await client.related(place.room_id, root, THREAD)]


async def test_in_a_plain_room(place: Place, nounou: Client) -> None:
    inbox = Inbox()
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        await nounou.say(place.room_id, "!hello")
        await heard(inbox)
        alert = await chat.send(post(place.alias, "the array is degraded"))
        more = await chat.send(replace(post(place.alias, "nobody has answered"), under=alert))
        assert await under(nounou, place, alert) == [more]

        await nounou.say(place.room_id, "> <@b:c> the array\n\n!alert ack", **answer_to(alert))
        await nounou.say(place.room_id, "!alert ack", **in_thread(alert))
        acked, threaded = await heard(inbox, 2), await heard(inbox, 3)
        assert (acked.body, acked.thread, acked.answers) == ("!alert ack", "", alert)
        assert (threaded.body, threaded.thread, threaded.answers) == ("!alert ack", alert, "")

        await nounou.set_state(place.room_id, "m.room.pinned_events", {"pinned": ["$theirs"]})
        with pytest.raises(ChatRefused, match=f"power level 50 in {place.alias} to pin"):
            await chat.send(pin(place, alert))
        assert await pinned(nounou, place) == ["$theirs"]
        await let_pin(nounou, place)
        await chat.send(pin(place, alert))
        await chat.send(pin(place, alert))
        assert await pinned(nounou, place) == ["$theirs", alert]
        await chat.send(pin(place, alert, PostKind.UNPIN))
        assert await pinned(nounou, place) == ["$theirs"]

        for event_id, sender, body in (
            (threaded.event_id, nounou.user_id, "!alert ack"),
            (more, place.bot_id, "nobody has answered"),
        ):
            quoted = await chat.quoted(place.alias, event_id)
            assert quoted is not None
            assert (quoted.sender, quoted.body) == (sender, body)
        assert await chat.quoted(place.alias, "$nothing") is None


async def test_where_the_bot_may_not_pin_the_room_is_told_once(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    told = f"I may not pin messages here: give me power level 50 in {place.alias} to pin."
    async with (
        place.running(inbox) as chat,
        opened(place.folder / "store") as store,
        speaking(store, chat) as outbox,
    ):
        await place.entered(nounou)
        await nounou.say(place.room_id, "!hello")
        await heard(inbox)
        for txn in ("incident-1", "incident-2"):
            said = replace(post(place.alias, txn), txn=txn)
            await queue(store, said, replace(pin(place, txn), txn=f"{txn}-pin"))
        outbox.wake()
        await outbox.drained()

        begins = await nounou.wait_for(lambda seen: seen.body == "incident-1")
        sentence = await nounou.wait_for(lambda seen: seen.body.startswith(told))
        assert await under(nounou, place, begins.event_id) == [sentence.event_id]
        last = await chat.send(post(place.alias, "last"))
        await nounou.wait_for(lambda seen: seen.event_id == last)
        assert len([seen for seen in nounou.messages.values() if told in seen.body]) == 1


async def test_a_thread_of_a_message_that_is_in_one_is_that_one(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        asked = await nounou.say(place.room_id, "!incident open")
        await heard(inbox)
        first = await chat.send(replace(post(place.alias, "opened"), about=asked, threaded=True))
        second = await chat.send(replace(post(place.alias, "more"), under=first))

        assert await under(nounou, place, asked) == [second, first]


async def test_in_an_encrypted_room(scene: Scene) -> None:
    inbox, place = Inbox(), scene.place
    async with scene.peer() as peer, Client(scene.url, scene.person, "password") as anna:
        async with place.running(inbox) as chat:
            await meet(scene, peer, inbox)
            alert = await chat.send(post(place.alias, "the array is degraded"))
            more = await chat.send(replace(post(place.alias, "nobody has answered"), under=alert))
            await peer.reads("nobody has answered")
            assert await under(anna, place, alert) == [more]

            await peer.say(place.room_id, "!alert ack", **answer_to(alert))
            await peer.say(place.room_id, "!alert ack", **in_thread(alert))
            acked, threaded = await heard(inbox, 2), await heard(inbox, 3)
            assert (acked.thread, acked.answers, acked.proof) == ("", alert, Proof.SIGNED)
            assert (threaded.thread, threaded.answers) == (alert, "")

            with pytest.raises(ChatRefused, match="to pin"):
                await chat.send(pin(place, alert))
            await let_pin(anna, place)
            await chat.send(pin(place, alert))
            assert await pinned(anna, place) == [alert]

        picture = {"msgtype": "m.image", "body": "panel.jpg", "url": "mxc://localhost/1"}
        shown = await peer.send(place.room_id, picture)
        forged = await anna.say(place.room_id, "all is well")
        async with place.running(inbox) as chat:
            await inbox.until(lambda: bool(inbox.reports))  # of what was said in clear
            for event_id, sender, body in (
                (threaded.event_id, peer.user_id, "!alert ack"),
                (more, place.bot_id, "nobody has answered"),
                (shown, peer.user_id, "[picture panel.jpg]"),
            ):
                quoted = await chat.quoted(place.alias, event_id)
                assert quoted is not None
                assert (quoted.sender, quoted.body) == (sender, body)
            assert await chat.quoted(place.alias, forged) is None
