"""The record's head in the room, and a store that somebody has rewritten against it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete

from bot.app import verify_audit
from bot.core.audit import GENESIS, seal
from bot.core.chat import OwnPosts, Post, Text
from bot.core.witness import posted
from bot.engine.audit_log import append
from bot.engine.schema import outbox
from bot.engine.store import FILE
from bot.engine.witness import MOST
from bot.errors import ChatUnavailable
from tests.engine.alive import Bot, Place, opened
from tests.fakes import ROOM, FakeChat, Said

AUDIT = "#record:localhost"
EVERY = 300.0
PONG = Post(ROOM, "pong", Text("pong", "pong"))


@contextmanager
def thief(folder: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who may write the store's file."""
    with closing(sqlite3.connect(folder / FILE)) as connection:
        yield connection
        connection.commit()


def sealed_anew(connection: sqlite3.Connection) -> None:
    """Make the chain and its head whole again, whatever was done to the rows."""
    rows = connection.execute("SELECT number, at, kind, data FROM audit ORDER BY number").fetchall()
    connection.execute("DELETE FROM audit")
    previous = GENESIS
    for number, (_old, at, kind, data) in enumerate(rows, 1):
        entry = seal(number, at, kind, json.loads(data), previous)
        values = (number, at, kind, data, previous, entry.hash)
        connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", values)
        previous = entry.hash
    head = f"{len(rows)} {previous}"
    connection.execute("UPDATE meta SET value = ? WHERE key = 'audit'", (head,))


def heads(chat: FakeChat, room: str = AUDIT) -> list[str]:
    return [said.plain for said in chat.said(room) if said.plain.startswith("record head #")]


@pytest.fixture
def place(place: Place) -> Place:
    place.audit_room = AUDIT
    return place


class TestTheHeadIsPosted:
    async def test_on_a_schedule_where_the_record_has_grown(self, place: Place) -> None:
        async with place.bot(post_head_every=EVERY) as bot:
            await bot.ask("!ping")
            await place.later(EVERY - 120)
            assert heads(bot.chat) == []

            await place.later(240)
            await bot.engine.outbox.drained()
            assert len(heads(bot.chat)) == 1

            async with bot.store.write() as tx:
                await tx.execute(delete(outbox))  # what was said long ago is forgotten
            await place.later(10 * EVERY)
            said = [post for post in bot.chat.attempts if "record head" in post.text.plain]
            assert len(said) == 1

            await bot.ask("!ping")
            await place.later(EVERY + 120)
            await bot.engine.outbox.drained()
            assert len(heads(bot.chat)) == 2

    async def test_with_the_whole_hash_and_a_word_of_explanation(self, place: Place) -> None:
        async with place.bot(post_head_every=EVERY) as bot:
            await bot.ask("!ping")
        [line] = heads(place.chat)

        with thief(place.folder) as connection:
            query = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1"
            number, digits = connection.execute(query).fetchone()
        why = "a record that is rewritten contradicts this"
        assert line == f"record head #{number} {digits} · {why}"

    async def test_at_the_end_of_the_bot_once(self, place: Place) -> None:
        async with place.bot(post_head_every=EVERY) as bot:
            await bot.ask("!ping")
            await place.later(120)
        assert len(heads(place.chat)) == 1

    async def test_after_a_crash_as_soon_as_it_is_late(self, place: Place) -> None:
        async with place.bot(post_head_every=EVERY) as bot:
            await bot.ask("!ping")
            await place.later(EVERY + 60)
            await bot.ask("!ping")
            await bot.killed()
        await place.later(EVERY)
        assert len(heads(place.chat)) == 1

        async with place.bot(post_head_every=EVERY) as bot:
            await place.later(60)
            await bot.engine.outbox.drained()
            assert len(heads(place.chat)) == 2

    async def test_though_the_store_failed_meanwhile(self, place: Place) -> None:
        async with place.bot(post_head_every=EVERY) as bot:
            await bot.ask("!ping")
            await bot.store.breaks("outbox")
            await place.later(EVERY + 60)
            await bot.store.mend()
            await place.later(2 * EVERY)
            await bot.engine.outbox.drained()
            assert len(heads(bot.chat)) == 1

    async def test_never_where_nothing_was_asked_for(self, bot: Bot) -> None:
        await bot.ask("!ping")
        await bot.place.later(10 * EVERY)
        assert heads(bot.chat) == heads(bot.chat, ROOM) == []


class TestVerify:
    async def test_agrees_with_the_posts_and_says_how_many(self, place: Place) -> None:
        async with place.bot(post_head_every=EVERY) as bot:
            await bot.ask("!migrate vm fz")
            await bot.ask("!ping")
        first, last = [each.number for each in posted(s.plain for s in place.chat.said(AUDIT))]

        async with place.bot(post_head_every=EVERY) as bot:
            said = await bot.ask("!audit verify")

        assert "The record is whole" in said.plain
        assert f"2 posts agree with it, about entries {first} to {last}." in said.plain

    async def test_says_that_it_could_not_ask_the_room(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def own_posts(room: str, beginnings: tuple[str, ...], most: int) -> OwnPosts:
            raise ChatUnavailable("The homeserver cannot be reached.")

        monkeypatch.setattr(bot.chat, "own_posts", own_posts)

        said = await bot.ask("!audit verify")

        whole, unchecked = said.plain.splitlines()
        assert whole.startswith("The record is whole: ")
        assert unchecked == (
            f"The record was not checked against {AUDIT}: The homeserver cannot be reached."
        )

    async def test_is_not_drowned_by_whatever_else_the_bot_says(self, bot: Bot) -> None:
        bot.engine.post_head_every = EVERY
        bot.engine.audit_room = None
        await bot.ask("!migrate vm fz")
        with thief(bot.place.folder) as connection:
            connection.execute("UPDATE audit SET kind = 'x' WHERE number = 2")
            sealed_anew(connection)
        for turn in range(MOST + 1):
            bot.chat.messages[f"$p{turn}"] = Said(f"$p{turn}", PONG)

        assert "The record was rewritten" in (await bot.ask("!audit verify")).plain

    async def test_does_not_call_whole_what_no_post_is_left_of(self, place: Place) -> None:
        async with place.bot(post_head_every=EVERY) as bot:
            await bot.ask("!migrate vm fz")
        *_others, last = [each.number for each in posted(s.plain for s in place.chat.said(AUDIT))]
        for said in place.chat.said(AUDIT):
            place.chat.take_back(said)

        async with place.bot(post_head_every=EVERY) as bot:
            verified = await bot.ask("!audit verify")

        assert verified.plain.startswith(
            f"✘ The record was not checked against {AUDIT}: heads were posted there, the last of "
            f"entry {last}, and none is found. Somebody took back 2 posts of the bot there.\n"
        )

    async def test_says_of_which_heads_no_post_was_compared(self, place: Place) -> None:
        for _life in range(3):
            async with place.bot(post_head_every=EVERY) as bot:
                await bot.ask("!ping")
        first, middle, last = place.chat.said(AUDIT)
        numbers = [each.number for each in posted([first.plain, middle.plain, last.plain])]
        place.chat.take_back(first)
        place.chat.take_back(last)

        async with place.bot(post_head_every=EVERY) as bot:
            said = await bot.ask("!audit verify")

        assert "The record is whole" in said.plain
        assert (
            f"1 post agrees with it, about entry {numbers[1]}. "
            f"Older ones, from entry {numbers[0]} on, were not compared. "
            f"The last head, of entry {numbers[2]}, is not found there. "
            "Somebody took back 2 posts of the bot there."
        ) in said.plain

    async def test_asks_no_room_for_the_heads_of_another_one(self, place: Place) -> None:
        async with place.bot(post_head_every=EVERY) as bot:
            await bot.ask("!ping")
        place.audit_room = "#new:localhost"

        async with place.bot(post_head_every=EVERY) as bot:
            said = await bot.ask("!audit verify")

        assert "No post tells of the record yet" in said.plain
        assert "The record is whole" in said.plain

    @pytest.mark.parametrize(
        ("forge", "says"),
        [
            (lambda c: c.execute("UPDATE audit SET kind = 'x' WHERE number = 2"), "rewritten"),
            (lambda c: c.execute("DELETE FROM audit WHERE number = 3"), "rewritten"),
            (lambda c: c.execute("DELETE FROM audit WHERE number > 4"), "cut: entry"),
            (lambda c: c.execute("DELETE FROM audit"), "cut: entry"),
        ],
        ids=["changed", "taken out", "cut", "begun anew"],
    )
    async def test_finds_a_store_that_was_rewritten_whole(
        self, place: Place, forge: Callable[[sqlite3.Connection], object], says: str
    ) -> None:
        async with place.bot(post_head_every=EVERY) as bot:
            await bot.ask("!migrate vm fz")
        with thief(place.folder) as connection:
            forge(connection)
            sealed_anew(connection)
        assert verify_audit(place.folder).ok

        async with place.bot(post_head_every=EVERY) as bot:
            said = await bot.ask("!audit verify")

        assert said.status is not None
        assert said.status.state == "refused"
        assert f"The record was {says}" in said.plain

    async def test_is_not_fooled_by_what_a_person_makes_the_bot_say(self, bot: Bot) -> None:
        bot.engine.audit_room = None
        await bot.ask("!record head #1 " + "a" * 64)
        await bot.ask("!help 'record #1 aaaaaaaaaaaa'")

        assert "The record is whole" in (await bot.ask("!audit verify")).plain


TOUCHES = {
    "changed": 'UPDATE audit SET data = \'{"line": "!x"}\' WHERE number = {n}',
    "at another time": "UPDATE audit SET at = '2000-01-01' WHERE number = {n}",
    "of another kind": "UPDATE audit SET kind = 'x' WHERE number = {n}",
    "deleted": "DELETE FROM audit WHERE number = {n}",
    "cut": "DELETE FROM audit WHERE number >= {n}",
    "deleted and counted anew": "DELETE FROM audit WHERE number = {n};"
    "UPDATE audit SET number = number - 1 WHERE number > {n}",
    "inserted": "UPDATE audit SET number = -number - 1 WHERE number >= {n};"
    "UPDATE audit SET number = -number WHERE number < 0;"
    "INSERT INTO audit SELECT {n}, at, kind, data, previous, hash FROM audit LIMIT 1",
    "swapped": "UPDATE audit SET number = 0 WHERE number = {n};"
    "UPDATE audit SET number = {n} WHERE number = {n} % 6 + 1;"
    "UPDATE audit SET number = {n} % 6 + 1 WHERE number = 0",
}


class TestASingleTouchOfTheFile:
    """Of each entry, by whoever does not seal the chain anew."""

    ENTRIES = 6

    @pytest.fixture
    async def folder(self, tmp_path: Path) -> Path:
        async with opened(tmp_path / "state") as store, store.write() as tx:
            for number in range(self.ENTRIES):
                await append(tx, "asked", {"line": f"!{number}"}, 1_800_000_000.0)
        return tmp_path / "state"

    @pytest.mark.parametrize("touch", TOUCHES)
    def test_is_found(self, folder: Path, touch: str) -> None:
        assert verify_audit(folder).ok
        whole = folder / "whole"
        shutil.copy(folder / FILE, whole)
        for number in range(1, self.ENTRIES + 1):
            shutil.copy(whole, folder / FILE)
            with thief(folder) as connection:
                connection.executescript(TOUCHES[touch].replace("{n}", str(number)))
            assert not verify_audit(folder).ok, number


async def test_a_head_is_no_entry_of_the_record(place: Place) -> None:
    """Else the record would grow for ever by being posted."""
    async with place.bot(post_head_every=EVERY) as bot:
        await bot.ask("!ping")
        await place.later(10 * EVERY)
        async with bot.store.read() as tx:
            before = await tx.exec_driver_sql("SELECT count(*) FROM audit")
            count = before.scalar()
        await place.later(10 * EVERY)
        async with bot.store.read() as tx:
            after = await tx.exec_driver_sql("SELECT count(*) FROM audit")
            assert after.scalar() == count
