"""What a post looks like as the content of a Matrix event."""

from __future__ import annotations

import json
from typing import Any

from bot.core.chat import STATUS_KEY, Post
from bot.core.units import Size
from bot.i18n import _

#: A whole event may have 65,536 bytes (specification, "Size limits"); relations, ids, status and
#: the homeserver's own fields need a part of it.
ROOM_FOR_TEXT = 48 * 1024


def content_of(post: Post, root: str | None = None) -> dict[str, Any]:
    """The content of *post*; *root* is where its thread begins, if not at the event it is about."""
    shown = _shown(post)
    if post.edits is not None:
        return {
            **shown,
            "body": f"* {shown['body']}",
            "m.new_content": shown,
            "m.relates_to": {"rel_type": "m.replace", "event_id": post.edits},
        }
    if post.about is not None and post.threaded:
        shown["m.relates_to"] = {
            "rel_type": "m.thread",
            "event_id": root or post.about,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": post.about},
        }
    return shown


def _shown(post: Post) -> dict[str, Any]:
    """What people and programs see: the text twice, who is called, the status."""
    content: dict[str, Any] = {"msgtype": "m.notice"}
    # an edit carries all of it twice, for clients that know edits and those that do not
    room = ROOM_FOR_TEXT // 2 if post.edits is not None else ROOM_FOR_TEXT
    plain, html = _clean(post.text.plain), _clean(post.text.html)
    if _length(plain) + _length(html) <= room:
        content |= {"body": plain, "format": "org.matrix.custom.html", "formatted_body": html}
    else:  # HTML cannot be cut without breaking it
        content["body"] = plain if _length(plain) <= room else _cut(plain, room)
    content["m.mentions"] = {"user_ids": list(post.mentions)} if post.mentions else {}
    if post.status is not None:
        content[STATUS_KEY] = post.status.content()
    return content


def _cut(text: str, room: int) -> str:
    note = "\n" + _("… (cut here; the whole text has {size})").format(size=Size(len(text.encode())))
    left = room - _length(note)
    kept = 0
    for character in text:
        left -= _length(character)
        if left < 0:
            break
        kept += 1
    return text[:kept] + note


def _length(text: str) -> int:
    """Bytes that *text* takes inside of an event."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def _clean(text: str) -> str:
    """*text* as UTF-8 can carry it: half characters make a homeserver answer 500 for ever."""
    return text.encode("utf-8", "replace").decode()
