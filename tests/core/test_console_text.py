"""What people are told of a screen: the worst first, each with what shows it, bounded, clean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.console import Condition, Notice, examine
from bot.core.console_text import advice, headline, lines, screen_text
from bot.core.screen import Piece, Screen
from bot.screen.terminal import replay

IO = Notice(Condition.IO_ERROR, "[ 7.0] I/O error, dev xvda2, sector 8", "xvda2", 3)
ROOT = Notice(Condition.ROOT_SESSION, "root@vm:~#", "root")
LOGIN = Notice(Condition.LOGIN, "vm login:")


def screen(*rows: str) -> Screen:
    return Screen(tuple((Piece(row),) for row in rows))


def test_each_notice_is_a_line_with_what_it_is_about_and_what_shows_it() -> None:
    assert lines([IO, ROOT, LOGIN]) == [
        "🔥 I/O errors (xvda2): “[ 7.0] I/O error, dev xvda2, sector 8” and 2 more like it",
        "⚠ root session left open (root): “root@vm:~#”",
        "✅ login prompt: “vm login:”",
    ]


def test_where_nothing_is_shown_nothing_is_quoted() -> None:
    assert lines([Notice(Condition.UNKNOWN, "")]) == ["❔ unknown"]


def test_the_result_tells_the_worst_in_one_sentence() -> None:
    assert headline("vm", [Notice(Condition.PANIC, "x"), LOGIN]) == "vm shows a kernel panic."
    assert headline("vm", [Notice(Condition.OOM, "x", "mysqld")]) == (
        "vm ran out of memory and killed mysqld."
    )
    assert headline("vm", [Notice(Condition.OOM, "x")]).endswith("killed a process.")


def test_a_screen_that_says_nothing_sure_differs_from_one_that_is_empty() -> None:
    empty, unsure = headline("vm", examine(replay(""))), headline("vm", examine(replay("huh\r\n")))

    assert "shows nothing" in empty
    assert empty != unsure


@pytest.mark.parametrize(
    ("condition", "points_at"),
    [
        (Condition.IO_ERROR, "array"),
        (Condition.READ_ONLY, "array"),
        (Condition.INITRAMFS, "/dev/NAME"),
        (Condition.ROOT_SESSION, "close the session"),
        (Condition.SESSION, "log out"),
        (Condition.FSCK, "Enter may be an answer"),
        (Condition.UNKNOWN, "!console NAME --history 50"),
    ],
)
def test_advice_says_what_to_do_next(condition: Condition, points_at: str) -> None:
    assert points_at in advice([Notice(condition, "x")], "!")


def test_a_login_prompt_needs_no_advice() -> None:
    assert advice([LOGIN], "!") == ""


def test_advice_is_short_and_says_nothing_twice() -> None:
    read_only = Notice(Condition.READ_ONLY, "x")
    said = advice([read_only, IO, ROOT, Notice(Condition.PASSWORD, "x")], "!").splitlines()

    assert len(said) == 2
    assert "array" in said[0]
    assert "session" in said[1]


@given(st.sampled_from(Condition), st.text(max_size=400), st.text(max_size=100))
def test_whatever_a_console_printed_is_told_in_one_clean_line(
    condition: Condition, evidence: str, about: str
) -> None:
    notice = Notice(condition, evidence, about, 2)
    for told in (*lines([notice]), headline(about, [notice])):
        assert len(told) < 300
        assert len(told.splitlines()) == 1
        assert "\x1b" not in told


def test_the_screen_keeps_its_columns_and_loses_what_nobody_sees() -> None:
    shown = screen("", "NAME   STATE", "\u202evm\x07     up\xa0  ", "", "")

    assert screen_text(shown) == "NAME   STATE\nvm      up"


def test_an_empty_screen_is_said_to_be_so() -> None:
    assert screen_text(screen("", "  ", "")) == "(nothing)"


@given(st.lists(st.text(max_size=100), max_size=40), st.integers(2, 4000))
def test_a_screen_is_bounded_and_its_end_is_kept(rows: list[str], most: int) -> None:
    whole, text = screen_text(screen(*rows), 10_000), screen_text(screen(*rows), most)

    assert len(text) <= max(most, len("(nothing)"))
    assert whole.endswith(text.removeprefix("…"))
