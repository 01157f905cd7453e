"""What is looked for in the record: as it is typed, and without losing anything on the way."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.audit import GENESIS, Entry, seal, text_of
from bot.core.audit_query import Query, fold, like, parse
from bot.errors import UsageError

#: 2026-11-25T03:00:00Z
NOW = 1_795_575_600.0
WORDS = st.text(min_size=1, max_size=6)
VALUES = st.recursive(
    st.text(max_size=12) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["person", "sender", "line", "objects", "where", "verb", "job", "answer", "released", "x"]
)
DATA = st.dictionaries(KEYS, VALUES, max_size=5)


def entry(data: dict[str, Any], kind: str = "asked", number: int = 1) -> Entry:
    return seal(number, "2026-11-25T02:00:00.000+00:00", kind, data, GENESIS)


def query(line: str) -> Query:
    return parse(shlex.split(line), NOW)


def test_nothing_typed_wants_everything() -> None:
    assert query("") == Query()
    assert Query().wants(entry({}))


def test_filters_are_read_aloud() -> None:
    said = "xl by anna on vm-* verb domu.* kind ended job 7 before #90 'two words' text by"

    assert query(said) == Query(
        "anna", "vm-*", "domu.*", "ended", 7, before=90, text=("xl", "two words", "by")
    )


@pytest.mark.parametrize(
    ("word", "since", "until"),
    [
        ("2h", "2026-11-25T01:00:00.000+00:00", "2026-11-25T01:00:00.000+00:00"),
        ("1d12h", "2026-11-23T15:00:00.000+00:00", "2026-11-23T15:00:00.000+00:00"),
        ("2026-11-24", "2026-11-24T00:00:00.000+00:00", "2026-11-25T00:00:00.000+00:00"),
        ("2026-11-24T03:00", "2026-11-24T03:00:00.000+00:00", "2026-11-24T03:00:00.000+00:00"),
        ("2026-11-24T03:00Z", "2026-11-24T03:00:00.000+00:00", "2026-11-24T03:00:00.000+00:00"),
        (
            "2026-11-24T03:00+02:00",
            "2026-11-24T01:00:00.000+00:00",
            "2026-11-24T01:00:00.000+00:00",
        ),
        ("999999d", "1970-01-01T00:00:00.000+00:00", "1970-01-01T00:00:00.000+00:00"),
    ],
)
def test_times_are_lengths_days_or_moments(word: str, since: str, until: str) -> None:
    assert query(f"since {word}").since == since
    assert query(f"until {word}").until == until


@pytest.mark.parametrize(
    ("line", "word", "says"),
    [
        ("by", 3, "by wants a word after it"),
        ("xl on", 4, "on wants a word after it"),
        ("by anna by bea", 4, "said before"),
        ("job vm", 3, "'vm' is not a number"),
        ("before -3", 3, "not a number"),
        ("xl since yesterday", 4, "'yesterday' is no time"),
        ("until 2026-13-01", 3, "no time"),
        ("until 9999-12-31", 3, "no time"),
        ("since 0001-01-01T00:00+14:00", 3, "no time"),
        ("since 12q", 3, "no time"),
    ],
)
def test_what_is_wrong_is_pointed_at(line: str, word: int, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        parse(line.split(), NOW, 2)

    assert caught.value.word == word


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", True),
        ("by anna", True),
        ("by ANNA", True),
        ("by @anna:*", True),
        ("by bea", False),
        ("by ann", False),
        ("on vm-1", True),
        ("on vm-*", True),
        ("on fz", True),
        ("on vm", False),
        ("verb domu.migrate", True),
        ("verb migrate", True),
        ("verb domu.*", True),
        ("verb domu", False),
        ("kind sent", True),
        ("kind s*", True),
        ("kind sen", False),
        ("job 7", True),
        ("job 70", False),
        ("since 1h", True),
        ("since 30m", False),
        ("until 30m", True),
        ("until 1h", False),
        ("before 2", True),
        ("before 1", False),
        ("XL migrate", True),
        ("xl destroy", False),
        ("true", False),
        ("by anna on vm-1 kind sent job 7 xl", True),
    ],
)
def test_an_entry_is_wanted_for_what_it_says(line: str, wanted: bool) -> None:
    data = {
        "person": "anna",
        "sender": "@anna:example.org",
        "job": 7,
        "verb": "domu.migrate",
        "objects": ["vm-1", "fz"],
        "words": "sudo xl -v migrate vm-1 fz",
        "dry": True,
    }

    assert query(line).wants(entry(data, "sent")) is wanted


def test_what_was_only_typed_is_found_by_its_words() -> None:
    assert query("on vm").wants(entry({"line": "!migrate vm fz"}))


@pytest.mark.parametrize("key", ["job", "answer"])
def test_a_job_is_found_where_somebody_answered_it_or_let_it_go(key: str) -> None:
    assert query("job 7").wants(entry({key: 7}))
    assert query("job 7").wants(entry({"job": 9, "released": [5, 7]}))


@given(st.lists(WORDS, max_size=6))
def test_any_words_are_a_query_or_a_usage_error(words: list[str]) -> None:
    with suppress(UsageError):
        found = parse(words, NOW)
        assert parse(shlex.split(str(found)), NOW + 1e6) == found


@given(
    st.builds(
        Query,
        by=WORDS,
        on=WORDS,
        verb=WORDS,
        kind=WORDS,
        job=st.integers(0, 10**9),
        before=st.none() | st.integers(0, 10**9),
        text=st.lists(WORDS, max_size=2).map(tuple),
    )
)
def test_a_query_is_typed_again_as_it_is_shown(query: Query) -> None:
    assert parse(shlex.split(str(query)), NOW) == query


@given(DATA, st.data())
@example({"person": "\u212aim"}, None)
@example({"job": [3]}, None)
@example({"line": 'say "\u0130" \\ é'}, None)
def test_a_store_leaves_out_nothing_that_is_wanted(data: dict[str, Any], draw: Any) -> None:
    """What a store may look for is in the text of every entry that is wanted."""
    if draw is None:
        wished = Query(by="*im", text=("im",)) if "person" in data else Query(text=("i",))
        wished = Query(job=3) if "job" in data else wished
    else:
        pick = st.sampled_from([str(value) for value in data.values()] or ["a"]) | WORDS
        wished = Query(
            by=draw.draw(st.just("") | pick),
            on=draw.draw(st.just("") | pick),
            verb=draw.draw(st.just("") | pick),
            job=draw.draw(st.none() | st.integers(0, 3)),
            text=tuple(draw.draw(st.lists(pick, max_size=2))),
        )
    if wished.wants(entry(data)):
        kept = _lowered(text_of(data))
        assert all(any(run in kept for run in runs) for runs in wished.runs)


def _lowered(text: str) -> str:
    """As SQLite and PostgreSQL lower what is ASCII."""
    assert text.isascii()
    return text.lower()


def test_two_letters_become_ascii_when_they_are_lowered_and_none_else() -> None:
    every = (chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000)

    assert [each for each in every if any(part.isascii() for part in fold(each))] == []


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=4), st.text("abB", max_size=10))
def test_a_star_is_anything(parts: list[str], text: str) -> None:
    import re

    pattern = "*".join(parts)
    wanted = re.fullmatch(".*".join(parts), text.lower()) is not None

    assert like(pattern, text) is wanted


def test_many_stars_take_no_time() -> None:
    assert not like("*a" * 500 + "b", "a" * 5000)
