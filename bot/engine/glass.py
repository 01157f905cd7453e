"""Who goes without the second person for a time, because nobody else was there."""

from __future__ import annotations

from dataclasses import dataclass

from bot.engine import schema
from bot.engine.mirror import Lasting, Mirror
from bot.engine.store import Store

#: the key under which a job notes the number of the glass that spared it the second person
GLASS = "glass"


@dataclass(frozen=True)
class Broken(Lasting):
    """*person* broke the glass: a second person's approval is their own confirmation."""


class Glass(Mirror[Broken]):
    """Every glass that is broken."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, schema.glass, Broken)

    def of(self, person: str, now: float) -> Broken | None:
        """The glass that *person* has broken and that is so still at *now*."""
        return next((each for each in self.active(now) if each.person == person), None)
