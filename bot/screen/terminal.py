"""What a terminal shows once it has printed something."""

from __future__ import annotations

from bot.core.screen import COLUMNS, ROWS, Piece, Screen

#: so many lines that scrolled off the top are kept
HISTORY = 500


def replay(
    text: str, *, columns: int = COLUMNS, rows: int = ROWS, history: int = HISTORY
) -> Screen:
    """The screen of a terminal on which *text* was printed; nothing in *text* is ever answered."""
    return Screen(tuple((Piece(line),) for line in text.splitlines()[-rows:]), columns=columns)
