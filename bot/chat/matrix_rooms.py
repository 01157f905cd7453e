"""The rooms that the configuration names: their ids, whether the bot is in, whether encrypted.

Everywhere else a room goes by its name in the configuration, an alias or an id; a room that was
upgraded keeps its name and gets another id.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from bot.chat.matrix_events import encrypts, field, members, objects, successor

_log = structlog.get_logger()


class Rooms:
    """What the sync answers said about each room."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        self._ids = {name: name for name in self.names if name.startswith("!")}
        self._joined: set[str] = set()
        #: ids, and names: what replaces an encrypted room is not to be spoken to in clear either
        self._encrypted: set[str] = set()
        #: those of them that are not on disk yet
        self._fresh: set[str] = set()

    def id_of(self, name: str) -> str | None:
        """The id of the room *name*, while the bot is in it."""
        room_id = self._ids.get(name)
        return room_id if room_id in self._joined else None

    def name_of(self, room_id: str) -> str | None:
        """How the configuration names the room; None for a room that is not ours to read."""
        return next((name for name, known in self._ids.items() if known == room_id), None)

    def is_encrypted(self, room_id: str) -> bool:
        """Whether the room is or ever was encrypted."""
        return room_id in self._encrypted or self.name_of(room_id) in self._encrypted

    def restore_encrypted(self, rooms: Iterable[str]) -> None:
        """What `newly_encrypted` gave in earlier runs."""
        self._encrypted |= set(rooms)

    def newly_encrypted(self) -> set[str]:
        """Rooms of which that was learnt since the last call, to be kept on disk."""
        fresh, self._fresh = self._fresh, set()
        return fresh

    def aliases(self) -> list[str]:
        """The names that the homeserver has to translate."""
        return [name for name in self.names if not name.startswith("!")]

    def unresolved(self) -> list[str]:
        return [name for name in self.names if name not in self._ids]

    def resolve(self, alias: str, room_id: str) -> None:
        if self._ids.get(alias) != room_id:
            _log.info("matrix.room", name=alias, id=room_id)
        self._ids[alias] = room_id

    def take(self, answer: object) -> None:
        """Learn who we are with from a sync answer's sections; again is harmless."""
        for room_id, room in members(field(answer, "rooms", "join")).items():
            self._joined.add(room_id)
            events = objects(field(room, "state", "events"))
            events += objects(field(room, "timeline", "events"))
            self.take_events(room_id, events)
        for room_id in members(field(answer, "rooms", "leave")):
            if room_id in self._joined and self.name_of(room_id) is not None:
                _log.error("matrix.put_out_of_room", room=self.name_of(room_id), id=room_id)
            self._joined.discard(room_id)

    def take_events(self, room_id: str, events: Iterable[object]) -> None:
        """Learn from events of one room whether it is encrypted or was replaced."""
        for event in events:
            if encrypts(event) and room_id not in self._encrypted:
                learnt = {room_id, self.name_of(room_id) or room_id}
                self._encrypted |= learnt
                self._fresh |= learnt
                _log.info("matrix.room_is_encrypted", room=self.name_of(room_id), id=room_id)
            replacement = successor(event)
            if replacement is not None:
                _log.warning("matrix.room_was_replaced", room=self.name_of(room_id), by=replacement)
