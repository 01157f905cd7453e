"""What nobody may read of a screen: blacked out in text, and so in the picture made of it.

No I/O here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.core.screen import Screen

#: what is blacked out where the config says nothing
DEFAULTS = (
    # "password is …", "root password: …", "passwd=…"
    r"(?i)(?:password|passwd|passphrase|mot de passe)\b(?: (?:is|est))?\s*[:=]?\s+(\S+)",
)


def blacked_out(screen: Screen, patterns: Sequence[re.Pattern[str]]) -> Screen:
    """*screen* with a block in place of each sign that one of *patterns* matches."""
    return screen
