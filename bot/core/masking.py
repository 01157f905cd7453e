"""Lines with a word that nobody may read: what is shown and kept of them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.command import Command, Registry
from bot.core.text import MASK, clean, nearest, words
from bot.errors import UsageError


@dataclass(frozen=True)
class Masked:
    """A line as people may read it, and the words that they may not."""

    line: str
    secrets: tuple[str, ...] = ()


def masked(registry: Registry, line: str, prefix: str) -> Masked:
    """*line* without its secrets; doing it twice changes nothing more.

    Where nobody can tell a secret from the rest, as in a line that cannot be split or that names
    its command almost, the rest counts as one.
    """
    if not any(command.has_secrets for command in registry.commands.values()):
        return Masked(line)
    try:
        typed, whole = words(line.removeprefix(prefix)), True
    except UsageError:
        typed, whole = clean(line, len(line) + 1).removeprefix(prefix).split(), False
    hidden = _hidden(registry, typed, prefix)
    if not hidden:
        return Masked(line)
    if not whole:
        hidden = frozenset(range(min(hidden), len(typed)))
    secrets = {typed[place] for place in hidden} - {MASK}
    said = [MASK if place in hidden else word for place, word in enumerate(typed)]
    shown = " ".join(word if word == MASK else shlex.quote(word) for word in said)
    return Masked(prefix + shown, tuple(sorted(secrets)))


def _hidden(registry: Registry, typed: Sequence[str], prefix: str) -> frozenset[int]:
    """The places of the secrets in *typed*."""
    command = registry.find(typed)
    if command is not None and command.quotes:
        # the other command stands behind this one, or behind a person's name
        first = len(command.path)
        return _quoted(registry, typed, first, prefix) | _quoted(registry, typed, first + 1, prefix)
    if command is not None:
        return command.hidden(typed)
    meant = [len(each.path) for each in registry if each.has_secrets and _may_mean(typed, each)]
    return frozenset(range(min(meant), len(typed))) if meant else frozenset()


def _quoted(registry: Registry, typed: Sequence[str], start: int, prefix: str) -> frozenset[int]:
    """The places of the secrets of a command that begins at *start* within the words of another."""
    inner = list(typed[start:])
    if not inner:
        return frozenset()
    inner[0] = inner[0].removeprefix(prefix)
    return frozenset(start + place for place in _hidden(registry, inner, prefix))


def _may_mean(typed: Sequence[str], command: Command) -> bool:
    """Whether *typed* may be a line of *command*, mistyped."""
    return bool(nearest(" ".join(typed[: len(command.path)]), [command.name]))
