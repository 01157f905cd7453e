"""What people see of a job: one message that fills up, and whose last state is the final answer."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.approvals import Need
from bot.core.chat import UNPROVEN, Post, Status, Text
from bot.core.events import (
    Agreed,
    Asking,
    Checking,
    Ended,
    Held,
    JobEvent,
    Progressed,
    Resumed,
    Started,
    StepEnded,
    StepStarted,
    Waiting,
)
from bot.core.jobs import State
from bot.core.render import Lines, Reply, duration
from bot.core.text import clean, mask
from bot.engine import approvals, jobs, outbox, pictures, signs
from bot.engine.engine import Engine
from bot.engine.glass import GLASS
from bot.errors import StoreError
from bot.i18n import _

#: codes of failed commands of which nothing was begun
_NEVER_RAN = ("denied", "refused", "usage", "away")


class Progress:
    """The message of one job; every method writes into the transaction of what it tells."""

    def __init__(
        self, engine: Engine, job: jobs.Job, *, fresh: bool, secrets: Sequence[str] = ()
    ) -> None:
        self._engine = engine
        self.job = job
        #: words of the command that nobody may read
        self._secrets = secrets
        #: nothing was told of the job yet, in this life of the bot or before
        self._untold = fresh
        self._lines: list[str] = []
        self._now = ""
        self._details = ""
        self._state = State.QUEUED
        self._waits = ""
        #: what is shown below while somebody has to agree
        self.asking: Asking | None = None
        #: commands that wait for no person any more, on account of this one
        self.frees: tuple[str, ...] = ()

    @property
    def _first(self) -> str:
        return self._engine.txn(f"{self.job.id}-p")

    async def tell(self, tx: AsyncConnection, event: JobEvent) -> None:
        """Show *event*; how often people see it change is the outbox's to say."""
        if isinstance(event, Ended):
            return await self._end(tx, event)
        self._untold = False
        unsaid = isinstance(event, Held) and not await self._was_shown(tx)
        if not unsaid and self._learn(event):
            await self._show(tx)

    def _learn(self, event: JobEvent) -> bool:
        """Take *event* in; False where it is shown no earlier than what comes next."""
        match event:
            case Checking():
                self._now = _("▶ looking at the world")
            case Waiting(blockers, place):
                self._waits, self._state = "lock", State.AWAITING_LOCKS
                self._now = _waiting(blockers, place)
            case Held():
                self._waits, self._state = "person", State.HELD
                self._now = _("⏸ I was away; this waits until somebody releases it")
            case Asking(shown):
                self._waits, self._state, self.asking = "person", State.AWAITING_APPROVAL, event
                self._now = f"⏸ {shown.result}"
            case Agreed(sentence):
                self._waits, self.asking, self._now = "", None, f"▶ {sentence}"
            case Started():
                self._waits, self._state, self._now = "", State.RUNNING, ""
                self.asking = None
                return False
            case Resumed():
                self._state = State.RUNNING
                self._now = _("▶ the bot was away; looking at what became of it")
            case StepStarted(title):
                self._now = f"▶ {title}"
            case StepEnded(title, seconds, ok):
                self._lines.append(f"{'✔' if ok else '✘'} {title} ({duration(seconds)})")
                self._now = ""
                return False
            case Progressed(text, details):
                self._now, self._details = f"▶ {text}", details
            case _:
                return False
        return True

    async def message(self) -> str | None:
        """The event id of what people see; empty where that is nothing, None if nobody knows."""
        if self._untold:
            return ""
        try:
            async with self._engine.store.read() as tx:
                if not await self._was_shown(tx):
                    return ""
            return await self._engine.outbox.event_of(self._first)
        except StoreError:
            return None

    async def _show(self, tx: AsyncConnection) -> None:
        head = _("⏳ job {job}: {line}").format(
            job=self.job.id, line=clean(self._engine.shown(self.job.line), 120)
        )
        lines = [head, *self._lines, self._now]
        reply = Reply("\n".join(line for line in lines if line), self._details)
        if self.asking is not None:
            reply = replace(reply, body=self.asking.shown.body, hint=self.asking.shown.hint)
        text = reply.text()
        if not await self._was_shown(tx):
            await outbox.put(tx, self._post(self._first, text))
            await outbox.put(tx, signs.begun(self._engine, self.job))
            return
        # a number of this life of the bot: a job may be looked after and begin anew within it
        self._engine.edits += 1
        stamp = f"{int(self._engine.clock() * 1000):x}.{self._engine.edits}"
        await outbox.put(tx, self._post(f"{self._first}-{stamp}", text, edits=self._first))

    async def _end(self, tx: AsyncConnection, event: Ended) -> None:
        shown = not self._untold and await self._was_shown(tx)
        steps = [] if self._untold else await jobs.steps(tx, self.job.id)
        agreed = await _agreed(tx, self.job.id) if shown else ""
        text = final_text(self.job, steps, event, self._engine.clock(), agreed)
        txn = self._engine.txn(f"{self.job.id}-final")
        post = replace(
            self._post(txn, text, edits=self._first if shown else None),
            threaded=shown,
            status=final_status(self.job, event, self.frees),
            # who waited is called back; who got the answer at once is still there
            mentions=(self.job.sender,) if shown else (),
            # a device that is not believed has to learn why
            to_unsigned=event.code == "denied" and self.job.proof in UNPROVEN,
            file=event.reply.file,
            attachment=event.reply.attachment,
        )
        await outbox.put(tx, post)
        await pictures.put(tx, self._engine, self.job, event.reply.pictures)
        for sign in signs.ended(self._engine, self.job, event.state, took_time=shown):
            await outbox.put(tx, sign)

    async def _was_shown(self, tx: AsyncConnection) -> bool:
        return await outbox.has(tx, self._first)

    def _post(self, txn: str, text: Text, *, edits: str | None = None) -> Post:
        """*text* for who asked, and for those who are asked, with how the job stands now."""
        job, asking = self.job, self.asking
        code = asking.code if asking else ""
        return Post(
            room=job.room,
            txn=txn,
            text=hidden(text, self._secrets),
            about=job.event_id,
            threaded=True,
            edits=edits,
            status=Status(
                job.event_id, job.id, self._state.value, False, waits=self._waits, code=code
            ),
            mentions=asking.whom if asking else (),
        )


def hidden(text: Text, secrets: Sequence[str]) -> Text:
    """*text* without *secrets*."""
    return Text(mask(text.plain, secrets), mask(text.html, map(html.escape, secrets)))


def final_status(job: jobs.Job, event: Ended, frees: tuple[str, ...] = ()) -> Status:
    """What machines are told of the end: the state, or why a failed command never ran."""
    never_ran = event.state is State.FAILED and event.code in _NEVER_RAN
    state = event.code if never_ran else event.state.value
    succeeded = event.state is State.SUCCEEDED
    return Status(job.event_id, job.id, state, True, succeeded=succeeded, frees=frees)


def final_text(
    job: jobs.Job, steps: Iterable[jobs.StepRow], event: Ended, now: float, agreed: str = ""
) -> Text:
    """The final answer: the result, what each step took, who *agreed*, and how to go on."""
    mark = {
        State.SUCCEEDED: "✔" if job.risk else "",
        State.CANCELLED: "■",
        State.UNDETERMINED: "⚠",
    }.get(event.state, "✘")
    rows = [
        f"{'✔' if step.ok else '✘'} {step.title}: {duration(step.seconds)}"
        for step in steps
        if step.seconds is not None
    ]
    if not rows and not agreed:
        return event.reply.text(mark)
    took = _("Job {job}, {took}, {agreed}.") if agreed else _("Job {job}, {took}.")
    took = took.format(job=job.id, took=duration(max(0.0, now - job.created)), agreed=agreed)
    hint = "\n".join(part for part in (event.reply.hint, took) if part)
    return replace(event.reply, body=(*event.reply.body, Lines(rows)), hint=hint).text(mark)


async def _agreed(tx: AsyncConnection, job: int) -> str:
    """Which other person agreed to what was begun, or what spared it one; empty without either."""
    request = await approvals.used(tx, job)
    if request is None:
        return ""
    if request.need is Need.SECOND:
        return _("approved by {person}").format(person=request.by)
    broken = (await jobs.notes(tx, job)).get(GLASS)
    return _("without a second person (glass {number})").format(number=broken) if broken else ""


def _waiting(blockers: tuple[int, ...], place: int) -> str:
    names = ", ".join(map(str, blockers))
    return _("⏸ waiting for job {jobs}; you are {place} in the queue").format(
        jobs=names, place=_ordinal(place)
    )


def _ordinal(number: int) -> str:
    words = {1: _("1st"), 2: _("2nd"), 3: _("3rd")}
    return words.get(number) or _("number {number}").format(number=number)
