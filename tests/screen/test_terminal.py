"""What a terminal shows of what was printed on it: as xterm would, and whatever was printed."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.screen import Piece, Screen, Style
from bot.screen.terminal import LAST, replay
from bot.screen.width import width

RECORDINGS = Path(__file__).parent.parent / "data" / "xen-4.17"

#: sequences, whole, cut, huge, nested, with arguments that they do not take
SEQUENCE = st.one_of(
    st.text(max_size=20),
    st.binary(max_size=20).map(lambda data: data.decode("utf-8", "replace")),
    st.builds(
        "\x1b[{}{}{}{}".format,
        st.sampled_from(["", "?", ">", "=", "<"]),
        st.lists(st.sampled_from(["", "0", "1", "2", "38", "48", "5", "300", "9" * 12])).map(
            ";".join
        ),
        st.sampled_from(["", "", " ", "!", "$", "\n"]),
        st.characters(min_codepoint=0x20, max_codepoint=0x7E),
    ),
    st.builds("\x1b{}".format, st.characters(max_codepoint=0x9F)),
    st.sampled_from(
        [
            "\x1b]0;title",
            "\x1b]52;c;aGk=\x07",
            "\x1bP$qm\x1b\\",
            "\x1b(0",
            "\x1b)B",
            "\x0e",
            "\x0f",
            "\x1b[?1049h",
            "\x1b[?1049l",
            "\x1b[4h",
            "\x1b[?7l",
            "\x1b[5;9r",
            "語",
            "é",
            "xxxxxxxxxxxxxxxxxxxxx",
            "\r\n",
            "\x08",
            "\t",
            "\x00",
            "\x7f",
            "\x9b31m",
            "\ufffd",
            "\ud800",
        ]
    ),
)


def text_of(screen: Screen) -> str:
    return "\n".join(screen.lines).rstrip("\n")


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where anything is answered."""

    def answer(_: pyte.Screen, data: str) -> None:
        pytest.fail(f"the terminal answered {data!r}")

    monkeypatch.setattr(pyte.Screen, "write_process_input", answer)


@given(st.lists(SEQUENCE, max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_whatever_is_printed_makes_a_screen_of_its_size(text: str) -> None:
    screen = replay(text, columns=20, rows=6, history=10)

    assert len(screen.rows) == 6
    for row in screen.rows:
        assert sum(width(sign) for piece in row for sign in piece.text) <= 20
        assert all(first.style != second.style for first, second in pairwise(row))
    assert 0 <= screen.cursor[0] < 6
    assert 0 <= screen.cursor[1] < 20
    assert len(screen.before) <= 10
    assert not any(ord(sign) < 32 for line in screen.printed for sign in line)


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=50)))
@settings(deadline=None)
def test_lines_are_printed_as_they_are(lines: list[str]) -> None:
    screen = replay("\r\n".join(lines), columns=20, rows=6)

    assert "\n".join(screen.printed).strip("\n") == "\n".join(lines).strip("\n")


@pytest.mark.parametrize("name", ["85-console-alpha", "86-console-wrong-password"])
def test_a_recorded_console_ends_at_its_login_prompt(name: str) -> None:
    recorded = json.loads((RECORDINGS / f"{name}.json").read_text())["stdout"]

    screen = replay(recorded)

    assert screen.cursor_line == "alpha login:"
    assert screen.cursor[1] == len("alpha login: ")
    assert "Debian GNU/Linux 12 alpha hvc0" in screen.lines


def test_a_recorded_line_of_a_kernel_that_takes_two_rows_is_one_line() -> None:
    recorded = json.loads((RECORDINGS / "87-console-gamma-debian.json").read_text())["stdout"]

    printed = replay(recorded).printed

    (line,) = (line for line in printed if "Long readout interval" in line)
    assert line.endswith("cs_nsec: 1183304408 wd_nsec: 1183296540")
    assert any(line.endswith("6.1.192-2 (2026-11-16) x86_64") for line in printed)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("a\x1b[6n\x1b[c\x1b[5n\x1b[>c\x1bP$qm\x1b\\b", "ab"),
        ("\x1b]0;a title\x07seen", "seen"),
        ("\x1b]8;;http://example.org/\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("seen\x1b]52;c;c2VjcmV0", "seen"),
        ("\x1b]0;cut off\r\nKernel panic", "\nKernel panic"),
        ("a\x1b[", "a"),
        ("a\x1b[31", "a"),
        ("a\x1b", "a"),
        ("caf\ufffd", "caf"),
        ("a\x00b\x7fc", "abc"),
        ("abc\b\bX", "aXc"),
        ("abc\rX", "Xbc"),
        ("a\tb", "a       b"),
        ("\x1b[999999999Cx", " " * 79 + "x"),
        ("a\u200bb", "ab"),
        ("e\u0301te\u0301", "été"),
        ("\x1b(0lqqk\x1b(B", "┌──┐"),
        ("\x0elqk\x0f", "┌─┐"),
        ("語\bx", " x"),
        ("a\x1b[3bb", "aaaab"),
        ("one\x1bEtwo", "one\ntwo"),
        ("abc\x1b[2D\x1b[@x", "axbc"),
        ("abc\x1b[2D\x1b[P", "ac"),
        ("first\nsecond", "first\nsecond"),
        ("a\x1b[?31;5xb\x1b[?5Ac\x1b[7Jd\x1b[9Ke\x1b[?6hf", "abcdef"),
    ],
)
def test_sequences_do_what_they_do_on_a_terminal(printed: str, shown: str) -> None:
    assert text_of(replay(printed)) == shown


def test_the_alternate_screen_goes_and_what_was_before_comes_back() -> None:
    with_htop = "~ # htop\r\n\x1b[?1049h\x1b[2J\x1b[1;1HCPU 100%"

    within = replay(with_htop)
    after = replay(f"{with_htop}\x1b[?1049l~ #")

    assert text_of(within) == "CPU 100%"
    assert within.before == ("~ # htop",)
    assert text_of(after) == "~ # htop\n~ #"


@pytest.mark.parametrize("clear", ["\x1b[2J", "\x1b[H\x1b[J", "\x1bc", "\x1b[3J\x1b[H\x1b[2J"])
def test_what_was_cleared_away_is_kept(clear: str) -> None:
    screen = replay(f"Kernel panic - not syncing\r\n{clear}\x1b[HGRUB")

    assert text_of(screen) == "GRUB"
    assert screen.before == ("Kernel panic - not syncing",)


def test_what_scrolled_off_is_kept_up_to_a_limit() -> None:
    screen = replay("\r\n".join(map(str, range(100))), rows=10, history=30)

    assert screen.before == tuple(map(str, range(60, 90)))
    assert screen.lines == tuple(map(str, range(90, 100)))


def test_a_line_that_scrolled_off_by_half_is_one_line() -> None:
    screen = replay("x" * 25 + "\r\nend", columns=10, rows=3)

    assert screen.before == ("x" * 10,)
    assert screen.wrapped == {-1, 0}
    assert screen.printed == ("x" * 25, "end")


def test_a_blank_where_a_line_was_wrapped_stays_in_it() -> None:
    wrapped = "x" * 9 + " end"

    assert replay(wrapped, columns=10).printed == (wrapped,)
    assert replay(f"{wrapped}\r\n\r\n", columns=10, rows=2).printed == (wrapped,)


def test_rows_move_within_the_scrolling_region_only() -> None:
    screen = replay("1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\r\nnew", rows=4)

    assert screen.lines == ("1", "3", "new", "4")
    assert screen.before == ()


def test_a_line_feed_below_the_scrolling_region_does_not_go_up() -> None:
    assert replay("\x1b[1;2r\x1b[4;1H\nx", rows=4).cursor == (3, 1)


def test_a_row_that_is_deleted_leaves_nothing() -> None:
    assert replay("1\r\n2\x1b[2;1H\x1b[M", rows=4).lines == ("1", "", "", "")


def test_colours_come_by_name_and_by_number() -> None:
    screen = replay(
        "\x1b[1;31mred\x1b[0m \x1b[38;5;208mor\x1b[48;2;1;2;3mange\x1b[0m"
        "\x1b[38:2::255:0:0mcolons\x1b[0;93myellow\x1b[105mpink\x1b[0;7mrev  "
    )

    assert screen.rows[0] == (
        Piece("red", Style("red", bold=True)),
        Piece(" "),
        Piece("or", Style("ff8700")),
        Piece("ange", Style("ff8700", "010203")),
        Piece("colons", Style("ff0000")),
        Piece("yellow", Style("brightyellow")),
        Piece("pink", Style("brightyellow", "brightmagenta")),
        Piece("rev  ", Style(reverse=True)),
    )


@pytest.mark.parametrize("wrong", ["38;2;999;0;0", "38;5;256", "38;2;1", "48;5", ">4;2", "38:9:9"])
def test_colours_that_there_are_not_change_nothing(wrong: str) -> None:
    assert replay(f"\x1b[{wrong}mx").rows[0] == (Piece("x"),)


def test_what_is_erased_has_the_background_that_was_set_and_no_more() -> None:
    screen = replay("\x1b[44;7mab\x1b[K\r\n", columns=5)

    assert screen.rows[0] == (
        Piece("ab", Style(background="blue", reverse=True)),
        Piece("   ", Style(background="blue")),
    )


def test_a_hidden_cursor_is_not_shown() -> None:
    assert replay("x").cursor_shown
    assert not replay("x\x1b[?25l").cursor_shown


def test_only_the_end_of_ten_megabytes_is_looked_at_from_the_beginning_of_a_line_on() -> None:
    screen = replay("filler line\r\n" * 800_000 + "the end", history=1_000_000)

    assert screen.cursor_line == "the end"
    assert set(screen.before) == {"filler line"}
    assert len(screen.printed) == LAST // len("filler line\r\n")


@pytest.mark.parametrize(
    "costly",
    [
        "\x1b[2J",
        "\x1b[1J",
        "\x1bc",
        "\x1b[99999999L",
        "\x1b[99999999S",
        "\x1b[999999999@",
        "\x1b[;",
    ],
)
def test_no_sequence_costs_more_than_the_screen(costly: str) -> None:
    assert replay(costly * (LAST // len(costly)) + "\r\nend").cursor_line.endswith("end")


def test_marks_on_a_letter_are_bounded() -> None:
    assert len(text_of(replay("a" + "\u0316" * 60_000))) < 8
