"""What is still to be said: in order, exactly once, whatever the chat does meanwhile."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
import structlog.testing
from sqlalchemy import select, text

from bot.core.chat import Post, Status, Text
from bot.engine import schema
from bot.engine.outbox import put, say_once
from bot.engine.outbox_rows import SENT, WAITING
from bot.errors import BotError, ChatRefused, ChatUnavailable, StoreError
from bot.lab.virtual import let_pass
from tests.engine.alive import TestedStore
from tests.engine.outboxes import HERE, THERE, plain, post, queue, speaking, states
from tests.fakes import FakeChat


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


async def test_posts_are_sent_in_their_order(store: TestedStore, chat: FakeChat) -> None:
    txns = [f"n-{number}" for number in range(20)]
    await queue(store, *map(post, txns))

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == txns
    assert set((await states(store)).values()) == {"sent"}


async def test_a_post_travels_whole(store: TestedStore, chat: FakeChat) -> None:
    status = Status("$1", 7, "awaiting locks", False, waits="lock")
    whole = Post(HERE, "n", Text("a", "<b>a</b>"), about="$1", threaded=True, status=status)
    await queue(store, whole)

    async with speaking(store, chat) as box:
        await box.drained()

    assert chat.attempts == [whole]


async def test_what_is_queued_while_it_runs_is_sent_too(store: TestedStore, chat: FakeChat) -> None:
    async with speaking(store, chat) as box:
        await box.drained()
        await queue(store, post("late"))
        box.wake()
        await box.drained()

        assert plain(chat) == ["late"]


async def test_a_txn_that_was_queued_before_is_left_as_it_is(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, post("n", "first"), post("n", "second"))

    async with speaking(store, chat) as box:
        await box.drained()
        await queue(store, post("n", "third"))
        box.wake()
        await box.drained()

    assert plain(chat) == ["first"]
    assert len(chat.attempts) == 1


async def test_a_chat_that_is_away_changes_nothing_in_the_order(
    store: TestedStore, chat: FakeChat
) -> None:
    chat.down = True
    await queue(store, post("one"), post("two"), post("three"))

    async with speaking(store, chat) as box:
        await chat.until(lambda: len(chat.attempts) == 4)
        assert {each.txn for each in chat.attempts} == {"one"}
        chat.down = False
        await box.drained()

    assert plain(chat) == ["one", "two", "three"]


async def test_pauses_grow_up_to_a_bound_and_shrink_again(
    store: TestedStore, chat: FakeChat
) -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()

    def refuse(_post: Post) -> None:
        times.append(loop.time())
        if len(times) != 7:
            raise ChatUnavailable

    chat.trouble = refuse
    await queue(store, post("one"), post("two"))

    async with speaking(store, chat):
        await chat.until(lambda: len(times) == 9)

    pauses = [after - before for before, after in pairwise(times)]
    longest = [1, 2, 4, 8, 8, 8, 0, 1]
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest, strict=True))
    assert len({pause / most for pause, most in zip(pauses, longest, strict=True) if most}) > 1


async def test_a_post_whose_answer_was_lost_is_sent_again_and_makes_one_message(
    store: TestedStore, chat: FakeChat
) -> None:
    chat.lose_answers = 2
    await queue(store, post("one"), post("two"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert [each.txn for each in chat.attempts] == ["one", "one", "one", "two"]
    assert plain(chat) == ["one", "two"]


async def test_a_crash_between_sending_and_marking_sends_the_same_txn_again(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, post("one"), post("two"))
    chat.trouble = lambda _post: store.dead.set()
    async with speaking(store, chat):
        await chat.until(lambda: plain(chat) == ["one"])
    chat.trouble = lambda _post: None
    store.dead.clear()
    assert await states(store) == {"one": "waiting", "two": "waiting"}

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == ["one", "two"]
    assert [each.txn for each in chat.attempts] == ["one", "one", "two"]


async def test_an_edit_finds_its_message(store: TestedStore, chat: FakeChat) -> None:
    await queue(store, post("p", "working"), post("other"))

    async with speaking(store, chat) as box:
        await box.drained()
        await queue(store, post("p-1", "done", edits="p"))
        box.wake()
        await box.drained()

    first, other = chat.said(HERE)
    assert (first.plain, first.before, other.plain) == ("done", ["working"], "other")


async def test_an_edit_finds_its_message_after_a_restart(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, post("p", "working"))
    async with speaking(store, chat) as box:
        await box.drained()

    await queue(store, post("p-1", "done", edits="p"))
    async with speaking(store, chat) as box:
        await box.drained()

    assert [(said.plain, said.before) for said in chat.said(HERE)] == [("done", ["working"])]


async def test_edits_that_still_wait_are_replaced_by_later_ones(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, post("p", "0 %"), *(post(f"p-{n}", f"{n} %", edits="p") for n in (10, 20)))
    await queue(store, post("q", "another"), post("q-1", "edited", edits="q"))
    await queue(store, post("p-30", "30 %", edits="p"))

    async with speaking(store, chat) as box:
        await box.drained()

    first, second = chat.said(HERE)
    assert (first.plain, first.before) == ("30 %", ["0 %"])
    assert (second.plain, second.before) == ("edited", ["another"])


async def test_an_edit_of_a_message_that_was_refused_is_said_anew(
    store: TestedStore, chat: FakeChat
) -> None:
    def refuse(each: Post) -> None:
        if each.txn == "p":
            raise ChatRefused

    chat.trouble = refuse
    await queue(store, post("p", "working"), post("p-1", "done", edits="p"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == ["done"]
    assert chat.said(HERE)[0].post.edits is None


async def test_what_the_chat_will_never_take_is_passed_over(
    store: TestedStore, chat: FakeChat
) -> None:
    def refuse(each: Post) -> None:
        if each.txn == "two":
            raise ChatRefused

    chat.trouble = refuse
    await queue(store, post("one"), post("two"), post("three"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == ["one", "three"]
    assert await states(store) == {"one": "sent", "two": "refused", "three": "sent"}
    assert len(chat.attempts) == 3


async def test_a_slow_room_holds_up_no_other(store: TestedStore, chat: FakeChat) -> None:
    chat.gates[HERE] = asyncio.Event()
    await queue(store, post("slow"), post("quick", room=THERE), post("next", room=THERE))

    async with speaking(store, chat) as box:
        await chat.until(lambda: plain(chat, THERE) == ["quick", "next"])
        assert plain(chat, HERE) == []
        chat.gates[HERE].set()
        await box.drained()

    assert plain(chat, HERE) == ["slow"]


async def test_it_is_drained_only_when_nothing_waits_in_any_room(
    store: TestedStore, chat: FakeChat
) -> None:
    chat.gates[HERE] = asyncio.Event()
    await queue(store, post("slow"), post("quick", room=THERE))

    async with speaking(store, chat) as box:
        await chat.until(lambda: bool(chat.said(THERE)))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(box.drained(), 5)
        chat.gates[HERE].set()
        await box.drained()


async def test_once_said_the_text_is_no_longer_kept(store: TestedStore, chat: FakeChat) -> None:
    await queue(store, post("one", "a long answer"))
    async with speaking(store, chat) as box:
        await box.drained()

    async with store.read() as tx:
        row = (await tx.execute(select(schema.outbox))).one()
    assert (row.plain, row.html, row.event_id) == ("", "", "$b0")


async def break_marks(store: TestedStore) -> None:
    """From now on nothing that was sent can be written down as such."""
    async with store.write() as tx:
        await tx.execute(
            text(
                "CREATE TRIGGER broken BEFORE UPDATE ON outbox "
                "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        )


async def mend_marks(store: TestedStore) -> None:
    async with store.write() as tx:
        await tx.execute(text("DROP TRIGGER broken"))


async def test_a_store_that_fails_for_a_while_loses_and_doubles_nothing(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, post("one"), post("two"))
    await break_marks(store)

    async with speaking(store, chat) as box:
        await chat.until(lambda: len(chat.attempts) >= 2)
        await let_pass(5.0)
        assert set((await states(store)).values()) == {WAITING}
        await mend_marks(store)
        await box.drained()

    assert [each.txn for each in chat.attempts] == ["one", "two"]
    assert plain(chat) == ["one", "two"]
    assert await states(store) == {"one": SENT, "two": SENT}


async def test_what_was_sent_and_not_written_down_before_a_crash_is_there_once(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, post("one"))
    await break_marks(store)
    async with speaking(store, chat):
        await chat.until(lambda: len(chat.attempts) == 1)
        await let_pass(1.0)
    await mend_marks(store)

    async with speaking(store, chat) as box:
        await box.drained()

    assert [each.txn for each in chat.attempts] == ["one", "one"]
    assert plain(chat) == ["one"]
    assert await states(store) == {"one": SENT}


async def test_an_edit_finds_its_message_though_that_is_not_written_down_yet(
    store: TestedStore, chat: FakeChat
) -> None:
    await queue(store, post("p", "first"), post("p-1", "second", edits="p"))
    await break_marks(store)

    async with speaking(store, chat) as box:
        await chat.until(lambda: plain(chat) == ["second"])
        await mend_marks(store)
        await box.drained()

    assert len(chat.said(HERE)) == 1


@pytest.mark.parametrize(
    "error", [ChatUnavailable("away"), ChatRefused("never"), StoreError(), BotError()]
)
async def test_what_is_said_past_the_store_is_tried_once(chat: FakeChat, error: BotError) -> None:
    def refuse(_post: Post) -> None:
        raise error

    chat.trouble = refuse

    with structlog.testing.capture_logs() as logs:
        await say_once(chat, post("one"))

    assert [(line["event"], line["why"]) for line in logs] == [("nobody could be told", str(error))]
    assert len(chat.attempts) == 1


async def test_the_place_of_a_post_is_that_of_its_transaction(
    store: TestedStore, chat: FakeChat
) -> None:
    """What is rolled back is never said."""

    async def fail() -> None:
        async with store.write() as tx:
            await put(tx, post("never"))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    await queue(store, post("said"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == ["said"]
    assert WAITING not in (await states(store)).values()
