"""How people say for how long, and why: ``for 2h reason its disks are copied``.  No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.text import clean
from bot.core.units import span
from bot.errors import UsageError
from bot.i18n import _

#: characters of a reason that are kept
LONGEST_REASON = 200


@dataclass(frozen=True)
class Limits:
    """How long something lasts, in seconds, and what to say of any other time."""

    least: float
    most: float
    sentence: str
    hint: str = ""


def time_and_reason(words: Sequence[str], limits: Limits, how: str) -> tuple[float | None, str]:
    """For how many seconds, None where no time is said, and why.

    Raises `UsageError`; *how* says how to write it.
    """
    rest, seconds = list(words), None
    if rest[:1] == ["for"]:
        seconds = span(rest[1] if rest[1:] else "")
        rest = rest[2:]
        if not limits.least <= seconds <= limits.most:
            raise UsageError(limits.sentence, hint=limits.hint)
    if rest[:1] == ["reason"]:
        del rest[0]
    elif "reason" in rest or (rest and _is_span(rest[0])):
        # a time without its "for" would be one without end
        raise UsageError(_("It is not clear for how long, and why."), hint=how)
    return seconds, reason(rest, how)


def reason(words: Sequence[str], how: str) -> str:
    """The reason that *words* say; raises `UsageError` where they say none."""
    why = clean(" ".join(words), LONGEST_REASON)
    if not why:
        raise UsageError(_("The reason is missing."), hint=how)
    return why


def _is_span(word: str) -> bool:
    try:
        span(word)
    except UsageError:
        return False
    return True
