"""What a screen shows, as people are told it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.console import Notice
from bot.core.screen import Screen


def lines(notices: Sequence[Notice]) -> list[str]:
    return [f"{notice.condition.value}: {notice.evidence}" for notice in notices]


def headline(whose: str, notices: Sequence[Notice]) -> str:
    return f"{whose}: {notices[0].condition.value}"


def advice(notices: Sequence[Notice], prefix: str) -> str:
    return ""


def screen_text(screen: Screen, most: int = 4000) -> str:
    return "\n".join(screen.lines)
