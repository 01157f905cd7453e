"""The terminal protocol, over real pipes, against the other end spoken by hand."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator

import pytest

from bot.chat.terminal import LONGEST_LINE, TerminalChat
from bot.core.chat import Batch, Message, Post, Proof, Status, Text
from bot.errors import ChatRefused, ChatUnavailable, StoreError
from tests.chat.other_end import PATIENCE, OtherEnd, both_ends


@pytest.fixture
async def ends() -> AsyncIterator[tuple[TerminalChat, OtherEnd]]:
    async with both_ends() as ends:
        yield ends


def line(n: int, body: str) -> Message:
    return Message(f"$t{n}", "#r", "@a:b", body, proof=Proof.TERMINAL)


def post(txn: str = "t") -> Post:
    return Post("#r", txn, Text("pong", "<b>pong</b>"), about="$t1")


async def test_a_new_bot_stores_where_the_room_stands_before_it_is_told_anything(
    ends: tuple[TerminalChat, OtherEnd],
) -> None:
    chat, other = ends
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, None))
        assert await other.heard() == {"type": "hello", "since": None}

        await other.say(type="welcome", n=7)

        assert await other.batch() == Batch("7")
        assert await other.heard() == {"type": "read", "n": 7}
        await other.close()


async def test_a_bot_that_comes_back_is_told_what_it_missed_in_order_and_says_how_far_it_read(
    ends: tuple[TerminalChat, OtherEnd],
) -> None:
    chat, other = ends
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, "3"))
        assert await other.heard() == {"type": "hello", "since": "3"}
        await other.message(4, "!ping")
        await other.message(5, "!status")
        await answered(chat, other)  # so those lines have been read
        assert other.batches.empty()

        await other.say(type="welcome", n=6)

        assert await other.batch() == Batch("6", (line(4, "!ping"), line(5, "!status")))
        assert await other.heard() == {"type": "read", "n": 6}
        await other.message(7, "!whoami")
        assert await other.batch() == Batch("7", (line(7, "!whoami"),))
        assert await other.heard() == {"type": "read", "n": 7}
        await other.close()


async def test_a_bot_that_missed_nothing_hears_at_once_that_the_room_is_there(
    ends: tuple[TerminalChat, OtherEnd],
) -> None:
    chat, other = ends
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, "3"))
        await other.heard()

        await other.say(type="welcome", n=3)

        assert await other.batch() == Batch("3")
        await other.close()


async def test_what_was_missed_is_not_lost_where_the_other_end_closes_in_the_middle(
    ends: tuple[TerminalChat, OtherEnd],
) -> None:
    chat, other = ends
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, "3"))
        await other.heard()
        await other.message(4, "!ping")
        await other.close()

        assert await other.batch() == Batch("4", (line(4, "!ping"),))


async def test_silence_is_proof_of_life_from_time_to_time() -> None:
    ours, theirs = socket.socketpair()
    chat = TerminalChat(*await asyncio.open_connection(sock=ours), alive_every=0.01)
    other = OtherEnd(*await asyncio.open_connection(sock=theirs))
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, "3"))
        await other.heard()
        await other.say(type="welcome", n=5)

        batches = [await other.batch() for _beat in range(3)]

        assert batches == [Batch("5")] * 3
        assert await other.heard() == {"type": "read", "n": 5}
        await other.close()
    await chat.close()


async def test_what_arrives_while_a_batch_is_stored_comes_as_one_batch(
    ends: tuple[TerminalChat, OtherEnd],
) -> None:
    chat, other = ends
    store = asyncio.Semaphore(1)

    async def receive(batch: Batch) -> None:
        await other.receive(batch)
        await store.acquire()

    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(receive, "0"))
        await other.welcome()
        await other.message(1, "one")
        assert await other.batch() == Batch("1", (line(1, "one"),))
        for n in range(2, 5):
            await other.message(n, str(n))
        await answered(chat, other)  # so those lines have been read

        store.release()

        assert await other.heard() == {"type": "read", "n": 1}
        assert await other.batch() == Batch("4", tuple(line(n, str(n)) for n in (2, 3, 4)))
        store.release()
        assert await other.heard() == {"type": "read", "n": 4}
        await other.close()


async def answered(chat: TerminalChat, other: OtherEnd) -> None:
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(chat.send(post("probe")))
        assert (await other.heard())["txn"] == "probe"
        await other.say(type="sent", txn="probe", event_id="$t99")
        assert await sending == "$t99"


async def test_a_batch_that_could_not_be_stored_is_delivered_again(
    ends: tuple[TerminalChat, OtherEnd],
) -> None:
    chat, other = ends
    broken: list[StoreError] = []

    async def receive(batch: Batch) -> None:
        await other.receive(batch)
        if broken:
            raise broken.pop()

    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(receive, "0"))
        await other.welcome()
        broken += [StoreError(), StoreError()]
        await other.message(1, "one")

        tries = [await other.batch() for _try in range(3)]

        assert tries == [Batch("1", (line(1, "one"),))] * 3
        assert await other.heard() == {"type": "read", "n": 1}
        await other.close()


async def test_a_post_travels_whole_and_returns_its_event_id(
    ends: tuple[TerminalChat, OtherEnd],
) -> None:
    chat, other = ends
    status = Status("$t1", 4, "running", final=False)
    whole = Post("#r", "t9", Text("x", "<i>x</i>"), "$t1", True, "$t2", status, ("@a:b",))
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, "0"))
        await other.welcome()
        sending = group.create_task(chat.send(whole))

        frame = await other.heard()
        await other.say(type="sent", txn="t9", event_id="$t3")

        assert await sending == "$t3"
        assert frame == {
            "type": "send",
            "txn": "t9",
            "room": "#r",
            "plain": "x",
            "html": "<i>x</i>",
            "about": "$t1",
            "threaded": True,
            "edits": "$t2",
            "status": status.content(),
            "mentions": ["@a:b"],
        }
        await other.close()


async def test_a_refused_post_says_why(ends: tuple[TerminalChat, OtherEnd]) -> None:
    chat, other = ends
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, "0"))
        await other.welcome()
        sending = asyncio.create_task(chat.send(post()))
        await other.heard()

        await other.say(type="refused", txn="t", why="too long")

        with pytest.raises(ChatRefused, match="too long"):
            await sending
        await other.close()


async def test_a_post_without_answer_is_unavailable_and_may_be_sent_again() -> None:
    ours, theirs = socket.socketpair()
    chat = TerminalChat(*await asyncio.open_connection(sock=ours), request_timeout=0.01)
    other = OtherEnd(*await asyncio.open_connection(sock=theirs))
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, "0"))

        with pytest.raises(ChatUnavailable):
            await chat.send(post())

        await other.close()
    await chat.close()


async def test_the_end_of_the_input_ends_the_run_and_every_post_on_its_way(
    ends: tuple[TerminalChat, OtherEnd],
) -> None:
    chat, other = ends
    running = asyncio.create_task(chat.run(other.receive, "0"))
    await other.welcome()
    await other.message(1, "last")
    sending = asyncio.create_task(chat.send(post()))
    while (await other.heard())["type"] != "send":
        pass

    await other.close()

    await asyncio.wait_for(running, PATIENCE)
    assert await other.batch() == Batch("1", (line(1, "last"),))
    with pytest.raises(ChatUnavailable, match="closed"):
        await sending
    with pytest.raises(ChatUnavailable, match="closed"):
        await chat.send(post("later"))


MALFORMED = [
    b"not json",
    b"[]",
    b"7",
    b"{}",
    b'{"type": ["send"]}',
    b'{"type": "message"}',
    b'{"type": "message", "n": "2", "event_id": "$", "room": "#r", "sender": "@a:b", "body": ""}',
    b'{"type": "message", "n": true, "event_id": "$", "room": "#r", "sender": "@a:b", "body": ""}',
    b'{"type": "message", "n": 2, "event_id": "$", "room": "#r", "sender": "@a:b", "body": 5}',
    b'{"type": "sent", "txn": []}',
    b'{"type": "sent", "txn": "nobody asked", "event_id": "$1"}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b"x" * (LONGEST_LINE * 2),
]


@pytest.mark.parametrize("junk", MALFORMED, ids=range(len(MALFORMED)))
async def test_a_malformed_line_is_skipped_and_the_next_one_is_read(
    ends: tuple[TerminalChat, OtherEnd], junk: bytes
) -> None:
    chat, other = ends
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, "0"))
        await other.welcome()

        await other.write(junk + b"\n")
        await other.message(1, "!ping")

        assert await other.batch() == Batch("1", (line(1, "!ping"),))
        await other.close()


async def test_half_characters_are_made_storable(ends: tuple[TerminalChat, OtherEnd]) -> None:
    chat, other = ends
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.run(other.receive, "0"))
        await other.welcome()

        await other.message(1, "a\ud800b")

        assert (await other.batch()).messages[0].body == "a?b"
        await other.close()


ECHO = """
import asyncio
from bot.chat.terminal import TerminalChat, standard_streams
from bot.core.chat import Post, Text

async def main():
    chat = TerminalChat(*await standard_streams())
    async def receive(batch):
        for message in batch.messages:
            text = Text(message.body, message.body)
            asyncio.ensure_future(chat.send(Post(message.room, message.event_id, text)))
    await chat.run(receive, None)
    await chat.close()

asyncio.run(main())
"""


async def test_the_protocol_works_over_a_process_standard_streams() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ECHO,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    other = OtherEnd(process.stdout, process.stdin)

    assert (await other.heard())["type"] == "hello"
    await other.say(type="welcome", n=0)
    assert await other.heard() == {"type": "read", "n": 0}
    await other.message(1, "!ping")
    frames = [await other.heard() for _frame in range(2)]
    await other.say(type="sent", txn="$t1", event_id="$t2")
    await other.close()

    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    assert {(frame["type"], frame.get("plain")) for frame in frames} == {
        ("read", None),
        ("send", "!ping"),
    }
