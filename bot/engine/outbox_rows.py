"""Posts as rows of the outbox, and back."""

from __future__ import annotations

import hashlib
import json
from html import escape
from typing import Any

from bot.core.chat import Picture, Post, PostKind, Status, Text

WAITING, SENT, REFUSED = "waiting", "sent", "refused"


def is_edit(row: Any) -> bool:
    """Whether *row* replaces a text."""
    return row.kind == PostKind.TEXT.value and row.edits is not None


def is_passing(row: Any) -> bool:
    """Whether *row* tells progress that something else will take the place of."""
    return is_edit(row) and row.status is not None and not json.loads(row.status)["final"]


def row_of(post: Post) -> dict[str, Any]:
    """The columns of *post*, which waits."""
    return {
        "room": post.room,
        "txn": post.txn,
        "plain": post.text.plain,
        "html": post.text.html,
        "about": post.about,
        "threaded": post.threaded,
        "edits": post.edits,
        "status": json.dumps(post.status.content()) if post.status else None,
        "state": WAITING,
        "kind": post.kind.value,
        "mentions": json.dumps(post.mentions) if post.mentions else None,
        "to_unsigned": post.to_unsigned,
        "file": post.file if post.picture is None else post.picture.name,
        "attachment": post.attachment,
        "under": post.under,
        "picture": None if post.picture is None else post.picture.png,
        "expires": post.expires,
    }


def unpinned(row: Any, why: str) -> Post:
    """What a room is told where the pin *row* was refused: the same post for each, so once."""
    place = hashlib.sha256(row.room.encode()).hexdigest()[:16]
    return Post(row.room, f"pin-refused-{place}", Text(why, escape(why)), under=row.edits)


def post_of(row: Any, edits: str | None, under: str | None = None) -> Post:
    """The post in *row*, as an edit of the event *edits*, or in the thread of the event *under*."""
    status = Status(**json.loads(row.status)) if row.status else None
    return Post(
        room=row.room,
        txn=row.txn,
        text=Text(row.plain, row.html),
        about=row.about,
        threaded=row.threaded,
        under=under,
        edits=edits,
        status=status,
        kind=PostKind(row.kind),
        mentions=tuple(json.loads(row.mentions)) if row.mentions else (),
        to_unsigned=row.to_unsigned,
        file=row.file if row.picture is None else "",
        attachment=row.attachment,
        picture=_picture_in(row),
        expires=row.expires,
    )


def _picture_in(row: Any) -> Picture | None:
    return None if row.picture is None else Picture(row.file, row.picture)
