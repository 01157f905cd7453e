"""Reading what a homeserver hands over.  Anybody in a room may write anything there, so every
field is looked at before it is believed, and only user ids say who somebody is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from bot.core.chat import Kind, Message, Proof
from bot.core.text import clean

#: as matrix ids are limited (specification, "Common identifier format")
_LONGEST_ID = 255
#: an event has at most 64 KiB (specification, "Size limits"), as has the longest command
_LONGEST_BODY = 2**17
#: characters of a reaction; a family of emoji takes eleven
_LONGEST_SIGN = 64


def field(value: object, *path: str) -> object:
    """What lies at *path* inside of *value*; None where any step is missing or no object."""
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; nothing where *value* is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def members(value: object) -> dict[str, Any]:
    """An object by its keys; nothing where *value* is none."""
    return value if isinstance(value, dict) else {}


def message_of(
    event: object, room: str, me: str, proof: Proof = Proof.PLAIN, seal: str = ""
) -> Message | None:
    """What a person did by *event*; None for our own, notices, bare quotes, what is no message.

    *event* is in clear: as it was sent, or as it was decrypted, with *proof* and *seal*.  One that
    still is an ``m.room.encrypted`` could not be read.
    """
    event_id, sender = _id(field(event, "event_id"), "$"), _id(field(event, "sender"), "@")
    if event_id is None or sender is None or sender == me:
        return None
    if field(event, "state_key") is not None or is_removed(event):
        return None
    message = Message(event_id, room, sender, proof=proof, seal=seal)
    match field(event, "type"):
        case "m.room.message":
            return _said(event, message)
        case "m.room.encrypted":
            return replace(message, kind=Kind.UNREADABLE)
        # under a seal nobody has looked at whether the sender may take that message back
        case "m.room.redaction" if not seal:
            target = removed_by(event)
            return replace(message, kind=Kind.REMOVAL, target=target) if target else None
        # clients send reactions in clear; what one under a seal is worth, nobody has said
        case "m.reaction" if not seal:
            return _reacted(event, message)
    return None


def _said(event: object, message: Message) -> Message | None:
    """*message* with the words of a text message, or of an edit."""
    content, target = field(event, "content"), ""
    if field(content, "m.relates_to", "rel_type") == "m.replace":
        target = _id(field(content, "m.relates_to", "event_id"), "$") or ""
        content = field(content, "m.new_content")
        message = replace(message, kind=Kind.EDIT, target=target)
    elif field(content, "m.new_content") is not None:
        return None  # half of an edit
    body = field(content, "body")
    if field(content, "msgtype") != "m.text" or not isinstance(body, str):
        return None
    own = without_quote(_storable(body[:_LONGEST_BODY]))
    thread, answers = points_at(content)
    return replace(message, body=own, thread=thread, answers=answers) if own.strip() else None


def points_at(content: object) -> tuple[str, str]:
    """The thread that a message is in, and the one that it answers; empty for none.

    Clients without threads are shown the last message of one as if it were answered; nobody chose
    that.
    """
    relation = field(content, "m.relates_to")
    begins = field(relation, "event_id") if field(relation, "rel_type") == "m.thread" else None
    answered = field(relation, "m.in_reply_to", "event_id")
    chosen = field(relation, "is_falling_back") is not True
    return _id(begins, "$") or "", (_id(answered, "$") or "") if chosen else ""


def _reacted(event: object, message: Message) -> Message | None:
    """*message* with the sign that was put on another message."""
    relation = field(event, "content", "m.relates_to")
    target, sign = _id(field(relation, "event_id"), "$"), field(relation, "key")
    if field(relation, "rel_type") != "m.annotation" or target is None:
        return None
    if not isinstance(sign, str) or not 0 < len(sign) <= _LONGEST_SIGN:
        return None
    return replace(message, kind=Kind.REACTION, body=_storable(sign), target=target)


def is_removed(event: object) -> bool:
    """Whether *event* is what is left of one that was taken back."""
    return field(event, "unsigned", "redacted_because") is not None


def removed_by(event: object) -> str | None:
    """The event that the redaction *event* takes back; since room version 11 in its content."""
    return _id(field(event, "redacts"), "$") or _id(field(event, "content", "redacts"), "$")


def without_quote(body: str) -> str:
    """*body* without the lines that it begins with and that quote another message.

    A reply repeats what it answers as ``> <@who:where> text`` (specification, "Fallbacks for rich
    replies", still sent by clients); those are another person's words.
    """
    lines = body.split("\n")
    if not lines[0].startswith(">"):
        return body
    quoted = takewhile(lambda line: not line or line.startswith(">"), lines)
    return "\n".join(lines[sum(1 for _line in quoted) :])


def is_join_of(event: object, me: str) -> bool:
    """Whether *event* is our own entrance; all that lies before it is history."""
    return (
        _is_about(event, me)
        and field(event, "content", "membership") == "join"
        and field(event, "unsigned", "prev_content", "membership") != "join"
    )


def may_count(event: object, me: str) -> bool:
    """Whether *event* is a person's message, or our own entrance, which ends history."""
    kinds = ("m.room.message", "m.room.encrypted", "m.room.redaction", "m.reaction")
    return is_join_of(event, me) or (field(event, "type") in kinds and field(event, "sender") != me)


def encrypts(event: object) -> bool:
    """Whether *event* makes its room an encrypted one, which lasts for ever."""
    return field(event, "type") == "m.room.encryption" and field(event, "state_key") == ""


@dataclass(frozen=True)
class Tombstone:
    """The end of a room, and which room takes its place."""

    replacement: str
    sender: str


def tombstone(event: object) -> Tombstone | None:
    """The end that *event* puts to its room."""
    if field(event, "type") != "m.room.tombstone" or field(event, "state_key") != "":
        return None
    replacement = room_id_of(field(event, "content", "replacement_room"))
    sender = user_id_of(field(event, "sender"))
    return Tombstone(replacement, sender) if replacement and sender else None


@dataclass(frozen=True)
class Leaving:
    """How we came to be out of a room: by ourselves, or by somebody for a reason."""

    event_id: str
    by: str
    banned: bool
    why: str


def leaving(room: object, me: str) -> Leaving | None:
    """How we left, by a left room's part of a sync answer; None if we never were in."""
    events = objects(field(room, "timeline", "events")) + objects(field(room, "state", "events"))
    for event in events[::-1]:
        membership = field(event, "content", "membership")
        if not _is_about(event, me) or membership not in ("leave", "ban"):
            continue
        event_id, by = _id(field(event, "event_id"), "$"), user_id_of(field(event, "sender"))
        before = field(event, "unsigned", "prev_content", "membership")
        if event_id is None or by is None or before not in ("join", None):
            return None
        why = field(event, "content", "reason")
        shown = clean(why) if isinstance(why, str) else ""
        return Leaving(event_id, by, membership == "ban", shown)
    return None


def inviter(invitation: object, me: str) -> str | None:
    """Who invites us, by an invited room's stripped state.

    The last such event counts: ours adds the true one to what a foreign homeserver made up.
    """
    for event in reversed(objects(field(invitation, "invite_state", "events"))):
        if _is_about(event, me) and field(event, "content", "membership") == "invite":
            return user_id_of(field(event, "sender"))
    return None


def present(events: object) -> set[str]:
    """Who is in a room or invited there, by its member events."""
    return {
        str(field(event, "state_key"))
        for event in objects(events)
        if field(event, "type") == "m.room.member"
        and field(event, "content", "membership") in ("join", "invite")
    }


def room_id_of(value: object) -> str | None:
    """*value* where it can be the id of a room."""
    return _id(value, "!")


def user_id_of(value: object) -> str | None:
    """*value* where it can be the id of a user."""
    return _id(value, "@")


def _is_about(event: object, user_id: str) -> bool:
    return field(event, "type") == "m.room.member" and field(event, "state_key") == user_id


def _id(value: object, sigil: str) -> str | None:
    if not isinstance(value, str) or not value.startswith(sigil) or len(value) > _LONGEST_ID:
        return None
    return value if value.isprintable() else None


def _storable(text: str) -> str:
    """*text* without half characters, which JSON can carry and no store can."""
    return text.encode("utf-8", "replace").decode()
