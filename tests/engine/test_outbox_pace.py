"""The pace and the turns of what is said: edits, signs, and a homeserver that asks for patience."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from bot.core.chat import Post, Status
from bot.engine.outbox import Outbox
from bot.errors import ChatRefused, ChatUnavailable
from bot.lab.virtual import let_pass
from tests.engine.alive import TestedStore
from tests.engine.outboxes import (
    HERE,
    THERE,
    plain,
    post,
    queue,
    removal,
    sign,
    speaking,
    states,
)
from tests.fakes import FakeChat


class Times:
    """When each post was handed to the chat, by its txn."""

    def __init__(self, chat: FakeChat) -> None:
        self.by_txn: dict[str, float] = {}
        chat.trouble = self._note

    def _note(self, sent: Post) -> None:
        self.by_txn[sent.txn] = asyncio.get_running_loop().time()


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


@pytest.fixture
def times(chat: FakeChat) -> Times:
    return Times(chat)


async def queued(store: TestedStore, box: Outbox, *posts: Post) -> None:
    await queue(store, *posts)
    box.wake()


async def edit_for(store: TestedStore, box: Outbox, seconds: int, *names: str) -> None:
    """Edit the messages *names* ten times a second."""
    for tenth in range(seconds * 10):
        edits = (post(f"{name}-{tenth}", f"{name} {tenth}", edits=name) for name in names)
        await queued(store, box, *edits)
        await let_pass(0.1)


class TestEdits:
    async def test_a_room_gets_one_a_second_and_in_the_end_the_last(
        self, store: TestedStore, chat: FakeChat, times: Times
    ) -> None:
        await queue(store, post("p"))

        async with speaking(store, chat) as box:
            await edit_for(store, box, 10, "p")
            await box.drained()

        edits = [at for txn, at in times.by_txn.items() if txn != "p"]
        assert 9 <= len(edits) <= 11
        assert min(after - before for before, after in pairwise(edits)) >= 1
        assert plain(chat) == ["p 99"]

    async def test_of_several_messages_each_has_its_turn(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        names = ("p", "q", "r")
        await queue(store, *map(post, names))

        async with speaking(store, chat) as box:
            await edit_for(store, box, 12, *names)
            seen = [len(said.before) for said in chat.said(HERE)]
            await box.drained()

        assert min(seen) >= 3
        assert plain(chat) == ["p 119", "q 119", "r 119"]

    async def test_one_message_that_never_rests_keeps_no_end_of_another_back(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        """Its next edit is queued while the last one is on its way, and takes that one's place."""
        status = Status("$1", 1, "running", final=False)
        number = 0

        async with speaking(store, chat) as box:

            def change(sent: Post) -> None:
                nonlocal number
                if sent.txn.startswith("restless"):
                    number += 1
                    news = post(f"restless-{number}", edits="restless")
                    changes.append(
                        asyncio.create_task(queued(store, box, replace(news, status=status)))
                    )

            changes: list[asyncio.Task[None]] = []
            await queue(store, post("restless"), post("other"))
            await box.drained()
            chat.trouble = change
            await queued(store, box, replace(post("restless-0", edits="restless"), status=status))
            await queued(store, box, post("end", edits="other"))
            await chat.until(lambda: plain(chat)[1] == "end", within=10)
            chat.trouble = lambda _post: None
            await asyncio.gather(*changes)

    async def test_one_that_is_not_due_lets_everything_else_pass(
        self, store: TestedStore, chat: FakeChat, times: Times
    ) -> None:
        await queue(store, post("p"), post("p-1", edits="p"))
        async with speaking(store, chat) as box:
            await box.drained()
            began = asyncio.get_running_loop().time()
            await queued(store, box, post("p-2", edits="p"))
            await queued(store, box, post("pong"), sign("s", "✅"))
            await chat.until(lambda: "s" in times.by_txn)
            assert times.by_txn["pong"] == times.by_txn["s"] == began
            assert "p-2" not in times.by_txn

            await box.drained()

        assert began < times.by_txn["p-2"] <= began + 1

    async def test_what_is_due_keeps_its_place(self, store: TestedStore, chat: FakeChat) -> None:
        await queue(store, post("p"), post("one"), post("p-1", edits="p"), post("two"))

        async with speaking(store, chat) as box:
            await box.drained()

        assert [each.txn for each in chat.attempts] == ["p", "one", "p-1", "two"]

    async def test_each_room_has_a_pace_of_its_own(
        self, store: TestedStore, chat: FakeChat, times: Times
    ) -> None:
        await queue(store, post("p"), post("p-1", edits="p"))
        await queue(store, post("q", room=THERE), post("q-1", edits="q", room=THERE))

        async with speaking(store, chat) as box:
            await box.drained()

        assert times.by_txn["p-1"] == times.by_txn["q-1"]

    async def test_one_that_is_replaced_on_its_way_is_followed_by_the_later_one(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        await queue(store, post("p"))
        async with speaking(store, chat) as box:
            await box.drained()
            gate = chat.gates[HERE] = asyncio.Event()
            await queued(store, box, post("p-1", "working", edits="p"))
            await chat.until(lambda: len(chat.attempts) == 2)
            await queued(store, box, post("p-2", "done", edits="p"))
            gate.set()
            await box.drained()

        [said] = chat.said(HERE)
        assert (said.plain, said.before) == ("done", ["p", "working"])
        assert set((await states(store)).values()) == {"sent"}

    async def test_it_is_not_drained_while_one_waits_for_its_second(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        await queue(store, post("p"), post("p-1", edits="p"))
        async with speaking(store, chat) as box:
            await box.drained()
            await queued(store, box, post("p-2", "the end", edits="p"))
            await box.drained()

        assert plain(chat) == ["the end"]

    async def test_after_a_restart_the_one_that_waited_goes(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        await queue(store, post("p"), post("p-1", edits="p"))
        async with speaking(store, chat) as box:
            await box.drained()
            await queued(store, box, post("p-2", "the end", edits="p"))
        assert plain(chat) == ["p-1"]

        async with speaking(store, chat) as box:
            await box.drained()

        assert plain(chat) == ["the end"]


class TestPatience:
    @pytest.mark.parametrize(
        ("asked", "waited"), [(0.3, 0.3), (7.0, 7.0), (300.0, 300.0), (0.0, 0.1), (1e9, 3600.0)]
    )
    async def test_it_waits_as_long_as_it_is_asked_to(
        self, store: TestedStore, chat: FakeChat, asked: float, waited: float
    ) -> None:
        tries: list[float] = []

        def limit(_post: Post) -> None:
            tries.append(asyncio.get_running_loop().time())
            if len(tries) <= 3:
                raise ChatUnavailable(retry_after=asked)

        chat.trouble = limit
        await queue(store, post("one"), post("two"))

        async with speaking(store, chat) as box:
            await box.drained()

        pauses = [after - before for before, after in pairwise(tries)]
        assert pauses == pytest.approx([waited, waited, waited, 0])
        assert [each.txn for each in chat.attempts] == ["one"] * 4 + ["two"]
        assert plain(chat) == ["one", "two"]

    async def test_being_asked_does_not_lengthen_its_own_pauses(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        errors = [ChatUnavailable(retry_after=5.0)] * 4 + [ChatUnavailable("away")]
        tries: list[float] = []

        def fail(_post: Post) -> None:
            tries.append(asyncio.get_running_loop().time())
            if errors:
                raise errors.pop(0)

        chat.trouble = fail
        await queue(store, post("one"))

        async with speaking(store, chat) as box:
            await box.drained()

        assert 0.5 <= tries[-1] - tries[-2] <= 1.0

    async def test_a_bot_that_dies_while_it_waits_sends_the_same_txn_again(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        chat.lose_answers = 1  # the message was made, and then the homeserver asks for patience
        await queue(store, post("one"))
        async with speaking(store, chat):
            await chat.until(lambda: plain(chat) == ["one"])

        await queue(store, post("two"))
        async with speaking(store, chat) as box:
            await box.drained()

        assert plain(chat) == ["one", "two"]
        assert [each.txn for each in chat.attempts] == ["one", "one", "two"]


class TestSigns:
    async def test_they_go_after_every_text_and_in_their_order(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        await queue(store, sign("wait", "⏳"), post("one"), removal("over", "wait"))
        await queue(store, sign("end", "✅"), post("two"))

        async with speaking(store, chat) as box:
            await box.drained()

        assert [each.txn for each in chat.attempts] == ["one", "two", "wait", "over", "end"]
        assert chat.signs_on("$1") == ["✅"]

    async def test_an_answer_that_comes_while_one_is_sent_goes_before_the_next(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        gate = chat.gates[HERE] = asyncio.Event()
        await queue(store, sign("a", "⏳"), sign("b", "✅", "$2"))
        async with speaking(store, chat) as box:
            await chat.until(lambda: len(chat.attempts) == 1)
            await queued(store, box, post("pong"))
            gate.set()
            await box.drained()

        assert [each.txn for each in chat.attempts] == ["a", "pong", "b"]

    async def test_the_removal_of_one_that_was_refused_is_skipped(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        def refuse(each: Post) -> None:
            if each.txn == "wait":
                raise ChatRefused

        chat.trouble = refuse
        await queue(store, sign("wait", "⏳"), removal("over", "wait"), sign("end", "❌"))

        async with speaking(store, chat) as box:
            await box.drained()

        assert [each.txn for each in chat.attempts] == ["wait", "end"]
        assert await states(store) == {"wait": "refused", "over": "refused", "end": "sent"}
        assert plain(chat) == []

    async def test_one_whose_answer_was_lost_stands_there_once(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        chat.lose_answers = 1
        await queue(store, sign("end", "✅"))

        async with speaking(store, chat) as box:
            await box.drained()

        assert [each.txn for each in chat.attempts] == ["end", "end"]
        assert chat.signs_on("$1") == ["✅"]

    async def test_a_removal_leaves_the_edits_of_others_alone(
        self, store: TestedStore, chat: FakeChat
    ) -> None:
        await queue(store, sign("wait", "⏳"), removal("over", "wait"), removal("again", "wait"))

        assert list(await states(store)) == ["wait", "over", "again"]
