"""The messages that a room has pinned: ours are added and taken out, other people's stay."""

from __future__ import annotations

from typing import Any

from bot.chat.matrix_events import field
from bot.chat.matrix_login import Account
from bot.chat.matrix_wire import Busy, Rejected, path_of
from bot.core.chat import Post, PostKind
from bot.errors import ChatRefused
from bot.i18n import _

_PINNED = "m.room.pinned_events"
#: what a room asks of those who pin unless it says otherwise (specification,
#: ``m.room.power_levels``)
_USUAL_LEVEL = 50


async def pin(account: Account, post: Post, room_id: str) -> str:
    """Pin the event that *post* edits, or take it from among the pinned ones.

    Where that is so already, nothing is sent, and what is returned is no event's id.
    """
    path = path_of("rooms", room_id, "state", _PINNED, "")
    content = await _state(account, path)
    pinned, event_id = content.get("pinned"), post.edits or ""
    before: list[Any] = pinned if isinstance(pinned, list) else []
    wanted = post.kind is PostKind.PIN
    if (event_id in before) == wanted:
        return f"$unchanged-{post.txn}"
    after = [*before, event_id] if wanted else [each for each in before if each != event_id]
    try:
        answer = await account.ask("PUT", path, {**content, "pinned": after})
    except Rejected as error:
        if error.status != 403:
            raise
        level = await _level_asked(account, room_id)
        raise ChatRefused(
            _(
                "I may not pin messages here: give me power level {level} in {room} to pin.  Until"
                " then, pin them yourselves."
            ).format(level=level, room=post.room)
        ) from error
    made = answer.get("event_id")
    if not isinstance(made, str):
        raise Busy(_("The homeserver does not say what became of the message"))
    return made


async def _level_asked(account: Account, room_id: str) -> int:
    """The power level that lets somebody pin."""
    levels = await _state(account, path_of("rooms", room_id, "state", "m.room.power_levels", ""))
    for level in (field(levels, "events", _PINNED), levels.get("state_default")):
        if isinstance(level, int):
            return level
    return _USUAL_LEVEL


async def _state(account: Account, path: str) -> dict[str, Any]:
    """What the room says there; nothing where it never said anything."""
    try:
        return await account.ask("GET", path)
    except Rejected as error:
        if error.status != 404:
            raise
        return {}
