"""The rooms that are the bot's: their ids, whether it is in, whether they were ever encrypted.

Everywhere else a room goes by its name in the configuration, an alias or an id; a room that was
replaced keeps its name and gets another id.  A private chat goes by its id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.chat.matrix_events import (
    Tombstone,
    encrypts,
    field,
    members,
    objects,
    room_id_of,
    tombstone,
)
from bot.chat.matrix_memory import Memory

_log = structlog.get_logger()


@dataclass(frozen=True)
class Replacement:
    """A room that says that another one took its place; nobody has looked at that one yet."""

    old: str
    new: str
    by: str


class Rooms:
    """What the sync answers said about each room; what must outlast the bot is in *file*."""

    def __init__(self, names: Iterable[str], file: Path | None = None) -> None:
        self.names = tuple(dict.fromkeys(names))
        self.memory = Memory.of(file)
        #: by name: the id in the configuration or, for an alias, in the homeserver's directory
        self._found = {name: name for name in self.names if name.startswith("!")}
        self._joined: set[str] = set()
        #: by name: what the room in use says of its end
        self.replaced: dict[str, Replacement] = {}

    def has(self, name: str) -> bool:
        """Whether *name* is a room of the configuration or a private chat."""
        return name in self.names or name in self.memory.private

    def id_of(self, name: str) -> str | None:
        """The id of the room *name*, while the bot is in it."""
        room_id = name if name in self.memory.private else self._current(name)
        return room_id if room_id in self._joined else None

    def name_of(self, room_id: str) -> str | None:
        """How the configuration names the room; None for a room that is not ours to read."""
        for name in self.names:
            if self._current(name) == room_id:
                return name
        return room_id if room_id in self.memory.private else None

    def is_in(self, room_id: str) -> bool:
        return room_id in self._joined

    def is_encrypted(self, room_id: str) -> bool:
        """Whether this room is, and so for ever, an encrypted one."""
        return room_id in self.memory.encrypted

    def was_encrypted(self, name: str) -> bool:
        """Whether *name* ever stood for an encrypted room: nothing may go there in clear."""
        return name in self.memory.encrypted or self._current(name) in self.memory.encrypted

    def aliases(self) -> list[str]:
        """The names that the homeserver has to translate."""
        return [name for name in self.names if not name.startswith("!")]

    def unresolved(self) -> list[str]:
        return [name for name in self.names if name not in self._found]

    def resolve(self, alias: str, room_id: str) -> None:
        if self._found.get(alias) != room_id:
            _log.info("matrix.room", name=alias, id=room_id)
        self._found[alias] = room_id
        self._remember_secrets()

    def follow(self, replacement: Replacement) -> None:
        """Let the new room stand for the old one, now and after every restart."""
        self.memory.successors[replacement.old] = replacement.new
        self._remember_secrets()

    def take(self, answer: object) -> None:
        """Learn who we are with from a sync answer's sections; again is harmless."""
        for room_id, room in members(field(answer, "rooms", "join")).items():
            if room_id_of(room_id) is None:
                continue
            self._joined.add(room_id)
            events = objects(field(room, "state", "events"))
            events += objects(field(room, "timeline", "events"))
            self.take_events(room_id, events)
            for event in events:
                self._take_tombstone(room_id, tombstone(event))
        for room_id in members(field(answer, "rooms", "leave")):
            self._joined.discard(room_id)

    def take_events(self, room_id: str, events: Iterable[object]) -> None:
        """Learn from events of one room, old or new, whether it is encrypted."""
        if any(map(encrypts, events)):
            self.note_encrypted(room_id)

    def note_encrypted(self, room_id: str) -> None:
        """From now on, and for ever, this room is an encrypted one."""
        if room_id not in self.memory.encrypted:
            self.memory.encrypted.add(room_id)
            _log.info("matrix.room_is_encrypted", room=self.name_of(room_id), id=room_id)
            self._remember_secrets()

    def _take_tombstone(self, room_id: str, stone: Tombstone | None) -> None:
        name = self.name_of(room_id)
        if stone is None or name not in self.names or stone.replacement == room_id:
            return
        replacement = Replacement(room_id, stone.replacement, stone.sender)
        if self.replaced.get(name) != replacement:
            _log.warning("matrix.room_was_replaced", room=name, by=stone.sender)
        self.replaced[name] = replacement

    def _current(self, name: str) -> str | None:
        """The last room of the row that began with the one that *name* was found to be."""
        room_id, seen = self._found.get(name), set[str]()
        while room_id in self.memory.successors and room_id not in seen:
            seen.add(room_id)
            room_id = self.memory.successors[room_id]
        return room_id

    def _remember_secrets(self) -> None:
        """Keep by name as well what was encrypted, for the day on which the room is another."""
        self.memory.encrypted |= {name for name in self.names if self.was_encrypted(name)}
