"""What becomes of each message that the chat brings: a job, an answer, a cancelled job."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import structlog
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.chat import Kind, Message, Post, Proof, Report, Status
from bot.core.jobs import ENDED, State
from bot.core.render import Reply
from bot.core.text import clean, cut, is_command, words
from bot.engine import audit_log, denials, jobs, outbox, reacting
from bot.engine.absence import hold
from bot.engine.cancelling import CANCELLED, TAKEN_BACK, cancel
from bot.engine.engine import Engine
from bot.engine.schema import handled
from bot.errors import UsageError
from bot.i18n import _

log = structlog.get_logger()

#: how many reports of a kind reach the room in an hour; the others are heard in the log alone.  By
#: kind, so that strangers who cause many of one hide none of another
_REPORTS_AN_HOUR = 5
#: how many characters of a report are said
_LONGEST_REPORT = 500

#: what ends the kind of a report in its key
_KIND = re.compile("[: ]")

# built once, for every message needs them
_seen = select(handled.c.event_id).where(handled.c.event_id == bindparam("key"))
_see = insert(handled)


class Incoming:
    """One batch on its way into the store, all of it in the transaction *tx*.

    *away*: for how long the chat was not heard from before, where that was too long for running
    what it brings.
    """

    def __init__(self, engine: Engine, tx: AsyncConnection, away: float | None) -> None:
        self._engine = engine
        self._tx = tx
        self._away = away
        self._now = engine.clock()
        #: the jobs that were made
        self.new: list[jobs.Job] = []
        #: whether anything was queued to be said
        self.told = False

    async def take(self, message: Message) -> None:
        """Take in *message*, unless it was taken in before or is a replay."""
        if not await self._is_first(message.event_id):
            return
        if message.seal and not await self._is_first(f"seal:{_digest(message.seal)}"):
            await self._replayed(message)
            return
        match message.kind:
            case Kind.LINE if is_command(message.body, self._engine.prefix):
                await self._command(message)
            case Kind.EDIT if is_command(message.body, self._engine.prefix):
                await self._edit(message)
            case Kind.REMOVAL:
                await self._removal(message)
            case Kind.UNREADABLE:
                await self._unreadable(message)
            case Kind.REACTION:
                await self._reaction(message)

    async def hold_late(self) -> None:
        """Hold the commands that came while the bot was away, and list them."""
        if self._away is not None and self.new:
            self.told = True
            new = [await jobs.get(self._tx, job.id) for job in self.new]
            queued = [job for job in new if job is not None and job.state is State.QUEUED]
            await hold(self._engine, self._tx, queued, self._away, new=True)

    async def report(self, report: Report, room: str) -> None:
        """Say *report* in *room* once for ever, and no more of them than people can bear."""
        log.warning("report", key=report.key, sentence=report.sentence)
        kind = f"report:{_KIND.split(report.key)[0][:40]}"
        key = f"{kind}:{_digest(report.key)}"
        # a range, which the primary key finds at once; ";" comes after ":"
        of_kind = handled.c.event_id.between(f"{kind}:", f"{kind};")
        recent = of_kind & (handled.c.at > self._now - 3600)
        count = await self._tx.scalar(select(func.count()).select_from(handled).where(recent)) or 0
        if count >= _REPORTS_AN_HOUR or not await self._is_first(key):
            return
        self.told = True
        text = Reply(clean(report.sentence, _LONGEST_REPORT)).text("⚠")
        await outbox.put(self._tx, Post(room, self._engine.txn(key.replace(":", "-")), text))

    async def _is_first(self, key: str) -> bool:
        """Whether *key* was never handled before; from now on it was."""
        if (await self._tx.execute(_seen, {"key": key})).first():
            return False
        await self._tx.execute(_see, {"event_id": key, "at": self._now})
        return True

    async def _replayed(self, message: Message) -> None:
        """Something was encrypted once and delivered twice: the homeserver repeats it."""
        log.error("replayed", event_id=message.event_id, sender=message.sender, room=message.room)
        data: dict[str, object] = {
            "sender": message.sender,
            "room": message.room,
            "event": message.event_id,
            "why": "replayed",
        }
        await denials.record(self._tx, message.sender, data, self._now)

    async def _command(self, message: Message) -> None:
        engine = self._engine
        line = cut(message.body.strip(), engine.command_bytes)
        person = engine.policy.person(message.sender)
        if person is None:
            stranger: dict[str, object] = {
                "sender": message.sender,
                "room": message.room,
                "line": engine.shown(line),
            }
            await denials.record(self._tx, message.sender, stranger, self._now)
            return
        if await jobs.of_event(self._tx, message.event_id) is not None:
            return  # so old that the event itself is forgotten; a job is kept for ever
        job = await jobs.add(self._tx, message, person, line, self._now)
        asked: dict[str, object] = {
            "job": job.id,
            "person": person,
            "sender": message.sender,
            "room": message.room,
            "event": message.event_id,
            "line": engine.shown(line),
            "via": message.proof.value,
        }
        if verb := verb_of(engine, line):
            asked["verb"] = verb
        await audit_log.append(self._tx, "asked", asked, self._now)
        self.new.append(job)

    async def _reaction(self, message: Message) -> None:
        """A sign on a message: where it means a command, that is run as if it had been typed.

        So everything is looked at that always is.
        """
        if line := await reacting.line_of(self._engine, self._tx, message):
            typed = replace(message, body=line, answers=message.target, proof=Proof.REACTION)
            await self._command(typed)

    async def _edit(self, message: Message) -> None:
        """An edited command is never run; its author is told once for each message."""
        edited = message.target or message.event_id
        reply = Reply(_("Edits are not run, send it again."))
        await self._answer(message, f"edit-{_digest(edited)[:24]}", edited, reply)

    async def _unreadable(self, message: Message) -> None:
        """Say so once a minute and room: one lost key makes many messages unreadable."""
        reply = Reply(
            _("I could not read that: the key of your message has not reached me."),
            hint=_("I asked for it. Send your command again in a moment."),
        )
        minute = int(self._now // 60)
        where = _digest(f"{message.sender} {message.room}")[:24]
        name = f"unread-{where}-{minute}"
        await self._answer(message, name, message.event_id, reply)

    async def _answer(self, message: Message, name: str, about: str, reply: Reply) -> None:
        """Answer what is no job, where a member of the config sent it."""
        if self._engine.policy.person(message.sender) is None:
            return
        status = Status(message.event_id, 0, "refused", True)
        post = Post(
            message.room,
            self._engine.txn(name),
            reply.text("✘"),
            about=about,
            status=status,
            # these sentences hold nothing of the site, and who needs them may be on any device
            to_unsigned=True,
        )
        self.told = True
        await outbox.put(self._tx, post)

    async def _removal(self, message: Message) -> None:
        """Cancel what a message asked for that was taken back, where it still waits.

        One that runs is left alone.  But where the bot died in it and finds that it may begin anew,
        it does not.
        """
        job = await jobs.of_event(self._tx, message.target)
        if job is None or job.room != message.room:
            return
        if job.state in ENDED:
            return
        data = {"job": job.id, "sender": message.sender, "event": message.event_id}
        await audit_log.append(self._tx, "taken back", data, self._now)
        if job.state is State.RUNNING:
            await jobs.note(self._tx, job.id, CANCELLED, TAKEN_BACK)
        else:
            self.told = True
            await cancel(self._engine, self._tx, job, TAKEN_BACK)


def verb_of(engine: Engine, line: str) -> str:
    """The right that *line* needs; empty where it names no command."""
    try:
        command = engine.registry.find(words(line.removeprefix(engine.prefix)))
    except UsageError:
        return ""
    return "" if command is None else command.needs


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
