"""A client of the local chat: it comes back by itself, and says again what was not taken.

`bot.chat.local` is the other end, and describes the frames.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from bot.errors import ChatRefused, ChatUnavailable
from bot.i18n import _, ngettext
from bot.talk.transcript import Transcript
from bot.unix import address_of

#: what the bot says in one frame is bounded by its log
_LONGEST_FRAME = 2**22
#: bytes of a line that the bot surely takes, as JSON
_LONGEST_LINE = 2**18
#: seconds between two tries to come back: the first, and the longest
_PAUSES = (0.1, 3.0)


class Client:
    """``async with Client(…) as client:`` raises `BotError` where the bot cannot be reached.

    *tell* gets sentences that are the client's own.  After a break it connects again, for ever.
    """

    def __init__(self, socket: Path, tell: Callable[[str], None], *, patience: float = 10.0):
        self.transcript = Transcript()
        #: who the bot takes us for
        self.person = ""
        self.prefix = ""
        self._user = ""
        self._socket = socket
        self._tell = tell
        self._patience = patience
        #: lines that the bot has not taken yet, by their keys
        self._untaken: dict[str, str] = {}
        #: lines of which it was said that they wait
        self._waiting: set[str] = set()
        #: the number of the last saying that was heard
        self._seen: int | None = None

    async def __aenter__(self) -> Self:
        await self._enter()
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        self._writer.close()

    def say(self, text: str) -> str:
        """Say *text*; returns the event id under which the bot speaks of it.

        Raises `ChatRefused` where it is too long.
        """
        key = str(uuid4())
        if len(_frame(type="say", id=key, body=text)) > _LONGEST_LINE:
            raise ChatRefused(_("The line is too long."))
        self._untaken[key] = text
        self._write(type="say", id=key, body=text)
        return f"$local-{self._user}-{key}"

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once *holds*; raises what ended the connection for good."""
        waiting = asyncio.create_task(self.transcript.until(holds))
        await self.beside(waiting)

    async def beside(self, work: asyncio.Task[Any]) -> None:
        """Return once *work* is done, unless the connection ends for good: then raise that."""
        try:
            await asyncio.wait([work, self._following], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self._following.result()
        finally:
            work.cancel()
            await asyncio.wait([work])

    async def _follow(self) -> None:
        """Hear the bot for ever, through its deaths."""
        while True:
            with suppress(ConnectionError):
                await self._listen()
            self._writer.close()
            self._tell(_("The bot is gone; waiting until it is back."))
            await self._enter_again()
            self._tell(_("The bot is back."))

    async def _enter_again(self) -> None:
        pause, longest = _PAUSES
        while True:
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  (no secret)
            try:
                return await self._enter()
            except ChatUnavailable:
                pause = min(pause * 2, longest)

    async def _enter(self) -> None:
        """Connect; raises `ChatUnavailable` where nobody is there, `ChatRefused` if we may not."""
        try:
            async with asyncio.timeout(self._patience):
                with address_of(self._socket) as address:
                    self._reader, self._writer = await asyncio.open_unix_connection(
                        address, limit=_LONGEST_FRAME
                    )
                try:
                    await self._introduce()
                except BaseException:
                    self._writer.close()
                    raise
        except PermissionError as error:
            raise ChatRefused(
                _("you may not use the socket {socket}").format(socket=self._socket)
            ) from error
        except (OSError, EOFError, TimeoutError) as error:
            raise ChatUnavailable(
                _("no bot answers at {socket}").format(socket=self._socket),
                hint=_("start it, or name another place with --socket"),
            ) from error

    async def _introduce(self) -> None:
        welcome = await self._heard()
        if welcome is None:
            raise EOFError
        self._user, self.person = str(welcome["user"]), str(welcome["person"])
        self.prefix = str(welcome["prefix"])
        self._write(type="hello", seen=self._seen)
        for key, text in self._untaken.items():
            self._write(type="say", id=key, body=text)

    async def _listen(self) -> None:
        """Take in what the bot says, until it is gone."""
        while (frame := await self._heard()) is not None:
            match frame["type"]:
                case "said":
                    self._take_in(frame)
                case "missed":
                    self._seen = frame["n"]
                    self._tell_missed(int(frame["count"]))
                case "taken":
                    self._untaken.pop(self._key(frame), None)
                case "waits" if (key := self._key(frame)) not in self._waiting:
                    self._waiting.add(key)
                    self._tell(_("The bot has not taken it yet: {why}").format(why=frame["why"]))

    def _take_in(self, frame: dict[str, Any]) -> None:
        if frame["n"]:  # not where it could not be kept, and will be said again
            self._seen = frame["n"]
        self.transcript.add(
            frame["event"], "bot", frame["body"], edits=frame["edits"], status=frame["status"]
        )

    def _tell_missed(self, count: int) -> None:
        if count:
            self._tell(
                ngettext(
                    "{count} answer since you were last here:",
                    "{count} answers since you were last here, the latest:",
                    count,
                ).format(count=count)
            )

    def _key(self, frame: dict[str, Any]) -> str:
        return str(frame["event"]).removeprefix(f"$local-{self._user}-")

    async def _heard(self) -> dict[str, Any] | None:
        """The next frame; None at the end.  Raises `ChatRefused` where it says that we must go."""
        line = await self._reader.readline()
        if not line.endswith(b"\n"):
            return None
        frame: dict[str, Any] = json.loads(line)
        if frame["type"] == "refused":
            raise ChatRefused(str(frame["why"]))
        return frame

    def _write(self, **frame: Any) -> None:
        if not self._writer.is_closing():
            self._writer.write(_frame(**frame))


def _frame(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"
