"""The cells of a terminal, by pyte, where what pyte gets wrong is mended."""

from __future__ import annotations

import re
import unicodedata
from collections import deque

import pyte
from pyte import graphics, modes
from pyte.screens import Char, Margins, StaticDefaultDict

from bot.core.screen import Piece, Style
from bot.screen.width import width

#: marks that one letter may carry; more are a joke, or an attack
_MOST_MARKS = 4
#: signs of a line that was wrapped; what is longer is cut in two
_LONGEST_LINE = 2000
#: the cell of a row, never shown, which says that the row goes on in the next one
_END, _GOES_ON = -1, Char("\n")
#: the eight colours in pyte's words, one of them misspelt, and in everybody else's
_COLOURS = {
    name: name.replace("brown", "yellow").replace("bfight", "bright")
    for table in (graphics.FG_ANSI, graphics.FG_AIXTERM, graphics.BG_AIXTERM)
    for name in table.values()
}
_SHADE = re.compile("[0-9a-f]{6}")
#: choose between a letter's looks, and are none themselves
_SELECTORS = range(0xFE00, 0xFE10)


class Grid(pyte.Screen):
    """A screen that keeps as text what scrolls off its top, or is cleared away."""

    def __init__(self, columns: int, lines: int, history: int) -> None:
        self.before: deque[str] = deque(maxlen=history)
        #: whether the last line of `before` goes on in the first row
        self.goes_on = False
        #: the last sign that was drawn
        self.last = " "
        super().__init__(columns, lines)

    def draw(self, data: str) -> None:
        """Show *data*; pyte drops all that comes after a sign that it cannot show."""
        for sign in data.translate(self.g1_charset if self.charset else self.g0_charset):
            cells = width(sign)
            if cells > 0:
                self._draw(sign, cells)
            elif unicodedata.category(sign)[0] == "M" and ord(sign) not in _SELECTORS:
                self._combine(sign)

    def _draw(self, sign: str, cells: int) -> None:
        if self.cursor.x + cells > self.columns:
            if modes.DECAWM in self.mode:
                self.buffer[self.cursor.y][_END] = _GOES_ON
                self.carriage_return()
                self.index()
            else:
                self.cursor.x = self.columns - cells
        if modes.IRM in self.mode:
            self.insert_characters(cells)
        line = self.buffer[self.cursor.y]
        style = self.cursor.attrs[1:]
        line[self.cursor.x] = Char(sign, *style)
        if cells == 2:
            line[self.cursor.x + 1] = Char("", *style)
        self.cursor.x += cells
        self.last = sign

    def _combine(self, mark: str) -> None:
        """Put *mark* on the letter before the cursor."""
        line, at = self.buffer[self.cursor.y], self.cursor.x - 1
        if at > 0 and line[at].data == "":
            at -= 1
        if at >= 0 and 0 < len(line[at].data) <= _MOST_MARKS:
            whole = unicodedata.normalize("NFC", line[at].data + mark)
            line[at] = line[at]._replace(data=whole)

    def repeat(self, count: int | None = None) -> None:
        """Draw the last sign *count* times again, at most until the end of the row."""
        self.draw(self.last * min(count or 1, self.columns - self.cursor.x))

    def index(self) -> None:
        """Go down one row; at the end of the scrolling region, scroll."""
        if self.cursor.y == self._region().bottom:
            self.scroll_up()
        else:
            self.cursor_down()

    def scroll_up(self, count: int | None = None) -> None:
        """Move what is in the scrolling region up."""
        top, bottom = self._region()
        count = min(count or 1, bottom - top + 1)
        if top == 0:
            for row in range(count):
                self._keep(row)
        for row in range(top, bottom + 1):
            self._move(row + count, row, bottom)

    def scroll_down(self, count: int | None = None) -> None:
        """Move what is in the scrolling region down."""
        top, bottom = self._region()
        for row in range(bottom, top - 1, -1):
            self._move(row - (count or 1), row, bottom, top)

    def next_line(self) -> None:
        """Go to the beginning of the next row."""
        self.carriage_return()
        self.index()

    def cursor_down(self, count: int | None = None) -> None:
        """Go down; below the scrolling region pyte would go up instead."""
        _, bottom = self._region()
        lowest = bottom if self.cursor.y <= bottom else self.lines - 1
        self.cursor.y = min(self.cursor.y + (count or 1), lowest)

    def cursor_up(self, count: int | None = None) -> None:
        """Go up; above the scrolling region pyte would go down instead."""
        top, _ = self._region()
        highest = top if self.cursor.y >= top else 0
        self.cursor.y = max(self.cursor.y - (count or 1), highest)

    def insert_lines(self, count: int | None = None) -> None:
        """Move the cursor's row and those below down, in the scrolling region."""
        top, bottom = self._region()
        if top <= self.cursor.y <= bottom:
            for row in range(bottom, self.cursor.y - 1, -1):
                self._move(row - (count or 1), row, bottom, self.cursor.y)
            self.carriage_return()

    def delete_lines(self, count: int | None = None) -> None:
        """Move what is below up; pyte keeps a row into whose place an untouched one moves."""
        top, bottom = self._region()
        if top <= self.cursor.y <= bottom:
            for row in range(self.cursor.y, bottom + 1):
                self._move(row + (count or 1), row, bottom)
            self.carriage_return()

    def _move(self, source: int, row: int, bottom: int, top: int = 0) -> None:
        """Put the row *source* where *row* is; a blank one where it is outside of the region."""
        if top <= source <= bottom and source in self.buffer:
            self.buffer[row] = self.buffer.pop(source)
        else:
            self.buffer.pop(row, None)

    def set_margins(self, top: int | None = None, bottom: int | None = None) -> None:
        """Bound the scrolling region; what is 0 is the screen's own bound."""
        if not top and not bottom:
            self.margins = None
            self.cursor_position()
        else:
            super().set_margins(top or 1, bottom or self.lines)

    def erase_in_display(self, how: int = 0, *_: object, **__: object) -> None:
        """Erase; where that is all of the screen it is kept, as what scrolled off is.

        A boot loader clears what a kernel said last.
        """
        if how == 2 or (how == 0 and (self.cursor.x, self.cursor.y) == (0, 0)):
            self.keep_all()
        row = self.cursor.y
        erased = {0: range(row + 1, self.lines), 1: range(row), 2: range(self.lines)}.get(how, ())
        for each in erased:
            self._erase_row(each)
        if how in (0, 1):
            self.erase_in_line(how)

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        """Erase in the cursor's row; it goes on in no other then."""
        row, column = self.cursor.y, self.cursor.x
        if how == 2 or (how == 0 and column == 0):
            self._erase_row(row)
        elif how in (0, 1):
            line = self.buffer[row]
            line.pop(_END, None)
            for each in range(column, self.columns) if how == 0 else range(column + 1):
                line[each] = self._erased

    @property
    def _erased(self) -> Char:
        """A cell in which nothing is any more: of a style, only the background stays."""
        return self.default_char._replace(bg=self.cursor.attrs.bg)

    def _erase_row(self, row: int) -> None:
        # at no cost for each cell, however often somebody does it
        if self.cursor.attrs.bg == "default":
            self.buffer.pop(row, None)
        else:
            self.buffer[row] = StaticDefaultDict(self._erased)

    def soft_reset(self) -> None:
        """Forget the modes, but nothing that is shown (DECSTR)."""
        self.margins = None
        self.mode = {modes.DECAWM, modes.DECTCEM}
        self.cursor.hidden = False
        self.select_graphic_rendition(0)

    def reset(self) -> None:
        """Begin anew, with an empty screen."""
        self.keep_all()
        super().reset()

    def goes_on_in(self, row: int) -> bool:
        """Whether *row* goes on in the next one, since it was too long."""
        return row in self.buffer and self.buffer[row].get(_END) == _GOES_ON

    def pieces(self, row: int) -> tuple[Piece, ...]:
        """The cells of *row* in their styles, without the plain blanks at its end."""
        found: list[Piece] = []
        for sign, style in self._cells(row):
            if found and found[-1].style == style:
                found[-1] = Piece(found[-1].text + sign, style)
            else:
                found.append(Piece(sign, style))
        while found and _is_plain(found[-1].style) and not self.goes_on_in(row):
            last = found.pop()
            if text := last.text.rstrip(" "):
                found.append(Piece(text, last.style))
                break
        return tuple(found)

    def _cells(self, row: int) -> list[tuple[str, Style]]:
        """What stands in *row*; half of a wide letter, which is a blank, is all that may be left.

        So a row never takes more cells than there are.
        """
        line = self.buffer[row]
        found: list[tuple[str, Style]] = []
        column = 0
        while column < self.columns:
            char = line[column]
            whole = width(char.data) == 2 and line[column + 1].data == ""
            shown = char.data if whole or width(char.data) == 1 else " "
            found.append((shown, _style(char)))
            column += 2 if whole else 1
        return found

    def _text(self, row: int) -> str:
        """As `_cells`, for what is to be kept: quicker, since there may be thousands of rows."""
        if not (line := self.buffer.get(row)):
            return ""
        text = "".join([line[column].data for column in range(self.columns)])
        return text if _END in line else text.rstrip()

    def _keep(self, row: int) -> None:
        """Put *row* among what was shown before."""
        text = self._text(row)
        if self.goes_on and self.before and len(self.before[-1]) < _LONGEST_LINE:
            self.before[-1] += text
        else:
            self.before.append(text)
        self.goes_on = self.goes_on_in(row)

    def keep_all(self) -> None:
        """Put all that is shown among what was shown before, up to the last row with a sign."""
        texts = [self._text(row) for row in range(self.lines)]
        while texts and not texts[-1]:
            del texts[-1]
        for row in range(len(texts)):
            self._keep(row)
        self.goes_on = False

    def _region(self) -> Margins:
        return self.margins or Margins(0, self.lines - 1)


def _is_plain(style: Style) -> bool:
    """Whether a blank in *style* cannot be seen."""
    return style.background == "default" and not (style.reverse or style.underlined)


_PLAIN, _PLAIN_CHAR = Style(), Char(" ")[1:]


def _style(char: Char) -> Style:
    if char[1:] == _PLAIN_CHAR:
        return _PLAIN
    return Style(
        foreground=_colour(char.fg),
        background=_colour(char.bg),
        bold=char.bold,
        italics=char.italics,
        underlined=char.underscore,
        reverse=char.reverse,
    )


def _colour(name: str) -> str:
    """A name, or six hex digits; a guest may also ask for the 999th shade of red."""
    return _COLOURS.get(name) or (name if _SHADE.fullmatch(name) else "default")
