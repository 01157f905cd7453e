"""Sizes as administrators write them: binary units only."""

from __future__ import annotations

import re

from bot.errors import UsageError
from bot.i18n import _

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
