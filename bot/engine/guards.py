"""What stands before a command: rights, the room, and what the bot itself depends on."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.command import Command
from bot.core.grammar import Bound
from bot.core.policy import Asked, Decision, Policy, Right, Rights
from bot.core.risk import Risk
from bot.core.rooms import Rooms
from bot.core.text import clean
from bot.engine.engine import Engine
from bot.errors import Denied
from bot.i18n import _


@dataclass(frozen=True)
class Names:
    """A `Lookup` for which each name is a name: for judging words without looking anything up."""

    policy: Policy

    def find(self, kind: str, text: str) -> str:
        return clean(self.policy.named(text) if kind == "person" else text, 100)


def demand_room(
    rooms: Rooms, room: str, command: Command, risk: Risk, bound: Bound | None = None
) -> None:
    """Make sure that *command* may be used in *room*; raises `Denied`, which says where it may.

    *risk*: what it would do at worst, which its plan may have raised.  *bound*: its words, once
    they are known.
    """
    if rooms.take(room, command, risk, bound):
        return
    there = ", ".join(rooms.that_take(command))
    if not there:
        raise Denied(_("{command} may not be used in any room.").format(command=command.name))
    if rooms.is_private(room):
        why = _("{command} changes something, so it may not be used in private; use it in {rooms}.")
    else:
        why = _("{command} may not be used in this room; use it in {rooms}.")
    raise Denied(why.format(command=command.name, rooms=there))


def authorize_verb(command: Command, rights: Rights) -> None:
    """Make sure that *rights* cover *command* in some way, with whatever words behind it.

    Raises `Denied`, before anything is looked up.
    """
    if not may_use(command, rights):
        raise _denied(command, command.needs, rights.decide(Asked(command.needs)))


def may_use(command: Command, rights: Rights) -> bool:
    """Whether *rights* cover *command* in some way."""
    return rights.verb(command.needs, objects=command.limitable)


def authorize(command: Command, rights: Rights, bound: Bound) -> None:
    """Make sure that *rights* cover *command* with these words; raises `Denied`."""
    asked = command.asked(bound)
    decision = rights.decide(asked)
    if decision.allowed:
        return
    if not rights.verb(asked.verb, objects=command.limitable):
        # some words need a right of their own, which may be there on no object at all
        raise _denied(command, asked.verb, decision)
    forbidden = [name for name in asked.objects if not rights.object(asked.verb, name)]
    if decision.rule is not None and not decision.rule.right.arguments:
        forbidden += decision.rule.right.met(asked)
    if name := next(iter(forbidden), ""):
        raise Denied(
            _("You may not run {command} on {name}.").format(
                command=command.name, name=clean(name, 60)
            ),
            rule=_rule(decision),
        )
    raise _denied(command, asked.verb, decision)


def _denied(command: Command, verb: str, decision: Decision) -> Denied:
    sentence = _("You may not run {command}: it needs the right {right}.")
    if verb != command.needs:
        sentence = _("You may not run {command} with these words: that needs the right {right}.")
    return Denied(sentence.format(command=command.name, right=verb), rule=_rule(decision))


def _rule(decision: Decision) -> str:
    """What the record says of a denial."""
    return str(decision.rule) if decision.rule is not None else "none"


def may(command: Command, rights: Rights, bound: Bound) -> bool:
    """Whether *rights* cover *command* with these words."""
    return rights.decide(command.asked(bound)).allowed


def concerns(right: Right, command: Command, bound: Bound, room: str) -> bool:
    """Whether *right* speaks of *command* in *room*, with any of these objects and words."""
    return right.has_room(room) and right.concerns(command.asked(bound))


def objections(engine: Engine, command: Command, bound: Bound) -> list[str]:
    """Why *command* could end the bot itself; empty where it could not.

    Nothing is looked up for it.  A Dom0 on which the bot's own DomU runs is for the commands that
    stop Dom0s, of which there is none yet.
    """
    return [why for name in _stopped(command, bound) if (why := engine.own.objection(name))]


def warnings(engine: Engine, command: Command, bound: Bound) -> list[str]:
    """How *command* could silence the bot; then its asker has to confirm it."""
    return [why for name in _stopped(command, bound) if (why := engine.own.warning(name))]


def _stopped(command: Command, bound: Bound) -> list[str]:
    """The DomUs that *command* moves or stops."""
    if command.risk < Risk.INTERRUPTS:
        return []
    return [name for kind, name in bound.objects if kind == "domu"]
