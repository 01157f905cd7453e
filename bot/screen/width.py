"""How many cells of a terminal a sign takes."""

from __future__ import annotations

from functools import lru_cache

from wcwidth import wcwidth


@lru_cache(maxsize=8192)
def width(sign: str) -> int:
    """Cells that *sign* takes: 2, 1, 0 where it belongs to the one before, -1 where it is none.

    *sign* may have further marks upon it, which take no room; an empty one is none.
    """
    return wcwidth(sign[0]) if sign else -1
