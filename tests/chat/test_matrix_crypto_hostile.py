"""Letters and events that somebody made up to stop the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import vodozemac

from bot.chat.crossing import identity_of
from bot.chat.matrix_crypto_megolm import Voice
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
