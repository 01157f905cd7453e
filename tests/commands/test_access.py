"""!trust: a key that changed is confirmed by somebody else, from a device that is theirs."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.chat import Message, Proof
from tests.engine.alive import APPRENTI, Bot, Place
from tests.fakes import NOUNOU, ROOM, Said

OLD, NEW = "o" * 43, "n" * 43
APART = " ".join([*["nnnn"] * 10, "nnn"])


async def ask(bot: Bot, line: str, sender: str = NOUNOU, proof: Proof = Proof.SIGNED) -> Said:
    number = sum(len(batch.messages) for batch in bot.chat.batches)
    message = Message(f"$m{number}", ROOM, sender, line, proof=proof)
    bot.chat.deliver((message,))
    return await bot.chat.answer(message.event_id)


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def change(bot: Bot, user: str) -> None:
    await bot.engine.pins.holds(user, OLD)
    await bot.engine.pins.holds(user, NEW)


async def test_what_is_pinned_is_shown(bot: Bot) -> None:
    assert "never seen" in (await ask(bot, "!trust apprenti")).plain
    await bot.engine.pins.holds(APPRENTI, OLD)

    said = await ask(bot, "!trust apprenti")

    assert f"{APPRENTI}: oooo oooo" in said.plain
    assert "first seen on" in said.plain


async def test_a_changed_key_is_shown_and_confirmed_as_it_was_shown(bot: Bot) -> None:
    await change(bot, APPRENTI)

    said = await ask(bot, "!trust apprenti")
    assert "apprenti is blocked" in said.plain
    assert f"!trust apprenti {APART}" in said.plain

    said = await ask(bot, f"!trust apprenti {APART}")
    assert state(said) == "succeeded"
    assert await bot.engine.pins.holds(APPRENTI, NEW)
    assert "confirmed by nounou" in (await ask(bot, "!trust apprenti")).plain


@pytest.mark.parametrize("proof", [Proof.SIGNED, Proof.LOCAL, Proof.TERMINAL])
async def test_a_key_is_confirmed_from_a_proven_device(bot: Bot, proof: Proof) -> None:
    await change(bot, APPRENTI)

    assert state(await ask(bot, f"!trust apprenti {NEW}", proof=proof)) == "succeeded"


async def test_a_key_is_not_confirmed_in_a_plain_room(bot: Bot) -> None:
    await change(bot, APPRENTI)

    said = await ask(bot, f"!trust apprenti {NEW}", proof=Proof.PLAIN)

    assert "only from a device that its owner has signed" in said.plain
    assert not await bot.engine.pins.holds(APPRENTI, NEW)


async def test_nobody_confirms_their_own_key(bot: Bot) -> None:
    await change(bot, NOUNOU)

    said = await ask(bot, f"!trust nounou {NEW}")

    assert "Nobody confirms their own key." in said.plain
    assert not await bot.engine.pins.holds(NOUNOU, NEW)


@pytest.mark.parametrize("key", [NEW[:-1], OLD, NEW.upper(), NEW + "n"])
async def test_only_the_whole_key_that_is_shown_is_confirmed(bot: Bot, key: str) -> None:
    await change(bot, APPRENTI)

    said = await ask(bot, f"!trust apprenti {key}")

    assert "does not show this key" in said.plain
    assert not await bot.engine.pins.holds(APPRENTI, NEW)


@pytest.mark.parametrize("commit", range(3, 9))
async def test_a_bot_that_dies_in_it_confirms_it_all_the_same(place: Place, commit: int) -> None:
    async with place.bot() as bot:
        await change(bot, APPRENTI)
    message = Message("$m", ROOM, NOUNOU, f"!trust apprenti {NEW}", proof=Proof.SIGNED)
    place.chat.deliver((message,))
    async with place.bot(die_after=commit) as bot:
        dead = asyncio.ensure_future(bot.store.dead.wait())
        await asyncio.wait([dead], timeout=60)
        dead.cancel()
        if bot.store.dead.is_set():
            await bot.killed()

    async with place.bot() as bot:
        assert state(await bot.chat.answer("$m")) == "succeeded"
        assert await bot.engine.pins.holds(APPRENTI, NEW)


async def test_a_person_may_be_named_by_the_chat_id(bot: Bot) -> None:
    await change(bot, APPRENTI)

    said = await ask(bot, f"!trust {APPRENTI} {NEW}")

    assert said.plain.startswith("✔ apprenti is believed again")
    assert "Nobody confirms their own key." in (await ask(bot, f"!trust {NOUNOU} {NEW}")).plain


async def test_a_stranger_has_no_key_to_confirm(bot: Bot) -> None:
    said = await ask(bot, f"!trust @x:y {NEW}")

    assert "@x:y is no member." in said.plain


async def test_it_takes_the_right(bot: Bot) -> None:
    await change(bot, NOUNOU)

    assert state(await ask(bot, f"!trust nounou {NEW}", APPRENTI)) == "denied"
