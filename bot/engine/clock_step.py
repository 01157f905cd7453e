"""By how much the clock of a guest stepped while it was moved to another Dom0, live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from bot.core.clock_sweep import DRIFT
from bot.core.clock_text import size
from bot.core.clocks import Reading
from bot.engine.context import Context
from bot.errors import BotError
from bot.i18n import _

#: the key under which a job's notes have what was read before
_NOTE = "clock"
#: how often a guest is asked that does not answer right after it was moved
_TRIES = 3
#: the bot's clock was set where it and the steady one went apart by more than this
_JUMP = 0.001


@dataclass(frozen=True)
class Noted:
    """What the clock of a guest was at one time."""

    #: against the bot's clock; None where it could not be measured
    reading: Reading | None
    #: why not, in one sentence
    why: str
    #: the bot's two clocks then: seconds since 1970, and those of the one that nobody sets
    wall: float
    steady: float

    def note(self) -> dict[str, Any]:
        """As the notes of a job keep it."""
        reading = None if self.reading is None else (self.reading.offset, self.reading.bound)
        return vars(self) | {"reading": reading}

    @classmethod
    def of(cls, note: dict[str, Any]) -> Noted:
        """As it was noted."""
        reading = note["reading"]
        return cls(**note | {"reading": None if reading is None else Reading(*reading)})


async def clock_before(ctx: Context, guest: str) -> None:
    """Note how the clock of *guest* is, so that its step can be told even after a crash."""
    await ctx.note(_NOTE, (await _measured(ctx, guest, tries=1)).note())


async def clock_after(ctx: Context, guest: str) -> str:
    """By how much the clock of *guest* stepped since, in one sentence; it is recorded too.

    Raises nothing: no move fails for a clock.
    """
    noted = ctx.notes.get(_NOTE)
    if noted is None:
        return ""
    before = Noted.of(noted)
    if before.reading is None:
        return _unmeasured(before.why)
    after = await _measured(ctx, guest, tries=_TRIES)
    if after.reading is None:
        return _unmeasured(after.why)
    step = stepped(before, after)
    if step is None:
        return _unmeasured(_("The bot's own clock was set meanwhile."))
    await ctx.record("clock step", {"guest": guest, "seen": _seen(step)})
    return _told(ctx, guest, step)


def stepped(before: Noted, after: Noted) -> Reading | None:
    """By how much a clock stepped between two readings; None where that cannot be said.

    Clocks drift meanwhile, and that is no step: by so much the error is larger.
    """
    if before.reading is None or after.reading is None:
        return None
    passed = after.steady - before.steady
    wrong = abs((after.wall - before.wall) - passed)
    if passed < 0 or wrong > _JUMP + DRIFT * passed:
        return None
    apart = after.reading - before.reading
    return Reading(apart.offset, apart.bound + DRIFT * passed + wrong)


async def _measured(ctx: Context, guest: str, *, tries: int) -> Noted:
    """The guest's clock now; one that does not answer is asked again, *tries* times in all."""
    why = _("{guest} did not answer in time.").format(guest=guest)
    reading = None
    try:
        # locks are held meanwhile, and who moves a guest waits
        async with asyncio.timeout(ctx.timing.connect):
            for left in reversed(range(tries)):
                found = await ctx.engine.clocks.of_guest(guest)
                reading, why = found.reading, found.why
                if reading is not None or not found.measurable or not left:
                    break
                await asyncio.sleep(ctx.timing.follow_every)
    except TimeoutError:
        pass
    except BotError as error:
        why = str(error)
    watch = ctx.engine.clocks.stopwatch
    return Noted(reading, why, watch.wall(), watch.steady())


def _told(ctx: Context, guest: str, step: Reading) -> str:
    if not step.certain:
        return _("Its clock went on within the error (± {bound}).").format(bound=size(step.bound))
    text = _("Its clock stepped by {seen}.").format(seen=_seen(step))
    if abs(step.offset) < ctx.engine.clocks.rules.thresholds.notice:
        return text
    mend = _("To mend it: {prefix}clock fix {guest}").format(prefix=ctx.prefix, guest=guest)
    return f"{text} {mend}"


def _seen(step: Reading) -> str:
    sign = "+" if step.offset > 0 else "-"
    return f"{sign}{size(step.offset)} ± {size(step.bound)}"


def _unmeasured(why: str) -> str:
    return _("Its clock was not measured: {why}").format(why=why)
