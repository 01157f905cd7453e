"""Reading what `!help` says."""

from __future__ import annotations

from bot.app import registry_of

NAMES = frozenset(each.name for each in registry_of(["commands"]))


def helped(plain: str) -> set[str]:
    """The commands that are listed in *plain*, alone or in the line of their group."""
    found = set()
    # what does not fit beside its name stands below it
    for line in plain.replace("\n    ", " — ").splitlines():
        name, _dash, said = line.removeprefix("!").partition(" — ")
        group = {f"{name} {word}" for word in said.split(", ")}
        found |= group if group <= NAMES else {name} & NAMES
    return found
