"""In an encrypted room: what a message points at, and messages that are pointed at."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.chat.matrix_events import message_of
from bot.core.chat import Proof
from tests.chat.key_server import ROOM, KeyServer, Person, people

REPLY = {"m.in_reply_to": {"event_id": "$alert"}}


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Person, Person]]:
    """Anna, and the bot."""
    async with people(KeyServer(), tmp_path, "anna", "bot") as (anna, bot):
        yield anna, bot


async def answered(bot: Person, event: dict[str, Any]) -> str:
    """What the bot takes *event* for an answer to."""
    read = await bot.read(event)
    message = message_of(read.event, ROOM, bot.user, read.proof, read.seal)
    assert message is not None
    assert message.proof is Proof.SIGNED
    return message.answers


async def test_what_a_message_answers_is_read_outside_of_the_seal_but_rather_within(
    two: tuple[Person, Person],
) -> None:
    anna, bot = two
    outside = await anna.say("!alert ack", **{"m.relates_to": REPLY})
    within = await anna.say("!alert ack")
    session = anna.crypto._machine.voices._voices[ROOM].session
    content = {"msgtype": "m.text", "body": "!alert ack", "m.relates_to": REPLY}
    payload = {"type": "m.room.message", "room_id": ROOM, "content": content}
    within["content"]["ciphertext"] = session.encrypt(json.dumps(payload).encode()).to_base64()
    await bot.sync()

    assert await answered(bot, outside) == await answered(bot, within) == "$alert"
    for event in (outside, within):
        event["content"]["m.relates_to"] = {"m.in_reply_to": {"event_id": "$turned"}}
    assert await answered(bot, outside) == "$turned"  # nothing else is known of it
    assert await answered(bot, within) == "$alert"


async def test_a_message_may_be_quoted_after_it_was_read_also_one_of_our_own(
    two: tuple[Person, Person],
) -> None:
    anna, bot = two
    theirs, ours = await anna.say("the array beeps"), await bot.say("so it does")
    await bot.sync()
    await bot.read(theirs)

    for event, said in ((theirs, "the array beeps"), (ours, "so it does")):
        quoted = await bot.crypto.read_quoted(ROOM, event)
        assert quoted is not None
        assert quoted["content"]["body"] == said


async def test_what_cannot_be_read_is_not_quoted_and_nobody_is_asked_for_its_key(
    tmp_path: Path,
) -> None:
    async with people(KeyServer(), tmp_path, "anna", "mallory", "bot") as (anna, mallory, bot):
        event = await mallory.say("the array beeps")
        assert await bot.crypto.read_quoted(ROOM, event) is None
        await bot.sync()
        assert await bot.crypto.read_quoted(ROOM, event | {"sender": anna.user}) is None
        assert await bot.crypto.read_quoted(ROOM, event | {"sender": None}) is None
        assert await bot.crypto.read_quoted("!other", event) is None
        clear = {"type": "m.room.message", "sender": anna.user, "content": {"body": "forged"}}
        assert await bot.crypto.read_quoted(ROOM, clear) is None
        assert not bot.crypto.lacks_keys
