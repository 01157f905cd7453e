"""The grammar of a script: one message a line, and the few words that say how to wait.

Pure: a script is read whole and refused whole, before anything starts.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from bot.core.text import clean
from bot.demo.wishes import WORDS
from bot.errors import UsageError
from bot.i18n import _

#: who speaks where a line names nobody
SPEAKER = "nounou"
#: a script that sleeps longer than a day is a slip of the finger
LONGEST_SLEEP = 86_400.0

#: stands for the newest code in the room that no earlier line has used
CODE = "{code}"

_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True)
class Say:
    """One message of one person; the next line waits for its end where `waited`.

    With `CODE` in its text it is sent once there is a code.
    """

    line: int
    person: str
    text: str
    waited: bool = True


@dataclass(frozen=True)
class Wait:
    """Until each command so far has ended or waits for a person."""

    line: int


@dataclass(frozen=True)
class Sleep:
    """A pause."""

    line: int
    seconds: float


Step = Say | Wait | Sleep


def parse(script: str, members: Collection[str]) -> tuple[Step, ...]:
    """The steps of *script*, in which `@member` may be any of *members*.

    Raises `UsageError` that names the line, for the first line that is no good.
    """
    steps = []
    for number, raw in enumerate(script.removeprefix("\ufeff").split("\n"), 1):
        line = raw.strip()
        if line and not line.startswith("#"):
            steps.append(_step(number, line, members))
    return tuple(steps)


def _step(number: int, line: str, members: Collection[str]) -> Step:
    if line.startswith("&"):
        return _say(number, line[1:].strip(), members, waited=False)
    match line.split():
        case ["wait"]:
            return Wait(number)
        case ["wait", *_more]:
            raise _bad(number, _("`wait` stands alone on its line"))
        case ["sleep", seconds]:
            return Sleep(number, _seconds(number, seconds))
        case ["sleep", *_more]:
            raise _bad(number, _("`sleep` takes one number of seconds, like `sleep 2`"))
    return _say(number, line, members, waited=True)


def _say(number: int, line: str, members: Collection[str], *, waited: bool) -> Say:
    person, text = SPEAKER, line
    if line.startswith("@"):
        person, _space, text = line[1:].partition(" ")
        text = text.strip()
    if person not in members:
        raise _bad(
            number,
            _("nobody here is called {name}; there are {members}").format(
                name=clean(person, 40) or "''", members=", ".join(members)
            ),
        )
    if not text:
        raise _bad(number, _("there is no message to send"))
    if text.split()[0] in WORDS:
        raise _bad(
            number,
            _("{word} is a word of the prompt, and means nothing in a script").format(
                word=text.split()[0]
            ),
        )
    if text.count(CODE) > 1:
        raise _bad(number, _("{code} may stand in a line once").format(code=CODE))
    return Say(number, person, text, waited)


def _seconds(number: int, text: str) -> float:
    if _SECONDS.fullmatch(text) is None or float(text) > LONGEST_SLEEP:
        raise _bad(
            number,
            _("{text} is no number of seconds, like 2 or 0.5").format(text=clean(text, 40)),
        )
    return float(text)


def _bad(number: int, why: str) -> UsageError:
    return UsageError(_("line {number}: {why}").format(number=number, why=why))
