"""The bot in Matrix rooms: nothing said there is lost or read twice, whatever stops in between.

The sync loop is ours.  It hands a batch over together with the token that ends it, and asks the
homeserver for more only when the batch is stored; a timeline with a gap is filled from the room's
history first.  In encrypted rooms `matrix_crypto` stands in between, both ways.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from bot.chat.matrix_crypto import Crypto
from bot.chat.matrix_crypto_people import Pin
from bot.chat.matrix_doors import Doors
from bot.chat.matrix_login import Account, Credentials
from bot.chat.matrix_own import Wanted, own_posts
from bot.chat.matrix_posts import Posts
from bot.chat.matrix_quoted import quoted
from bot.chat.matrix_rooms import Rooms
from bot.chat.matrix_sync import Sync
from bot.chat.matrix_wire import Busy, Wire, path_of
from bot.core.chat import Batch, Chat, OwnPosts, Post, Quoted, Receive
from bot.core.pulse import Pulse
from bot.errors import BotError, ChatRefused, ChatUnavailable, ConfigError
from bot.i18n import _

_log = structlog.get_logger()
T = TypeVar("T")

#: seconds that a homeserver may silence the loop for: no slip of its makes us deaf for a day
LONGEST_ASKED = 900.0
#: seconds that may pass between two waits of the loop: reading a batch and storing it
GRACE = 60.0
#: seconds from taking in a message until others see that it was read
_READ_AFTER = 0.5


class MatrixChat(Chat):
    """The rooms of *rooms* on *homeserver*; *knows* says whose invitations are taken there.

    *pin* remembers the keys that persons sign their devices with.  With *private*, those whom it
    knows may also take the bot aside, into rooms of two.  *pulse* is kept by the loop of `run`.
    """

    def __init__(
        self,
        homeserver: str,
        credentials: Credentials,
        rooms: Iterable[str],
        state: Path,
        knows: Callable[[str], bool],
        pin: Pin,
        *,
        private: bool = False,
        trust_any: bool = False,
        sync_timeout: float = 30.0,
        request_timeout: float = 20.0,
        shortest_pause: float = 0.5,
        longest_pause: float = 60.0,
        breath: float = 0.2,
        pulse: Pulse | None = None,
    ) -> None:
        self._wire = Wire(homeserver, request_timeout, self._about_to_wait)
        self._pulse = pulse or Pulse(time.monotonic)
        #: the task of the loop: of others, which send, nothing follows for its life
        self._loop: asyncio.Task[object] | None = None
        self._account = Account(self._wire, homeserver, credentials, state / "matrix-session.json")
        self._rooms = Rooms(rooms, state / "matrix-rooms.json")
        self._crypto = Crypto(
            self._account, state / "crypto", pin, knows=knows, trust_any=trust_any
        )
        doors = Doors(self._account, self._rooms, knows, private=private, trust_any=trust_any)
        self._sync = Sync(
            self._account, self._rooms, doors, self._crypto, sync_timeout, request_timeout
        )
        self._posts = Posts(self._account, self._crypto)
        self._sync_timeout = sync_timeout
        self._request_timeout = request_timeout
        self._pauses = (shortest_pause, longest_pause)
        self._breath = breath
        #: set once it is known which rooms are encrypted; nothing is sent before
        self._looked_round = asyncio.Event()
        #: set when anything was sent after the last batch
        self._answered = asyncio.Event()
        #: the last stored event of each room whose receipt is not sent yet
        self._unread: dict[str, str] = {}
        self._to_read = asyncio.Event()

    async def run(self, receive: Receive, since: str | None) -> None:
        """As `Chat.run`.  Raises `ConfigError` when the homeserver refuses the account."""
        self._loop = asyncio.current_task()
        receipts = asyncio.create_task(self._send_receipts())
        try:
            await self._persist("login", self._account.enter)
            await self._persist("keys", self._crypto.start)
            newest = await self._persist("look round", self._sync.look_round)
            self._looked_round.set()
            if since is None:
                await self._persist("store", partial(receive, Batch(newest)))
                self._pulse.heard()
            await self._listen(receive, newest if since is None else since)
        finally:
            receipts.cancel()
            with suppress(asyncio.CancelledError):
                await receipts

    async def _listen(self, receive: Receive, token: str) -> None:
        """Deliver for ever what comes after *token*."""
        pauses = growing_pauses(*self._pauses)
        clock = asyncio.get_running_loop().time
        while True:
            asked, waits = clock(), self._sync.caught_up
            batch = await self._persist("sync", partial(self._sync.next, token))
            self._pulse.heard()
            self._answered.clear()
            await self._persist("store", partial(receive, batch))
            self._was_read(batch)
            at_once = waits and clock() - asked < self._sync_timeout / 2
            if batch.token == token and at_once:
                # something in between answers from its memory, and would do so at any pace
                await self._pause(next(pauses))
            else:
                pauses = growing_pauses(*self._pauses)
                if batch.messages:
                    await self._answer_first()
            token = batch.token or token

    async def _answer_first(self) -> None:
        """Return when something was sent since the last batch, or after a breath.

        A homeserver that is asked for more meanwhile takes half as long again for the answer.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._breath):
                await self._answered.wait()

    async def send(self, post: Post) -> str:
        """As `Chat.send`; an encrypted room gets nothing in clear."""
        room_id = await self._open_room(post.room)
        secret = self._rooms.is_encrypted(room_id)
        try:
            return await self._posts.send(post, room_id, secret=secret)
        finally:
            self._answered.set()

    async def typing(self, room: str, *, on: bool) -> None:
        """As `Chat.typing`."""
        room_id = self._rooms.id_of(room)
        if room_id is not None:
            await self._posts.typing(room_id, on=on)

    def encrypted(self, room: str) -> bool | None:
        """As `Chat.encrypted`."""
        room_id = self._rooms.id_of(room)
        return None if room_id is None else self._rooms.was_encrypted(room)

    async def own_posts(self, room: str, beginnings: tuple[str, ...], most: int) -> OwnPosts:
        """As `Chat.own_posts`."""
        room_id = await self._open_room(room)
        secret = self._rooms.is_encrypted(room_id)
        wanted = Wanted(room_id, beginnings, most, secret=secret)
        return await own_posts(self._account, self._crypto, wanted)

    async def quoted(self, room: str, event_id: str) -> Quoted | None:
        """As `Chat.quoted`."""
        room_id = await self._open_room(room)
        secret = self._rooms.is_encrypted(room_id)
        return await quoted(self._account, self._crypto, room_id, event_id, secret=secret)

    async def close(self) -> None:
        self._crypto.close()
        await self._wire.close()

    async def _persist(self, what: str, action: Callable[[], Awaitable[T]]) -> T:
        """Do *action* until it succeeds, with growing pauses; only a `ConfigError` gets out."""
        for pause in growing_pauses(*self._pauses):
            try:
                return await action()
            except ConfigError:
                raise
            except BotError as error:
                asked = error.retry_after if isinstance(error, Busy) else None
                pause = max(pause, min(asked or 0, LONGEST_ASKED))
                _log.warning("matrix.again", what=what, error=str(error), pause=round(pause, 1))
            except Exception:  # noqa: BLE001  (the fence of the sync loop)
                _log.exception("matrix.bug", what=what, pause=round(pause, 1))
            await self._pause(pause)
        raise AssertionError("pauses never end")

    async def _pause(self, seconds: float) -> None:
        self._pulse.back_within(seconds + GRACE)
        await asyncio.sleep(seconds)

    def _about_to_wait(self, seconds: float) -> None:
        """A request begins, which takes no longer than that."""
        if asyncio.current_task() is self._loop:
            self._pulse.back_within(seconds + GRACE)

    async def _open_room(self, name: str) -> str:
        """The id of a room that may be written to.  Raises `ChatUnavailable` or `ChatRefused`."""
        try:
            async with asyncio.timeout(self._request_timeout):
                await self._looked_round.wait()
        except TimeoutError as error:
            raise ChatUnavailable(_("The homeserver cannot be reached")) from error
        if not self._rooms.has(name):
            raise ChatRefused(_("The room {room} is not in the configuration").format(room=name))
        room_id = self._rooms.id_of(name)
        if room_id is None:
            raise ChatUnavailable(_("The bot is not in the room {room} yet").format(room=name))
        if self._rooms.was_encrypted(name) and not self._rooms.is_encrypted(room_id):
            _log.error("matrix.not_sent_in_clear", room=name)
            raise ChatUnavailable(
                _("The room {room} was encrypted and is not any more").format(room=name)
            )
        return room_id

    def _was_read(self, batch: Batch) -> None:
        for message in batch.messages:
            self._unread[message.room] = message.event_id
            self._to_read.set()

    async def _send_receipts(self) -> None:
        """Mark the last stored message of each room as read; one that fails is not repeated.

        Not at once: answers go first, and one receipt does for many messages.
        """
        while True:
            await self._to_read.wait()
            await asyncio.sleep(_READ_AFTER)
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


def growing_pauses(shortest: float, longest: float) -> Iterator[float]:
    """Seconds to wait after each failure in a row, spread so that many bots do not come at once."""
    pause = shortest
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
        pause = min(pause * 2, longest)
