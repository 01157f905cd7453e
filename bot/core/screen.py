"""What a terminal shows: rows of text with their colours, and what scrolled off before.

`bot.screen` makes one of what a console printed, and a picture of it.
"""

from __future__ import annotations

from dataclasses import dataclass

#: a real console's size: xenconsoled and getty assume no other
COLUMNS, ROWS = 80, 24


@dataclass(frozen=True)
class Style:
    """How letters look; a colour is a name (``red``, ``brightred``), six hex digits, or default."""

    foreground: str = "default"
    background: str = "default"
    bold: bool = False
    italics: bool = False
    underlined: bool = False
    reverse: bool = False


@dataclass(frozen=True)
class Piece:
    """A part of a row in one style."""

    text: str
    style: Style = Style()


@dataclass(frozen=True)
class Screen:
    """What a terminal shows now."""

    #: from the top, each without the blanks at its end, unless it goes on in the next one
    rows: tuple[tuple[Piece, ...], ...]
    #: row and column, from 0
    cursor: tuple[int, int] = (0, 0)
    #: the lines that scrolled off the top, oldest first
    before: tuple[str, ...] = ()
    columns: int = COLUMNS
    #: the rows that were too long, so that they go on in the next; -1 is the last line of `before`,
    #: in which such rows are one line already
    wrapped: frozenset[int] = frozenset()
    #: whether the cursor is to be seen
    cursor_shown: bool = True

    @property
    def lines(self) -> tuple[str, ...]:
        """The rows as text."""
        return tuple("".join(piece.text for piece in row).rstrip() for row in self.rows)

    @property
    def every_row(self) -> tuple[str, ...]:
        """`before`, then the rows as text, with those blanks at their ends that were printed."""
        return (*self.before, *("".join(piece.text for piece in row) for row in self.rows))

    @property
    def empty(self) -> bool:
        """Whether nothing is to be seen, nor was before: then nothing is known."""
        return not any(self.lines) and not any(self.before)

    @property
    def cursor_line(self) -> str:
        """The row in which the cursor stands, up to its end."""
        row = self.cursor[0]
        return self.lines[row] if row < len(self.rows) else ""

    @property
    def printed(self) -> tuple[str, ...]:
        """Everything that is known to have been printed, but for empty rows at the end.

        A line that took several rows is one here.
        """
        lines = [*self.before]
        for row, pieces in enumerate(self.rows):
            line = "".join(piece.text for piece in pieces)
            if row - 1 in self.wrapped and lines:
                lines[-1] += line
            else:
                lines.append(line)
        lines = [line.rstrip() for line in lines]
        while lines and not lines[-1]:
            del lines[-1]
        return tuple(lines)
