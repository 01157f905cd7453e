"""What the bot says in the main room by itself, to those who should know."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from bot.core.chat import Post
from bot.core.render import Reply
from bot.core.rooms import LOCAL

if TYPE_CHECKING:
    from bot.engine.engine import Engine


def notice(engine: Engine, name: str, reply: Reply, persons: Collection[str]) -> Post:
    """*reply* for the main room, calling *persons*; said once for each *name*, ever."""
    called = [
        user
        for user, person in engine.policy.persons.items()
        if person in persons and not user.startswith(LOCAL)
    ]
    return Post(engine.rooms.main, engine.txn(name), reply.text("⚠"), mentions=tuple(called))


def everybody(engine: Engine) -> frozenset[str]:
    """Every member."""
    return frozenset(engine.policy.persons.values())
