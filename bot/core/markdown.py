"""Foreign text within Markdown: it stays text, whichever of its many dialects reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.core.text import clean

#: what means something within a line, in one dialect or another
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#$^{}&])")
#: what makes a list or a rule of a line that begins with it
_START = re.compile(r"^([0-9]*)([-+=.)])")
#: what readers make links and calls of by themselves
_LINKED = re.compile(r"(:(?=//)|@|(?<=\bwww)(?=\.)|(?<=mailto):|(?<=xmpp):)", re.IGNORECASE)
#: joins two characters and is not seen: no pattern of a link or of a call goes over it
_JOINER = "\u2060"


def text(foreign: str, limit: int = 2000) -> str:
    """*foreign* on one line, in which nothing is markup, a link, a call or HTML."""
    flat = _START.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", clean(foreign, limit)))
    return _LINKED.sub(rf"\1{_JOINER}", flat)


def code(foreign: str, limit: int = 300) -> str:
    """*foreign* in the font of code, as it is; without backticks, which would end it."""
    flat = clean(foreign.replace("`", "'"), limit)
    return f"`{flat}`" if flat else ""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already."""
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines]


def _cell(markdown: str) -> str:
    """A pipe within code would end the cell, though not in text, where it is escaped."""
    return re.sub(r"(?<!\\)\|", r"\\|", markdown) or "–"
