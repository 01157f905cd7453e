"""Sizes and times as administrators write them: binary units, and hours rather than seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bot.errors import UsageError
from bot.i18n import _

_SPANS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


class Size(int):
    """A number of bytes that prints in binary units."""

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read ``40GiB``; decimal units raise `UsageError`: arrays and people disagree on them."""
        match = re.fullmatch(r"([0-9]{1,6})(KiB|MiB|GiB|TiB)", text)
        if match is None:
            raise UsageError(
                _("{text} is not a size").format(text=repr(text[:40])),
                hint=_("write it like 40GiB"),
            )
        return cls(int(match[1]) * _UNITS[match[2]])

    @classmethod
    def mib(cls, count: int) -> Size:
        """*count* MiB, the unit in which Xen speaks of memory."""
        return cls(count * _UNITS["MiB"])

    def __str__(self) -> str:
        for unit, factor in reversed(_UNITS.items()):
            if self >= factor:
                whole = int(self) / factor
                return f"{whole:.1f}".removesuffix(".0") + f" {unit}"
        return f"{int(self)} B"

    __format__ = object.__format__


def span(text: str) -> float:
    """Seconds from ``2h``, ``30m``, ``1h30m`` or ``7d``; raises `UsageError` for anything else."""
    parts = re.findall(r"([0-9]{1,6})(min|[smhd])", text)
    if not parts or "".join(map("".join, parts)) != text:
        raise UsageError(
            _("{text} is not a length of time.").format(text=repr(text[:40])),
            hint=_("Write it like 30m, 2h or 1h30m."),
        )
    return float(sum(int(count) * _SPANS[unit] for count, unit in parts))


def moment(when: float, now: float) -> str:
    """*when* (seconds since 1970) as it is said at *now*: with the day where it is another."""
    then, today = (datetime.fromtimestamp(each, UTC) for each in (when, now))
    return then.strftime("%H:%M UTC" if then.date() == today.date() else "%Y-%m-%d %H:%M UTC")
