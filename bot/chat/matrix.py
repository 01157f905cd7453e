"""The bot in Matrix rooms: nothing said there is lost or read twice, whatever stops in between.

The sync loop is ours.  It hands a batch over together with the token that ends it, and asks the
homeserver for more only when the batch is stored; a timeline with a gap is filled from the room's
history first.  Encryption is not spoken: such rooms are refused in `_open_room`, and their events
are no messages in `matrix_events.message_of`; those are the two places where it will go in.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from bot.chat.matrix_content import content_of
from bot.chat.matrix_events import field, inviter, is_join_of, members, message_of, objects
from bot.chat.matrix_login import Account, Credentials
from bot.chat.matrix_rooms import Rooms
from bot.chat.matrix_wire import Busy, Rejected, Wire, path_of
from bot.core.chat import Batch, Chat, Message, Post, Receive
from bot.errors import BotError, ChatRefused, ChatUnavailable, ConfigError
from bot.i18n import _

_log = structlog.get_logger()
T = TypeVar("T")

#: events a page; Synapse gives no more by default (its ``filter_timeline_limit``)
PAGE = 100
_OF_INTEREST = ["m.room.message", "m.room.member", "m.room.encryption", "m.room.tombstone"]
_STATE = ["m.room.encryption", "m.room.tombstone"]


class MatrixChat(Chat):
    """The rooms of *rooms* on *homeserver*; *knows* says whose invitations are taken."""

    def __init__(
        self,
        homeserver: str,
        credentials: Credentials,
        rooms: Iterable[str],
        state: Path,
        knows: Callable[[str], bool],
        *,
        sync_timeout: float = 30.0,
        request_timeout: float = 20.0,
        shortest_pause: float = 0.5,
        longest_pause: float = 60.0,
    ) -> None:
        self._wire = Wire(homeserver, request_timeout)
        self._account = Account(self._wire, homeserver, credentials, state / "matrix-session.json")
        self._rooms = Rooms(rooms)
        self._knows = knows
        self._sync_timeout = sync_timeout
        self._request_timeout = request_timeout
        self._pauses = (shortest_pause, longest_pause)
        self._looked_round = asyncio.Event()
        #: where a thread begins, for events that are in one themselves
        self._roots: dict[str, str] = {}
        #: the last stored event of each room whose receipt is not sent yet
        self._unread: dict[str, str] = {}
        self._to_read = asyncio.Event()

    async def run(self, receive: Receive, since: str | None) -> None:
        """As `Chat.run`.  Raises `ConfigError` when the homeserver refuses the account."""
        receipts = asyncio.create_task(self._send_receipts())
        try:
            await self._persist("login", self._account.enter)
            newest = await self._persist("survey", self._look_round)
            token = since if since is not None else newest
            if since is None:
                await self._persist("store", partial(receive, Batch(token)))
            while True:
                batch = await self._persist("sync", partial(self._next, token))
                if batch != Batch(token):
                    await self._persist("store", partial(receive, batch))
                    self._was_read(batch)
                token = batch.token
        finally:
            receipts.cancel()
            with suppress(asyncio.CancelledError):
                await receipts

    async def send(self, post: Post) -> str:
        """As `Chat.send`; an encrypted room gets nothing."""
        room_id = await self._open_room(post.room)
        path = path_of("rooms", room_id, "send", "m.room.message", post.txn)
        put = partial(self._ask_patiently, "PUT", path)
        root = self._roots.get(post.about or "")
        try:
            answer = await put(content_of(post, root))
        except Rejected as error:
            root = await self._root_of(room_id, post) if error.status == 400 else None
            if root is None:
                raise
            answer = await put(content_of(post, root))
        event_id = answer.get("event_id")
        if not isinstance(event_id, str):
            raise ChatUnavailable(_("The homeserver does not say what became of the message"))
        return event_id

    async def close(self) -> None:
        await self._wire.close()

    async def _persist(self, what: str, action: Callable[[], Awaitable[T]]) -> T:
        """Do *action* until it succeeds, with growing pauses; only a `ConfigError` gets out."""
        for pause in _pauses(*self._pauses):
            try:
                return await action()
            except ConfigError:
                raise
            except BotError as error:
                _log.warning("matrix.again", what=what, error=str(error), pause=round(pause, 1))
                asked = error.retry_after if isinstance(error, Busy) else None
                await asyncio.sleep(min(max(pause, asked or 0), self._pauses[1]))
            except Exception:  # noqa: BLE001  (the fence of the sync loop)
                _log.exception("matrix.bug", what=what, pause=round(pause, 1))
                await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    async def _look_round(self) -> str:
        """Learn the rooms, their state and who invites us; returns the token of this moment."""
        await self._resolve(self._rooms.aliases())
        answer = await self._sync(None)
        self._rooms.take(answer)
        await self._answer_invitations(answer)
        self._looked_round.set()
        return _token(answer)

    async def _next(self, since: str) -> Batch:
        """What happened after *since*; waits until something does, or for the long poll's time."""
        if self._rooms.unresolved() and await self._resolve(self._rooms.unresolved()):
            await self._look_round()
        answer = await self._sync(since)
        self._rooms.take(answer)
        await self._answer_invitations(answer)
        messages: list[Message] = []
        for room_id, room in members(field(answer, "rooms", "join")).items():
            name = self._rooms.name_of(room_id)
            if name is not None:
                messages += await self._new_in(room_id, name, room, since)
        return Batch(_token(answer), tuple(messages))

    async def _sync(self, since: str | None) -> dict[str, Any]:
        """One /sync; with no *since* only the state of now, since history is never answered."""
        nothing = {"not_types": ["*"]}
        sync_filter = {
            "presence": nothing,
            "account_data": nothing,
            "room": {
                "timeline": {"limit": PAGE if since else 0, "types": _OF_INTEREST},
                "state": {"types": _STATE},
                "ephemeral": nothing,
                "account_data": nothing,
            },
        }
        query = {"filter": json.dumps(sync_filter), "timeout": "0"}
        patience = self._request_timeout
        if since is not None:
            query |= {"since": since, "timeout": str(int(self._sync_timeout * 1000))}
            patience += self._sync_timeout
        return await self._account.ask("GET", path_of("sync", **query), timeout=patience)

    async def _new_in(self, room_id: str, name: str, room: object, since: str) -> list[Message]:
        """The messages of one room's part of a sync answer, in order, its gap filled."""
        events = objects(field(room, "timeline", "events"))
        start = field(room, "timeline", "prev_batch")
        if field(room, "timeline", "limited") is True and isinstance(start, str):
            events = await self._gap(room_id, start, since, events)
        for index in range(len(events) - 1, -1, -1):
            if is_join_of(events[index], self._account.user_id):
                events = events[index + 1 :]
                break
        found = (message_of(event, name, self._account.user_id) for event in events)
        return [message for message in found if message is not None]

    async def _gap(
        self, room_id: str, start: str, since: str, newer: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """*newer*, preceded by what lies between *since* and *start* (or our own entrance)."""
        pages = [newer]
        page_filter = json.dumps({"types": _OF_INTEREST})
        while not any(is_join_of(event, self._account.user_id) for event in pages[-1]):
            query = {"dir": "b", "from": start, "to": since, "limit": str(PAGE)}
            path = path_of("rooms", room_id, "messages", **query, filter=page_filter)
            answer = await self._account.ask("GET", path)
            page = objects(answer.get("chunk"))
            self._rooms.take_events(room_id, page)
            pages.append(page[::-1])
            end = answer.get("end")
            if not isinstance(end, str) or end == start:
                break
            start = end
        _log.info("matrix.gap_filled", room=room_id, events=sum(map(len, pages)) - len(newer))
        return [event for page in reversed(pages) for event in page]

    async def _resolve(self, aliases: Iterable[str]) -> bool:
        """Ask for the ids of *aliases*; true where one is known now."""
        found = False
        for alias in aliases:
            try:
                answer = await self._account.ask("GET", path_of("directory", "room", alias))
            except Rejected as error:
                _log.error("matrix.no_such_room", room=alias, error=str(error))
                continue
            self._rooms.resolve(alias, str(answer.get("room_id", "")))
            found = True
        return found

    async def _answer_invitations(self, answer: object) -> None:
        """Go into the rooms of the configuration, where a member whom we know invites us."""
        invitations = members(field(answer, "rooms", "invite"))
        if invitations:
            await self._resolve(self._rooms.aliases())
        for room_id, invitation in invitations.items():
            who = inviter(invitation, self._account.user_id)
            name = self._rooms.name_of(room_id)
            if name is None or who is None or not self._knows(who):
                _log.warning("matrix.invitation_ignored", room=name or room_id, by=who)
                continue
            try:
                await self._account.ask("POST", path_of("rooms", room_id, "join"), {})
                _log.info("matrix.joined", room=name, invited_by=who)
            except Rejected as error:
                _log.error("matrix.cannot_join", room=name, error=str(error))

    async def _open_room(self, name: str) -> str:
        """The id of a room that may be written to.  Raises `ChatUnavailable` or `ChatRefused`."""
        if name not in self._rooms.names:
            raise ChatRefused(_("The room {room} is not in the configuration").format(room=name))
        try:
            async with asyncio.timeout(self._request_timeout):
                await self._looked_round.wait()
        except TimeoutError as error:
            raise ChatUnavailable(_("The homeserver cannot be reached")) from error
        room_id = self._rooms.id_of(name)
        if room_id is None:
            raise ChatUnavailable(_("The bot is not in the room {room} yet").format(room=name))
        if self._rooms.is_encrypted(room_id):
            _log.error("matrix.not_sent_in_clear", room=name)
            raise ChatRefused(
                _("The room {room} is encrypted, and the bot cannot encrypt").format(room=name)
            )
        return room_id

    async def _ask_patiently(
        self, method: str, path: str, content: dict[str, Any]
    ) -> dict[str, Any]:
        """Ask; once more where the homeserver names a time to wait that is not too long."""
        try:
            return await self._account.ask(method, path, content)
        except Busy as busy:
            if busy.retry_after is None or busy.retry_after > self._request_timeout:
                raise
            await asyncio.sleep(busy.retry_after)
        return await self._account.ask(method, path, content)

    async def _root_of(self, room_id: str, post: Post) -> str | None:
        """The thread that the event under *post* is in; a homeserver refuses threads in threads."""
        if post.about is None or not post.threaded or post.about in self._roots:
            return None
        event = await self._account.ask("GET", path_of("rooms", room_id, "event", post.about))
        if field(event, "content", "m.relates_to", "rel_type") != "m.thread":
            return None
        root = field(event, "content", "m.relates_to", "event_id")
        if not isinstance(root, str):
            return None
        self._roots[post.about] = root
        return root

    def _was_read(self, batch: Batch) -> None:
        for message in batch.messages:
            self._unread[message.room] = message.event_id
        self._to_read.set()

    async def _send_receipts(self) -> None:
        """Mark the last stored message of each room as read; one that fails is not repeated."""
        while True:
            await self._to_read.wait()
            self._to_read.clear()
            while self._unread:
                name, event_id = self._unread.popitem()
                room_id = self._rooms.id_of(name)
                if room_id is None:
                    continue
                path = path_of("rooms", room_id, "receipt", "m.read", event_id)
                try:
                    await self._account.ask("POST", path, {})
                except BotError as error:
                    _log.debug("matrix.receipt_failed", room=name, error=str(error))


def _token(answer: dict[str, Any]) -> str:
    token = answer.get("next_batch")
    if not isinstance(token, str) or not token:
        raise Busy(_("The homeserver answers nonsense"))
    return token


def _pauses(shortest: float, longest: float) -> Iterator[float]:
    """Seconds to wait after each failure in a row, spread so that many bots do not come at once."""
    pause = shortest
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
        pause = min(pause * 2, longest)
