"""The nounou room without a homeserver: messages in order, each transaction once, edits folded.

It knows what a homeserver knows and no more; `bot.demo.wire` carries it to the bot.  Kept in a
file, it goes on where it stopped, so that the bot's own memory of it stays true.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.errors import ChatRefused
from bot.i18n import _
from bot.talk.transcript import Transcript

#: what a Matrix homeserver takes in one event (matrix specification, "Size limits")
LARGEST = 65_536


@dataclass(frozen=True)
class Spoken:
    """One event of the room; `n` counts them from 1."""

    n: int
    sender: str
    body: str
    #: the transaction of the bot that made it; empty for a person's
    txn: str = ""
    #: whether it replaces an earlier one
    edit: bool = False

    @property
    def event_id(self) -> str:
        return f"$t{self.n}"


class Room:
    """The room that persons and the bot share in `nounou demo --terminal`."""

    def __init__(self, name: str, bot: str, transcript: Transcript, file: Path | None = None):
        self.name = name
        self.transcript = transcript
        self._bot = bot
        self._file = file
        self._spoken = _remembered(file)
        self._by_txn = {spoken.txn: spoken for spoken in self._spoken if spoken.txn}
        #: the bot's connection, told of each message of a person
        self.listener: Callable[[Spoken], None] | None = None

    @property
    def last(self) -> int:
        return self._spoken[-1].n if self._spoken else 0

    def say(self, sender: str, body: str) -> str:
        """A person says *body*; returns the event id.  Raises `ChatRefused` if it is too long."""
        spoken = self._keep(sender, body)
        self.transcript.add(spoken.event_id, local(sender), body)
        if self.listener is not None:
            self.listener(spoken)
        return spoken.event_id

    def post(self, order: dict[str, Any]) -> str:
        """The bot says or edits something; a transaction that was seen before makes nothing new."""
        room, txn, body = order.get("room"), order.get("txn"), order.get("plain")
        if room != self.name:
            raise ChatRefused(_("the bot is not in that room"))
        if not isinstance(txn, str) or not isinstance(body, str) or not txn:
            raise ChatRefused(_("this is not a message"))
        if txn in self._by_txn:
            return self._by_txn[txn].event_id
        edits, status = order.get("edits"), order.get("status")
        spoken = self._keep(self._bot, body, txn, edit=isinstance(edits, str))
        self.transcript.add(
            spoken.event_id,
            local(self._bot),
            body,
            edits=edits if isinstance(edits, str) else None,
            status=status,
        )
        return spoken.event_id

    def read(self, n: int) -> None:
        """The bot has taken in everything up to number *n*."""
        self.transcript.take_in(f"$t{n}")

    def since(self, n: int) -> list[Spoken]:
        """What persons said after number *n*."""
        return [spoken for spoken in self._spoken[max(n, 0) :] if not spoken.txn]

    def own(self, beginnings: tuple[str, ...], most: int) -> list[str]:
        """The last *most* texts of the bot that begin so, newest first; as many as one line takes.

        What the bot said is its witness, so it is told by who keeps the room.
        """
        found: list[str] = []
        left = LARGEST * 4
        for spoken in reversed(self._spoken):
            if spoken.txn and not spoken.edit and spoken.body.startswith(beginnings):
                left -= len(json.dumps(spoken.body))
                if left < 0 or len(found) == most:
                    break
                found.append(spoken.body)
        return found

    def _keep(self, sender: str, body: str, txn: str = "", *, edit: bool = False) -> Spoken:
        if len(body.encode(errors="replace")) > LARGEST:
            raise ChatRefused(_("the message is too long for the room"))
        spoken = Spoken(self.last + 1, sender, body, txn, edit)
        self._spoken.append(spoken)
        if txn:
            self._by_txn[txn] = spoken
        if self._file is not None:
            with self._file.open("a", encoding="utf-8", errors="replace") as file:
                file.write(_line(spoken))
        return spoken


def local(chat_id: str) -> str:
    """``bot`` of ``@bot:localhost``."""
    return chat_id.removeprefix("@").partition(":")[0]


def _remembered(file: Path | None) -> list[Spoken]:
    """The events of an earlier run; a line that a crash tore off is cut away."""
    if file is None or not file.exists():
        return []
    events: list[Spoken] = []
    with file.open("r+", encoding="utf-8", errors="replace", newline="\n") as stored:
        for line in iter(stored.readline, ""):
            try:
                events.append(Spoken(**json.loads(line)))
            except (ValueError, TypeError):
                stored.seek(0)
                stored.truncate()
                stored.writelines(_line(spoken) for spoken in events)
                break
    return events


def _line(spoken: Spoken) -> str:
    return json.dumps(asdict(spoken)) + "\n"
