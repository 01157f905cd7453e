"""Cancelling a job: at once where it has not begun, before its next step where it has."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.events import Ended
from bot.core.jobs import WAITING, State
from bot.core.render import Reply
from bot.engine import jobs
from bot.engine.engine import Engine
from bot.engine.jobs import Job
from bot.engine.run import Run
from bot.i18n import _

#: the key under which it is noted why a job was cancelled, so that it stays so after a crash
CANCELLED = "cancelled"
#: why: somebody asked for it, or took back the message that the job was
ASKED, TAKEN_BACK = "asked", "taken back"
#: why: the grant that allowed it ended before it began
LAPSED = "grant ended"


async def cancel(engine: Engine, tx: AsyncConnection, job: Job, why: str) -> bool:
    """Cancel *job*, which has not ended, in *tx*; returns whether that was its end.

    Where it was begun, it ends before its next step, and *tx* keeps that wish over a crash.  What
    fails after the flag is set here only cancels earlier than the record has it.
    """
    run = engine.running.get(job.id)
    if run is None and (job.state is State.HELD or job.state in WAITING):
        # nothing is awaited since the look at what runs: from here on nobody begins it
        engine.begun.add(job.id)
        await Run(engine, job).end_within(tx, cancelled(why, begun=job.started is not None))
        return True
    if run is not None:
        run.cancel(why)
    await jobs.note(tx, job.id, CANCELLED, why)
    return False


def cancelled(why: object, *, begun: bool) -> Ended:
    """The end of a job that was cancelled for the reason *why*, once it had *begun* or before."""
    if why == LAPSED:
        sentence = _("The grant that allowed this has ended, and nothing of it was begun.")
        return Ended(State.FAILED, "denied", Reply(sentence))
    match (why == TAKEN_BACK, begun):
        case (True, True):
            sentence = _("Cancelled, since its message was taken back; no further step was begun.")
        case (True, False):
            sentence = _("Cancelled before it began, since its message was taken back.")
        case (False, True):
            sentence = _("Cancelled; no further step was begun.")
        case _:
            sentence = _("Cancelled before it began.")
    return Ended(State.CANCELLED, "cancelled", Reply(sentence))
