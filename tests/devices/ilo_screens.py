"""What an iLO of each generation prints, from tests/data/ilo/, cut at its prompts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "ilo"
GENERATIONS = ("ilo2", "ilo3", "ilo4", "ilo7")
_PROMPT = re.compile(r"^((?:</[^>]*>)?hpe?iLO-> )(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Screens:
    """The pieces of one session, with the line ends of the wire."""

    banner: str
    prompt: str
    #: what comes between the echo of a line and the next prompt
    answers: dict[str, str]

    def __getitem__(self, line: str) -> str:
        return self.answers[line]


@cache
def screens(generation: str) -> Screens:
    """The session of *generation*."""
    text = (FOLDER / f"{generation}.txt").read_text().replace("\n", "\r\n")
    banner, prompt, *rest = _PROMPT.split(text.replace("\r\n", "\n"))
    lines, bodies = rest[::3], rest[1::3]
    wire = {line: body.replace("\n", "\r\n") for line, body in zip(lines, bodies, strict=True)}
    return Screens(banner.replace("\n", "\r\n"), prompt, wire)
