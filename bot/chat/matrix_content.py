"""What a post looks like as the content of a Matrix event."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from pathlib import PurePath
from typing import Any

from bot.core.chat import STATUS_KEY, Picture, Post, Text
from bot.core.text import cut
from bot.core.units import Size
from bot.i18n import _

#: A whole event may have 65,536 bytes (specification, "Size limits"); relations, ids, status and
#: the homeserver's own fields need a part of it.
ROOM_FOR_TEXT = 48 * 1024
#: Encryption makes four bytes of three (base64).
ROOM_FOR_SECRET_TEXT = ROOM_FOR_TEXT * 3 // 4
#: by the end of a file's name; anything else is plain text
_MEDIA_TYPES = {".md": "text/markdown", ".json": "application/json"}
#: what a picture is
PNG = "image/png"
#: what is shown in the room of a text that is in a file
SUMMARY = 2048


def in_thread_of(post: Post) -> str | None:
    """The event in whose thread *post* belongs, or that may be in that thread itself."""
    return post.under or (post.about if post.threaded else None)


def content_of(
    post: Post, root: str | None = None, *, secret: bool = False, in_file: bool = False
) -> dict[str, Any]:
    """The content of *post*; *root* is where its thread begins, if not at `in_thread_of`.

    *secret*: it is going to be encrypted.  *in_file*: its text is in a file that comes with it.
    """
    shown = _shown(post, room_for(post, secret=secret), in_file=in_file)
    if post.edits is not None:
        return {
            **_fallback(post, shown),
            "m.new_content": shown,
            "m.relates_to": {"rel_type": "m.replace", "event_id": post.edits},
        }
    return shown | _thread(post, root)


def content_of_file(
    post: Post, root: str | None, size: int, place: dict[str, Any]
) -> dict[str, Any]:
    """The content of the message with the file of *post*, of *size* bytes, to be had at *place*."""
    name = post.file or _("output.txt")
    return {
        "msgtype": "m.file",
        "body": name,
        "filename": name,
        "info": {"mimetype": _media_type(name), "size": size},
        "m.mentions": {},
        **place,
        **_thread(post, root),
    }


def content_of_picture(
    post: Post, root: str | None, *, picture: Picture, place: dict[str, Any], secret: bool
) -> dict[str, Any]:
    """The content of the message with *picture*, to be had at *place*, and its caption."""
    across, down = picture.size
    caption = _shown(post, room_for(post, secret=secret), in_file=False)
    info = {"mimetype": PNG, "size": len(picture.png), "w": across, "h": down}
    if not caption["body"]:  # then the body is no caption but the name
        caption = {"body": picture.name, "m.mentions": caption["m.mentions"]}
    return {
        **caption,
        "msgtype": "m.image",
        "filename": picture.name,
        "info": info,
        **place,
        **_thread(post, root),
    }


def _media_type(name: str) -> str:
    return _MEDIA_TYPES.get(PurePath(name).suffix.lower(), "text/plain")


def without_file(post: Post) -> Post:
    """*post* where the homeserver does not take its file, which it says."""
    note = _("The homeserver does not take the file {name} ({size}).").format(
        name=post.file, size=Size(len(post.attachment.encode("utf-8", "replace")))
    )
    text = Text(f"{post.text.plain}\n{note}", f"{post.text.html}<br>{escape(note)}")
    return replace(post, text=text, file="", attachment="")


def without_picture(post: Post, picture: Picture, why: str) -> Post:
    """*post* where the homeserver does not take its picture, which it says."""
    note = _("The homeserver does not take the picture {name} ({size}): {why}").format(
        name=picture.name, size=Size(len(picture.png)), why=why
    )
    plain = "\n".join(filter(None, (post.text.plain, note)))
    html = "<br>".join(filter(None, (post.text.html, escape(note))))
    return replace(post, text=Text(plain, html), picture=None)


def reaction_of(post: Post) -> dict[str, Any]:
    """The content of a sign on the event that *post* is about."""
    sign = _clean(post.text.plain)
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": post.about, "key": sign}}


def room_for(post: Post, *, secret: bool) -> int:
    """Bytes that the texts of *post* may take; an edit carries all of it twice."""
    room = ROOM_FOR_SECRET_TEXT if secret else ROOM_FOR_TEXT
    return room // 2 if post.edits is not None else room


def is_passing(post: Post) -> bool:
    """Whether *post* tells progress, and another one will take its place."""
    return post.edits is not None and post.status is not None and not post.status.final


def is_too_long(post: Post, *, secret: bool) -> bool:
    """Whether the text of *post* does not fit into one event."""
    return _length(_clean(post.text.plain)) > room_for(post, secret=secret)


def _fallback(post: Post, shown: dict[str, Any]) -> dict[str, Any]:
    """What clients show of an edit that do not fold edits: of passing progress, the last line."""
    if not is_passing(post):
        return {**shown, "body": f"* {shown['body']}"}
    last = shown["body"].rstrip().rpartition("\n")[2]
    rest = {key: value for key, value in shown.items() if key not in ("format", "formatted_body")}
    return {**rest, "body": f"* {last}"}


def _thread(post: Post, root: str | None) -> dict[str, Any]:
    belongs = in_thread_of(post)
    if belongs is None:
        return {}
    return {
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": root or belongs,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": belongs},
        }
    }


def _shown(post: Post, room: int, *, in_file: bool) -> dict[str, Any]:
    """What people and programs see: the text twice, who is called, the status."""
    # a notice calls nobody, mention or not (push rule .m.rule.suppress_notices)
    content: dict[str, Any] = {"msgtype": "m.text" if post.mentions else "m.notice"}
    plain, html = _clean(post.text.plain), _clean(post.text.html)
    if in_file:
        content["body"] = _summary(plain)
    elif _length(plain) + _length(html) <= room:
        content |= {"body": plain, "format": "org.matrix.custom.html", "formatted_body": html}
    else:  # HTML cannot be cut without breaking it
        content["body"] = plain if _length(plain) <= room else _cut(plain, room)
    # an edit calls those whom its outer content names
    content["m.mentions"] = {"user_ids": list(post.mentions)} if post.mentions else {}
    if post.status is not None:
        content[STATUS_KEY] = post.status.content()
    return content


def _summary(text: str) -> str:
    """The first lines of *text*, and where the rest is."""
    begin = cut(text, SUMMARY)
    lines = begin.splitlines()
    shown = "\n".join(lines[:-1]) if len(lines) > 1 else begin
    note = _("… (the whole text is in the attached file, {size})")
    return shown + "\n" + note.format(size=Size(len(text.encode())))


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
