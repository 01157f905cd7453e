"""What is new in the rooms of the configuration, whole and in order, by a homeserver's /sync."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

import structlog

from bot.chat.matrix_crypto import Crypto
from bot.chat.matrix_doors import Doors
from bot.chat.matrix_events import field, is_join_of, may_count, members, message_of, objects
from bot.chat.matrix_login import Account
from bot.chat.matrix_rooms import Rooms
from bot.chat.matrix_wire import Busy, path_of
from bot.core.chat import Batch, Message, Proof
from bot.i18n import _

_log = structlog.get_logger()

#: events a page; Synapse gives no more by default (its ``filter_timeline_limit``)
PAGE = 100
_OF_INTEREST = [
    "m.room.message",
    "m.room.encrypted",
    "m.room.redaction",
    "m.reaction",
    "m.room.member",
    "m.room.encryption",
    "m.room.tombstone",
]
#: every room has a create event; Synapse leaves rooms out of which the filter lets nothing through
_STATE = ["m.room.create", "m.room.encryption", "m.room.tombstone"]
_FORGERY = "the homeserver can forge anyone there; encrypt it"


class Sync:
    """What *account* sees of *rooms*, and goes through *doors* for."""

    def __init__(
        self,
        account: Account,
        rooms: Rooms,
        doors: Doors,
        crypto: Crypto,
        sync_timeout: float,
        request_timeout: float,
    ) -> None:
        self._account = account
        self._rooms = rooms
        self._doors = doors
        self._crypto = crypto
        self._sync_timeout = sync_timeout
        self._request_timeout = request_timeout
        #: the token after which a room key was waited for
        self._waited = ""
        #: whether the last question was answered; after a silence the next one does not wait, so
        #: that what is said from then on does not count as missed
        self.caught_up = False
        #: rooms that were warned of since the start
        self._warned: set[str] = set()

    async def look_round(self) -> str:
        """Learn the rooms, their state and who invites us; returns the token of this moment.

        Nothing is entered yet: the token has to be stored before, or a crash right after the
        entrance would make what is said then into history.
        """
        for alias in self._rooms.aliases():
            if alias.partition(":")[2] == self._account.user_id.partition(":")[2]:
                # only our own homeserver is asked, and what was missed there would be lost
                await self._doors.ask_for(alias)
            else:
                await self._doors.resolve([alias])
        for alias in self._rooms.unresolved():
            _log.error("matrix.no_such_room", room=alias)
        return await self._look()

    async def _look(self) -> str:
        answer = await self._sync(None)
        await self._take(answer)
        await self._doors.look_after_private()
        return _token(answer)

    async def next(self, since: str) -> Batch:
        """What happened after *since*; waits until something does, or for the long poll's time.

        After a silence it does not wait, since what was missed has an end.
        """
        if self._rooms.unresolved() and await self._doors.resolve(self._rooms.unresolved()):
            await self._look()
        # only what is stored is left behind, so rooms are changed here and not below
        await self._doors.follow()
        await self._doors.answer()
        # what is to be reported does not wait for the next event
        wait = self.caught_up and not self._doors.reports
        self.caught_up = False
        answer = await self._sync(since, wait=wait)
        self.caught_up = True
        await self._take(answer)
        await self._doors.look_after_private(answer)
        messages: list[Message] = []
        for room_id, room in members(field(answer, "rooms", "join")).items():
            name = self._rooms.name_of(room_id)
            if room_id in self._doors.doubtful:
                _log.warning("matrix.private_chat_unread", id=room_id)
            elif name is not None:
                messages += await self._new_in(room_id, name, room, since)
        await self._wait_for_keys(since)
        await self._doors.answer()
        self._rooms.memory.save()
        reports = (*self._doors.reports, *self._crypto.reports())
        self._doors.reports.clear()
        return Batch(_token(answer), tuple(messages), reports)

    async def _sync(self, since: str | None, *, wait: bool = False) -> dict[str, Any]:
        """One /sync; with no *since* only the state of now, since history is never answered."""
        nothing = {"not_types": ["*"]}
        sync_filter: dict[str, Any] = {
            "presence": nothing,
            "account_data": nothing,
            "room": {
                "timeline": {"limit": PAGE if since else 0, "types": _OF_INTEREST},
                "state": {"types": _STATE},
                "ephemeral": nothing,
                "account_data": nothing,
            },
        }
        query, patience = {"timeout": "0"}, self._request_timeout
        # Synapse answers the same question with the same answer for two minutes
        # (sync_response_cache_duration): in them a room may have become an encrypted one, and what
        # was said since has to come whole, in the first answer to a bot that was away
        sync_filter["org.nounou.moment"] = secrets.token_hex(8)
        if since is not None:
            seconds = self._sync_timeout if wait else 0.0
            query = {"since": since, "timeout": str(int(seconds * 1000))}
            patience += seconds
        path = path_of("sync", filter=json.dumps(sync_filter), **query)
        return await self._account.ask("GET", path, timeout=patience)

    async def _new_in(self, room_id: str, name: str, room: object, since: str) -> list[Message]:
        """The messages of one room's part of a sync answer, in order, its gap filled."""
        events = objects(field(room, "timeline", "events"))
        if field(room, "timeline", "limited") is True:
            start = field(room, "timeline", "prev_batch")
            if not isinstance(start, str):
                raise Busy(_("The homeserver answers nonsense"))
            events = await self._gap(room_id, start, since, events)
        for index in range(len(events) - 1, -1, -1):
            if is_join_of(events[index], self._account.user_id):
                events = events[index + 1 :]
                break
        found: list[Message] = []
        for number, event in enumerate(events, 1):
            message = await self._read(event, room_id, name)
            if message is not None:
                found.append(message)
            if number % PAGE == 0:
                await asyncio.sleep(0)  # what was missed may be long; others have their turn
        return found

    async def _read(self, event: dict[str, Any], room_id: str, name: str) -> Message | None:
        """The message that *event* is; in clear it counts for nothing where others encrypt."""
        me = self._account.user_id
        if field(event, "type") == "m.room.message" and self._rooms.was_encrypted(name):
            in_clear = message_of(event, name, me)
            if in_clear is not None:
                self._doors.report_plain(in_clear)
            return None
        if not self._doors.takes(name, field(event, "sender")):
            return None
        read = await self._crypto.read(room_id, event)
        if read.proof is not Proof.PLAIN and not self._rooms.was_encrypted(name):
            # a homeserver may hide that a room is encrypted; who encrypts is answered so
            self._rooms.note_encrypted(room_id)
            self._rooms.memory.save()
        return message_of(read.event, name, me, read.proof, read.seal)

    async def _wait_for_keys(self, since: str) -> None:
        """Raise `Busy` once where a room key is missing: it may be a moment behind its message."""
        if not self._crypto.lacks_keys:
            return
        if self._waited != since:
            self._waited = since
            raise Busy(_("The key of a message is not there yet"))
        await self._crypto.ask_for_keys()

    async def _gap(
        self, room_id: str, start: str, since: str, newer: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """*newer*, preceded by what lies between *since* and *start* (or our own entrance)."""
        me, pages = self._account.user_id, [newer]
        page_filter = json.dumps({"types": _OF_INTEREST})
        while not any(is_join_of(event, me) for event in pages[-1]):
            query = {"dir": "b", "from": start, "to": since, "limit": str(PAGE)}
            path = path_of("rooms", room_id, "messages", **query, filter=page_filter)
            answer = await self._account.ask("GET", path)
            if not isinstance(answer.get("chunk"), list):
                raise Busy(_("The homeserver answers nonsense"))
            page = objects(answer["chunk"])
            self._rooms.take_events(room_id, page)
            self._rooms.memory.save()
            # our own words and the comings and goings need not be kept meanwhile
            pages.append([event for event in page[::-1] if may_count(event, me)])
            await asyncio.sleep(0)
            end = answer.get("end")
            if not isinstance(end, str) or end == start:
                break
            start = end
        _log.info("matrix.gap_filled", room=room_id, events=sum(map(len, pages)) - len(newer))
        return [event for page in reversed(pages) for event in page]

    async def _take(self, answer: object) -> None:
        self._rooms.take(answer)
        self._doors.take(answer)
        self._rooms.memory.save()
        await self._crypto.take(answer)
        for name in self._rooms.names:
            plain = self._rooms.id_of(name) is not None and not self._rooms.was_encrypted(name)
            if plain and name not in self._warned:
                self._warned.add(name)
                _log.warning("matrix.plain_room", room=name, why=_FORGERY)


def _token(answer: dict[str, Any]) -> str:
    token = answer.get("next_batch")
    if not isinstance(token, str) or not token.isprintable() or not token:
        raise Busy(_("The homeserver answers nonsense"))
    return token
