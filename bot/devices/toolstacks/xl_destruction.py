"""What `xl destroy` says at its end, in one sentence for people; the census has the last word.

It is silent where all went well (98-destroy.json).
"""

from __future__ import annotations

import re

from bot.devices.said import first_line
from bot.i18n import _


def read(exit_code: int, stderr: str) -> str:
    """Why `xl destroy` failed; empty where it reports no failure."""
    if exit_code == 0:
        return ""
    for pattern, sentence in _causes():
        if re.search(pattern, stderr, re.MULTILINE):
            return sentence
    reason = first_line(stderr)
    if not reason:
        return _("xl ended with exit code {code} and without a word.").format(code=exit_code)
    return _("xl could not destroy it: {reason}").format(reason=reason)


def _causes() -> tuple[tuple[str, str], ...]:
    """Text and meaning."""
    return (
        # 44-destroy-unknown.json; of a number: 49-create-no-memory.json
        (
            r"is an invalid domain identifier|Non-existant domain",
            _("xl found no such domain."),
        ),
        # 45-destroy-dom0.json, 46-destroy-0.json
        (r"^Not destroying domain 0", _("xl does not destroy the Dom0 itself.")),
        # 57-not-root.json; sudo: reference
        (r"cannot init xl context|^sudo: ", _("The host does not let the bot run xl.")),
    )
