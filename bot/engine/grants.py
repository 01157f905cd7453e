"""Rights that somebody got from somebody else, for a time."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.policy import Right
from bot.core.units import moment
from bot.engine import schema
from bot.engine.mirror import Lasting, Mirror
from bot.engine.store import Store
from bot.i18n import _


@dataclass(frozen=True)
class Grant(Lasting):
    """A right that *person* has from *by*, as far as *by* has it too."""

    #: as the config writes one
    right: str
    by: str

    @property
    def parsed(self) -> Right:
        return Right.parse(self.right)

    def source(self, now: float) -> str:
        """Where the right comes from, as part of a sentence."""
        return _("grant {number} (by {by}, until {until})").format(
            number=self.id, by=self.by, until=moment(self.until, now)
        )


class Grants(Mirror[Grant]):
    """Every grant that lasts."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, schema.grants, Grant)

    def of(self, person: str, now: float) -> list[Grant]:
        """What *person* was granted and has still at *now*."""
        return [grant for grant in self.active(now) if grant.person == person]
