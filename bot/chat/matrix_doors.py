"""Where the bot goes in and out: invitations, private chats, replaced rooms, being put out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import structlog

from bot.chat.matrix_events import (
    field,
    inviter,
    leaving,
    members,
    objects,
    present,
    room_id_of,
)
from bot.chat.matrix_login import Account
from bot.chat.matrix_memory import PutOut
from bot.chat.matrix_patience import Patience
from bot.chat.matrix_rooms import Replacement, Rooms
from bot.chat.matrix_wire import Rejected, path_of
from bot.core.chat import Message, Report
from bot.core.text import clean
from bot.i18n import _

_log = structlog.get_logger()


class Doors:
    """Leads *account* through *rooms*; *knows* says whose invitations are taken.

    With *private*, whom it knows may take it aside into a room of two.  Behind a door may be a
    foreign homeserver that never answers: it is tried again later, and nobody waits for it.
    """

    def __init__(
        self,
        account: Account,
        rooms: Rooms,
        knows: Callable[[str], bool],
        *,
        private: bool,
        trust_any: bool = False,
    ) -> None:
        self._account = account
        self._rooms = rooms
        self._knows = knows
        self._private = private
        self._trust_any = trust_any
        #: what the administrators should hear
        self.reports: list[Report] = []
        #: invitations that are not looked at yet, by room
        self._invitations: dict[str, Any] = {}
        #: replacements that stay shut until somebody invites us
        self._shut: set[str] = set()
        #: private chats of which nobody could say who is in them
        self.doubtful: set[str] = set()
        self._patience = Patience()

    def take(self, answer: object) -> None:
        """Learn from a sync answer who invites us and who put us out."""
        self._patience.begin_round()
        for room_id, room in members(field(answer, "rooms", "leave")).items():
            self._invitations.pop(room_id, None)
            self.doubtful.discard(room_id)
            self._patience.forget(room_id)
            self._take_leaving(room_id, room)
        # after them: where one answer has both, the invitation is what came last
        for room_id, invitation in members(field(answer, "rooms", "invite")).items():
            if room_id_of(room_id) is not None:
                self._invitations[room_id] = invitation
        for name, put_out in list(self._rooms.memory.put_out.items()):
            if self._rooms.id_of(name) is not None:
                del self._rooms.memory.put_out[name]
                self._say_back(name, put_out)

    async def resolve(self, aliases: Iterable[str]) -> bool:
        """Ask for the ids of *aliases*; true where one is known now."""
        found = [
            alias
            for alias in aliases
            if self._patience.allows(alias)
            and await self._patience.over(alias, self.ask_for(alias))
            and alias not in self._rooms.unresolved()
        ]
        return bool(found)

    async def ask_for(self, alias: str) -> None:
        """Ask for the id of *alias*.  Raises `ChatUnavailable` where nobody answers."""
        with suppress(Rejected):
            answer = await self._account.ask("GET", path_of("directory", "room", alias))
            room_id = room_id_of(answer.get("room_id"))
            if room_id is not None:
                self._rooms.resolve(alias, room_id)

    async def answer(self) -> None:
        """Go where a member whom we know invites us to, if it is a room of ours or of two."""
        if self._invitations:
            await self.resolve(self._rooms.aliases())
        for room_id, invitation in list(self._invitations.items()):
            if self._patience.allows(room_id):
                answering = self._answer(room_id, inviter(invitation, self._account.user_id))
                if await self._patience.over(room_id, answering):
                    self._invitations.pop(room_id, None)

    async def follow(self) -> None:
        """Go on to the rooms that took the place of ours."""
        for name, replacement in list(self._rooms.replaced.items()):
            if replacement.new not in self._shut and self._patience.allows(replacement.new):
                await self._patience.over(replacement.new, self._follow(name, replacement))

    async def look_after_private(self, answer: object = None) -> None:
        """Leave the private chats that are none any more; only those where *answer* has news."""
        for room_id in list(self._rooms.memory.private):
            if room_id in self._invitations:
                continue  # killed before it was in: the invitation is answered anew
            room = field(answer, "rooms", "join", room_id)
            if answer is None or _may_have_changed(room, self._account.user_id):
                self.doubtful.add(room_id)
            doubtful = room_id in self.doubtful and self._patience.allows(room_id)
            if doubtful and await self._patience.over(room_id, self._keep_private(room_id)):
                self.doubtful.discard(room_id)

    def report_plain(self, message: Message) -> None:
        """Say that somebody spoke in clear in an encrypted room, where no device vouches for it."""
        _log.warning("matrix.plain_message_ignored", room=message.room, sender=message.sender)
        if self._knows(message.sender):
            key = _digest(f"{message.sender} {message.room}")
            sentence = _(
                "A message of {who} came unencrypted into the encrypted room {room}: the homeserver"
                " may have made it up, so I did not read it."
            ).format(who=clean(message.sender), room=message.room)
            self.reports.append(Report(f"plain:{key}", sentence))

    def takes(self, name: str, sender: object) -> bool:
        """Whether what *sender* says in the room *name* is for us: aside, our one companion's."""
        return self._rooms.memory.private.get(name, sender) == sender

    def _take_leaving(self, room_id: str, room: object) -> None:
        if self._rooms.memory.private.pop(room_id, None) is not None:
            _log.info("matrix.private_chat_ended", id=room_id)
        name, left = self._rooms.name_of(room_id), leaving(room, self._account.user_id)
        if name is None or left is None:
            return
        if left.by == self._account.user_id:
            _log.warning("matrix.left_room", room=name)
            return
        how = "matrix.banned_from_room" if left.banned else "matrix.put_out_of_room"
        _log.error(how, room=name, id=room_id, by=left.by, why=left.why)
        self._rooms.memory.put_out[name] = PutOut(left.event_id, left.by, left.why)

    def _say_back(self, name: str, put_out: PutOut) -> None:
        _log.warning("matrix.back_in_room", room=name, put_out_by=put_out.by)
        sentence = (
            _("{who} put me out of the room {room} ({why}).")
            if put_out.why
            else _("{who} put me out of the room {room}.")
        ).format(who=clean(put_out.by), room=name, why=put_out.why)
        more = _("I am back; what was said there meanwhile is not run.")
        self.reports.append(Report(f"back:{put_out.event_id}", f"{sentence} {more}"))

    async def _answer(self, room_id: str, who: str | None) -> None:
        name = self._rooms.name_of(room_id)
        known = who is not None and self._knows(who)
        replaces = [each for each in self._rooms.replaced.values() if each.new == room_id]
        if known and name in self._rooms.names:
            await self._join(room_id, name, who)
        elif known and replaces:
            self._shut.discard(room_id)
        elif known and self._private and who is not None:
            self._rooms.memory.private[room_id] = who
            self._rooms.memory.save()
            if await self._join(room_id, room_id, who):
                await self._keep_private(room_id)
            else:
                del self._rooms.memory.private[room_id]
        else:
            _log.warning("matrix.invitation_ignored", room=name or clean(room_id), by=who)
            if who is not None:
                self._report_invitation(who)

    def _report_invitation(self, who: str) -> None:
        sentence = _("{who} invited me to a room that is not mine to enter; I did not answer.")
        report = Report(f"invitation:{_digest(who)}", sentence.format(who=clean(who)))
        self.reports.append(report)

    async def _join(self, room_id: str, name: str | None, by: str | None) -> bool:
        """Enter; false, and in the log, where the homeserver does not let us."""
        try:
            # a homeserver that was never in the room has to ask one that is
            via = {"via": by.partition(":")[2], "server_name": by.partition(":")[2]} if by else {}
            await self._account.ask("POST", path_of("join", room_id, **via), {})
        except Rejected as error:
            _log.error("matrix.cannot_join", room=name, by=by, error=str(error))
            return False
        _log.info("matrix.joined", room=name, by=by)
        return True

    async def _follow(self, name: str, replacement: Replacement) -> None:
        """Move to the new room, if it says as well that it comes after the old one."""
        new = replacement.new
        if not await self._join(new, name, replacement.by):
            self._shut.add(new)
            sentence = _("The room {room} was replaced, and I cannot enter the new one: invite me.")
            self.reports.append(Report(f"replaced:{new}", sentence.format(room=name)))
            return
        try:
            path = path_of("rooms", new, "state", "m.room.create", "")
            create = await self._account.ask("GET", path)
        except Rejected:
            create = {}
        if field(create, "predecessor", "room_id") != replacement.old:
            _log.error("matrix.false_replacement", room=name, id=new, by=replacement.by)
            sentence = _("{who} wants to lead me from the room {room} to one that is not its heir.")
            sentence = sentence.format(who=clean(replacement.by), room=name)
            self.reports.append(Report(f"replaced:{new}", sentence))
            self._shut.add(new)
            if self._rooms.name_of(new) is None:
                await self._leave(new)
            return
        self._rooms.follow(replacement)
        self._rooms.memory.save()
        _log.warning("matrix.followed", room=name, id=new)
        del self._rooms.replaced[name]

    async def _keep_private(self, room_id: str) -> None:
        """Stay in a private chat while it is one: the two of us, and nobody else even invited."""
        who, me = self._rooms.memory.private[room_id], self._account.user_id
        try:
            path = path_of("rooms", room_id, "members", not_membership="leave")
            there = present((await self._account.ask("GET", path)).get("chunk"))
        except Rejected:
            there = set()
        if there == {me, who} and self._private and self._knows(who):
            if await self._is_safe_enough(room_id):
                return
            self._report_plain_chat(room_id, who)
        _log.warning("matrix.private_chat_left", id=room_id, by=who, members=len(there))
        await self._leave(room_id)
        del self._rooms.memory.private[room_id]

    async def _is_safe_enough(self, room_id: str) -> bool:
        """Whether the room is no less safe than the main one.

        Else a homeserver that can forge nobody there would just make up a room of two.
        """
        main = self._rooms.names[0]
        if self._trust_any or not self._rooms.was_encrypted(main):
            return True
        if not self._rooms.is_encrypted(room_id):
            try:
                path = path_of("rooms", room_id, "state", "m.room.encryption", "")
                await self._account.ask("GET", path)
            except Rejected:
                return False
            self._rooms.note_encrypted(room_id)
            self._rooms.memory.save()
        return True

    def _report_plain_chat(self, room_id: str, who: str) -> None:
        sentence = _(
            "I left the room that {who} took me aside to: it is not encrypted, so that I cannot"
            " tell who speaks there. Invite me to an encrypted one."
        ).format(who=clean(who))
        self.reports.append(Report(f"plain-chat:{_digest(room_id)}", sentence))

    async def _leave(self, room_id: str) -> None:
        for verb in ("leave", "forget"):
            try:
                await self._account.ask("POST", path_of("rooms", room_id, verb), {})
            except Rejected as error:
                _log.info("matrix.not_left", id=room_id, error=str(error))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _may_have_changed(room: object, me: str) -> bool:
    """Whether a room's part of a sync answer may bring or take somebody else."""
    events = objects(field(room, "state", "events")) + objects(field(room, "timeline", "events"))
    return field(room, "timeline", "limited") is True or any(
        field(event, "type") == "m.room.member" and field(event, "state_key") != me
        for event in events
    )
