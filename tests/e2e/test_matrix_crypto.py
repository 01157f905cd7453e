"""The chat in encrypted rooms of a real homeserver, with a client that is not ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from bot.chat.crossing import Secrets, identity_of
from bot.core.chat import Kind, Message, Proof
from tests.e2e.chat_site import Inbox
from tests.e2e.client import Client
from tests.e2e.secret_room import Scene, greet, heard, meet, post

pytestmark = pytest.mark.e2e


async def test_a_signed_device_is_heard_and_hears(scene: Scene) -> None:
    inbox = Inbox()
    async with scene.peer() as peer, scene.place.running(inbox) as chat:
        await greet(scene, peer)
        await peer.say(scene.place.room_id, "!ping")
        message = await heard(inbox)
        assert (message.body, message.kind, message.proof) == ("!ping", Kind.LINE, Proof.SIGNED)
        assert message.seal

        await chat.send(post(scene.place.alias, "pong"))
        await peer.reads("pong")


async def test_an_unsigned_device_is_told_apart_and_reads_only_what_is_meant_for_it(
    scene: Scene,
) -> None:
    inbox = Inbox()
    async with (
        scene.peer() as signed,
        scene.peer(signed=False) as unsigned,
        scene.place.running(inbox) as chat,
    ):
        await greet(scene, unsigned)
        await unsigned.say(scene.place.room_id, "!ping")
        assert (await heard(inbox)).proof is Proof.UNSIGNED

        await chat.send(post(scene.place.alias, "secret"))
        await chat.send(post(scene.place.alias, "sign your device", to_unsigned=True))
        await unsigned.reads("sign your device")
        await signed.reads("sign your device")
        await signed.reads("secret")
        assert len(unsigned.unread) == 1


async def test_where_any_device_is_trusted_an_unsigned_one_reads_too(scene: Scene) -> None:
    scene.place = replace(scene.place, trust_any=True)
    inbox = Inbox()
    async with (
        scene.peer(signed=False) as peer,
        scene.place.running(inbox) as chat,
    ):
        await meet(scene, peer, inbox)
        await chat.send(post(scene.place.alias, "pong"))

        await peer.reads("pong")


async def test_a_changed_identity_is_not_believed_until_it_is_confirmed(scene: Scene) -> None:
    inbox = Inbox()
    async with scene.peer() as peer, scene.place.running(inbox) as chat:
        await greet(scene, peer)
        await peer.say(scene.place.room_id, "!ping 1")
        assert (await heard(inbox)).proof is Proof.SIGNED

        fresh = Secrets.make(peer.user_id)
        await peer.publish(fresh)
        await peer.sign(fresh)
        await peer.say(scene.place.room_id, "!ping 2")
        assert (await heard(inbox, 2)).proof is Proof.CHANGED
        await chat.send(post(scene.place.alias, "secret"))
        await chat.send(post(scene.place.alias, "your key changed", to_unsigned=True))
        await peer.reads("your key changed")
        assert len(peer.unread) == 1

        scene.place.pins.keys[peer.user_id] = fresh.master.public
        await peer.say(scene.place.room_id, "!ping 3")
        assert (await heard(inbox, 3)).proof is Proof.SIGNED
        await chat.send(post(scene.place.alias, "pong"))
        await peer.reads("pong")


async def test_the_bots_own_device_is_signed_for_others_to_see(scene: Scene) -> None:
    async with scene.peer() as peer, scene.place.running(Inbox()):
        await greet(scene, peer)
        _status, answer = await peer.ask(
            "POST", "keys/query", {"device_keys": {scene.place.bot_id: []}}
        )

        identity = identity_of(answer, scene.place.bot_id)

        assert identity.master is not None
        assert [device.signed for device in identity.devices.values()] == [True]


async def test_a_ciphertext_that_comes_again_has_the_same_seal(scene: Scene) -> None:
    inbox = Inbox()
    async with scene.peer() as peer, scene.place.running(inbox):
        await greet(scene, peer)
        event_id = await peer.say(scene.place.room_id, "!ping")
        first = await heard(inbox)
        _status, event = await peer.ask("GET", f"rooms/{scene.place.room_id}/event/{event_id}")

        path = f"rooms/{scene.place.room_id}/send/m.room.encrypted/{uuid4()}"
        await peer.ask("PUT", path, event["content"])

        again = await heard(inbox, 2)
        assert again.event_id != first.event_id
        assert again.seal == first.seal


async def test_a_reaction_in_clear_proves_nothing_and_one_under_encryption_is_none(
    scene: Scene,
) -> None:
    inbox, room = Inbox(), scene.place.room_id
    async with scene.peer() as peer, scene.place.running(inbox):
        await greet(scene, peer)
        asked = await peer.say(room, "!ping")
        relation = {"rel_type": "m.annotation", "event_id": asked, "key": "✅"}
        kind, hidden = peer.client.encrypt(room, "m.reaction", {"m.relates_to": relation})
        await peer.ask("PUT", f"rooms/{room}/send/{kind}/{uuid4()}", hidden)

        shown = await peer.send(room, {"m.relates_to": relation}, "m.reaction")
        await peer.say(room, "!last")
        await heard(inbox, 3)

    _asked, reaction, last = inbox.messages
    assert reaction == Message(
        shown, scene.place.alias, peer.user_id, "✅", Kind.REACTION, target=asked
    )
    assert last.body == "!last"


async def test_words_without_their_key_are_said_to_be_unreadable_and_the_key_is_asked_for(
    scene: Scene,
) -> None:
    inbox = Inbox()
    async with scene.peer() as peer, scene.place.running(inbox):
        await greet(scene, peer)
        room = scene.place.room_id
        peer.client.olm.create_outbound_group_session(room)
        peer.client.olm.outbound_group_sessions[room].mark_as_shared()
        sealed = peer.client.olm.group_encrypt(
            room, {"type": "m.room.message", "content": {"msgtype": "m.text", "body": "!ping"}}
        )
        await peer.ask("PUT", f"rooms/{room}/send/m.room.encrypted/{uuid4()}", sealed)

        assert (await heard(inbox)).kind is Kind.UNREADABLE
        await peer.until(lambda: sealed["session_id"] in peer.asked_for)

        # that the bot was told once does not keep it from the next command
        peer.change_key(room)
        await peer.say(room, "!ping again")
        assert (await heard(inbox, 2)).body == "!ping again"


JUNK: list[Any] = [
    {},
    {"algorithm": "m.megolm.v1.aes-sha2"},
    {"algorithm": ["m.megolm.v1.aes-sha2"], "ciphertext": 7},
    {"algorithm": "m.megolm.v1.aes-sha2", "session_id": [], "ciphertext": {}, "device_id": 3},
    {"algorithm": "m.megolm.v1.aes-sha2", "session_id": "x" * 9000, "ciphertext": "AwgA" * 9000},
    {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": {"a": {"type": 0, "body": "AA"}}},
    {"m.relates_to": "oops", "session_id": None, "sender_key": {"a": []}},
]


async def test_no_encrypted_event_whatever_stops_what_comes_after_it(scene: Scene) -> None:
    inbox = Inbox()
    async with scene.peer() as peer, scene.place.running(inbox):
        await greet(scene, peer)
        for content in JUNK:
            path = f"rooms/{scene.place.room_id}/send/m.room.encrypted/{uuid4()}"
            status, _answer = await peer.ask("PUT", path, content)
            assert status == 200
            path = f"sendToDevice/m.room.encrypted/{uuid4()}"
            await peer.ask("PUT", path, {"messages": {scene.place.bot_id: {"*": content}}})
        await peer.say(scene.place.room_id, "!ping")

        await inbox.until(lambda: "!ping" in inbox.bodies)

        lines = [message for message in inbox.messages if message.kind is Kind.LINE]
        assert [message.body for message in lines] == ["!ping"]


async def test_a_post_sent_twice_is_there_once(scene: Scene) -> None:
    inbox = Inbox()
    async with scene.peer() as peer, scene.place.running(inbox) as chat:
        await meet(scene, peer, inbox)
        pong = post(scene.place.alias, "pong")

        first, second = await chat.send(pong), await chat.send(pong)

        assert first == second
        await chat.send(post(scene.place.alias, "end"))
        await peer.reads("end")
        assert [content["body"] for content in peer.read.values()] == ["!hello", "pong", "end"]


async def test_who_was_put_out_does_not_have_the_key_of_what_is_said_then(
    scene: Scene, nounou: Client
) -> None:
    place, inbox = scene.place, Inbox()
    async with scene.peer() as peer, place.running(inbox) as chat:
        await greet(scene, peer)
        await peer.invite(place.room_id, nounou.user_id)
        async with scene.peer_of("nounou", Secrets.make(nounou.user_id)) as other:
            await other.client.join(place.room_id)
            await other.sees_device(place.bot_id)
            await peer.say(place.room_id, "!mark 1")
            await heard(inbox)
            await chat.send(post(place.alias, "for both"))
            await other.reads("for both")
            await peer.reads("for both")
            shared = peer.sessions["for both"]

            await peer.kick(place.room_id, nounou.user_id)
            await peer.say(place.room_id, "!mark 2")
            await heard(inbox, 2)
            await chat.send(post(place.alias, "for one"))
            await peer.reads("for one")
            assert peer.sessions["for one"] != shared
