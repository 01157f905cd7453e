"""Whose word a command needs before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.core.approvals import Need, digest
from bot.core.command import Command
from bot.core.grammar import Bound
from bot.core.plan import Plan
from bot.core.risk import Risk
from bot.core.text import clean
from bot.engine import guards
from bot.engine.engine import Engine
from bot.engine.glass import Broken
from bot.engine.jobs import Job
from bot.engine.run import Run
from bot.i18n import _

#: the verbs of answers, which wait for nobody's answer
ANSWERS = frozenset({"access.approve", "access.confirm"})
#: the nouns of what people say to one another about troubles: it changes what is read and who is
#: called, nothing of the site, so its class makes it wait for nobody; at 3 a.m. a note that has to
#: be confirmed is a note that nobody makes.  What the config names by its right waits as ever
TALK = ("alert.", "incident.")


@dataclass(frozen=True)
class Matter:
    """What would be done: a command with its words, the class of its plan, and what it touches."""

    command: Command
    bound: Bound
    plan: Plan
    risk: Risk

    @property
    def verb(self) -> str:
        """The right that it needs."""
        return self.command.verb(self.bound)

    @property
    def digest(self) -> str:
        secret = {param.name for param in self.command.params if param.type.secret}
        # what is secret could be guessed from a digest that everybody may see
        arguments = [each for each in self.bound.arguments if each[0] not in secret]
        return digest(self.verb, arguments, self.plan, self.risk)

    @property
    def objects(self) -> list[str]:
        """The names of everything that it is about, for the record."""
        named = {name for _kind, name in self.bound.objects}
        return sorted(named | {name for _thing, name in self.plan.touches})

    def record(self, job: Job) -> dict[str, Any]:
        """What the record says of it wherever it is spoken of."""
        return {
            "job": job.id,
            "person": job.person,
            "verb": self.verb,
            "objects": self.objects,
            "risk": self.risk.name.lower(),
            "digest": self.digest,
        }

    def planned(self, run: Run) -> dict[str, Any]:
        """The same, with each step."""
        steps = [[step.where, clean(run.hide(step.words), 2000)] for step in self.plan.steps]
        return self.record(run.job) | {"steps": steps}


def need_of(engine: Engine, job: Job, matter: Matter) -> Need:
    """Whose word *matter* needs now: less where its asker has broken the glass."""
    need = _need_of(engine, job, matter)
    return Need.CONFIRM if spared(engine, job, matter) else need


def spared(engine: Engine, job: Job, matter: Matter) -> Broken | None:
    """The broken glass that spares *job* its second person; None where there is none to spare.

    What is about rights always needs the second person.
    """
    about_rights = matter.command.needs.startswith("access.")
    if about_rights or _need_of(engine, job, matter) is not Need.SECOND:
        return None
    return engine.glass.of(job.person, engine.clock())


def _need_of(engine: Engine, job: Job, matter: Matter) -> Need:
    """Whose word *matter* needs, by its class, the config, and what the bot itself depends on."""
    command, bound = matter.command, matter.bound
    if command.needs in ANSWERS:
        return Need.NONE
    by_class = engine.approvals.by_risk.get(matter.risk, Need.NONE)
    need = max(Need.NONE if command.needs.startswith(TALK) else by_class, command.least)
    room = engine.rooms.called(job.room)
    for right, more in engine.approvals.also:
        if guards.concerns(right, command, bound, room):
            need = max(need, more)
    if guards.warnings(engine, command, bound):
        need = max(need, Need.CONFIRM)
    # it is there for when nobody else is
    return min(need, Need.CONFIRM) if command.needs == "access.break_glass" else need


def takes_reactions(engine: Engine, matter: Matter) -> bool:
    """Whether a sign on the plan of *matter* may be an answer; never where rights are given."""
    command = matter.command
    if command.least is not Need.NONE or command.needs.startswith("access."):
        return False
    return engine.approvals.takes_reactions(matter.risk)


def in_words(need: Need) -> str:
    """What *need* is, as the end of a sentence; empty where nobody's word is needed."""
    return {
        Need.NONE: "",
        Need.CONFIRM: _("its asker's confirmation"),
        Need.SECOND: _("another person's approval"),
    }[need]
