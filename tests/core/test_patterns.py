"""Patterns: what `contains` and `overlap` say is what the texts themselves show."""

from __future__ import annotations

import string
from fnmatch import fnmatchcase
from itertools import product
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.patterns import any_matches, contains, overlap

#: each text of up to four signs: those that the patterns tell apart, and one that they do not
TEXTS = ["".join(signs) for length in range(5) for signs in product("[]ab-z", repeat=length)]
PARTS = ["*", "?", "a", "b", "-", "[ab]", "[!a]", "[a-b]", "[!a-b]", "[]a]", "[", "[b-a]"]
patterns = st.lists(st.sampled_from(PARTS), max_size=4).map("".join)
#: those of which every text is among TEXTS, if there is no star: "[" before "[]a]" makes one more
short_patterns = st.lists(st.sampled_from(PARTS), max_size=3).map("".join)


def texts(pattern: str) -> set[str]:
    return {text for text in TEXTS if fnmatchcase(text, pattern)}


@pytest.mark.parametrize(
    ("wider", "narrower", "does"),
    [
        ("*", "vm-*", True),
        ("vm-*", "*", False),
        ("vm-*", "vm-1", True),
        ("vm-*", "vm-?", True),
        ("vm-?", "vm-*", False),
        ("vm-*", "vm-*", True),
        ("*-*", "vm-*", True),
        ("**", "*", True),
        ("*a*", "*aa*", True),
        ("*aa*", "*a*", False),
        ("vm-[0-9]", "vm-[3-5]", True),
        ("vm-[3-5]", "vm-[0-9]", False),
        ("vm-[!a]", "vm-b", True),
        ("vm-[!a]", "vm-[ab]", False),
        ("vm-[12]", "vm-?", False),
        ("domu.*", "domu.migrate", True),
        ("domu.*", "d*.migrate", False),
    ],
)
def test_one_pattern_contains_another(wider: str, narrower: str, does: bool) -> None:
    assert contains(wider, narrower) is does


@pytest.mark.parametrize(
    ("one", "other", "do"),
    [
        ("vm-*", "*-db", True),
        ("vm-*", "web-*", False),
        ("*", "", True),
        ("a?", "?b", True),
        ("a?", "b?", False),
        ("[a-c]", "[c-e]", True),
        ("[a-c]", "[d-e]", False),
        ("[!a]", "a", False),
        ("access.*", "*.grant", True),
    ],
)
def test_two_patterns_overlap(one: str, other: str, do: bool) -> None:
    assert overlap(one, other) is do
    assert overlap(other, one) is do


@given(patterns, patterns)
@example("[", "[[]")
@example("[b-a]", "a")
def test_what_is_contained_matches_nothing_else(wider: str, narrower: str) -> None:
    if contains(wider, narrower):
        assert texts(narrower) <= texts(wider)


@given(patterns, patterns)
def test_what_shares_a_text_overlaps(one: str, other: str) -> None:
    if texts(one) & texts(other):
        assert overlap(one, other)
    if not overlap(one, other):
        assert not contains(one, other) or not texts(other)


@given(short_patterns, short_patterns)
@example("[", "[[]")
@example("", "[[]a]?")
def test_patterns_of_a_few_signs_are_judged_exactly(one: str, other: str) -> None:
    """Where nothing stands for any number of signs, all that matches is among the texts."""
    if "*" not in one + other:
        assert contains(one, other) is (texts(other) <= texts(one))
        assert overlap(one, other) is bool(texts(other) & texts(one))


def test_a_walk_that_gets_too_long_grants_nothing() -> None:
    long = "*a" + "?" * 18

    assert contains(f"{long}*b*", f"{long}*[ab]*") is False
    assert contains(long, long)
    assert overlap("?*" * 127, "b" * 200 + "[ab]" * 10 + "c") is True


SIGNS = string.ascii_letters + string.digits


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("*" * 190 + SIGNS, "*vm-*"),
        ("vm-" + "*" * 190 + SIGNS, "*daath-*"),
        ("?*" * 127, "*vm-*"),
        ("vm-" + "*a" * 120, "*vm-*"),
        ("*".join(SIGNS), "*".join(reversed(SIGNS))),
        ("[ab]" * 60, "*[bc]" * 50),
        ("*a" + "?" * 100, "*b" + "?" * 100),
    ],
)
def test_patterns_that_somebody_made_up_to_take_long_take_no_time(one: str, other: str) -> None:
    """They took ten seconds and more before the work was bounded."""
    before = process_time()

    for each in ((one, other), (other, one)):
        contains(*each)
        overlap(*each)

    assert process_time() - before < 1


def test_stars_in_a_row_are_one() -> None:
    assert contains("vm-*", "vm-" + "*" * 200 + "a")
    assert not overlap("*" * 100 + "a", "*" * 100 + "b")


def test_one_of_several_patterns_is_enough() -> None:
    assert any_matches(("vm-*", "web"), "web")
    assert not any_matches(("vm-*", "web"), "web-1")
    assert not any_matches((), "web")
