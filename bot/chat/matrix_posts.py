"""Saying things in Matrix rooms: texts, edits, files for what is too long, signs on messages.

Each event has a transaction id that a second sending keeps, so it is there once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from bot.chat.matrix_content import (
    PNG,
    content_of,
    content_of_file,
    content_of_picture,
    in_thread_of,
    is_passing,
    is_too_long,
    reaction_of,
    without_file,
    without_picture,
)
from bot.chat.matrix_crypto import Crypto
from bot.chat.matrix_events import field
from bot.chat.matrix_login import Account
from bot.chat.matrix_pins import pin
from bot.chat.matrix_wire import UPLOAD, Busy, File, Rejected, path_of
from bot.core.chat import Picture, Post, PostKind
from bot.errors import BotError
from bot.i18n import _

_log = structlog.get_logger()

#: how long others see that the bot is at work, unless it says so again
TYPING_LASTS = 30_000


class Posts:
    """What *account* says, each request tried once: the outbox waits where it has to."""

    def __init__(self, account: Account, crypto: Crypto) -> None:
        self._account = account
        self._crypto = crypto
        #: where a thread begins, for events that are in one themselves
        self._roots: dict[str, str] = {}

    async def send(self, post: Post, room_id: str, *, secret: bool) -> str:
        """Send *post* into a room, which is an encrypted one if *secret*; returns its event id."""
        match post.kind:
            case PostKind.REACTION:
                return await self._put("send", room_id, "m.reaction", post.txn, reaction_of(post))
            case PostKind.REMOVAL:
                return await self._put("redact", room_id, post.edits or "", post.txn, {})
            case PostKind.PIN | PostKind.UNPIN:
                return await pin(self._account, post, room_id)
            case PostKind.TEXT:
                return await self._say(post, room_id, secret)

    async def typing(self, room_id: str, *, on: bool) -> None:
        """Show that the bot is at work; what goes wrong is let go."""
        path = path_of("rooms", room_id, "typing", self._account.user_id)
        wish = {"typing": True, "timeout": TYPING_LASTS} if on else {"typing": False}
        try:
            await self._account.ask("PUT", path, wish)
        except BotError as error:
            _log.debug("matrix.typing_failed", room=room_id, error=str(error))

    async def _say(self, post: Post, room_id: str, secret: bool) -> str:
        if post.picture is not None:
            return await self._show(post, post.picture, room_id, secret)
        file = await self._uploaded(post, secret)
        in_file = file is not None and not post.attachment
        if post.attachment and file is None:
            post = without_file(post)
        content = partial(content_of, secret=secret, in_file=in_file)
        event_id = await self._send_related(post, room_id, secret, content)
        if file is not None:
            # to be found by people, and under an id of its own, so that it comes once as well
            beside = replace(post, edits=None, txn=f"{post.txn}-file")
            size = len(_in_file(post))
            content_with = partial(content_of_file, size=size, place=file)
            await self._send_related(beside, room_id, secret, content_with)
        return event_id

    async def _uploaded(self, post: Post, secret: bool) -> dict[str, Any] | None:
        """Where the file of *post* is, or its text, if that is too long and changes no more."""
        too_long = is_too_long(post, secret=secret) and not is_passing(post)
        if not post.attachment and not too_long:
            return None
        try:
            return await self._upload(File(_in_file(post)), secret)
        except Rejected as error:
            _log.warning("matrix.no_file", txn=post.txn, error=str(error))
            return None

    async def _upload(self, file: File, secret: bool) -> dict[str, Any]:
        """Where *file* is, and with which key it is read if it is *secret*."""
        keys = None
        if secret:
            # matrix-nio takes half a second to import its cryptography
            from nio.crypto.attachments import encrypt_attachment  # type: ignore[import-untyped]

            sealed, keys = encrypt_attachment(file.data)
            file = File(sealed)
        answer = await self._account.ask("POST", UPLOAD, file)
        place = answer.get("content_uri")
        if not isinstance(place, str):
            raise Busy(_("The homeserver answers nonsense"))
        return {"url": place} if keys is None else {"file": {**keys, "url": place}}

    async def _show(self, post: Post, picture: Picture, room_id: str, secret: bool) -> str:
        """Show *picture* with the text of *post* as its caption; or say it, and why that is all."""
        try:
            place = await self._upload(File(picture.png, PNG), secret)
        except Rejected as error:
            _log.warning("matrix.no_picture", txn=post.txn, error=str(error))
            post = without_picture(post, picture, str(error))
            content = partial(content_of, secret=secret)
        else:
            content = partial(content_of_picture, picture=picture, place=place, secret=secret)
        return await self._send_related(post, room_id, secret, content)

    async def _send_related(
        self,
        post: Post,
        room_id: str,
        secret: bool,
        content: Callable[[Post, str | None], dict[str, Any]],
    ) -> str:
        """Send *post* as *content* has it, in its thread or as an edit where that can be."""
        try:
            root = self._roots.get(in_thread_of(post) or "")
            return await self._send_text(post, room_id, secret, content(post, root))
        except Rejected as error:
            if error.status != 400 or not (in_thread_of(post) or post.edits):
                raise
            _log.warning("matrix.relation_refused", txn=post.txn, error=str(error))
        # no thread can start inside of a thread, and what a post refers to may be gone with its
        # room; the words have to arrive all the same
        root = await self._root_of(room_id, post)
        post = replace(post, edits=None)
        if root is None:
            post = replace(post, threaded=False, under=None)
        return await self._send_text(post, room_id, secret, content(post, root))

    async def _send_text(
        self, post: Post, room_id: str, secret: bool, content: dict[str, Any]
    ) -> str:
        """Send a message; nothing that is *secret* goes out in clear."""
        kind = "m.room.message"
        if secret:
            content = await self._crypto.seal(room_id, kind, content, to_unsigned=post.to_unsigned)
            kind = "m.room.encrypted"
        return await self._put("send", room_id, kind, post.txn, content)

    async def _put(
        self, verb: str, room_id: str, what: str, txn: str, content: dict[str, Any]
    ) -> str:
        """The id of the event made."""
        path = path_of("rooms", room_id, verb, what, txn)
        answer = await self._account.ask("PUT", path, content)
        event_id = answer.get("event_id")
        if not isinstance(event_id, str):
            raise Busy(_("The homeserver does not say what became of the message"))
        return event_id

    async def _root_of(self, room_id: str, post: Post) -> str | None:
        """Where the thread begins that the event which *post* belongs to is in itself."""
        belongs = in_thread_of(post)
        if belongs is None or belongs in self._roots:
            return None
        try:
            event = await self._account.ask("GET", path_of("rooms", room_id, "event", belongs))
        except Rejected:
            return None
        root = field(event, "content", "m.relates_to", "event_id")
        in_thread = field(event, "content", "m.relates_to", "rel_type") == "m.thread"
        if not in_thread or not isinstance(root, str):
            return None
        self._roots[belongs] = root
        return root


def _in_file(post: Post) -> bytes:
    """What the file of *post* holds."""
    return (post.attachment or post.text.plain).encode("utf-8", "replace")
