"""Whether a right speaks of commands that there are, and of words that they have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.core.command import Command
from bot.core.right import Right
from bot.core.text import nearest
from bot.i18n import _


@dataclass(frozen=True)
class Misfit:
    """What is odd in a right, and what to write in its place."""

    what: str
    remedy: str
    #: whether the right means nothing at all so; else a later version may know what it means
    wrong: bool = False


def misfits(right: Right, commands: Iterable[Command]) -> Iterator[Misfit]:
    """Everything in *right* that none of *commands* has."""
    every = tuple(commands)
    for verb in right.verbs:
        if not any(Right((verb,)).has_verb(command.needs) for command in every):
            yield Misfit(
                _("no command needs {verb}").format(verb=verb),
                _("!help COMMAND names the right that a command needs"),
            )
    those = [command for command in every if right.has_verb(command.needs)]
    if not those:
        return
    known = {name for command in those for name in command.parameters}
    for parameter, _patterns in right.arguments:
        if parameter not in known:
            yield Misfit(
                _("no command of {verbs} has a parameter {name}").format(
                    verbs=", ".join(right.verbs), name=parameter
                ),
                _instead(parameter, known),
                wrong=True,
            )
    if right.limited and not any(command.limitable for command in those):
        yield Misfit(
            _(
                "no command of {verbs} takes an object, so that this gives and denies nothing"
            ).format(verbs=", ".join(right.verbs)),
            _("leave out what is said of objects"),
        )


def _instead(parameter: str, known: set[str]) -> str:
    words = sorted({*known, "on", "except", "in"})
    if close := nearest(parameter, words):
        return _("did you mean {key}?").format(key=close[0])
    return _("write one of: {known}").format(known=", ".join(words))
