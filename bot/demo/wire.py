"""The room of `nounou demo --terminal`, carried to the bot as JSON lines on its standard streams.

The bot speaks first (``hello``); it gets each message after the number that it knows, then the
number of the room's last one (which comes first where it knows none), then each new one.  Lines
that are no protocol are shown and skipped.
"""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from bot.core.text import clean
from bot.demo.folder import ROOM
from bot.demo.policy import BOT, DOMAIN, Cast
from bot.demo.room import Room, Spoken
from bot.errors import ChatRefused
from bot.i18n import _
from bot.talk.transcript import Transcript


class TerminalPlace:
    """The room in this process; the bot comes in through its own standard streams."""

    on_pipes = True
    environment: Mapping[str, str] = {}

    def __init__(self, cast: Cast, say: Callable[[str], None], file: Path | None = None) -> None:
        self.transcript = Transcript()
        self._cast = cast
        self._say = say
        self._room = Room(ROOM, f"@{BOT}:{DOMAIN}", self.transcript, file)
        self._arrived = asyncio.Event()
        #: the room's last number when a bot without memory first came in
        self._began: int | None = None

    async def open(self) -> None:
        """Nothing is to be done: the room is here."""

    def config(self) -> Mapping[str, Any]:
        return {"chat": {"kind": "terminal"}, "rooms": {"main": ROOM}}

    def welcome(self) -> list[str]:
        return []

    async def attend(self, bot: Process) -> None:
        assert bot.stdin is not None
        assert bot.stdout is not None
        try:
            while raw := await bot.stdout.readline():
                self._obey(bot.stdin, raw)
                await bot.stdin.drain()
        except ConnectionError:
            return
        finally:
            self._room.listener = None
            bot.stdin.close()

    async def arrival(self) -> None:
        await self._arrived.wait()

    async def say(self, person: str, text: str) -> str:
        return self._room.say(self._cast.chat_id(person), text)

    async def sign(self, person: str) -> list[str]:
        return []  # nobody has a device here

    async def listen(self) -> None:
        """Nothing is to be done: the bot is heard in `attend`."""

    async def settle(self) -> None:
        """Nothing is to be done: what the bot said was heard before its stream ended."""

    async def close(self) -> None:
        """Nothing is to be done."""

    def _obey(self, bot: asyncio.StreamWriter, raw: bytes) -> None:
        try:
            order = json.loads(raw)
            match order["type"]:
                case "hello":
                    self._welcome(bot, order.get("since"))
                case "read":
                    self._room.read(int(order["n"]))
                case "send":
                    self._post(bot, order)
                case "own":
                    posts = self._room.own(tuple(order["begin"]), int(order["most"]))
                    _write(bot, {"type": "own", "ask": order["ask"], "posts": posts})
                case kind:
                    raise ValueError(kind)
        except (ValueError, KeyError, TypeError):
            self._say(
                _("the bot wrote a line that is no protocol: {line}").format(
                    line=clean(raw.decode("utf-8", "replace"), 120)
                )
            )

    def _welcome(self, bot: asyncio.StreamWriter, since: str | None) -> None:
        """Tell the bot where the room stands, then what it missed.

        A bot that died before it stored its first batch comes without memory again; it missed what
        was said since it first came.
        """
        if self._began is None:
            self._began = self._room.last
        known = self._began if since is None else int(since)
        last = known if since is None else self._room.last
        welcome = {"type": "welcome", "n": last, "own": True}
        if since is None:
            _write(bot, welcome)
        for spoken in self._room.since(known):
            self._deliver(bot, spoken)
        if since is not None:
            _write(bot, welcome)
        self._room.listener = partial(self._deliver, bot)
        self._arrived.set()

    def _post(self, bot: asyncio.StreamWriter, order: dict[str, Any]) -> None:
        txn = order.get("txn")
        try:
            event_id = self._room.post(order)
        except ChatRefused as refusal:
            _write(bot, {"type": "refused", "txn": txn, "why": str(refusal)})
        else:
            _write(bot, {"type": "sent", "txn": txn, "event_id": event_id})

    def _deliver(self, bot: asyncio.StreamWriter, spoken: Spoken) -> None:
        _write(
            bot,
            {
                "type": "message",
                "n": spoken.n,
                "event_id": spoken.event_id,
                "room": self._room.name,
                "sender": spoken.sender,
                "body": spoken.body,
            },
        )


def _write(bot: asyncio.StreamWriter, frame: dict[str, Any]) -> None:
    """Write to a bot that may just have died: its next life asks for what it missed."""
    with suppress(ConnectionError, RuntimeError):
        bot.write(json.dumps(frame).encode() + b"\n")
