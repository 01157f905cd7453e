"""Pictures of screens: what is drawn where, in which colour, how big, always the same."""

from __future__ import annotations

import io
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.core.chat import Picture
from bot.core.screen import COLUMNS, ROWS, Piece, Screen, Style
from bot.errors import ConfigError
from bot.screen import colours, fonts
from bot.screen.fonts import CELL_HEIGHT, CELL_WIDTH
from bot.screen.picture import draw
from bot.screen.terminal import replay

AROUND = 12
#: rows of the smallest picture
LEAST = 8
PANIC = "\r\n".join(
    f"[{number:12.6f}] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-bl"
    for number in range(ROWS)
)


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.png)).convert("RGB")


def shown(text: str, caption: str = "") -> Image.Image:
    return opened(draw(replay(text), "shot.png", caption))


def cell(image: Image.Image, row: int, column: int) -> Image.Image:
    left, top = AROUND + column * CELL_WIDTH, AROUND + row * CELL_HEIGHT
    return image.crop((left, top, left + CELL_WIDTH, top + CELL_HEIGHT))


def tints(image: Image.Image) -> set[colours.RGB]:
    return {cast(colours.RGB, colour) for _, colour in image.getcolors(65536) or ()}


def near(found: colours.RGB, wanted: colours.RGB) -> bool:
    return all(abs(one - other) <= 4 for one, other in zip(found, wanted, strict=True))


def behind(image: Image.Image, row: int, column: int) -> colours.RGB:
    """The colour in the corner of a cell, into which no letter reaches."""
    return cast(colours.RGB, cell(image, row, column).getpixel((0, 0)))


def test_a_picture_is_as_big_as_the_screen_with_a_margin_around_it() -> None:
    picture = draw(replay(PANIC), "vm-fy.png", "")

    assert picture.name == "vm-fy.png"
    assert picture.size == (COLUMNS * CELL_WIDTH + 24, ROWS * CELL_HEIGHT + 24)
    assert opened(picture).size == picture.size


def test_empty_rows_at_the_end_are_left_out_but_not_where_the_cursor_is() -> None:
    assert draw(replay("hello"), "a.png", "").size[1] == LEAST * CELL_HEIGHT + 24
    assert draw(replay("hello\x1b[12;1H"), "a.png", "").size[1] == 12 * CELL_HEIGHT + 24
    assert draw(replay("\x1b[11;1Hx\x1b[H"), "a.png", "").size[1] == 11 * CELL_HEIGHT + 24


def test_the_caption_stands_below_the_screen_and_is_bounded() -> None:
    plain, long = (draw(replay("x"), "a.png", text) for text in ("whose\nit is", "word " * 999))

    assert plain.size[1] == LEAST * CELL_HEIGHT + 24 + CELL_HEIGHT + 24
    assert long.size[1] == LEAST * CELL_HEIGHT + 24 + 4 * CELL_HEIGHT + 24
    below = opened(plain).crop((0, LEAST * CELL_HEIGHT + 26, *plain.size))
    assert any(near(tint, colours.CAPTION) for tint in tints(below))


def test_letters_and_what_is_behind_them_have_their_colours() -> None:
    image = shown("\x1b[41m \x1b[0m\x1b[48;5;208m \x1b[48;2;1;200;3m \x1b[0;7m \x1b[0m\x1b[32m█")

    assert near(behind(image, 0, 0), (204, 0, 0))
    assert near(behind(image, 0, 1), (255, 135, 0))
    assert near(behind(image, 0, 2), (1, 200, 3))
    assert near(behind(image, 0, 3), colours.FOREGROUND)
    assert near(behind(image, 0, 4), (78, 154, 6))
    assert near(behind(image, 0, 9), colours.BACKGROUND)


def test_bold_letters_are_thicker_and_bright() -> None:
    image = shown("\x1b[31mM\x1b[1mM")
    thin, bold = cell(image, 0, 0), cell(image, 0, 1)

    assert any(near(tint, (204, 0, 0)) for tint in tints(thin))
    assert any(near(tint, (239, 41, 41)) for tint in tints(bold))
    assert sum(bold.convert("L").tobytes()) > sum(thin.convert("L").tobytes())


def test_the_cursor_is_a_block_with_the_letter_in_it() -> None:
    image = shown("ab\b")

    assert near(behind(image, 0, 1), colours.FOREGROUND)
    assert any(near(tint, colours.BACKGROUND) for tint in tints(cell(image, 0, 1)))
    assert near(behind(image, 0, 0), colours.BACKGROUND)
    assert near(behind(shown("ab\b\x1b[?25l"), 0, 1), colours.BACKGROUND)


def test_a_wide_letter_takes_two_cells_and_one_that_the_font_lacks_is_a_box() -> None:
    image = shown("語x")

    assert len(tints(cell(image, 0, 0))) > 1
    assert len(tints(cell(image, 0, 1))) > 1
    assert cell(image, 0, 2).tobytes() == cell(shown("  x"), 0, 2).tobytes()
    assert cell(image, 0, 0).tobytes() == cell(shown("本"), 0, 0).tobytes()


def test_lines_of_tables_have_no_gaps() -> None:
    image = shown("│──\r\n│")
    down = image.crop((AROUND, AROUND, AROUND + CELL_WIDTH, AROUND + 2 * CELL_HEIGHT))
    across = image.crop(
        (AROUND + CELL_WIDTH, AROUND, AROUND + 3 * CELL_WIDTH, AROUND + CELL_HEIGHT)
    )

    assert any(is_a_line(down.crop((x, 0, x + 1, down.height))) for x in range(down.width))
    assert any(is_a_line(across.crop((0, y, across.width, y + 1))) for y in range(across.height))


def is_a_line(strip: Image.Image) -> bool:
    """Whether all of *strip* is brighter than the background."""
    return all(sum(tint) > 300 for tint in tints(strip))


def test_underlined_text_has_a_line_and_marks_are_over_their_letter() -> None:
    plain, marked = shown("  x"), shown("\x1b[4m  \x1b[0mx\u0302")

    assert cell(plain, 0, 1).tobytes() != cell(marked, 0, 1).tobytes()
    assert cell(plain, 0, 2).tobytes() != cell(marked, 0, 2).tobytes()
    assert len(tints(cell(marked, 0, 5))) == 1


def test_blocks_hide_what_is_below_them_wholly() -> None:
    assert {near(tint, colours.FOREGROUND) for tint in tints(cell(shown("███"), 0, 1))} == {True}


def test_the_same_screen_makes_the_same_bytes_and_few_of_them() -> None:
    pictures = [draw(replay(PANIC), "a.png", "vm on fy, at 10:45") for _ in range(2)]

    assert pictures[0] == pictures[1]
    assert len(pictures[0].png) < 20 * 1024


def test_a_picture_says_nothing_of_who_made_it() -> None:
    png = draw(replay(PANIC), "a.png", "vm on fy").png
    kinds, at = [], 8
    while at < len(png):
        kinds.append(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4], "big")

    assert kinds == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]


def test_more_colours_than_a_palette_has_are_drawn_nearly() -> None:
    many = "".join(
        f"\x1b[48;2;{red};{green};99m " for red in range(0, 250, 10) for green in range(0, 250, 10)
    )

    image = shown(many)

    assert len(tints(image)) <= 256
    red, green, _ = behind(image, 0, 0)
    assert red < 40
    assert green < 40


@pytest.mark.parametrize(
    "screen", [Screen(()), Screen(((Piece("x", Style("nocolour", "zzzzzz")),),), (5, 99))]
)
def test_a_screen_of_another_size_is_drawn_too(screen: Screen) -> None:
    assert draw(screen, "a.png", "").size == (COLUMNS * CELL_WIDTH + 24, LEAST * CELL_HEIGHT + 24)


def test_where_the_font_is_missing_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.metadata.files", lambda _: [])
    fonts._font.cache_clear()
    fonts.letter.cache_clear()

    with pytest.raises(ConfigError, match=r"DejaVuSansMono\.ttf, is missing") as caught:
        draw(replay("x"), "a.png", "")

    assert "matplotlib" in caught.value.hint


@given(st.text(max_size=40), st.text(max_size=30))
@settings(max_examples=150, deadline=None)
def test_whatever_is_shown_can_be_drawn(text: str, caption: str) -> None:
    screen = replay(text, columns=10, rows=3)

    assert draw(screen, "a.png", caption).size[0] == 10 * CELL_WIDTH + 24
