"""What people type becomes words, and what devices print becomes something that may be shown."""

from __future__ import annotations

import re
import shlex
import unicodedata
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.text import (
    clean,
    clean_lines,
    cut,
    did_you_mean,
    is_command,
    nearest,
    point_at,
    words,
)
from bot.errors import UsageError

#: letters, controls, bidi marks, surrogates that JSON can carry, what keyboards and phones make
ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from(
        "migrate vm-1\"'\\“”„«»‘’–—−\u00a0\u202f\u200b\ufeff\t\n\0\x1b[31m#`$();|&!\u202e"
    )
)


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("migrate vm fz", ["migrate", "vm", "fz"]),
        ("  migrate\tvm   fz  ", ["migrate", "vm", "fz"]),
        ("migrate “vm” fz", ["migrate", "vm", "fz"]),
        ("migrate „vm“ «fz»", ["migrate", "vm", "fz"]),
        ("say ‘two words’", ["say", "two words"]),
        ("migrate vm fz —dry-run", ["migrate", "vm", "fz", "--dry-run"]),
        ("migrate vm fz –dry-run", ["migrate", "vm", "fz", "--dry-run"]),
        ("migrate vm fz ―dry−run", ["migrate", "vm", "fz", "--dry−run"]),
        ("migrate vm fz --dry-run", ["migrate", "vm", "fz", "--dry-run"]),
        ("migrate\u00a0vm\u202ffz", ["migrate", "vm", "fz"]),
        ("mig\u200brate \ufeffvm fz", ["migrate", "vm", "fz"]),
        ("vm–root", ["vm–root"]),
        ("a – b", ["a", "–", "b"]),
        ("say don't ask", ["say", "don't", "ask"]),
        ("say don’t ask", ["say", "don't", "ask"]),
        ("say don‘t ask", ["say", "don't", "ask"]),
        ("say c'est l'été", ["say", "c'est", "l'été"]),
        ("say vm1's disk", ["say", "vm1's", "disk"]),
        ("say 'it's here' now", ["say", "it's here", "now"]),
        ('say "don\'t ask"', ["say", "don't ask"]),
        ("say 'two words' 'and two'", ["say", "two words", "and two"]),
        ("say --why='two words'", ["say", "--why=two words"]),
        ("", []),
    ],
)
def test_the_typography_of_chat_clients_is_undone(typed: str, understood: list[str]) -> None:
    assert words(typed) == understood


@pytest.mark.parametrize("sign", list(";|&$()`<>#*?~{}[]!\\"))
def test_no_sign_of_the_shell_means_anything(sign: str) -> None:
    """A backslash and quotes group words as people know it; nothing else is special."""
    assert len(words(f"migrate vm{sign}x fz")) == 3


@pytest.mark.parametrize(
    "line",
    ['migrate "vm fz', "migrate 'vm", "migrate “vm fz", "trailing \\", "say the hosts' disks"],
)
def test_an_open_quote_is_said_and_how_it_is_closed(line: str) -> None:
    with pytest.raises(UsageError, match="never closed") as raised:
        words(line)
    assert "within double quotes" in raised.value.hint


#: letters, what groups them, and what phones make of that
QUOTED_TEXT = st.text(st.sampled_from("abé1-_'’‘\"“\\ "))


@given(st.lists(st.text(st.sampled_from("abé1-_'\"\\ "))))
def test_what_was_quoted_by_the_rules_comes_back_whole(typed: list[str]) -> None:
    """Lines are kept as `shlex.join` writes them, and split anew."""
    assert words(shlex.join(typed)) == typed


@given(QUOTED_TEXT)
def test_no_word_becomes_two(line: str) -> None:
    with suppress(UsageError):
        assert len(words(line)) <= len(line.split())


@given(st.text("abé1", min_size=1), st.sampled_from("'’‘"), st.text("abé", min_size=1))
def test_an_apostrophe_within_a_word_parts_and_joins_nothing(
    before: str, sign: str, after: str
) -> None:
    typed = f"{before}{sign}{after}"

    assert words(f"hold vm {typed} {typed}") == ["hold", "vm", *[f"{before}'{after}"] * 2]


@given(QUOTED_TEXT)
def test_all_other_quotes_are_those_of_a_shell(line: str) -> None:
    plain = line.translate(str.maketrans("’‘“", "''\"")).strip()
    assume(not re.search(r"\w'\w", plain))
    try:
        expected = shlex.split(plain)
    except ValueError:
        with pytest.raises(UsageError, match="never closed"):
            words(line)
    else:
        assert words(line) == expected


@pytest.mark.parametrize("sign", ["\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_command_is_one_line_without_control_characters(sign: str) -> None:
    with pytest.raises(UsageError, match="one line"):
        words(f"migrate vm{sign}reboot fz")


@pytest.mark.parametrize("sign", list("\u00ad\u061c\u200c\u200d\u200e\u202e\u2060\u2066\U000e0061"))
def test_a_command_with_characters_that_nobody_sees_is_refused(sign: str) -> None:
    """`vm` written from right to left would show another guest than the one that is moved."""
    with pytest.raises(UsageError, match="invisible"):
        words(f"migrate v{sign}m fz")


@pytest.mark.parametrize("text", ["می\u200cخواهم", "👩\u200d🔧", "क्\u200dष"])
def test_scripts_and_emoji_that_need_joiners_have_them(text: str) -> None:
    assert words(f"say {text}") == ["say", text]


@pytest.mark.parametrize("word", ["р\u200bing", "pіng", "ｐing", "ping\ufe0f", "ṗing"])
def test_a_word_that_only_looks_like_another_is_another(word: str) -> None:
    assert words(word) != ["ping"]


@given(ANY_TEXT)
def test_splitting_raises_nothing_but_usage_errors(line: str) -> None:
    with suppress(UsageError):
        signs = "".join(words(line)).replace("\t", "")
        kinds = {unicodedata.category(sign) for sign in signs if sign not in "\u200c\u200d"}
        assert not kinds & {"Cc", "Cf", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("!ping", True),
        ("  !ping", True),
        ("!été", True),
        ("ping", False),
        ("!", False),
        ("! ping", False),
        ("!!", False),
        ("!!!", False),
        ("!42", False),
        ("?!ping", False),
        ("", False),
    ],
)
def test_a_command_is_the_prefix_and_a_letter(line: str, is_one: bool) -> None:
    assert is_command(line, "!") is is_one


def test_a_prefix_may_be_longer() -> None:
    assert is_command("bot: ping".replace(" ", ""), "bot:")
    assert not is_command("bot", "bot:")


@given(ANY_TEXT, st.integers(1, 400))
def test_what_is_shown_in_a_line_has_no_control_characters_and_is_bounded(
    foreign: str, limit: int
) -> None:
    shown = clean(foreign, limit)

    assert len(shown) <= limit
    shown.encode()
    assert {unicodedata.category(sign) for sign in shown}.isdisjoint(
        {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    )


def test_cleaning_keeps_what_is_harmless() -> None:
    assert clean("daath's  «été» 日本\t<b>") == "daath's «été» 日本 <b>"
    assert clean("\x1b[31mred\x1b[0m\r\nnext\u202eline") == "[31mred [0m nextline"
    assert clean("x" * 301) == "x" * 299 + "…"


@given(ANY_TEXT)
def test_cleaning_twice_is_cleaning_once(foreign: str) -> None:
    assert clean(clean(foreign)) == clean(foreign)


@given(ANY_TEXT, st.integers(1, 500))
def test_text_of_several_lines_is_bounded_too(foreign: str, limit: int) -> None:
    shown = clean_lines(foreign, limit)

    assert len(shown) <= limit + 1
    assert all(line.strip() for line in shown.splitlines())
    assert {unicodedata.category(sign) for sign in shown} & {"Cc", "Cf", "Cs"} <= (
        {"Cc"} if "\n" in shown else set()
    )


def test_of_many_lines_the_end_is_kept() -> None:
    assert clean_lines("first\n\n" + "x" * 50 + "\nlast", 10) == "…xxxxx\nlast"


@given(ANY_TEXT, st.integers(0, 100))
def test_cutting_gives_valid_utf_8_within_the_bound(text: str, limit: int) -> None:
    short = cut(text, limit)

    assert len(short.encode()) <= limit
    assert text.encode(errors="replace").decode().startswith(short)


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [("ping", 4, "ping"), ("ping", 3, "pin"), ("été", 2, "é"), ("été", 1, ""), ("日本", 5, "日")],
)
def test_cutting_is_between_characters(text: str, limit: int, short: str) -> None:
    assert cut(text, limit) == short


def test_a_word_that_comes_near_is_suggested() -> None:
    assert did_you_mean("migrat", ["migrate", "ping"]) == "Did you mean migrate?"
    assert did_you_mean("VM", ["vm", "owl"]) == "Did you mean vm?"
    assert did_you_mean("mv", ["vm1", "mv1"]).startswith("Did you mean mv1")
    assert did_you_mean("zzzz", ["migrate", "ping"]) == ""
    assert did_you_mean("x", []) == ""


@given(ANY_TEXT, st.lists(st.text(max_size=20), max_size=20))
def test_suggestions_are_candidates_and_few(word: str, candidates: list[str]) -> None:
    close = nearest(word, candidates)

    assert len(close) <= 3
    assert set(close) <= set(candidates)


@pytest.mark.parametrize(
    ("line", "wrong", "marked"),
    [
        (["migrate", "vn", "fz"], 0, "migrate"),
        (["migrate", "vn", "fz"], 1, "vn"),
        (["migrate", "vn", "fz"], 2, "fz"),
        (["migrate", "two words", "fz"], 1, "'two words'"),
        (["migrate", "two words", "fz"], 2, "fz"),
        (["migrate", "vm"], 2, "?"),
        (["migrate"], 9, "?"),
        (["migrate", "a\x1bb", "fz"], 1, "'a b'"),
    ],
)
def test_carets_stand_under_the_wrong_word(line: list[str], wrong: int, marked: str) -> None:
    shown, carets = point_at(line, wrong, "!").split("\n")

    start = carets.index("^")
    assert shown.startswith("!migrate")
    assert carets.strip() == "^" * len(marked)
    assert shown[start : start + len(marked)] == marked


@given(st.lists(ANY_TEXT, min_size=1, max_size=30), st.integers(0, 40))
def test_pointing_is_two_bounded_lines_whatever_was_typed(line: list[str], wrong: int) -> None:
    shown, carets = point_at(line, wrong, "!").split("\n")

    assert set(carets) == {" ", "^"}
    assert len(carets) <= len(shown)
    assert clean(shown, 10_000) == shown.strip()
