"""The grammar of a script."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.script import Say, Sleep, Step, Wait, parse
from bot.errors import UsageError

MEMBERS = ("nounou", "nounou2", "apprenti", "stranger")


def test_each_line_is_one_message_from_nounou() -> None:
    assert parse("!ping\nhello there\n", MEMBERS) == (
        Say(1, "nounou", "!ping"),
        Say(2, "nounou", "hello there"),
    )


def test_at_member_says_it_as_that_member() -> None:
    assert parse("@apprenti !migrate vm fz", MEMBERS) == (Say(1, "apprenti", "!migrate vm fz"),)


@pytest.mark.parametrize("line", ["&!ping", "& !ping", "  &  !ping  "])
def test_an_ampersand_means_not_waited_for(line: str) -> None:
    assert parse(line, MEMBERS) == (Say(1, "nounou", "!ping", waited=False),)


@pytest.mark.parametrize("line", ["&@apprenti !ping", "& @apprenti   !ping"])
def test_a_member_may_stand_after_the_ampersand(line: str) -> None:
    assert parse(line, MEMBERS) == (Say(1, "apprenti", "!ping", waited=False),)


def test_empty_lines_and_comments_are_skipped_and_counted() -> None:
    assert parse("# first\n\n   \n  # indented\r\n!ping\r\n", MEMBERS) == (
        Say(5, "nounou", "!ping"),
    )


def test_wait_stands_alone() -> None:
    assert parse("  wait  ", MEMBERS) == (Wait(1),)


@pytest.mark.parametrize(("line", "seconds"), [("sleep 2", 2.0), ("sleep 0.5", 0.5)])
def test_sleep_takes_seconds(line: str, seconds: float) -> None:
    assert parse(line, MEMBERS) == (Sleep(1, seconds),)


def test_what_stands_after_a_member_is_always_a_message() -> None:
    assert parse("@nounou # wait\n@nounou wait", MEMBERS) == (
        Say(1, "nounou", "# wait"),
        Say(2, "nounou", "wait"),
    )


def test_only_a_newline_ends_a_line() -> None:
    assert parse("one\x0btwo\u2028three", MEMBERS) == (Say(1, "nounou", "one\x0btwo\u2028three"),)


@pytest.mark.parametrize(
    "line",
    [
        "@nobody !ping",
        "@ !ping",
        "@apprenti",
        "@apprenti   ",
        "&",
        "&@apprenti",
        "sleep",
        "sleep 2s",
        "sleep -1",
        "sleep nan",
        "sleep 1e3",
        "sleep ٣",
        "sleep 1 2",
        "sleep 999999",
        "wait 5",
    ],
)
def test_a_bad_line_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(UsageError, match=r"^line 3: "):
        parse(f"!ping\n\n{line}\n!ping", MEMBERS)


def test_a_speaker_whom_the_policy_does_not_name_is_refused() -> None:
    with pytest.raises(UsageError, match="nobody here is called nounou; there are alice"):
        parse("!ping", ("alice",))


@given(st.lists(st.text() | st.sampled_from(["!ping", "wait", "@", "&", "sleep 2"])))
def test_any_text_is_read_whole_or_refused_with_a_line(parts: list[str]) -> None:
    script = "\n".join(parts)
    lines = script.removeprefix("\ufeff").split("\n")
    steps: tuple[Step, ...] = ()

    with suppress(UsageError):
        steps = parse(script, MEMBERS)

    assert [step.line for step in steps] == sorted({step.line for step in steps})
    for step in steps:
        assert not isinstance(step, Say) or step.text in lines[step.line - 1]


@given(
    st.sampled_from(MEMBERS),
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1),
    st.booleans(),
)
def test_a_message_comes_out_as_it_was_written(person: str, text: str, waited: bool) -> None:
    line = f"{'' if waited else '&'}@{person} {text}"

    assert parse(line, MEMBERS) == (Say(1, person, text, waited),)


def test_a_code_may_stand_anywhere_in_a_message() -> None:
    assert parse("& @nounou2 !approve {code}\n!deny {code} not now", MEMBERS) == (
        Say(1, "nounou2", "!approve {code}", waited=False),
        Say(2, "nounou", "!deny {code} not now"),
    )


def test_a_line_with_two_codes_is_refused_with_its_number() -> None:
    with pytest.raises(UsageError, match=r"^line 2: \{code\} may stand in a line once"):
        parse("!ping\n!approve {code} {code}", MEMBERS)
