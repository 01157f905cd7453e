"""Which rule decides whether somebody may run a command; it judges words and looks nothing up."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.core.approvals import Need
from bot.core.command import Command
from bot.core.grammar import Bound
from bot.core.plan import Plan
from bot.core.policy import Decision, Rights, Rule
from bot.core.risk import Risk
from bot.core.text import clean, did_you_mean, words
from bot.engine import guards
from bot.engine.context import Context
from bot.engine.needs import Matter, need_of
from bot.errors import UsageError
from bot.i18n import _

#: members that a hint names
_MOST_NAMES = 8


@dataclass(frozen=True)
class Judged:
    """What is decided of a command of *person* here."""

    person: str
    command: Command
    #: the command as it was typed
    line: str
    #: None where words are missing that it depends on
    decision: Decision | None
    #: the rules that speak of the command, whatever its words
    allow: tuple[Rule, ...]
    deny: tuple[Rule, ...]
    #: whether it may be used in this room, and the rooms in which it may
    here: bool
    rooms: tuple[str, ...]
    #: whose word it would wait for, by what is known before it is planned
    need: Need


def judge(ctx: Context, typed: Sequence[str]) -> Judged:
    """Judge ``[PERSON] COMMAND…`` in the room of *ctx*; raises `UsageError`."""
    person, rest = _person(ctx, typed)
    # the start of the command in the line: behind `why`, and perhaps a person
    start = 1 + len(typed) - len(rest)
    line = _line(ctx, rest)
    command = ctx.registry.find(line)
    if command is None:
        raise _unknown(ctx, line, typed, start)
    arguments = line[len(command.path) :]
    wordless = not arguments and _takes_words(command)
    bound = None if wordless else _bound(ctx, command, arguments, start)
    engine = ctx.engine
    rights = engine.rights(person, ctx.job.room)
    decision = _whatever(command, rights) if bound is None else rights.decide(command.asked(bound))
    matter = Matter(command, bound or Bound((), {}, ()), Plan(), command.risk)
    return Judged(
        person,
        command,
        clean(engine.shown(ctx.prefix + shlex.join(line)), 120),
        decision,
        tuple(rule for rule in rights.allow if rule.right.has_verb(command.needs)),
        tuple(rule for rule in rights.deny if rule.right.has_verb(command.needs)),
        engine.rooms.take(ctx.job.room, command, command.risk),
        tuple(engine.rooms.that_take(command)),
        need_of(engine, replace(ctx.job, person=person), matter),
    )


def _whatever(command: Command, rights: Rights) -> Decision | None:
    """What is decided of *command* whatever its words are; None where it depends on them."""
    if not guards.may_use(command, rights):
        return rights.decide(command.asked(Bound((), {}, ())))
    rule = rights.whatever(command.needs)
    return None if rule is None else Decision(True, rule)


def class_of(ctx: Context, command: Command) -> str:
    """The class of *command*, and what it waits for whatever its words are."""
    matter = Matter(command, Bound((), {}, ()), Plan(), command.risk)
    return in_words(command.risk, need_of(ctx.engine, ctx.job, matter))


def in_words(risk: Risk, need: Need) -> str:
    """A class as people are told it, and what a command of it waits for."""
    said = {
        Risk.READS: _("It reads, so it waits for nobody."),
        Risk.CHANGES: _("It changes something (class changes): {waits}."),
        Risk.INTERRUPTS: _("It can interrupt something (class interrupts): {waits}."),
        Risk.DESTROYS: _("It can destroy something (class destroys): {waits}."),
    }
    waits = {
        Need.NONE: _("it waits for nobody"),
        Need.CONFIRM: _("it waits for its asker's confirmation"),
        Need.SECOND: _("it waits for another person's approval"),
    }
    return said[risk].format(waits=waits[need])


def _person(ctx: Context, typed: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Who is meant, and the rest; a word that begins a command is no person."""
    policy = ctx.engine.policy
    if len(typed) > 1 and (person := policy.named(typed[0])) in policy.roles:
        names = {command.path[0] for command in ctx.registry}
        if typed[0] not in names:
            return person, typed[1:]
    return ctx.person, typed


def _line(ctx: Context, rest: Sequence[str]) -> list[str]:
    """The words of the command, which may have been typed as one, and with the prefix."""
    line = words(rest[0]) if len(rest) == 1 else list(rest)
    return [line[0].removeprefix(ctx.prefix), *line[1:]] if line else [""]


def _unknown(ctx: Context, line: list[str], typed: Sequence[str], start: int) -> UsageError:
    """The word may have been meant for a command that the asker may use, or for a person."""
    error = ctx.registry.unknown(line, [each for each in ctx.registry if ctx.may_use(each)])
    members = ctx.engine.policy.roles
    if start == 1 and len(typed) > 1 and ctx.registry.find(_line(ctx, typed[1:])) is not None:
        return UsageError(
            _("{word} is neither a command nor a member.").format(word=clean(typed[0], 60)),
            hint=did_you_mean(typed[0], members) or _who_there_is(members),
            word=start,
        )
    return UsageError(str(error), hint=error.hint, word=start + (error.word or 0))


def _who_there_is(members: Iterable[str]) -> str:
    names = sorted(members)
    more = ", …" if len(names) > _MOST_NAMES else ""
    return _("There are: {names}.").format(names=", ".join(names[:_MOST_NAMES]) + more)


def _takes_words(command: Command) -> bool:
    return any(param.required for param in command.params)


def _bound(ctx: Context, command: Command, arguments: list[str], start: int) -> Bound:
    try:
        return command.bind(arguments, guards.Names(ctx.engine.policy))
    except UsageError as error:
        word = None if error.word is None else start + error.word
        raise UsageError(str(error), hint=error.hint, word=word) from error
