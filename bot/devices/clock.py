"""Reading a machine's clock against the bot's own."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

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
    """The bot's own two clocks: the one of the wall, and one that nobody sets."""

    #: seconds since 1970
    wall: Callable[[], float]
    steady: Callable[[], float]


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
    """How far the machine of *session* is ahead of *watch*, by the quickest of *probes*.

    The machine reads its clock somewhen between question and answer, so half of the round trip is
    what it may be wrong by (F. Cristian, 1989).  Raises as `Session.run`.
    """

    async def once() -> Reading | None:
        before, since = watch.wall(), watch.steady()
        time, grain = await session.run(date_call())
        return _between(watch, before, since, time, time, grain)

    return await _quickest(once, probes)


async def read_by_ntp(wire: NtpWire, watch: Stopwatch, probes: int) -> tuple[Reading, bool]:
    """How far the time server of *wire* is ahead of *watch*, by the quickest of *probes*.

    And whether it holds its own clock to be synchronised.  By four times (RFC 5905, section 8): the
    time that the server itself took does not count.  Raises as `NtpWire.ask`.
    """
    synchronised = True

    async def once() -> Reading | None:
        nonlocal synchronised
        before, since = watch.wall(), watch.steady()
        answer = await wire.ask()
        synchronised = synchronised and answer.synchronised
        return _between(watch, before, since, answer.received, answer.sent, GRAIN)

    return await _quickest(once, probes), synchronised


def _between(
    watch: Stopwatch, before: float, since: float, received: float, sent: float, grain: float
) -> Reading | None:
    """What was read between *before* (on the wall; *since* on the steady clock) and now.

    None where the bot's own clock was set meanwhile.
    """
    after, elapsed = watch.wall(), watch.steady() - since
    if abs((after - before) - elapsed) > _JUMP:
        return None
    if not -_JUMP <= sent - received <= elapsed + _JUMP:
        raise DeviceError(_("Its clock was set while it answered, or it tells it wrongly."))
    offset = ((received - before) + (sent - after)) / 2
    taken = max(0.0, min(sent - received, elapsed))
    wrong = abs((after - before) - elapsed) + abs((sent - received) - taken)
    return Reading(offset, (elapsed - taken) / 2 + wrong + grain)


async def _quickest(once: Callable[[], Awaitable[Reading | None]], probes: int) -> Reading:
    best: Reading | None = None
    for _probe in range(probes):
        reading = await once()
        if reading is not None and (best is None or reading.bound < best.bound):
            best = reading
    if best is None:
        raise DeviceError(_("The bot's own clock was set while it measured: measure again."))
    return best
