"""What a terminal shows once it has printed something.

What was printed is cut into sequences here, rather than by pyte's own parser: that one raises on
what it does not expect, and takes for colours what asks about the keyboard.  Only what is listed
below does anything, and nothing is ever answered.  (ECMA-48; xterm's ctlseqs; console_codes(4).)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.core.screen import COLUMNS, ROWS, Screen
from bot.screen.grid import Grid

#: so many lines that scrolled off the top are kept
HISTORY = 500
#: signs at the end of a text that are looked at
LAST = 64 * 1024
#: no terminal has more of anything
_MOST = 9999

_SEQUENCES = re.compile(
    r"""
    (?P<text> [^\x00-\x1f\x7f\x80-\x9f]+ )
    # a title, a link, the clipboard, a picture: until its end, or until it is given up.  The end
    # of a line is one as well, so that no such beginning hides what a kernel says next
    | (?: \x1b[\]PX^_] | [\x90\x98\x9d-\x9f] )
        [^\x07\x18\x1a\x1b\x9c\r\n]* (?: \x07 | \x9c | \x1b\\ )?
    | (?: \x1b\[ | \x9b ) (?P<private>[<=>?]?) (?P<numbers>[0-9:;<=>?]*)
        (?P<between>[\x20-\x2f]*) (?P<verb>[\x40-\x7e]?)
    | \x1b (?P<set>[\x20-\x2f]+) (?P<which>[\x30-\x7e]?)
    | \x1b (?P<escape>[\x30-\x7e]?)
    | (?P<control>[\x00-\x1f\x7f-\x9f])
    """,
    re.VERBOSE,
)

#: by their modes: what keeps the screen of before (xterm's 47, 1047, 1049)
_ALTERNATE = {47, 1047, 1049}
#: modes that change what is shown: to insert, a line feed with a carriage return; to wrap, a cursor
_MODES, _PRIVATE_MODES = {4, 20}, {7, 25}


def replay(
    text: str, *, columns: int = COLUMNS, rows: int = ROWS, history: int = HISTORY
) -> Screen:
    """The screen of a terminal on which *text* was printed; nothing in *text* is ever answered.

    Only the last 64 KiB are looked at.  Raises nothing, whatever *text* is.
    """
    terminal = _Terminal(columns, rows, history)
    terminal.feed(_end_of(text))
    return terminal.screen()


def _end_of(text: str) -> str:
    """The end of *text*, from the beginning of a line on, without half a letter at its end."""
    if len(text) > LAST:
        text = text[-LAST:]
        text = text[text.find("\n") + 1 :]
    return text.rstrip("\ufffd")


class _Terminal:
    def __init__(self, columns: int, rows: int, history: int) -> None:
        self._main = Grid(columns, rows, history)
        self._other: Grid | None = None

    def feed(self, text: str) -> None:
        """Print *text*."""
        if "\r" not in text:
            # somebody has made lines of it; a terminal would show them as a staircase
            text = text.replace("\n", "\r\n")
        for found in _SEQUENCES.finditer(text):
            grid = self._other or self._main
            if found["text"]:
                grid.draw(found["text"])
            elif found["control"]:
                _CONTROLS.get(found["control"], _nothing)(grid)
            elif found["verb"]:
                self._command(grid, found)
            elif found["set"]:
                _charset(grid, found["set"], found["which"])
            elif found["escape"] == "c":
                self._main.reset()
                self._other = None
            elif found["escape"]:
                _ESCAPES.get(found["escape"], _nothing)(grid)

    def screen(self) -> Screen:
        """What is shown now."""
        grid = self._other or self._main
        if self._other is not None:
            self._main.keep_all()
        before = self._main.before
        rows = range(grid.lines)
        return Screen(
            rows=tuple(map(grid.pieces, rows)),
            cursor=(grid.cursor.y, min(grid.cursor.x, grid.columns - 1)),
            before=tuple(before),
            columns=grid.columns,
            wrapped=frozenset(filter(grid.goes_on_in, rows))
            | ({-1} if self._main.goes_on and before else frozenset()),
            cursor_shown=not grid.cursor.hidden,
        )

    def _command(self, grid: Grid, found: re.Match[str]) -> None:
        """Do what a control sequence says, if it is among those that are known."""
        verb, private, between = found["verb"], found["private"], found["between"]
        if between:
            if (between, verb) == ("!", "p"):
                grid.soft_reset()
        elif verb == "m" and not private:
            grid.select_graphic_rendition(*_looks(found["numbers"]))
        else:
            numbers = _numbers(found["numbers"])
            if verb in "hl":
                self._switch(grid, numbers, private, on=verb == "h")
            elif not private and verb in _COMMANDS:
                _COMMANDS[verb](grid, numbers[0] if numbers else 0)
            elif not private and verb in _PLACES:
                first, second = (*numbers, 0, 0)[:2]
                _PLACES[verb](grid, first, second)

    def _switch(self, grid: Grid, numbers: list[int], private: str, *, on: bool) -> None:
        known = {"": _MODES, "?": _PRIVATE_MODES}.get(private, set())
        modes = [number for number in numbers if number in known]
        if modes and on:
            grid.set_mode(*modes, private=private == "?")
        elif modes:
            grid.reset_mode(*modes, private=private == "?")
        if private == "?" and _ALTERNATE.intersection(numbers):
            if not on:
                self._other = None
            elif self._other is None:
                self._other = Grid(grid.columns, grid.lines, 0)


def _numbers(text: str) -> list[int]:
    """The numbers of a sequence, none more than a terminal could need."""
    return [_number(part) for part in text.split(";")[:32]] if text else []


def _number(digits: str) -> int:
    # what has thousands of digits costs more than it may
    digits = digits.lstrip("0")[:5]
    return min(int(digits), _MOST) if digits.isdigit() else 0


def _looks(text: str) -> list[int]:
    """The numbers that say how letters look; of one with parts, what its parts say (ISO 8613-6)."""
    looks: list[int] = []
    for part in text.split(";")[:64]:
        number, *parts = map(_number, part.split(":")[:8])
        if not parts:
            looks.append(number)
        elif number == 4:
            looks.append(4 if parts[0] else 24)
        elif number in (38, 48) and parts[0] == 5:
            looks += [number, 5, parts[-1]]
        elif number in (38, 48) and parts[0] == 2 and len(parts) > 3:
            looks += [number, 2, *parts[-3:]]
    return looks


def _charset(grid: Grid, place: str, which: str) -> None:
    """Take the signs for lines where letters were (``ESC ( 0``), or letters again."""
    if place in "()" and which:
        grid.define_charset("0" if which == "0" else "B", place)


def _nothing(grid: Grid) -> None:
    pass


def _erase(grid: Grid, how: int) -> None:
    if how == 3:
        return  # what scrolled off is kept: it is why somebody looks
    if how in (0, 1, 2):
        grid.erase_in_display(how)


def _erase_line(grid: Grid, how: int) -> None:
    if how in (0, 1, 2):
        grid.erase_in_line(how)


def _clear_tabs(grid: Grid, how: int) -> None:
    grid.clear_tab_stop(how)


_CONTROLS: dict[str, Callable[[Grid], None]] = {
    "\b": Grid.backspace,
    "\t": Grid.tab,
    "\n": Grid.linefeed,
    "\v": Grid.linefeed,
    "\f": Grid.linefeed,
    "\r": Grid.carriage_return,
    "\x0e": Grid.shift_out,
    "\x0f": Grid.shift_in,
    "\x84": Grid.index,
    "\x85": Grid.next_line,
    "\x8d": Grid.reverse_index,
}
_ESCAPES: dict[str, Callable[[Grid], None]] = {
    "7": Grid.save_cursor,
    "8": Grid.restore_cursor,
    "D": Grid.index,
    "E": Grid.next_line,
    "H": Grid.set_tab_stop,
    "M": Grid.reverse_index,
}
#: what takes one number
_COMMANDS: dict[str, Callable[[Grid, int], None]] = {
    "@": Grid.insert_characters,
    "A": Grid.cursor_up,
    "B": Grid.cursor_down,
    "C": Grid.cursor_forward,
    "D": Grid.cursor_back,
    "E": Grid.cursor_down1,
    "F": Grid.cursor_up1,
    "G": Grid.cursor_to_column,
    "J": _erase,
    "K": _erase_line,
    "L": Grid.insert_lines,
    "M": Grid.delete_lines,
    "P": Grid.delete_characters,
    "S": Grid.scroll_up,
    "T": Grid.scroll_down,
    "X": Grid.erase_characters,
    "`": Grid.cursor_to_column,
    "a": Grid.cursor_forward,
    "b": Grid.repeat,
    "d": Grid.cursor_to_line,
    "e": Grid.cursor_down,
    "g": _clear_tabs,
    "s": lambda grid, _: grid.save_cursor(),
    "u": lambda grid, _: grid.restore_cursor(),
}
#: what takes two
_PLACES: dict[str, Callable[[Grid, int, int], None]] = {
    "H": Grid.cursor_position,
    "f": Grid.cursor_position,
    "r": Grid.set_margins,
}
