"""A message that somebody pointed at, as the homeserver has kept it."""

from __future__ import annotations

from bot.chat.matrix_crypto import Crypto
from bot.chat.matrix_events import field, points_at, user_id_of, without_quote
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import Rejected, path_of
from bot.core.chat import Quoted
from bot.core.text import clean
from bot.i18n import _

#: characters of a message that are quoted, and of a file's name
_LONGEST, _LONGEST_NAME = 2_000, 200
#: milliseconds since 1970 that are still a date
_LAST = 253_402_300_799_000


async def quoted(
    account: Account, crypto: Crypto, room_id: str, event_id: str, *, secret: bool
) -> Quoted | None:
    """As `Chat.quoted`; in a room that is *secret*, what was said in clear does not count."""
    try:
        event = await account.ask("GET", path_of("rooms", room_id, "event", event_id))
    except Rejected:
        return None
    said = await crypto.read_quoted(room_id, event) if secret else event
    if field(said, "type") != "m.room.message":
        return None
    body, sender = _words(field(said, "content")), user_id_of(field(said, "sender"))
    at = field(said, "origin_server_ts")
    if not body or sender is None or not isinstance(at, int) or not 0 <= at <= _LAST:
        return None
    thread, _answers = points_at(field(said, "content"))
    return Quoted(event_id, sender, body, at / 1000, thread)


def _words(content: object) -> str:
    """What a message says, without what it quotes itself; a picture or a file by its name."""
    body = field(content, "body")
    if not isinstance(body, str):
        return ""
    # neither half characters nor zeros go into every store
    body = body.encode("utf-8", "replace").decode().replace("\0", "")
    match field(content, "msgtype"):
        case "m.image":
            return _("[picture {name}]").format(name=clean(_name(content, body), _LONGEST_NAME))
        case "m.file" | "m.audio" | "m.video":
            return _("[file {name}]").format(name=clean(_name(content, body), _LONGEST_NAME))
    return without_quote(body).strip()[:_LONGEST]


def _name(content: object, body: str) -> str:
    """The name of a file; where it has a caption, that is its body."""
    name = field(content, "filename")
    return name if isinstance(name, str) and name else body
