"""What the bot itself said in a room, as the homeserver has kept it."""

from __future__ import annotations

import json
from typing import Any

from bot.chat.matrix_crypto import Crypto
from bot.chat.matrix_events import field, objects
from bot.chat.matrix_login import Account
from bot.chat.matrix_sync import PAGE
from bot.chat.matrix_wire import Busy, Rejected, path_of
from bot.errors import ChatUnavailable
from bot.i18n import _

#: pages that are read at most: those of a busy room may hold few messages of ours
_MOST_PAGES = 20


async def own_posts(
    account: Account, crypto: Crypto, room_id: str, most: int, *, secret: bool
) -> list[str]:
    """As `Chat.own_posts`; in a *secret* room only what we sealed ourselves counts."""
    found: list[str] = []
    start: str | None = None
    for _page in range(_MOST_PAGES):
        answer = await _ask(account, room_id, start)
        for event in objects(answer.get("chunk")):
            said = crypto.read_own(room_id, event) if secret else event
            text = _text(said, account.user_id)
            if text is not None:
                found.append(text)
        end = answer.get("end")
        if len(found) >= most or not isinstance(end, str) or end == start:
            break
        start = end
    return found[:most]


async def _ask(account: Account, room_id: str, start: str | None) -> dict[str, Any]:
    """One page of our own messages, newest first."""
    kinds = {"senders": [account.user_id], "types": ["m.room.message", "m.room.encrypted"]}
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


def _text(event: object, me: str) -> str | None:
    """The words of *event*, where it is a message of ours that replaces none."""
    body = field(event, "content", "body")
    ours = field(event, "sender") == me and field(event, "type") == "m.room.message"
    edits = field(event, "content", "m.relates_to", "rel_type") == "m.replace"
    return body if ours and not edits and isinstance(body, str) else None
