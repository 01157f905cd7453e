"""Letters and events that somebody made up to stop the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import vodozemac

from bot.chat.crossing import identity_of
from bot.chat.matrix_crypto_megolm import Voice
from bot.chat.matrix_crypto_self import DeviceTaken, Own
from bot.chat.matrix_wire import Busy
from bot.core.chat import Proof
from tests.chat.key_server import ROOM, KeyServer, Person, people

HALF = "\ud800"


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
async def two(server: KeyServer, tmp_path: Path) -> AsyncIterator[tuple[Person, Person]]:
    """Anna, and the bot."""
    async with people(server, tmp_path, "anna", "bot") as (anna, bot):
        yield anna, bot


def deliver(anna: Person, bot: Person, kind: str, content: dict[str, Any]) -> None:
    """Have a letter of *anna*'s lie ready for *bot*."""
    device = identity_of(anna.server._query([bot.user]), bot.user).devices["BOT1"]
    sealed = anna.crypto._machine.olm.write(device, kind, content)
    letter = {"type": "m.room.encrypted", "sender": anna.user, "content": sealed}
    anna.server.letters[bot.user, "BOT1"].append(letter)


@pytest.mark.parametrize("spoilt", ["room_id", "session_id", "session_key", "ed25519"])
async def test_half_a_character_in_a_letter_does_not_keep_others_from_being_read(
    two: tuple[Person, Person], spoilt: str
) -> None:
    anna, bot = two
    await anna.say("zero")
    await bot.sync()
    content = Voice("D", "C", vodozemac.GroupSession()).key_for(ROOM)
    olm = anna.crypto._machine.olm
    good, olm.ed25519 = olm.ed25519, HALF if spoilt == "ed25519" else olm.ed25519
    deliver(anna, bot, "m.room_key", content | ({spoilt: HALF} if spoilt in content else {}))
    olm.ed25519 = good
    anna.begin()
    await anna.start()
    event = await anna.say("one")

    await bot.sync()

    assert (await bot.read(event)).proof is Proof.SIGNED


@pytest.mark.parametrize("spoilt", ["session_id", "ciphertext", "sender_key"])
async def test_half_a_character_in_an_event_stops_nothing(
    two: tuple[Person, Person], spoilt: str
) -> None:
    anna, bot = two
    event = await anna.say("one")
    await bot.sync()

    read = await bot.read(event | {"content": event["content"] | {spoilt: HALF}})

    assert (read.proof is Proof.SIGNED) == (spoilt == "sender_key")


async def test_a_letter_that_fails_is_dropped_alone(
    two: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bot = two
    await anna.say("zero")
    await bot.sync()
    deliver(anna, bot, "m.dummy", {})
    take, fail = bot.crypto._take_opened, iter([True])

    def once(letter: Any) -> None:
        if next(fail, False):
            raise RecursionError
        take(letter)

    monkeypatch.setattr(bot.crypto, "_take_opened", once)
    anna.begin()
    await anna.start()
    event = await anna.say("one")
    await bot.sync()

    assert (await bot.read(event)).proof is Proof.SIGNED


async def test_whom_the_configuration_does_not_name_leaves_no_key_on_disk(
    two: tuple[Person, Person],
) -> None:
    anna, bot = two
    bot.strangers.add(anna.user)
    event = await anna.say("one")
    await bot.receive()

    assert (await bot.read(event)).event is event
    assert not bot.crypto._store.room_keys(ROOM, event["content"]["session_id"])
    assert not bot.crypto.lacks_keys

    bot.strangers.clear()
    await bot.receive()
    assert (await bot.read(event)).proof is Proof.SIGNED


async def test_the_messages_of_a_removed_device_are_not_a_question_each(
    two: tuple[Person, Person], server: KeyServer
) -> None:
    anna, bot = two
    events = [await anna.say(str(n)) for n in range(5)]
    await bot.sync()
    del server.devices[anna.user]["ANNA1"]
    await bot.sync(device_lists={"changed": [anna.user]})
    server.asked.clear()

    for event in events:
        assert (await bot.read(event)).event is event

    assert server.asked.count("POST keys/query") == 2


async def test_whose_homeserver_is_silent_is_asked_for_again(
    two: tuple[Person, Person], server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bot = two
    event = await anna.say("one")
    await bot.sync()
    with monkeypatch.context() as silent:
        silent.setattr(server, "_query", lambda users: {"failures": {"localhost": {}}})
        assert (await bot.read(event)).event is event

    assert (await bot.read(event)).proof is Proof.SIGNED


async def test_a_homeserver_that_disowns_each_device_gets_one_login_and_no_crash(
    two: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    _anna, bot = two

    async def taken(own: Own) -> None:
        raise DeviceTaken

    monkeypatch.setattr(Own, "publish", taken)
    for _time in range(3):
        with pytest.raises(Busy, match="other keys than ours"):
            await bot.sync(device_lists={"changed": [bot.user]})

    assert bot.account.logins == 2


async def test_who_claims_the_key_of_another_persons_device_takes_nothing_from_it(
    server: KeyServer, tmp_path: Path
) -> None:
    bot = await Person(server, "bot", tmp_path, trust_any=True).start()
    async with people(server, tmp_path, "anna", "mallory") as (anna, mallory):
        await anna.say("zero")
        await bot.sync()
        olm, device = mallory.crypto._machine.olm, server.devices[mallory.user]["MALLORY1"]
        keys = device["keys"] | {"curve25519:MALLORY1": anna.crypto._machine.olm.curve25519}
        bare = {key: value for key, value in device.items() if key != "signatures"}
        forged = olm._signed(bare | {"keys": keys}, olm._account())
        server.devices[mallory.user]["MALLORY1"] = forged
        server.forget(mallory.user, "MALLORY1")

        event = await bot.say("one")

        assert server.letters[mallory.user, "MALLORY1"]
        await anna.sync()
        assert (await anna.read(event)).event["content"]["body"] == "one"
    bot.crypto.close()
