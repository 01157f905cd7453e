"""The signs on a command: one while it takes its time, one for how it ended.

They go through the outbox like every post, and after every text there.
"""

from __future__ import annotations

from bot.core.chat import Post, PostKind, Text
from bot.core.jobs import State
from bot.engine.engine import Engine
from bot.engine.jobs import Job

WAIT, DONE, WRONG, UNSURE = "⏳", "✅", "❌", "⚠️"


def begun(engine: Engine, job: Job) -> Post:
    """Say on the command that it takes its time."""
    return _sign(engine, job, "wait", WAIT)


def ended(engine: Engine, job: Job, state: State, *, took_time: bool) -> list[Post]:
    """Say on the command how it ended.

    A quick success carries none: its answer stands right below, and one event a command is enough.
    """
    if not took_time:
        return [] if state is State.SUCCEEDED else [_sign(engine, job, "end", WRONG)]
    wait, over = engine.txn(f"{job.id}-wait"), engine.txn(f"{job.id}-waited")
    taken_back = Post(job.room, over, Text("", ""), edits=wait, kind=PostKind.REMOVAL)
    sign = {State.SUCCEEDED: DONE, State.UNDETERMINED: UNSURE}.get(state, WRONG)
    return [taken_back, _sign(engine, job, "end", sign)]


def _sign(engine: Engine, job: Job, name: str, sign: str) -> Post:
    txn = engine.txn(f"{job.id}-{name}")
    return Post(job.room, txn, Text(sign, sign), about=job.event_id, kind=PostKind.REACTION)
