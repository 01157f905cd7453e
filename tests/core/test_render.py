"""Answers: one source, two renderings, and everything foreign escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.render import NARROW, Lines, Reply, Table, Terms, duration


class Reader(HTMLParser):
    """What a client makes of the HTML: its tags, and the text in them; each tag has to end."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert attrs == []
        # a paragraph ends where another block begins, whatever its end tag says
        assert tag not in BLOCKS or "p" not in self._open
        if tag != "br":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


BLOCKS = {"pre", "p", "ul", "li"}
KNOWN = BLOCKS | {"br", "code", "b"}
FOREIGN = st.text(st.sampled_from("<>&\"'/abix=` \n") | st.characters(codec="utf-8"), max_size=60)


@st.composite
def blocks(draw: st.DrawFn) -> Lines | Table | Terms:
    match draw(st.sampled_from("lrt")):
        case "l":
            return Lines(draw(st.lists(FOREIGN, max_size=4)))
        case "r":
            columns = draw(st.integers(1, 4))
            row = st.lists(FOREIGN, min_size=columns, max_size=columns)
            return Table(draw(st.lists(row, max_size=4)), draw(st.just([]) | row))
        case _:
            return Terms(draw(st.lists(st.tuples(FOREIGN, FOREIGN), max_size=4)))


def test_an_answer_is_the_result_then_the_details_then_the_next_step() -> None:
    text = Reply("It runs on fz.", "a  b\n1  2", "Try !job list.").text("✔")

    assert text.plain == "✔ It runs on fz.\na  b\n1  2\nTry !job list."
    assert text.html == ("✔ It runs on fz.<pre><code>a  b\n1  2</code></pre>Try !job list.")


def test_what_is_empty_takes_no_room() -> None:
    assert Reply("pong").text().plain == "pong"
    assert Reply("pong").text().html == "pong"


@pytest.mark.parametrize(
    "foreign",
    [
        "<script>alert(1)</script>",
        "<a href='https://matrix.to/#/@nounou:here'>nounou</a>",
        "</code></pre><b>bold</b>",
        "a & b &lt; c",
        '<img src="mxc://x/y">',
    ],
)
def test_tags_of_a_device_are_shown_and_never_obeyed(foreign: str) -> None:
    for reply in (
        Reply(foreign),
        Reply("x", foreign),
        Reply("x", "", foreign),
        Reply("x", body=[Lines([foreign])]),
        Reply("x", body=[Table([(foreign, foreign)], ("what", foreign))]),
        Reply("x", body=[Terms([(foreign, foreign)])]),
    ):
        page = Reader(reply.text().html)

        assert page.tags <= KNOWN - ({"b"} if not reply.body else set())
        assert foreign in page.text
        assert foreign in reply.text().plain


@given(FOREIGN, FOREIGN, FOREIGN, st.lists(blocks(), max_size=3))
def test_no_text_makes_a_tag_or_an_attribute_or_leaves_one_open(
    result: str, details: str, hint: str, body: list[Lines | Table | Terms]
) -> None:
    page = Reader(Reply(result, details, hint, body).text("✔").html)

    assert page.tags <= KNOWN


@given(st.lists(blocks(), min_size=1, max_size=3))
def test_nothing_but_details_stands_in_a_fixed_font(body: list[Lines | Table | Terms]) -> None:
    assert "<pre>" not in Reply("x", body=body).text().html


def test_each_line_of_a_result_is_a_line_in_html() -> None:
    assert Reply("one\ntwo").text().html == "one<br>two"


GUESTS = Table(
    [("vm", "fy", "running", "1"), ("redisdead", "-", "stopped", "-"), ("7", "fz", "paused", "2")],
    ("DomU", "Dom0", "state", "vcpus"),
)


def test_the_columns_of_a_table_are_aligned_below_their_headings() -> None:
    assert GUESTS.plain() == (
        "DOMU       DOM0  STATE    VCPUS\n"
        "vm         fy    running  1\n"
        "redisdead  -     stopped  -\n"
        "7          fz    paused   2"
    )


def test_on_a_phone_each_row_is_a_block_that_says_what_its_numbers_mean() -> None:
    assert GUESTS.html() == (
        "<ul>"
        "<li><b>vm</b>: fy · running · vcpus 1</li>"
        "<li><b>redisdead</b>: stopped</li>"
        "<li><b>DomU 7</b>: fz · paused · vcpus 2</li>"
        "</ul>"
    )


def test_signs_stay_in_front_of_the_name_of_a_row() -> None:
    table = Table([("✔", "fy", "4 GiB free"), ("✘", "fz", "silent"), ("⚠", "", "")])

    assert table.plain() == "✔  fy  4 GiB free\n✘  fz  silent\n⚠"
    assert table.html() == (
        "<ul><li>✔ <b>fy</b>: 4 GiB free</li><li>✘ <b>fz</b>: silent</li><li>⚠</li></ul>"
    )


@given(st.lists(st.tuples(FOREIGN, FOREIGN), min_size=1, max_size=4))
def test_a_row_is_one_line_whatever_is_in_its_cells(rows: list[tuple[str, str]]) -> None:
    assert len(Table(rows).plain().split("\n")) == len(rows)
    assert Table(rows).html().count("<li>") == len(rows)


def test_terms_take_a_second_line_where_one_would_be_too_wide() -> None:
    short, long = ("!ping", "Say that the bot is there."), ("!migrate DOMU TO", "Move. " * 9)
    lines = Terms([short, long]).plain().splitlines()

    assert lines == ["!ping — Say that the bot is there.", long[0], f"    {long[1]}"]
    assert all(len(line) <= NARROW for line in lines[:2])
    assert Terms([short]).html() == "<ul><li><b>!ping</b> — Say that the bot is there.</li></ul>"


def test_blocks_stand_apart_and_lines_wrap() -> None:
    reply = Reply("There.", "a b", "Go on.", (Lines(["one", "two"]), Lines([]), Lines(["three"])))

    assert reply.text().plain == "There.\none\ntwo\n\nthree\na b\nGo on."
    assert reply.text().html == (
        "There.<p>one<br>two</p><p>three</p><pre><code>a b</code></pre>Go on."
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (10, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.7, "1 h 00 min"),
        (11400, "3 h 10 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@given(st.floats(0, 10**7))
def test_no_duration_has_sixty_seconds_or_minutes(seconds: float) -> None:
    said = duration(seconds)

    assert not re.search(r"\b60 (s|min)\b", said)
    assert re.fullmatch(r"\d+(\.\d)? s|\d+ min \d\d s|\d+ h \d\d min", said)


def test_an_emoji_that_is_made_of_a_letter_is_a_sign_and_no_word() -> None:
    html = Table([("ℹ️", "alert 1", "slow")]).html()

    assert html == "<ul><li>ℹ️ <b>alert 1</b>: slow</li></ul>"
