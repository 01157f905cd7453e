"""The chat on the bot's own host: a Unix socket, for the night on which the homeserver is down.

Each frame is a JSON object on a line.  The bot speaks first: ``welcome``, or ``refused``, the end.
The client says ``hello`` with the number of the last saying that it has seen, or with none; then
``say`` with an id of its own for each line, the same id when it says a line again after a break.
``taken`` answers it once the line is stored, ``waits`` says why it is not yet; ``said`` is what the
bot says, and ``missed`` counts the answers that nobody was there to hear, up to now.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from bot.chat import local_socket
from bot.chat.local_room import LATEST, LocalRoom, Said
from bot.core.chat import (
    Batch,
    Chat,
    Message,
    OwnPosts,
    Post,
    PostKind,
    Proof,
    Receive,
    Report,
    Status,
)
from bot.core.rooms import LOCAL
from bot.errors import ChatRefused, ChatUnavailable, ConfigError, StoreError
from bot.i18n import _

_log = structlog.get_logger()

#: a line holds one command of at most 64 KiB, of which JSON may make six times as much
_LONGEST_LINE = 2**19
#: bytes that a client may leave unread
_MOST_UNREAD = 2**21
#: connections at once, of all and of one user
_MOST, _MOST_OF_ONE = 64, 8
#: seconds for which a stranger is remembered, who is looked up and logged once in them
_REFUSED_FOR = 60.0
#: lines that may wait for the store
_MOST_WAITING = 256


def chat_id(user: str) -> str:
    """Under which name an OS user speaks, and where they are answered."""
    return f"{LOCAL}{user}"


@dataclass(eq=False)
class _Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    user: str = ""
    #: the number of the last saying that it has
    seen: int = 0

    async def frame(self) -> dict[str, Any] | None:
        """The next frame; None at the end.  Raises `ValueError` for anything else."""
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            return None
        frame = json.loads(line)
        if not isinstance(frame, dict):
            raise ValueError("no frame")
        return frame

    def tell(self, **frame: Any) -> None:
        """Send *frame*; a client that does not read is dropped."""
        transport = self.writer.transport
        if transport.get_write_buffer_size() > _MOST_UNREAD:
            self.drop()
        if not transport.is_closing():
            self.writer.write(json.dumps(frame).encode() + b"\n")

    def drop(self) -> None:
        self.writer.transport.abort()


@dataclass
class _Waiting:
    """What is not stored yet."""

    #: by event id: the line, and whom to tell
    lines: dict[str, tuple[Message, _Client]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Refused:
    """The OS users of nobody, each remembered for a while."""

    #: by number: the name, and the loop's time until which it is believed
    names: dict[int, str] = field(default_factory=dict)
    _until: dict[int, float] = field(default_factory=dict)

    def lasts(self, uid: int) -> bool:
        return asyncio.get_running_loop().time() < self._until.get(uid, 0.0)

    def add(self, uid: int, name: str) -> bool:
        """Remember *uid*; false where another connection of it came first."""
        if self.lasts(uid):
            return False
        self.names[uid] = name
        self._until[uid] = asyncio.get_running_loop().time() + _REFUSED_FOR
        return True


class LocalChat(Chat):
    """The rooms of users of this host, reached at the socket *path*; logs lie in *folder*.

    *person_of* says whose each chat id is, at any time anew; None for who is no member.
    """

    def __init__(
        self,
        path: Path,
        folder: Path,
        person_of: Callable[[str], str | None],
        *,
        prefix: str = "!",
        request_timeout: float = 20.0,
        pause: float = 1.0,
    ) -> None:
        self._path = path
        self._folder = folder
        self._person_of = person_of
        self._rooms: dict[str, LocalRoom] = {}
        self._prefix = prefix
        self._request_timeout = request_timeout
        self._pause = pause
        self._clients: set[_Client] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._waiting = _Waiting()
        #: OS users of nobody that were spoken of already
        self._strangers: set[str] = set()
        self._refused = _Refused()

    async def run(self, receive: Receive, since: str | None) -> None:
        """As `Chat.run`; *since* means nothing, for clients say again what was not taken.

        Raises `ConfigError` where nobody could reach the socket.
        """
        # start_unix_server would look for the socket by the address that it was bound to, which
        # is not its path where that one is too long
        server = await asyncio.start_server(
            self._connected, sock=local_socket.listen_at(self._path), limit=_LONGEST_LINE
        )
        try:
            while True:
                await self._waiting.news.wait()
                self._waiting.news.clear()
                await self._store(receive)
        finally:
            local_socket.remove(self._path)
            server.close()

    async def send(self, post: Post) -> str:
        """As `Chat.send`: kept for later, and said to every client of that user."""
        room = self._room(post.room.removeprefix(LOCAL))
        if post.kind is not PostKind.TEXT:
            return f"$local-{post.txn}"  # a terminal shows no signs on messages
        try:
            return (await room.say(post)).event
        except ChatUnavailable:
            # it is sent again until it is kept; who is there hears it now, and only once
            for client in self._of(post.room):
                client.tell(type="said", **asdict(replace(room.of(post), n=0)))
            raise

    async def typing(self, room: str, *, on: bool) -> None:
        """A terminal shows nothing of the kind."""

    def encrypted(self, room: str) -> bool | None:
        """As `Chat.encrypted`: it never leaves this machine."""
        return None

    async def own_posts(self, room: str, beginnings: tuple[str, ...], most: int) -> OwnPosts:
        """As `Chat.own_posts`."""
        try:
            bodies = await self._room(room.removeprefix(LOCAL)).bodies()
        except ChatRefused as error:
            raise ChatUnavailable(_("Nothing is kept of what was said there")) from error
        return OwnPosts([body for body in bodies if body.startswith(beginnings)][:most])

    async def close(self) -> None:
        """Hang up on every client, after the last words."""
        for client in self._clients:
            client.writer.close()
        for serving in self._serving:
            serving.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    def _room(self, user: str) -> LocalRoom:
        """Where *user* is answered; raises `ChatRefused` where nobody ever had that name."""
        room = self._rooms.get(chat_id(user))
        if room is None:
            if self._person_of(chat_id(user)) is None:
                raise ChatRefused(
                    _("No member in the configuration has the Unix user {user}").format(user=user)
                )
            room = self._rooms[chat_id(user)] = LocalRoom(self._folder / f"{user}.jsonl")
        return room

    async def _store(self, receive: Receive) -> None:
        """Hand over all that waits, again and again until it is stored."""
        waiting = self._waiting
        alone = False
        while waiting.lines or waiting.reports:
            lines = dict(islice(waiting.lines.items(), 1 if alone else None))
            reports = () if alone and lines else tuple(waiting.reports)
            messages = tuple(message for message, _client in lines.values())
            try:
                await receive(Batch(None, messages, reports))
            except ConfigError:
                raise
            except StoreError as error:
                for message, client in lines.values():
                    client.tell(type="waits", event=message.event_id, why=str(error))
                await asyncio.sleep(self._pause)
                continue
            except Exception:  # noqa: BLE001  (the twin of the sync loop's fence)
                # one line must not end the bot, nor keep back those of others
                if not alone and len(lines) + len(reports) > 1:
                    alone = True
                    continue
                _answer_bug(lines)
            del waiting.reports[: len(reports)]
            for event_id in lines:
                message, client = waiting.lines.pop(event_id)
                client.tell(type="taken", event=message.event_id)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(_Client(reader, writer)))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, client: _Client) -> None:
        """One connection, from the first word to the last."""
        self._clients.add(client)
        try:
            if why := await self._why_not(client):
                self._clients.discard(client)  # takes nobody's place while it reads that
                client.tell(type="refused", why=why)
                await self._drain(client)
            else:
                await self._converse(client, self._room(client.user))
        except ChatUnavailable as error:
            client.tell(type="refused", why=str(error))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            _log.warning("local.dropped", user=client.user, why=repr(error)[:200])
        finally:
            self._clients.discard(client)
            client.writer.close()

    async def _why_not(self, client: _Client) -> str:
        """Find out who it is; a sentence where they may not come in."""
        uid = local_socket.uid_of(client.writer)
        if self._refused.lasts(uid) and not self._person_of(chat_id(self._refused.names[uid])):
            # not asked for again, and said no word of: it may knock as often as it likes
            return _not_known(self._refused.names[uid])
        if len(self._clients) > _MOST:
            return _("Too many are connected; try again later.")
        user = await asyncio.to_thread(local_socket.name_of, uid)
        if self._person_of(chat_id(user)) is None:
            if self._refused.add(uid, user):
                self._report(user)
            return _not_known(user)
        client.user = user
        if len(self._of(chat_id(user))) > _MOST_OF_ONE:
            return _("You are connected {count} times already.").format(count=_MOST_OF_ONE)
        return ""

    def _report(self, user: str) -> None:
        _log.warning("local.stranger", user=user)
        if user in self._strangers or len(self._strangers) >= _MOST:
            return
        self._strangers.add(user)
        sentence = _(
            "The Unix user {user} of my host tried to talk with me, and is no member."
        ).format(user=user)
        self._waiting.reports.append(Report(f"local-stranger:{user}", sentence))
        self._waiting.news.set()

    async def _converse(self, client: _Client, room: LocalRoom) -> None:
        await room.open()
        person = self._person_of(chat_id(client.user))
        client.tell(type="welcome", user=client.user, person=person, prefix=self._prefix)
        async with asyncio.timeout(self._request_timeout):
            hello = await client.frame()
        if hello is None:
            return
        self._greet(client, room, hello["seen"])
        telling = asyncio.create_task(self._tell_all(client, room))
        try:
            while (frame := await client.frame()) is not None:
                self._take(client, frame)
        finally:
            telling.cancel()
            await asyncio.wait([telling])
            await room.remember()

    def _greet(self, client: _Client, room: LocalRoom, seen: object) -> None:
        """Let the client go on where it was, or tell a new one what it missed."""
        if isinstance(seen, int) and 0 <= seen <= room.last:
            client.seen = seen
        elif seen is not None:
            client.seen = 0  # the log is not the one that it knew
        else:
            missed = room.missed()
            client.tell(type="missed", count=len(missed), n=room.last)
            for said in missed[-LATEST:]:
                client.tell(type="said", **asdict(said))
            client.seen = room.delivered = room.last

    async def _tell_all(self, client: _Client, room: LocalRoom) -> None:
        """Say what is said in *room*, until the client is gone or does not read."""
        with suppress(ConnectionError):
            while True:
                news = room.news
                for said in room.after(client.seen):
                    await self._tell(client, said)
                    room.delivered = max(room.delivered, said.n)
                await news.wait()

    async def _tell(self, client: _Client, said: Said) -> None:
        client.tell(type="said", **asdict(said))
        client.seen = said.n
        await self._drain(client)

    async def _drain(self, client: _Client) -> None:
        try:
            async with asyncio.timeout(self._request_timeout):
                await client.writer.drain()
        except TimeoutError:
            _log.warning("local.does_not_read", user=client.user)
            client.drop()

    def _take(self, client: _Client, frame: dict[str, Any]) -> None:
        """Queue the line in *frame* for the store.  Raises `ValueError` for anything else."""
        key, body = frame["id"], frame["body"]
        if frame["type"] != "say" or not isinstance(body, str) or not isinstance(key, str):
            raise ValueError("no line")
        if str(UUID(key)) != key:
            raise ValueError("no line")
        if len(self._waiting.lines) >= _MOST_WAITING:
            raise ChatUnavailable(_("Too many lines wait to be stored; try again later."))
        user = client.user
        if self._person_of(chat_id(user)) is None:  # no longer: the policy was reloaded
            raise ChatUnavailable(_not_known(user))
        message = Message(
            # with the name in it, nobody can use up the id of another person's line
            f"$local-{user}-{key}",
            room=chat_id(user),
            sender=chat_id(user),
            # JSON can carry half characters, which no store can
            body=body.encode("utf-8", "replace").decode(),
            proof=Proof.LOCAL,
        )
        self._waiting.lines[message.event_id] = (message, client)
        self._waiting.news.set()

    def _of(self, room: str) -> list[_Client]:
        return [client for client in self._clients if chat_id(client.user) == room]


def _not_known(user: str) -> str:
    return _("No member in the configuration has the Unix user {user}.").format(user=user)


def _answer_bug(lines: Mapping[str, tuple[Message, _Client]]) -> None:
    """Log what nobody foresaw, and answer *lines* with its reference."""
    reference = secrets.token_hex(2)
    _log.exception("local.bug", ref=reference, lines=[*lines])
    for command, (_message, client) in lines.items():
        client.tell(
            type="said",
            n=0,
            event=f"{command}-bug",
            body=_("✘ internal error, ref {ref}").format(ref=reference),
            edits=None,
            status=Status(command, 0, "failed", final=True).content(),
        )
