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
        if not any(Right((verb,)).has_verb(each) for command in every for each in command.verbs):
            yield Misfit(
                _("no command needs {verb}").format(verb=verb),
                _("!help COMMAND names the right that a command needs"),
            )
    those = [command for command in every if any(map(right.has_verb, command.verbs))]
    if not those:
        return
    yield from _strange_words(right, those)
    for name in (*right.objects, *right.excepted):
        if ":" in name:
            yield Misfit(
                _("no object is called {name}: a name has no colon").format(name=name),
                _("write the name without its kind"),
                wrong=True,
            )
    if right.limited and not any(command.limitable for command in those):
        yield Misfit(
            _(
                "no command of {verbs} takes an object, so that this gives and denies nothing"
            ).format(verbs=", ".join(right.verbs)),
            _("leave out what is said of objects"),
        )


def _strange_words(right: Right, those: list[Command]) -> Iterator[Misfit]:
    """Parameters and words of *right* that none of *those* commands has."""
    known = {name for command in those for name in command.parameters}
    verbs = ", ".join(right.verbs)
    for parameter, patterns in right.arguments:
        if parameter not in known:
            what = _("no command of {verbs} has a parameter {name}")
            yield Misfit(
                what.format(verbs=verbs, name=parameter), _instead(parameter, known), wrong=True
            )
            continue
        for pattern in patterns:
            if not any(command.fits(parameter, pattern) for command in those):
                what = _("no command of {verbs} takes {word} as {name}")
                yield Misfit(
                    what.format(verbs=verbs, word=pattern, name=parameter),
                    _("write it as on or off, true or false, a plain number, or a plain name"),
                    wrong=True,
                )


def _instead(parameter: str, known: set[str]) -> str:
    words = sorted({*known, "on", "except", "in"})
    if close := nearest(parameter, words):
        return _("did you mean {key}?").format(key=close[0])
    return _("write one of: {known}").format(known=", ".join(words))
