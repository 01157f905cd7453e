"""Options that take a word, and words that need a right of their own."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.command import command
from bot.core.grammar import ArgumentType
from bot.core.render import Reply
from bot.errors import Denied, UsageError
from tests.core.test_command import Guest, Number, Place, Shelf, Word

Key = Annotated[str, ArgumentType("key", lambda text, _look: text, secret=True)]


@command(
    "console",
    needs="console.show",
    further={"send": "console.type", "domu=owl": "console.owl"},
)
async def console(
    ctx: object,
    domu: Guest,
    *,
    last: Number | None = None,
    send: Word | None = None,
    at: Place | None = None,
    raw: bool = False,
) -> Reply:
    """Show a console."""
    return Reply(domu)


@pytest.mark.parametrize(
    "typed",
    [
        ["vm", "--last", "50", "--raw"],
        ["--raw", "--last=50", "vm"],
        ["--last", "50", "vm", "--raw", "--raw"],
    ],
)
def test_an_option_takes_the_next_word_or_what_stands_behind_its_equals_sign(
    typed: list[str],
) -> None:
    bound = console.bind(typed, Shelf())

    assert bound.args == ("domu:vm",)
    assert bound.options == {"last": 50, "send": None, "at": None, "raw": True}
    assert set(bound.arguments) == {
        ("domu", "domu", "vm"),
        ("last", "number", "50"),
        ("raw", "option", "true"),
    }


def test_what_an_option_takes_may_be_an_object_and_may_look_like_an_option() -> None:
    bound = console.bind(["vm", "--at", "fz", "--send", "--raw"], Shelf())

    assert bound.options == {"last": None, "send": "--raw", "at": "dom0:fz", "raw": False}
    assert bound.objects == (("domu", "vm"), ("dom0", "fz"))


@pytest.mark.parametrize(
    ("typed", "sentence", "word"),
    [
        (["vm", "--last"], "--last wants one more word.", 3),
        (["vm", "--last", "5", "--last", "6"], "--last stands there twice.", 4),
        (["vm", "--raw=yes"], "--raw=yes is not an option of console.", 2),
        (["vm", "--lost", "5"], "--lost is not an option of console.", 2),
        (["--last", "5"], "DOMU is missing.", 3),
        (["vm", "--at", "fy"], "no dom0 fy", 3),
        (["--last", "5", "fy"], "no domu fy", 3),
    ],
)
def test_a_wrong_option_is_pointed_at(typed: list[str], sentence: str, word: int) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)) as told:
        console.bind(typed, Shelf())
    assert told.value.word == word


def test_what_an_option_takes_does_not_shift_what_nobody_may_read() -> None:
    async def keep(
        ctx: object, name: Word, key: Key, *, last: Number | None = None, loud: bool = False
    ) -> Reply:
        """Keep a key."""
        return Reply(name)

    keeping = command("keep", needs="bot.keep")(keep)

    assert keeping.hidden(["keep", "a", "--last", "5", "key", "more"]) == {4, 5}
    assert keeping.hidden(["keep", "--last=5", "a", "--loud", "key"]) == {4}
    assert keeping.hidden(["keep", "a", "--lost", "key"]) == {2, 3}


def test_the_usage_names_what_an_option_takes() -> None:
    assert console.usage == "console DOMU [--last LAST] [--send SEND] [--at AT] [--raw]"


def test_some_words_need_another_right() -> None:
    def verb(*typed: str) -> str:
        return console.asked(console.bind(typed, Shelf())).verb

    assert verb("vm") == "console.show"
    assert verb("vm", "--raw") == "console.show"
    assert verb("vm", "--send", "x") == "console.type"
    assert verb("owl") == "console.owl"
    assert console.verbs == ("console.show", "console.type", "console.owl")
    assert console.fits("last", "5")
    assert console.fits("raw", "true")


@given(st.lists(st.text(max_size=12) | st.sampled_from(["--send", "--at", "--last=5"]), max_size=6))
def test_binding_raises_nothing_but_errors_for_the_asker(typed: list[str]) -> None:
    with suppress(UsageError, Denied):
        console.bind(typed, Shelf())
