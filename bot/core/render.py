"""Answers as people read them: one source, two renderings, everything foreign escaped.

Plain text is for terminals and wide screens.  HTML has to read on a phone too: nothing in it stays
wide but what needs a fixed font.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.chat import Picture, Text
from bot.core.text import clean

#: a line of plain text that is longer wraps on many a screen, at a place of its own choice
NARROW = 60


class Block(Protocol):
    """A part of an answer, rendered by itself."""

    def plain(self) -> str: ...

    def html(self) -> str: ...


@dataclass(frozen=True)
class Table:
    """Rows of cells: aligned in plain text, one short block a row in HTML.

    Give *headings* as they stand within a sentence; ``-`` is a cell in which there is nothing.
    """

    rows: Sequence[Sequence[str]]
    headings: Sequence[str] = ()

    def plain(self) -> str:
        head = [tuple(heading.upper() for heading in self.headings)] if self.headings else []
        cells = [*head, *([clean(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        )

    def html(self) -> str:
        return _list([self._block(row) for row in self.rows])

    def _block(self, row: Sequence[str]) -> str:
        headings = self.headings or [""] * len(row)
        signs: list[str] = []
        said: list[str] = []
        for heading, cell in zip(headings, map(clean, row), strict=True):
            if not said and _is_sign(cell):
                signs.append(html.escape(cell))
            elif cell not in ("", "-"):
                # a bare number says nothing without its heading; anything else speaks for itself
                said.append(html.escape(f"{heading} {cell}".strip() if cell.isdecimal() else cell))
        if said:
            said[0] = f"<b>{said[0]}</b>{':' if said[1:] else ''}"
        return " ".join([*signs, *said[:1], " · ".join(said[1:])]).strip()


@dataclass(frozen=True)
class Lines:
    """Things that are said one a line, and wrap where the screen ends."""

    lines: Sequence[str]

    def plain(self) -> str:
        return "\n".join(self.lines)

    def html(self) -> str:
        return f"<p>{_lines(self.plain())}</p>" if self.lines else ""


@dataclass(frozen=True)
class Terms:
    """Names with what they mean: in one line where that fits, else in two."""

    terms: Sequence[tuple[str, str]]

    def plain(self) -> str:
        return "\n".join(
            f"{name} — {meaning}"
            if len(name) + len(meaning) + 3 <= NARROW
            else f"{name}\n    {meaning}"
            for name, meaning in self.terms
        )

    def html(self) -> str:
        return _list(
            [f"<b>{html.escape(name)}</b> — {html.escape(meaning)}" for name, meaning in self.terms]
        )


@dataclass(frozen=True)
class Reply:
    """An answer: the result first, then its *body*, then *details*, then how to go on."""

    result: str
    #: what must stand in a fixed font: carets under a word, the words of a device
    details: str = ""
    hint: str = ""
    body: Sequence[Block] = ()
    #: the name of a file that goes with it, and what the file holds; empty for none
    file: str = ""
    attachment: str = ""
    #: pictures that follow it, each with its caption
    pictures: Sequence[tuple[Picture, str]] = ()

    def text(self, mark: str = "") -> Text:
        """Both renderings, with *mark* (✔, ✘…) in front."""
        head = f"{mark} {self.result}" if mark else self.result
        body = "\n\n".join(filter(None, (block.plain() for block in self.body)))
        plain = "\n".join(part for part in (head, body, self.details, self.hint) if part)
        return Text(plain, self._html(head))

    def _html(self, head: str) -> str:
        blocks = "".join(block.html() for block in self.body)
        if self.details:
            blocks += f"<pre><code>{html.escape(self.details)}</code></pre>"
        if blocks:
            return f"{_lines(head)}{blocks}{_lines(self.hint)}"
        return _lines(f"{head}\n{self.hint}".strip())


def _is_sign(cell: str) -> bool:
    """Whether *cell* has no words: an emoji may be made of a letter, and says that it is shown."""
    return cell.endswith("\ufe0f") or not any(sign.isalnum() for sign in cell)


def _lines(text: str) -> str:
    return "<br>".join(html.escape(line) for line in text.splitlines())


def _list(entries: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{entry}</li>' for entry in entries)}</ul>"


def duration(seconds: float) -> str:
    """*seconds* as people say it: ``0.4 s``, ``18 s``, ``2 min 05 s``, ``3 h 10 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
