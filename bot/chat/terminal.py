"""The chat without a homeserver: JSON lines with the demonstration, which holds the room.

The bot says ``hello`` with the number of the last message that it has stored.  It is told of every
later one that it missed, then ``welcome`` with the number of the room's last, then of each new one;
``read`` says how far it has stored; ``sent`` or ``refused`` answers each ``send``, and ``own`` the
question for what the bot said itself.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

import structlog

from bot.core.chat import Batch, Chat, Message, OwnPosts, Post, PostKind, Proof, Receive
from bot.errors import ChatRefused, ChatUnavailable, ConfigError, StoreError
from bot.i18n import _

_log = structlog.get_logger()

#: A line holds one message; 64 KiB of text may take six times as much once JSON escapes it.
LONGEST_LINE = 2**20

#: seconds of silence after which the open line itself counts as a word from the room; as long as a
#: homeserver holds a request for news, at most
ALIVE_EVERY = 10.0


async def standard_streams() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """This process' standard input and output, which have to be pipes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), sys.stdout
        )
    except ValueError as error:
        raise ConfigError(
            _("The terminal chat needs pipes as its standard input and output"),
            hint=_("start it with: nounou demo --terminal"),
        ) from error
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)


class TerminalChat(Chat):
    """The room at the other end of *reader* and *writer*; its tokens are the messages' numbers."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        request_timeout: float = 20.0,
        pause: float = 1.0,
        alive_every: float = ALIVE_EVERY,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._request_timeout = request_timeout
        self._pause = pause
        self._alive_every = alive_every
        #: batches of one message each; None once the other end has closed
        self._arrived: asyncio.Queue[Batch | None] = asyncio.Queue()
        #: what was missed, until the welcome says that this is all; None from then on
        self._missed: Batch | None = None
        #: what each transaction on its way waits for: its event id
        self._sent: dict[str, asyncio.Future[str]] = {}
        #: whether the other end answers questions after our own posts
        self._tells_own = False
        #: what each of them waits for
        self._asked: dict[int, asyncio.Future[list[str]]] = {}
        self._numbers = count()
        self._reading: asyncio.Task[None] | None = None

    async def run(self, receive: Receive, since: str | None) -> None:
        """As `Chat.run`; ends when the other end has closed and all it said is stored."""
        with suppress(ChatUnavailable):  # closed already: reading says so
            await self._write({"type": "hello", "since": since})
        self._missed = None if since is None else Batch(since)
        # until it is closed: what is said on the way out is answered, too
        self._reading = asyncio.create_task(self._read(first=since is None))
        token = since
        while (batch := await self._next(token)) is not None:
            await self._store(receive, batch)
            if batch.token != token:
                token = batch.token
                with suppress(ChatUnavailable):
                    await self._write({"type": "read", "n": int(token or 0)})

    async def send(self, post: Post) -> str:
        """As `Chat.send`."""
        if self._reader.at_eof():
            raise ChatUnavailable(_("The chat is closed"))
        if post.kind is not PostKind.TEXT:
            return f"$unseen-{post.txn}"  # a terminal shows no signs on messages
        answer = self._sent.setdefault(post.txn, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(self._request_timeout):
                await self._write(_order(post))
                return await answer
        except TimeoutError as error:
            raise ChatUnavailable(_("The chat does not answer in time")) from error
        finally:
            self._sent.pop(post.txn, None)

    async def typing(self, room: str, *, on: bool) -> None:
        """A terminal shows nothing of the kind."""

    def encrypted(self, room: str) -> bool | None:
        """As `Chat.encrypted`: it never leaves this machine."""
        return None

    async def own_posts(self, room: str, beginnings: tuple[str, ...], most: int) -> OwnPosts:
        """As `Chat.own_posts`."""
        if self._reader.at_eof():
            raise ChatUnavailable(_("The chat is closed"))
        if not self._tells_own:
            raise ChatUnavailable(_("This chat does not tell what was said in it"))
        number = next(self._numbers)
        answer: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        question = {"type": "own", "ask": number, "room": room, "begin": beginnings, "most": most}
        try:
            async with asyncio.timeout(self._request_timeout):
                await self._write(question)
                return OwnPosts(await answer)
        except TimeoutError as error:
            raise ChatUnavailable(_("The chat does not answer in time")) from error
        finally:
            del self._asked[number]

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _write(self, frame: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._request_timeout):
                self._writer.write(json.dumps(frame).encode() + b"\n")
                await self._writer.drain()
        except TimeoutError as error:
            raise ChatUnavailable(_("The chat does not answer in time")) from error
        except (ConnectionError, RuntimeError) as error:
            raise ChatUnavailable(_("The chat is closed")) from error

    async def _read(self, *, first: bool) -> None:
        """Sort what comes in until the other end closes; *first*: no message is known yet."""
        try:
            while line := await self._line():
                try:
                    self._sort(line, first=first)
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    _log.warning("terminal.malformed", line=line[:200], error=str(error))
        finally:
            self._end_of_missed()
            self._arrived.put_nowait(None)
            waiting: list[asyncio.Future[Any]] = [*self._sent.values(), *self._asked.values()]
            for answer in waiting:
                if not answer.done():
                    answer.set_exception(ChatUnavailable(_("The chat is closed")))

    async def _line(self) -> bytes:
        while True:
            try:
                return await self._reader.readline()
            except ValueError:  # longer than the stream's limit, and skipped by it
                _log.warning("terminal.line_too_long")
            except ConnectionError:
                return b""

    def _sort(self, line: bytes, *, first: bool) -> None:
        frame = json.loads(line)
        match frame["type"]:
            case "welcome" if first:
                self._tells_own = frame.get("own") is True
                self._arrived.put_nowait(Batch(str(_number(frame))))
            case "welcome":
                self._tells_own = frame.get("own") is True
                self._end_of_missed(_number(frame))
            case "message":
                self._heard(Batch(str(_number(frame)), (_message(frame),)))
            case "sent" | "refused" as kind:
                answer = self._sent.get(frame["txn"])
                if answer is None or answer.done():
                    return
                if kind == "sent":
                    answer.set_result(_text(frame, "event_id"))
                else:
                    answer.set_exception(ChatRefused(_text(frame, "why")))
            case "own":
                posts = self._asked.get(frame["ask"])
                if posts is not None and not posts.done():
                    posts.set_result(_texts(frame))
            case kind:
                raise ValueError(kind)

    def _heard(self, batch: Batch) -> None:
        """Pass *batch* on; what was missed comes as one, so that all of it is judged alike."""
        if self._missed is None:
            self._arrived.put_nowait(batch)
        else:
            self._missed = Batch(batch.token, self._missed.messages + batch.messages)

    def _end_of_missed(self, number: int = 0) -> None:
        """Nothing else was missed; the room stands at *number*."""
        missed, self._missed = self._missed, None
        if missed is not None:
            last = max(number, int(missed.token or 0))
            self._arrived.put_nowait(replace(missed, token=str(last)))

    async def _next(self, token: str | None) -> Batch | None:
        """All that has arrived, as one batch; an empty one after long silence; None at the end."""
        try:
            async with asyncio.timeout(self._alive_every if self._missed is None else None):
                batch = await self._arrived.get()
        except TimeoutError:
            return Batch(token)
        while batch is not None and not self._arrived.empty():
            later = self._arrived.get_nowait()
            if later is None:
                self._arrived.put_nowait(None)
                break
            batch = Batch(later.token, batch.messages + later.messages)
        return batch

    async def _store(self, receive: Receive, batch: Batch) -> None:
        while True:
            try:
                return await receive(batch)
            except StoreError as error:
                _log.warning("terminal.not_stored", error=str(error), pause=self._pause)
                await asyncio.sleep(self._pause)


def _order(post: Post) -> dict[str, Any]:
    return {
        "type": "send",
        "txn": post.txn,
        "room": post.room,
        "plain": post.words,
        "html": post.text.html,
        "about": post.about,
        "threaded": post.threaded,
        "edits": post.edits,
        "status": None if post.status is None else post.status.content(),
        "mentions": list(post.mentions),
    }


def _message(frame: dict[str, Any]) -> Message:
    event_id, room, sender, body = (_text(frame, k) for k in ("event_id", "room", "sender", "body"))
    return Message(event_id, room, sender, body, proof=Proof.TERMINAL)


def _text(frame: dict[str, Any], key: str) -> str:
    """A text field, without half characters, which JSON can carry and no store can."""
    value = frame[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value.encode("utf-8", "replace").decode()


def _texts(frame: dict[str, Any]) -> list[str]:
    posts = frame["posts"]
    if not isinstance(posts, list) or not all(isinstance(post, str) for post in posts):
        raise TypeError("posts are no texts")
    return posts


def _number(frame: dict[str, Any]) -> int:
    value = frame["n"]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("n is no number of a message")
    return value
