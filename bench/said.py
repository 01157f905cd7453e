"""What a measurement says: tables in Markdown for the page, and on the side how far it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table in Markdown below its title, on standard output."""
    lines = [headings, ["---"] * len(headings), *rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    print(f"{title}\n\n{text}\n", flush=True)


def say(sentence: str) -> None:
    """How far it is, on standard error."""
    print(f"bench: {sentence}", file=sys.stderr, flush=True)
