"""What a command would do, worked out before it does anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.core.risk import Risk
from bot.core.units import Size
from bot.i18n import _


class Verdict(Enum):
    """How a check ended; what nobody looked at is never a ✔."""

    YES = "✔"
    NO = "✘"
    #: not so yet, and a step of the plan makes it so
    LATER = "…"
    UNCHECKED = "?"


@dataclass(frozen=True)
class Line:
    """One line of the pre-flight card, with the command that showed it."""

    verdict: Verdict
    text: str
    shown_by: str = ""

    def __str__(self) -> str:
        if self.verdict is Verdict.UNCHECKED:
            return _("? {what}: not checked").format(what=self.text)
        source = f"  [{self.shown_by}]" if self.shown_by else ""
        return f"{self.verdict.value} {self.text}{source}"


@dataclass(frozen=True)
class PlannedStep:
    """One thing that would be done: where, and by which words."""

    where: str
    words: str


class Thing(Enum):
    """What a plan can be about."""

    DOMU = "domu"
    UUID = "uuid"
    HOST = "dom0"
    VOLUME = "volume"
    WWN = "wwn"
    LUN = "lun"


@dataclass(frozen=True)
class Plan:
    """The card, the steps, and what must be locked while they run."""

    lines: tuple[Line, ...] = ()
    steps: tuple[PlannedStep, ...] = ()
    keys: frozenset[str] = frozenset()
    #: memory that the job will take on a host
    memory: Mapping[str, Size] = field(default_factory=dict)
    #: what must still be true once the locks are held, one sentence each
    essence: tuple[str, ...] = ()
    #: everything that would be touched: (kind, name or id), for holds and for what is approved
    touches: frozenset[tuple[Thing, str]] = frozenset()
    #: the class of what would be done, where that is worse than the command's own
    risk: Risk | None = None
    #: persons who gain by it, none of whom may approve it
    parties: frozenset[str] = frozenset()
    #: what the command itself wants to find again when it runs
    facts: object = None

    @property
    def failures(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.verdict is Verdict.NO)

    def difference(self, later: Plan) -> list[str]:
        """What a *later* plan says otherwise, one line each; empty when the world stood still."""
        before, after = self._said(), later._said()
        gone = [f"- {text}" for text in before if text not in after]
        new = [f"+ {text}" for text in after if text not in before]
        keys = [f"± {key}" for key in sorted(self.keys ^ later.keys)]
        if self.steps != later.steps and not gone + new:
            new = [_("the order of the steps")]
        return gone + new or keys

    def _said(self) -> list[str]:
        """Everything that must not be otherwise later, one line each."""
        steps = [
            _("on {where}: {words}").format(where=step.where, words=step.words)
            for step in self.steps
        ]
        things = sorted(f"{thing.value.upper()} {name}" for thing, name in self.touches)
        return [*self.essence, *things, *steps]
