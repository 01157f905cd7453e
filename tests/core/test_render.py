"""Answers: one source, two renderings, and everything foreign escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.render import Reply, duration, table


class Reader(HTMLParser):
    """What a client makes of the HTML: its tags, and the text in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert attrs == []

    def handle_data(self, data: str) -> None:
        self.text += data


FOREIGN = st.text(st.sampled_from("<>&\"'/abix=` \n") | st.characters(codec="utf-8"), max_size=60)


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
    for reply in (Reply(foreign), Reply("x", foreign), Reply("x", "", foreign)):
        page = Reader(reply.text().html)

        assert page.tags <= {"pre", "code", "br"}
        assert foreign in page.text
        assert foreign in reply.text().plain


@given(FOREIGN, FOREIGN, FOREIGN)
def test_no_text_makes_a_tag_or_an_attribute(result: str, details: str, hint: str) -> None:
    page = Reader(Reply(result, details, hint).text().html)

    assert page.tags <= {"pre", "code", "br"}


def test_each_line_of_a_result_is_a_line_in_html() -> None:
    assert Reply("one\ntwo").text().html == "one<br>two"


def test_columns_are_aligned() -> None:
    assert table([("DOMU", "DOM0"), ("vm", "fy"), ("redisdead", "fz")]) == (
        "DOMU       DOM0\nvm         fy\nredisdead  fz"
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
