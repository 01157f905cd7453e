"""A picture of a screen."""

from __future__ import annotations

from bot.core.chat import Picture
from bot.core.screen import Screen


def draw(screen: Screen, name: str, caption: str) -> Picture:
    """*screen* as a PNG called *name*, with *caption* below it."""
    raise NotImplementedError
