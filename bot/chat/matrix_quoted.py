"""A message that somebody pointed at, as the homeserver has kept it."""

from __future__ import annotations

from bot.chat.matrix_events import field, user_id_of
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import Rejected, path_of
from bot.core.chat import Quoted


async def quoted(account: Account, room_id: str, event_id: str) -> Quoted | None:
    """As `Chat.quoted`, of a room that is not encrypted."""
    try:
        event = await account.ask("GET", path_of("rooms", room_id, "event", event_id))
    except Rejected:
        return None
    body, sender = field(event, "content", "body"), user_id_of(field(event, "sender"))
    at = field(event, "origin_server_ts")
    if not isinstance(body, str) or sender is None or not isinstance(at, int):
        return None
    return Quoted(event_id, sender, body, at / 1000)
