"""What a person at the prompt may ask of the site: a line becomes a request.  Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bot.demo.completion import FAULTS, SCENES, WHETHER
from bot.errors import UsageError
from bot.i18n import _

#: the words that are such a line's first
WORDS = ("/clock", "/console", "/fault", "/link")


def request(line: Sequence[str]) -> dict[str, Any]:
    """What the words of *line* ask of the site; raises `UsageError` that says how to write it."""
    match line:
        case ["/fault", "clear"]:
            return {"do": "clear"}
        case ["/fault", name, *where] if len(where) <= 2:
            host, part = [*where, "", ""][:2]
            return {"do": "fault", "name": name, "where": host, "match": part}
        case ["/console", guest, scene]:
            return {"do": "console", "where": guest, "scene": scene}
        case ["/clock", where, "service", whether] if whether in WHETHER:
            return {"do": "clock", "where": where, "service": whether}
        case ["/clock", where, "server", whether] if whether in WHETHER:
            answers = whether == "alive"
            return {"do": "clock", "where": where, "server": {"answers": answers}}
        case ["/clock", where, ("clocksource" | "independent") as what, word]:
            return {"do": "clock", "where": where, what: word}
        case ["/clock", where, "stray", number, times] if times.isdecimal():
            stray = _number(line[0], number)
            return {"do": "clock", "where": where, "stray": stray, "times": int(times)}
        case ["/clock", where, ("step" | "drift" | "stray" | "moved") as what, number]:
            return {"do": "clock", "where": where, what: _number(line[0], number)}
        case ["/link", where, *numbers] if 1 <= len(numbers) <= 3:
            given = [_number(line[0], number) for number in numbers]
            names = ("delay", "jitter", "there")
            return {"do": "link", "where": where, **dict(zip(names, given, strict=False))}
    raise UsageError(_usage(line[0]))


def _number(word: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(_usage(word))
    return number


def _usage(word: str) -> str:
    return {
        "/fault": _("write: /fault NAME [HOST [PART-OF-A-COMMAND]]; the faults are {names}").format(
            names=", ".join(FAULTS)
        ),
        "/console": _("write: /console GUEST SCENE; the scenes are {names}").format(
            names=", ".join(SCENES)
        ),
        "/clock": _(
            "write: /clock NAME step SECONDS, drift PPM, stray SECONDS [TIMES], moved SECONDS, "
            "service dead, server dead, independent no or clocksource WORD"
        ),
        "/link": _("write: /link NAME DELAY [JITTER [PART-ON-THE-WAY-THERE]], times in seconds"),
    }[word]
