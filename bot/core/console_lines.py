"""A screen's rows as the lines that were printed: wrapped ones joined, and kernel messages apart.

Kernel messages are printed wherever the cursor stands, so often right behind a prompt.  No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.core.screen import Screen

#: rows that make one line at most; the kernel's own lines are shorter (LOG_LINE_MAX, 1024 bytes)
_LONGEST = 30
#: what the kernel puts before each message; with CONFIG_PRINTK_CALLER also who said it
STAMP = r"\[ *[0-9]{1,7}\.[0-9]{6}\](?:\[ *[TC][0-9]+\])?(?: |$)"
#: what is printed at any time, whatever stands there: the kernel's messages, systemd's list of
#: what it starts (systemd src/shared/status-line)
_OVER = re.compile(
    rf"{STAMP}"
    r"|\[(?:  OK  |FAILED|DEPEND| WARN | INFO |TIME|SKIP|[* ]{6})\] \S"
    r"| {9}[A-Z][a-z]+ing \S"
)


@dataclass(frozen=True)
class Line:
    """One line as it was printed, or what one printed of it."""

    text: str
    #: the rows that it takes, counted from the oldest that is known
    first: int
    last: int
    #: whether it may have been printed over what somebody else had printed
    over: bool


def printed(screen: Screen) -> tuple[Line, ...]:
    """Everything that is known to have been printed on *screen*, oldest first."""
    return tuple(
        Line(part, first, last, over)
        for text, first, last in _joined(screen)
        for part, over in _apart(text)
    )


def _joined(screen: Screen) -> Iterator[tuple[str, int, int]]:
    rows = screen.every_row
    text, first = "", 0
    for number, row in enumerate(rows):
        if number and number - first < _LONGEST and _goes_on(screen, rows, number):
            text += row
            continue
        if number:
            yield text.rstrip(), first, number - 1
        text, first = row, number
    if rows:
        yield text.rstrip(), first, len(rows) - 1


def _goes_on(screen: Screen, rows: Sequence[str], number: int) -> bool:
    """Whether row *number* is more of the line above it.

    Shells break what is typed by themselves once a row is full.
    """
    if number - 1 - len(screen.before) in screen.wrapped:
        return True
    return len(rows[number - 1]) == screen.columns and not _OVER.match(rows[number])


def _apart(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a line, and whether each may have been printed over what stood there."""
    starts = [match.start() for match in _OVER.finditer(text)]
    if not starts or text[: starts[0]].strip():
        starts = [0, *(start for start in starts if start)]
    for start, end in pairwise([*starts, len(text)]):
        yield text[start:end], _OVER.match(text, start) is not None
