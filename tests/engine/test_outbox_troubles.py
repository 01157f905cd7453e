"""Posts that cannot be said: refused, hit by a bug, or for a room that nobody can write to."""

from __future__ import annotations

import pytest

from bot.core.chat import Post, Status, Text
from bot.engine.outbox import REFUSED, SENT, Outbox
from bot.errors import ChatRefused, ConfigError
from tests.engine.alive import TestedStore
from tests.engine.outboxes import HERE, plain, post, queue, speaking, states
from tests.fakes import FakeChat


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


def progress(txn: str, edits: str | None = None, *, final: bool = False) -> Post:
    status = Status("$1", 7, "running", final)
    return Post(HERE, txn, Text(txn, txn), about="$1", edits=edits, status=status)


async def test_of_a_progress_message_that_was_refused_only_the_end_is_said_anew(
    store: TestedStore, chat: FakeChat
) -> None:
    def refuse(each: Post) -> None:
        if each.txn == "p":
            raise ChatRefused

    chat.trouble = refuse
    await queue(store, progress("p"))
    async with speaking(store, chat) as box:
        await box.drained()
        for each in (progress("p-1", "p"), progress("p-2", "p"), progress("end", "p", final=True)):
            await queue(store, each)
            box.wake()
            await box.drained()

    assert plain(chat) == ["end"]
    refused = dict.fromkeys(("p", "p-1", "p-2"), REFUSED)
    assert await states(store) == {**refused, "end": SENT}


@pytest.mark.parametrize(("bugs", "said"), [(1, ["poison", "next"]), (99, ["next"])])
async def test_a_post_that_hits_a_bug_is_tried_again_and_then_passed_over(
    store: TestedStore, chat: FakeChat, bugs: int, said: list[str]
) -> None:
    tries: list[str] = []

    def trip(each: Post) -> None:
        if each.txn == "poison" and len(tries) < bugs:
            tries.append(each.txn)
            raise ZeroDivisionError

    chat.trouble = trip
    await queue(store, post("poison"), post("next"))

    async with speaking(store, chat) as box:
        await box.drained()

    assert plain(chat) == said
    assert len(tries) == min(bugs, 5)
    assert (await states(store))["poison"] == (SENT if "poison" in said else REFUSED)


async def test_a_wrong_configuration_ends_the_outbox(store: TestedStore, chat: FakeChat) -> None:
    def refuse(_post: Post) -> None:
        raise ConfigError("the token is refused")

    chat.trouble = refuse
    await queue(store, post("one"))

    with pytest.raises(ExceptionGroup) as caught:
        await Outbox(store, chat).run()

    assert caught.group_contains(ConfigError, match="the token is refused")
