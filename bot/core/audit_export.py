"""The record for other programs: JSON Lines, and lines of RFC 5424 for a syslog server.

Either has all that an entry's hash is made of, so that a copy elsewhere can be verified by itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict

from bot.core.audit import Entry, text_of
from bot.core.audit_query import leaves
from bot.core.text import clean

#: the example of RFC 5612: the project has no enterprise number of its own
SD_ID = "nounou@32473"
#: facility 13 (log audit) × 8 + severity, RFC 5424 section 6.2.1
_NOTICE, _WARNING = 109, 108
_WARNINGS = frozenset({"denied", "denied again", "not approved"})
#: what entries are asked for most, beside the data that hold it all
_PARAMS = ("person", "sender", "job", "verb")
#: RFC 5424 section 6: what a header field may be made of, and how long it may get
_UNPRINTABLE = re.compile(r"[^!-~]")
_LONGEST_HOST, _LONGEST_MSGID = 255, 32
_TIME = re.compile(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{1,6}\+00:00"
)


def json_line(entry: Entry) -> str:
    """*entry* as one line of JSON, in ASCII, without its end."""
    return json.dumps(asdict(entry))


def syslog_line(entry: Entry, host: str) -> str:
    """*entry* as a line of RFC 5424 from the machine *host*, without its end.

    The message is the entry's data as the store has them: JSON in ASCII.
    """
    unsettled = entry.data.get("state") == "undetermined"
    priority = _WARNING if unsettled or entry.kind in _WARNINGS else _NOTICE
    time = entry.at if _TIME.fullmatch(entry.at) else "-"
    header = f"<{priority}>1 {time} {_field(host, _LONGEST_HOST)} nounou -"
    kind = _field(entry.kind, _LONGEST_MSGID)
    return f"{header} {kind} [{SD_ID}{_params(entry)}] {text_of(entry.data)}"


def _params(entry: Entry) -> str:
    """The number first: it says how far a file of such lines goes."""
    values = {
        "number": str(entry.number),
        "hash": entry.hash,
        "previous": entry.previous,
        "kind": entry.kind,
    }
    for name in _PARAMS:
        if text := ", ".join(leaves(entry.data.get(name))):
            values[name] = text
    return "".join(f' {name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(value: str) -> str:
    """*value* as RFC 5424 section 6.3.3 writes it; without what no line should hold."""
    return re.sub(r'(["\\\]])', r"\\\1", clean(value, 200))


def _field(text: str, longest: int) -> str:
    """*text* as a field of the header; ``-`` stands for nothing."""
    return _UNPRINTABLE.sub("-", text)[:longest] or "-"
