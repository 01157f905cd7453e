"""The words after an `xl` sub-command: options, in any place, and the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from bot.lab.command import Command
from bot.lab.domains import Domain

#: a sub-command: it gets its own name and the words after it
SubCommand = Callable[[Command, tuple[str, ...]], Awaitable[int]]


class BadOption(Exception):
    """An option that the sub-command does not take; a long one has a zero byte for a letter."""

    def __init__(self, letter: str) -> None:
        super().__init__(letter)
        self.letter = letter


class TooFewWords(Exception):
    """A sub-command without the words that it needs; the text is what `xl` says."""


@dataclass
class Words:
    """What stood after the sub-command."""

    options: dict[str, str] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        return any(name in self.options for name in names)


def read_words(
    words: tuple[str, ...], letters: str, *, long: Collection[str] = (), least: int = 0
) -> Words:
    """Read the sub-command and its words like getopt_long: a letter with a colon takes a value."""
    name, queue = words[0], list(words[1:])
    read = Words()
    while queue:
        word = queue.pop(0)
        if word.startswith("--"):
            if word[2:] not in long:
                raise BadOption("\0")
            read.options[word[2:]] = ""
        elif word.startswith("-") and len(word) > 1:
            _read_letters(word[1:], letters, queue, read)
        else:
            read.rest.append(word)
    if len(read.rest) < least:
        # xen tools/xl/xl_utils.c, not recorded; the usage that follows is left out
        plural = "s" if least > 1 else ""
        raise TooFewWords(f"'xl {name}' requires at least {least} argument{plural}.\n\n")
    return read


def _read_letters(cluster: str, letters: str, queue: list[str], read: Words) -> None:
    for place, letter in enumerate(cluster):
        if letter == ":" or letter not in letters:
            raise BadOption(letter)
        if letters[letters.index(letter) + 1 : letters.index(letter) + 2] == ":":
            read.options[letter] = cluster[place + 1 :] or (queue.pop(0) if queue else "")
            return
        read.options[letter] = ""


def find_domain(command: Command, name: str) -> Domain | None:
    """The domain that *name* names; says so where there is none (40, 43, 44, 58, 70)."""
    domain = command.dom0.find(name)
    if domain is None:
        command.err(f"{name} is an invalid domain identifier (rc=-6)\n")
    return domain
