"""Encrypted rooms when things stop: nothing is lost, nothing comes twice, and it goes on."""

from __future__ import annotations

import json
import shutil

import pytest

from bot.chat.crossing import Secrets, identity_of
from bot.chat.matrix_crypto_self import RESET
from bot.core.chat import Batch, Kind, Proof
from bot.errors import StoreError
from tests.e2e.chat_site import Inbox
from tests.e2e.secret_room import Scene, greet, heard, post

pytestmark = pytest.mark.e2e


async def test_sixty_lines_arrive_once_and_in_order_though_the_bot_dies_in_mid_batch(
    scene: Scene,
) -> None:
    inbox, crashes = Inbox(), 0

    async def die(batch: Batch) -> None:
        nonlocal crashes
        if batch.messages and crashes < 3:
            crashes += 1
            raise StoreError

    inbox.before = die
    lines = [f"!say {number}" for number in range(60)]
    async with scene.peer() as peer:
        async with scene.place.running(inbox):
            await greet(scene, peer)
            for line in lines[:20]:
                await peer.say(scene.place.room_id, line)
        async with scene.place.running(inbox):
            for line in lines[20:]:
                await peer.say(scene.place.room_id, line)
            await inbox.until(lambda: len(inbox.messages) >= 60)

    assert inbox.bodies == lines
    assert {message.proof for message in inbox.messages} == {Proof.SIGNED}
    assert len({message.seal for message in inbox.messages}) == 60


async def test_what_was_said_while_the_bot_was_away_is_read_through_a_gap(scene: Scene) -> None:
    inbox = Inbox()
    async with scene.peer() as peer:
        async with scene.place.running(inbox):
            await greet(scene, peer)
        lines = [f"!say {number}" for number in range(130)]
        for line in lines:
            await peer.say(scene.place.room_id, line)

        async with scene.place.running(inbox):
            await inbox.until(lambda: len(inbox.messages) >= 130)

    assert inbox.bodies == lines


async def test_a_revoked_token_is_replaced_and_all_goes_on(scene: Scene) -> None:
    inbox = Inbox()
    session = scene.place.folder / "matrix-session.json"
    async with scene.peer() as peer, scene.place.running(inbox) as chat:
        await greet(scene, peer)
        await peer.say(scene.place.room_id, "!ping 1")
        await heard(inbox)
        await chat.send(post(scene.place.alias, "pong 1"))
        await peer.reads("pong 1")
        device = json.loads(session.read_text())["device_id"]

        await scene.place.revoke(json.loads(session.read_text())["access_token"])
        await chat.send(post(scene.place.alias, "pong 2"))
        await peer.reads("pong 2")

        # matrix-nio never writes again to a device that was gone for a moment; a fresh one does
        async with scene.peer() as fresh:
            await greet(scene, fresh)
            await fresh.say(scene.place.room_id, "!ping 2")
            message = await heard(inbox, 2)
        assert (message.body, message.proof) == ("!ping 2", Proof.SIGNED)
        assert json.loads(session.read_text())["device_id"] == device


async def test_after_its_keys_were_lost_the_bot_is_another_device_that_is_signed(
    scene: Scene,
) -> None:
    inbox, folder = Inbox(), scene.place.folder
    async with scene.peer() as peer:
        async with scene.place.running(inbox):
            await greet(scene, peer)
        (folder / "crypto" / "identity.json").rename(folder / "identity.json")
        shutil.rmtree(folder / "crypto")
        (folder / "crypto").mkdir()
        (folder / "identity.json").rename(folder / "crypto" / "identity.json")

        async with scene.place.running(inbox) as chat:
            await chat.send(post(scene.place.alias, "pong"))
            await peer.reads("pong")
            _status, answer = await peer.ask(
                "POST", "keys/query", {"device_keys": {scene.place.bot_id: []}}
            )

    devices = identity_of(answer, scene.place.bot_id).devices.values()
    assert sorted(device.signed for device in devices) == [True, True]


async def test_an_identity_of_somebody_else_is_replaced_on_request_alone(scene: Scene) -> None:
    inbox, folder = Inbox(), scene.place.folder
    theirs = Secrets.make(scene.place.bot_id)
    async with scene.peer_of(scene.place.bot, theirs):
        async with scene.place.running(inbox):
            await inbox.until(lambda: any(batch.reports for batch in inbox.batches))
        assert not (folder / "crypto" / "identity.json").exists()

        (folder / "crypto" / RESET).touch()
        async with scene.place.running(inbox), scene.peer() as peer:
            await greet(scene, peer)
            _status, answer = await peer.ask(
                "POST", "keys/query", {"device_keys": {scene.place.bot_id: []}}
            )

    identity = identity_of(answer, scene.place.bot_id)
    kept = Secrets.kept(folder / "crypto" / "identity.json", scene.place.bot_id)
    assert kept is not None
    assert identity.master == kept.master.public
    assert [device.signed for device in identity.devices.values()].count(True) == 1


async def test_a_peer_that_lost_the_bots_session_is_understood_again(scene: Scene) -> None:
    """The bot's database is put back to an older copy: its sessions are behind the peer's."""
    inbox, crypto = Inbox(), scene.place.folder / "crypto"
    async with scene.peer() as peer:
        async with scene.place.running(inbox):
            await greet(scene, peer)
        shutil.copytree(crypto, scene.place.folder / "copy")
        async with scene.place.running(inbox):
            await peer.say(scene.place.room_id, "!ping 1")
            await heard(inbox)
        shutil.rmtree(crypto)
        (scene.place.folder / "copy").rename(crypto)

        async with scene.place.running(inbox):
            peer.change_key(scene.place.room_id)
            await peer.say(scene.place.room_id, "!ping 2")
            assert (await heard(inbox, 2)).kind in (Kind.UNREADABLE, Kind.LINE)
            peer.change_key(scene.place.room_id)
            await peer.say(scene.place.room_id, "!ping 3")
            assert (await heard(inbox, 3)).body == "!ping 3"
