"""A real homeserver tells what the bot said there, in a plain and in an encrypted room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.chat import Post, Text
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client
from tests.e2e.secret_room import Scene, meet, post

pytestmark = pytest.mark.e2e


async def test_in_a_plain_room_whoever_speaks_in_between(place: Place, nounou: Client) -> None:
    inbox = Inbox()
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        await nounou.say(place.room_id, "!ping")
        await inbox.until(lambda: bool(inbox.messages))
        first = await chat.send(post(place.alias, "record #1"))
        await nounou.say(place.room_id, "record #2, as somebody else says")
        await chat.send(post(place.alias, "half done"))
        await chat.send(Post(place.alias, "edit", Text("done", "done"), edits=first))
        for number in range(3, 130):
            await chat.send(post(place.alias, f"record #{number}"))

        told = await chat.own_posts(place.alias, ("record #", "half"), 200)
        some = await chat.own_posts(place.alias, ("half",), 200)

    numbers = [f"record #{number}" for number in range(129, 2, -1)]
    assert told.texts == [*numbers, "half done", "record #1"]
    assert some.texts == ["half done"]
    assert not told.removed


async def test_what_an_administrator_took_back_is_counted(place: Place, nounou: Client) -> None:
    inbox = Inbox()
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        await nounou.say(place.room_id, "!ping")
        await inbox.until(lambda: bool(inbox.messages))
        gone = await chat.send(post(place.alias, "record #1"))
        await chat.send(post(place.alias, "record #2"))
        await nounou.ask("PUT", f"rooms/{place.room_id}/redact/{gone}/1", {})

        told = await chat.own_posts(place.alias, ("record #",), 200)

    assert (told.texts, told.removed) == (["record #2"], [gone])


async def test_in_an_encrypted_room_after_a_restart_too(scene: Scene) -> None:
    inbox = Inbox()
    alias = scene.place.alias
    async with scene.peer() as peer:
        async with scene.place.running(inbox) as chat:
            await meet(scene, peer, inbox)
            first = await chat.send(post(alias, "record #1"))
            await chat.send(replace(post(alias, "done"), edits=first))
            await peer.say(scene.place.room_id, "record #2, as somebody else says")
            await chat.send(post(alias, "sign your device", to_unsigned=True))

        async with scene.place.running(inbox) as chat:
            await chat.send(post(alias, "record #3"))
            await peer.reads("record #3")

            found = await chat.own_posts(alias, ("record #",), 200)
            assert found.texts == ["record #3", "record #1"]
            assert (await chat.own_posts(alias, ("record #",), 1)).texts == ["record #3"]
