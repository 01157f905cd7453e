"""Which rule decides whether somebody may run a command; it judges words and looks nothing up."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.core.approvals import Need
from bot.core.command import Bound, Command
from bot.core.plan import Plan
from bot.core.policy import Decision, Rule
from bot.core.risk import Risk
from bot.core.text import clean, did_you_mean, words
from bot.engine import guards
from bot.engine.context import Context
from bot.engine.needs import Matter, need_of
from bot.errors import UsageError
from bot.i18n import _


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
    bound = _bound(command, arguments, start) if arguments or not _takes_words(command) else None
    engine = ctx.engine
    rights = engine.rights(person, ctx.job.room)
    decision = rights.decide(command.asked(bound)) if bound is not None else None
    if bound is None and not guards.may_use(command, rights):
        decision = rights.decide(command.asked(Bound((), {}, ())))
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
    if len(typed) > 1 and typed[0] in ctx.engine.policy.roles:
        names = {command.path[0] for command in ctx.registry}
        if typed[0] not in names:
            return typed[0], typed[1:]
    return ctx.person, typed


def _line(ctx: Context, rest: Sequence[str]) -> list[str]:
    """The words of the command, which may have been typed as one, and with the prefix."""
    line = words(rest[0]) if len(rest) == 1 else list(rest)
    return [line[0].removeprefix(ctx.prefix), *line[1:]] if line else [""]


def _unknown(ctx: Context, line: list[str], typed: Sequence[str], start: int) -> UsageError:
    """The word may have been meant for a command that the asker may use, or for a person."""
    error = ctx.registry.unknown(line, [each for each in ctx.registry if ctx.may_use(each)])
    hint = error.hint
    if start == 1 and len(typed) > 1:
        hint = did_you_mean(typed[0], ctx.engine.policy.roles) or hint
    return UsageError(str(error), hint=hint, word=start + (error.word or 0))


def _takes_words(command: Command) -> bool:
    return any(param.required for param in command.params)


def _bound(command: Command, arguments: list[str], start: int) -> Bound:
    try:
        return command.bind(arguments, _Words())
    except UsageError as error:
        word = None if error.word is None else start + error.word
        raise UsageError(str(error), hint=error.hint, word=word) from error


class _Words:
    """A `Lookup` for which each name is a name."""

    def find(self, kind: str, text: str) -> Any:
        return clean(text, 100)
