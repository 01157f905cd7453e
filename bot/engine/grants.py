"""Rights that somebody got from somebody else, for a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.core.policy import Right, Rights
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

    def allows(self, verb: str) -> bool:
        """Whether it speaks of *verb* at all."""
        return Rights((self.parsed,)).verb(verb)

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


def is_within(right: Right, rights: Rights) -> bool:
    """Whether all that *right* covers is covered by *rights*; in doubt it is not."""
    if any(_meet(right.verb, no.verb) and _meet(right.object, no.object) for no in rights.deny):
        return False
    return any(
        _holds(yes.verb, right.verb) and _holds(yes.object, right.object) for yes in rights.allow
    )


def overlaps(right: Right, verbs: str) -> bool:
    """Whether *right* may cover something of *verbs*, a pattern."""
    return _meet(right.verb, verbs)


def _holds(wider: str, narrower: str) -> bool:
    return wider in ("*", narrower) or (
        not set("?[") & set(wider + narrower) and fnmatchcase(narrower, wider)
    )


def _meet(one: str, other: str) -> bool:
    """Whether two patterns may speak of one thing: their fixed ends agree as far as both go."""
    heads = [re.split(r"[*?[]", each)[0] for each in (one, other)]
    tails = [re.split(r"[]*?]", each)[-1] for each in (one, other)]
    if not any(set("*?[") & set(each) for each in (one, other)):
        return one == other
    return (heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])) and (
        tails[0].endswith(tails[1]) or tails[1].endswith(tails[0])
    )
