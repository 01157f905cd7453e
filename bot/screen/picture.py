"""A picture of a screen."""

from __future__ import annotations

import io
from textwrap import wrap
from typing import cast

from PIL import Image

from bot.core.chat import Picture
from bot.core.screen import Screen, Style
from bot.core.text import clean
from bot.screen import colours
from bot.screen.fonts import CELL_HEIGHT, CELL_WIDTH, letter
from bot.screen.width import width

#: pixels around the screen
_AROUND = 12
#: rows that a picture has at least
_LEAST_ROWS = 8
#: rows of a caption; what is longer is cut
_MOST_CAPTION = 4
#: colours of a PNG that has one byte for each pixel
_MOST_COLOURS = 256


def draw(screen: Screen, name: str, caption: str) -> Picture:
    """*screen* as a PNG called *name*, with *caption* below it.

    The same screen makes the same bytes.  Takes some 50 ms.  Raises `ConfigError` where the font is
    not installed.
    """
    said = wrap(clean(caption), screen.columns, max_lines=_MOST_CAPTION, placeholder="…")
    shown = _rows(screen) * CELL_HEIGHT + 2 * _AROUND
    below = len(said) * CELL_HEIGHT + 2 * _AROUND if said else 0
    across = screen.columns * CELL_WIDTH + 2 * _AROUND
    image = Image.new("RGB", (across, shown + below), colours.BACKGROUND)
    for row, pieces in enumerate(screen.rows[: _rows(screen)]):
        column = 0
        for piece in pieces:
            column = _write(image, piece.text, piece.style, row, column)
    if screen.cursor_shown:
        _put_cursor(image, screen)
    if said:
        image.paste(colours.LINE, (0, shown, across, shown + 1))
    for row, line in enumerate(said):
        _write_in(image, line, colours.CAPTION, shown + _AROUND + row * CELL_HEIGHT)
    return Picture(name, _png(image))


def _rows(screen: Screen) -> int:
    """How many rows are drawn: those below, where nothing is, would only push the chat away."""
    used = [row + 1 for row, line in enumerate(screen.rows) if line]
    return max(_LEAST_ROWS, *used, screen.cursor[0] + 1)


def _write(image: Image.Image, text: str, style: Style, row: int, column: int) -> int:
    """Write *text* from *column* on; the column after it."""
    letters, behind = colours.of(style)
    for sign in _signs(text):
        _put(image, sign, style, row, column, letters, behind)
        column += max(1, width(sign))
    return column


def _put(
    image: Image.Image,
    sign: str,
    style: Style,
    row: int,
    column: int,
    letters: colours.RGB,
    behind: colours.RGB,
) -> None:
    """Put *sign* into its cells."""
    left, top = _AROUND + column * CELL_WIDTH, _AROUND + row * CELL_HEIGHT
    right, bottom = left + CELL_WIDTH * max(1, width(sign)), top + CELL_HEIGHT
    if behind != colours.BACKGROUND:
        image.paste(behind, (left, top, right, bottom))
    if sign != " ":
        image.paste(letters, (left, top), letter(sign, bold=style.bold, italics=style.italics))
    if style.underlined:
        image.paste(letters, (left, bottom - 2, right, bottom - 1))


def _put_cursor(image: Image.Image, screen: Screen) -> None:
    """A block over the cell in which the cursor stands."""
    row, wanted = screen.cursor
    column, under, style = 0, " ", Style()
    for piece in screen.rows[row] if row < len(screen.rows) else ():
        for sign in _signs(piece.text):
            if column <= wanted < column + max(1, width(sign)):
                under, style, wanted = sign, piece.style, column
            column += max(1, width(sign))
    letters, behind = colours.of(style)
    _put(image, under, style, row, wanted, behind, letters)


def _write_in(image: Image.Image, text: str, colour: colours.RGB, top: int) -> None:
    left = _AROUND
    for sign in _signs(text):
        image.paste(colour, (left, top), letter(sign))
        left += CELL_WIDTH * max(1, width(sign))


def _signs(text: str) -> list[str]:
    """The signs of *text*, each with the marks upon it."""
    found: list[str] = []
    for sign in text:
        if found and width(sign) == 0:
            found[-1] += sign
        else:
            found.append(sign)
    return found


def _png(image: Image.Image) -> bytes:
    """*image* as a small file, that says nothing of who made it."""
    found = image.getcolors(_MOST_COLOURS)
    if found is None:
        image = image.quantize(_MOST_COLOURS, dither=Image.Dither.NONE)
    else:
        # a palette of just these, so that each stays what it is, but for what no eye tells apart
        parts = [part for _, colour in sorted(found) for part in cast(colours.RGB, colour)]
        exact = Image.new("P", (1, 1))
        exact.putpalette(parts)
        image = image.quantize(palette=exact, dither=Image.Dither.NONE)
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    return data.getvalue()
