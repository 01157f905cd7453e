"""Which commands may be used in which room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from bot.core.command import Command
from bot.core.grammar import Bound
from bot.core.risk import Risk

#: how the ids of persons on the bot's own host begin, which are the names of their rooms as well
LOCAL = "local:"


@dataclass(frozen=True)
class Rooms:
    """The rooms of the config; one that is not among them is a private chat with a member."""

    main: str
    audit: str = ""
    #: patterns of the verbs that a room takes; a room without an entry takes all
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Each room of the config once, the main room first."""
        return tuple(dict.fromkeys(filter(None, (self.main, self.audit, *self.commands))))

    def is_private(self, room: str) -> bool:
        return self.called(room) not in self.names

    def take(
        self, room: str, command: Command, risk: Risk = Risk.READS, bound: Bound | None = None
    ) -> bool:
        """Whether *command* may be used in *room*: in a private chat only what reads.

        *risk*: what it would do at worst, where its plan has raised that.  *bound*: its words,
        where they are known; some of them may need another right.
        """
        if self.is_private(room):
            return max(command.risk, risk) is Risk.READS
        patterns = self.commands.get(self.called(room), ("*",))
        verb = command.needs if bound is None else command.verb(bound)
        return any(fnmatchcase(verb, pattern) for pattern in patterns)

    def that_take(self, command: Command) -> list[str]:
        """The rooms of the config in which *command* may be used."""
        return [room for room in self.names if self.take(room, command)]

    def called(self, room: str) -> str:
        """The local chat is the main room, for when that one cannot be reached."""
        return self.main if room.startswith(LOCAL) else room
