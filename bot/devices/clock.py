"""Reading a machine's clock against the bot's own."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from bot.core.clock_sweep import Instant, gone_apart, leeway
from bot.core.clocks import Reading
from bot.core.text import clean
from bot.devices.session import Call, Output, Session
from bot.errors import DeviceError
from bot.i18n import _

#: what reading, printing and adding up times costs in exactness: doubles hold today's seconds to
#: a quarter of a microsecond
GRAIN = 1e-6
#: a wall clock that went otherwise than the steady one by more than this was set during a probe
_JUMP = 0.001


@dataclass(frozen=True)
class Stopwatch:
    """The bot's own two clocks: the one of the wall, and one that nobody sets or turns."""

    #: seconds since 1970
    wall: Callable[[], float]
    steady: Callable[[], float]

    def now(self) -> Instant:
        return Instant(self.wall(), self.steady())


@dataclass(frozen=True)
class NtpAnswer:
    """What a time server answered, by its own clock; seconds since 1970 (RFC 5905)."""

    received: float
    sent: float
    stratum: int
    #: how wrong it may be by its own account: root dispersion and half of the root delay
    bound: float
    #: False where it says itself that its clock is not synchronised
    synchronised: bool = True


class NtpWire(Protocol):
    """Asks one time server."""

    async def ask(self) -> NtpAnswer:
        """One question, one answer; raises `Unreachable` and `DeviceError`."""


def date_call() -> Call[tuple[float, float]]:
    """The machine's time, and how much of it its `date` does not say."""
    return Call(("date", "+%s.%N"), _read_date)


def _read_date(output: Output) -> tuple[float, float]:
    found = re.fullmatch(r"([0-9]{1,12})\.([0-9]{9}|N|%N|)", output.stdout.strip())
    if output.exit != 0 or found is None:
        said = clean(output.stderr or output.stdout, 120)
        raise DeviceError(_("Its date cannot be read: {said}").format(said=said))
    if found[2].isdigit():
        return float(f"{found[1]}.{found[2]}"), GRAIN
    # busybox knows no nanoseconds: the second that is running
    return int(found[1]) + 0.5, 0.5 + GRAIN


async def read_by_ssh(session: Session, watch: Stopwatch, probes: int) -> Reading:
    """How far the machine of *session* is ahead of *watch* now, by the quickest of *probes*.

    The machine reads its clock somewhen between question and answer, so half of the round trip is
    what it may be wrong by (F. Cristian, 1989).  Raises as `Session.run` where no probe succeeds.
    """

    async def once() -> Reading | None:
        before = watch.now()
        time, grain = await session.run(date_call())
        return _between(before, watch.now(), time, time, grain)

    return await _quickest(once, watch, probes)


async def read_by_ntp(wire: NtpWire, watch: Stopwatch, probes: int) -> tuple[Reading, NtpAnswer]:
    """How far the time server of *wire* is ahead of *watch* now, by the quickest of *probes*.

    With the answer that says how sure the server is of itself, the least of all.  By four times
    (RFC 5905, section 8): the time that the server itself took does not count.  Raises as
    `NtpWire.ask` where no probe succeeds.
    """
    answer: NtpAnswer | None = None

    async def once() -> Reading | None:
        nonlocal answer
        before = watch.now()
        said = await wire.ask()
        after = watch.now()
        if answer is not None:
            sure = answer.synchronised and said.synchronised
            said = replace(said, bound=max(answer.bound, said.bound), synchronised=sure)
        answer = said
        return _between(before, after, said.received, said.sent, GRAIN)

    reading = await _quickest(once, watch, probes)
    assert answer is not None  # else there were no reading
    return reading, answer


def _between(
    before: Instant, after: Instant, received: float, sent: float, grain: float
) -> Reading | None:
    """What was read between *before* and *after*; None where the bot's own clock was set then."""
    elapsed = after.steady - before.steady
    if gone_apart(before, after) > _JUMP:
        return None
    if not -_JUMP <= sent - received <= elapsed + _JUMP:
        raise DeviceError(_("Its clock was set while it answered, or it tells it wrongly."))
    offset = ((received - before.wall) + (sent - after.wall)) / 2
    taken = max(0.0, min(sent - received, elapsed))
    wrong = gone_apart(before, after) + abs((sent - received) - taken)
    return Reading(offset, (elapsed - taken) / 2 + wrong + grain)


async def _quickest(
    once: Callable[[], Awaitable[Reading | None]], watch: Stopwatch, probes: int
) -> Reading:
    """The surest of *probes* readings, as sure as it is after the last of them.

    A machine that fails once is not asked on: one lost answer takes nothing from those before it,
    and a time server that is asked too often falls silent for good.
    """
    found: list[tuple[Reading, Instant]] = []
    for _probe in range(probes):
        try:
            reading = await once()
        except DeviceError:
            if not found:
                raise
            break
        if reading is not None:
            found.append((reading, watch.now()))
    if not found:
        raise DeviceError(_("The bot's own clock was set while it measured: measure again."))
    now = watch.now()
    aged = [Reading(each.offset, each.bound + leeway(then, now)) for each, then in found]
    return min(aged, key=lambda each: each.bound)
