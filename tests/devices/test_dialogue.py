"""Prompt, pager, question and echo, told apart however the packets were cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.devices.dialogue import LOGIN, PROMPT, Need, Reply, command_line
from bot.errors import DeviceError
from tests.devices.telnet_array import BANNER, xml

LINE = "show volumes"
TRICKY = '<OBJECT basetype="x"><PROPERTY name="n">\r\n# (y/n) login: </PROPERTY></OBJECT>\r\n'
WHOLE = f"{LINE}\r\n{xml(LINE, TRICKY).decode()}\r\n# "


@given(st.sets(st.integers(1, len(WHOLE) - 1)))
def test_a_reply_ends_at_its_end_however_it_was_split(cuts: set[int]) -> None:
    reply = Reply(LINE)
    places = [0, *sorted(cuts), len(WHOLE)]

    needs = [reply.feed(WHOLE[begin:end]) for begin, end in itertools.pairwise(places)]

    assert needs == [Need.NOTHING] * (len(needs) - 1) + [Need.COMMAND]
    assert reply.text() == xml(LINE, TRICKY).decode()


def test_a_prompt_left_over_from_before_is_not_the_reply() -> None:
    reply = Reply(LINE)

    assert reply.feed("\r\n# ") is Need.NOTHING
    assert reply.feed("\r\nlate words of a banner\r\n# ") is Need.NOTHING
    assert reply.feed(WHOLE) is Need.COMMAND
    assert reply.text() == xml(LINE, TRICKY).decode()


def test_an_echo_that_is_wrapped_and_corrected_is_known() -> None:
    reply = Reply("set cli-parameters api pager off")

    assert (
        reply.feed("xx\b\bset cli-para\r\nmetres\b\b\bers api pager off\r\n\r\n# ") is Need.COMMAND
    )


def test_the_pager_is_turned_wherever_it_stands() -> None:
    reply = Reply(LINE)

    assert reply.feed(f"{LINE}\r\n<RESPONSE>") is Need.NOTHING
    assert reply.feed("\r\nPress any key to continue (Q to quit)") is Need.KEY
    assert reply.feed("\r                   \r</RESPONSE>\r\n# ") is Need.COMMAND
    assert "Press" not in reply.text()


def test_a_question_is_one_only_outside_xml() -> None:
    reply = Reply("delete volumes vm")

    assert reply.feed("delete volumes vm\r\nReally? (y/n) ") is Need.ANSWER
    assert reply.feed("n\r\nCommand was aborted.\r\n# ") is Need.COMMAND
    with pytest.raises(DeviceError, match="answered no: Really"):
        reply.text()


def test_the_login_prompt_is_told_from_the_last_login() -> None:
    assert LOGIN.search("\r\nnols LOGIN: ")
    assert not LOGIN.search("Last login: ")
    assert not PROMPT.search(BANNER.decode())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("show", "volumes"), "show volumes"),
        (("show", "volumes", "a b"), 'show volumes "a b"'),
        (
            ("create", "host", "iqn.1993-08.org.debian:01:ab", "x"),
            "create host iqn.1993-08.org.debian:01:ab x",
        ),
        (("set", "x", ""), 'set x ""'),
        (("set", "x", "é;#?"), 'set x "é;#?"'),
    ],
)
def test_words_are_quoted_where_the_command_line_would_split_them(
    words: tuple[str, ...], line: str
) -> None:
    assert command_line(words) == line


@pytest.mark.parametrize(
    "word", ["a\nb", "a\rb", 'a"b', "a\\b", "\x1b[2J", "\t", "\ud800", "\x85", "\0"]
)
def test_what_no_quoting_carries_is_refused(word: str) -> None:
    with pytest.raises(DeviceError, match="nothing was sent"):
        command_line(("show", "volumes", word))


@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_text_can_be_fed(pieces: list[str]) -> None:
    reply = Reply(LINE)

    for piece in pieces:
        reply.feed(piece)
