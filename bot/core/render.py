"""Answers as people read them: one source, two renderings, everything foreign escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.chat import Text


@dataclass(frozen=True)
class Reply:
    """An answer: the result first, then details in a fixed font, then how to go on."""

    result: str
    details: str = ""
    hint: str = ""

    def text(self, mark: str = "") -> Text:
        """Both renderings, with *mark* (✔, ✘…) in front."""
        head = f"{mark} {self.result}" if mark else self.result
        plain = "\n".join(part for part in (head, self.details, self.hint) if part)
        return Text(plain, self._html(head))

    def _html(self, head: str) -> str:
        if self.details:
            return f"{_lines(head)}<pre><code>{html.escape(self.details)}</code></pre>" + _lines(
                self.hint
            )
        return _lines(f"{head}\n{self.hint}".strip())


def _lines(text: str) -> str:
    return "<br>".join(html.escape(line) for line in text.splitlines())


def table(rows: Sequence[Sequence[str]]) -> str:
    """*rows* in aligned columns, the first row being the headings."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


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
