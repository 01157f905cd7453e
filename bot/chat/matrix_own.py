"""What the bot itself said in a room, as the homeserver has kept it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from bot.chat.matrix_crypto import Crypto
from bot.chat.matrix_events import field, objects
from bot.chat.matrix_login import Account
from bot.chat.matrix_sync import PAGE
from bot.chat.matrix_wire import Busy, Rejected, path_of
from bot.core.chat import OwnPosts
from bot.errors import ChatUnavailable
from bot.i18n import _

#: pages that are read at most, and no further one after so many seconds: those of a busy room may
#: hold few messages that are wanted
_MOST_PAGES, _LONGEST = 500, 60.0
_KINDS = ("m.room.message", "m.room.encrypted")


@dataclass(frozen=True)
class Wanted:
    """Which messages of ours are looked for, and how many of them."""

    room_id: str
    beginnings: tuple[str, ...]
    most: int
    #: the room is encrypted, so that only what we sealed ourselves counts
    secret: bool


async def own_posts(account: Account, crypto: Crypto, wanted: Wanted) -> OwnPosts:
    """As `Chat.own_posts`."""
    found: list[str] = []
    removed: list[str] = []
    start: str | None = None
    now = asyncio.get_running_loop().time
    enough = now() + _LONGEST
    for _page in range(_MOST_PAGES):
        answer = await _ask(account, wanted.room_id, start)
        for event in objects(answer.get("chunk")):
            if _is_removed(event, account.user_id):
                removed.append(str(field(event, "event_id")))
            said = crypto.read_own(wanted.room_id, event) if wanted.secret else event
            text = _text(said, account.user_id)
            if text is not None and text.startswith(wanted.beginnings):
                found.append(text)
        end = answer.get("end")
        if len(found) >= wanted.most or not isinstance(end, str) or end == start or now() > enough:
            break
        start = end
    return OwnPosts(found[: wanted.most], removed)


async def _ask(account: Account, room_id: str, start: str | None) -> dict[str, Any]:
    """One page of our own messages, newest first."""
    kinds = {"senders": [account.user_id], "types": _KINDS}
    query = {"dir": "b", "limit": str(PAGE), "filter": json.dumps(kinds)}
    if start is not None:
        query["from"] = start
    try:
        answer = await account.ask("GET", path_of("rooms", room_id, "messages", **query))
    except Rejected as error:
        raise ChatUnavailable(str(error)) from error
    if not isinstance(answer.get("chunk"), list):
        raise Busy(_("The homeserver answers nonsense"))
    return answer


def _is_removed(event: dict[str, Any], me: str) -> bool:
    """Whether *event* was a message of ours that somebody took back: nothing is left in it."""
    ours = field(event, "sender") == me and field(event, "type") in _KINDS
    return ours and field(event, "content") == {}


def _text(event: object, me: str) -> str | None:
    """The words of *event*, where it is a message of ours that replaces none."""
    body = field(event, "content", "body")
    ours = field(event, "sender") == me and field(event, "type") == "m.room.message"
    edits = field(event, "content", "m.relates_to", "rel_type") == "m.replace"
    return body if ours and not edits and isinstance(body, str) else None
