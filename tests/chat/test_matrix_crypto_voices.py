"""Who may read what the bot says in an encrypted room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import vodozemac

from bot.chat import matrix_crypto_megolm
from bot.errors import ChatRefused
from tests.chat.key_server import ROOM, KeyServer, Person, people


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
async def three(server: KeyServer, tmp_path: Path) -> AsyncIterator[tuple[Person, Person, Person]]:
    """The bot, and two who listen."""
    async with people(server, tmp_path, "bot", "anna", "bruno") as (bot, anna, bruno):
        yield bot, anna, bruno


async def reads(person: Person, event: dict[str, Any]) -> bool:
    await person.sync()
    return bool((await person.read(event)).event["type"] == "m.room.message")


async def moved(bot: Person) -> None:
    """The bot sees that somebody came or went."""
    event = {"type": "m.room.member", "state_key": "@x:y", "content": {}}
    await bot.sync(rooms={"join": {"!room": {"timeline": {"events": [event]}}}})


async def test_everybody_in_the_room_reads_it(three: tuple[Person, Person, Person]) -> None:
    bot, anna, bruno = three
    event = await bot.say("pong")

    assert await reads(anna, event)
    assert await reads(bruno, event)


async def test_who_left_reads_nothing_more(
    three: tuple[Person, Person, Person], server: KeyServer
) -> None:
    bot, anna, bruno = three
    assert await reads(bruno, await bot.say("before"))
    server.members.discard(bruno.user)
    await moved(bot)

    event = await bot.say("after")

    assert not await reads(bruno, event)
    assert await reads(anna, event)


async def test_who_comes_later_reads_nothing_of_before(
    three: tuple[Person, Person, Person], server: KeyServer, tmp_path: Path
) -> None:
    bot, _anna, _bruno = three
    before = await bot.say("before")
    carla = await Person(server, "carla", tmp_path).start()
    await moved(bot)

    after = await bot.say("after")

    assert await reads(carla, after)
    assert not await reads(carla, before)
    carla.crypto.close()


async def test_a_device_that_was_signed_out_reads_nothing_more(
    three: tuple[Person, Person, Person], server: KeyServer
) -> None:
    bot, anna, _bruno = three
    assert await reads(anna, await bot.say("before"))
    server.devices[anna.user].clear()
    await bot.sync(device_lists={"changed": [anna.user]})

    assert not await reads(anna, await bot.say("after"))


async def test_an_unsigned_device_reads_only_what_is_meant_for_it(
    three: tuple[Person, Person, Person],
) -> None:
    bot, anna, bruno = three
    anna.unsign()

    event = await bot.say("secret")
    session = event["content"]["session_id"]
    assert not await reads(anna, event)
    assert await reads(bruno, event)

    event = await bot.say("sign your device", to_unsigned=True)
    assert await reads(anna, event)
    assert await reads(bruno, event)

    event = await bot.say("secret again")
    assert event["content"]["session_id"] == session
    assert not await reads(anna, event)


async def test_where_any_device_is_trusted_all_read(
    three: tuple[Person, Person, Person], server: KeyServer, tmp_path: Path
) -> None:
    _bot, anna, _bruno = three
    anna.unsign()
    trusting = await Person(server, "trusting", tmp_path, trust_any=True).start()

    assert await reads(anna, await trusting.say("for all"))
    trusting.crypto.close()


@pytest.mark.parametrize("trust_any", [False, True])
async def test_who_shows_another_identity_reads_nothing(
    three: tuple[Person, Person, Person], server: KeyServer, tmp_path: Path, trust_any: bool
) -> None:
    _bot, anna, bruno = three
    speaker = await Person(server, "speaker", tmp_path, trust_any=trust_any).start()
    assert await reads(anna, await speaker.say("before"))
    anna.change_identity()
    await speaker.sync(device_lists={"changed": [anna.user]})

    event = await speaker.say("after")

    assert not await reads(anna, event)
    assert await reads(bruno, event)
    assert await reads(anna, await speaker.say("ask the others", to_unsigned=True))
    speaker.crypto.close()


async def test_a_key_is_worn_out_and_replaced(
    three: tuple[Person, Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, anna, _bruno = three
    sessions = [(await bot.say(str(n)))["content"]["session_id"] for n in range(101)]
    assert len(set(sessions[:100])) == 1
    assert sessions[100] != sessions[0]

    monkeypatch.setattr(matrix_crypto_megolm, "_LONGEST", 0.0)
    event = await bot.say("much later")
    assert event["content"]["session_id"] != sessions[100]
    assert await reads(anna, event)


async def test_after_a_start_there_is_a_new_key(three: tuple[Person, Person, Person]) -> None:
    bot, anna, _bruno = three
    before = await bot.say("before")
    bot.crypto.close()
    bot.begin()
    await bot.start()

    after = await bot.say("after")

    assert after["content"]["session_id"] != before["content"]["session_id"]
    assert await reads(anna, after)


async def test_who_was_said_to_be_there_before_but_could_not_be_reached_is_tried_again(
    three: tuple[Person, Person, Person], server: KeyServer
) -> None:
    bot, anna, _bruno = three
    server.refuses = "sendToDevice"
    lost = await bot.say("lost")
    server.refuses = "nothing"

    event = await bot.say("found")

    assert await reads(anna, event)
    assert not await reads(anna, lost)


async def test_a_device_without_keys_does_not_keep_the_others_from_reading(
    three: tuple[Person, Person, Person], server: KeyServer
) -> None:
    bot, anna, bruno = three
    server.one_time[anna.user, "ANNA1"].clear()
    server.fallback[anna.user, "ANNA1"].clear()
    event = await bot.say("pong")

    assert await reads(bruno, event)
    assert not await reads(anna, event)
    server.asked.clear()
    await bot.say("again")
    assert "POST keys/claim" not in server.asked


async def test_a_one_time_key_that_the_device_did_not_sign_is_not_used(
    three: tuple[Person, Person, Person], server: KeyServer
) -> None:
    bot, anna, _bruno = three
    for key in server.one_time[anna.user, "ANNA1"].values():
        key["key"] = vodozemac.Curve25519SecretKey().public_key().to_base64()

    await bot.say("pong")

    assert server.letters[anna.user, "ANNA1"] == []


async def test_what_costs_nothing_is_not_asked_again(
    three: tuple[Person, Person, Person], server: KeyServer
) -> None:
    bot, _anna, _bruno = three
    await bot.say("first")
    server.asked.clear()

    await bot.say("second")

    assert server.asked == []


async def test_where_nobody_may_say_who_is_there_nothing_is_said(
    three: tuple[Person, Person, Person], server: KeyServer
) -> None:
    bot, _anna, _bruno = three
    server.refuses = "joined_members"

    with pytest.raises(ChatRefused):
        await bot.say("pong")


class TestOurOwnWords:
    async def test_are_read_again_also_after_a_restart(
        self, three: tuple[Person, Person, Person]
    ) -> None:
        bot, _anna, _bruno = three
        said = [await bot.say(f"record {number}") for number in range(3)]

        bot.crypto.close()
        bot.begin()
        await bot.start()

        assert [read_own(bot, event) for event in said] == ["record 0", "record 1", "record 2"]

    async def test_are_read_under_each_key_that_they_went_under(
        self, three: tuple[Person, Person, Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bot, _anna, _bruno = three
        first = await bot.say("record 1")
        monkeypatch.setattr(matrix_crypto_megolm, "_MOST_MESSAGES", 1)
        second = await bot.say("record 2")

        assert first["content"]["session_id"] != second["content"]["session_id"]
        assert [read_own(bot, each) for each in (first, second)] == ["record 1", "record 2"]

    async def test_are_not_what_others_say_in_our_name(
        self, three: tuple[Person, Person, Person]
    ) -> None:
        bot, anna, _bruno = three
        event = await anna.say("record 1")
        await bot.sync()
        assert (await bot.read(event)).event["type"] == "m.room.message"

        assert read_own(bot, event | {"sender": bot.user}) is None

    async def test_do_not_count_in_another_room(self, three: tuple[Person, Person, Person]) -> None:
        bot, _anna, _bruno = three
        event = await bot.say("record 1")

        assert bot.crypto.read_own("!another", event) is None

    async def test_run_nothing_though_a_homeserver_puts_another_name_to_them(
        self, three: tuple[Person, Person, Person]
    ) -> None:
        bot, anna, _bruno = three
        event = await bot.say("!migrate vm fz")

        assert (await bot.read(event | {"sender": anna.user})).event["type"] == "m.room.encrypted"


def read_own(person: Person, event: dict[str, Any]) -> str | None:
    said = person.crypto.read_own(ROOM, event)
    return None if said is None else str(said["content"]["body"])
