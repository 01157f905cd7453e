"""A reference that drifts away until it is wrong is one alert all the while, and the only one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.core.clock_account import Account
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_trend import trend
from bot.core.clocks import BOT, Reading, Role, Sample, Whose
from bot.engine.clocks import ClockRules
from bot.engine.look import Look
from bot.engine.world import World
from tests.core.clock_accounts import GOOD, KERNEL, NOON, SERVER
from tests.engine.watched import watches

EVERY = 300.0
WINDOW = 6 * 3600.0


async def told(
    dom0s: Sequence[float], bound: float, noise: float = 0.0, jumps: float = 0.0
) -> list[list[str]]:
    """What stands after each of 70 looks, of a reference that loses 3 ppm.

    The *dom0s* are kept so far off, and read to *bound*, *noise* off; the first *jumps* at look 40.
    """
    (watch,) = watches("clocks")
    chance, memory = random.Random(1), dict[str, Any]({"readings": {}})
    pasts, standing = dict[Whose, list[Sample]](), list[list[str]]()
    for number in range(70):
        now = NOON + EVERY * number
        offs = [off + chance.uniform(-noise, noise) for off in dom0s]
        offs[0] += jumps if number >= 40 else 0.0
        measured = (
            Measured(SERVER, now, Reading(-3e-6 * EVERY * number, 0.0001)),
            Measured(BOT, now, Reading(0.0, 1e-6)),
            *(
                Measured(
                    Whose(Role.HOST, f"h{n}"), now, Reading(off, bound), service=GOOD, kernel=KERNEL
                )
                for n, off in enumerate(offs)
            ),
        )
        sweep = Sweep(now, measured, SERVER, 0.05)
        accounts = list[Account]()
        for each in sweep.machines():
            offset, past = sweep.offset(each.whose), pasts.setdefault(each.whose, [])
            assert offset is not None
            samples = [*past, Sample.of(now, offset)]
            accounts.append(
                Account(each, sweep, trend([s for s in samples if s.at > now - WINDOW]))
            )
            if not sweep.doubted:
                past[:] = samples
        accounts.append(Account(measured[1], sweep, trend([])))
        sight = await watch.look(cast(Look, Seen(memory, now, sweep, accounts)))
        standing.append([each.title.partition(" is ")[0] for each in sight.findings])
    return standing


class Seen(SimpleNamespace):
    """As much of a look as the watch over clocks needs."""

    def __init__(
        self, memory: dict[str, Any], now: float, sweep: Sweep, accounts: list[Account]
    ) -> None:
        super().__init__(
            memory=memory, now=now, at_work=frozenset(), clock_rules=ClockRules(reference="ntp")
        )
        self.world = World()
        self.seen: tuple[Sweep, list[Account]] = (sweep, accounts)

    async def clocks(self) -> tuple[Sweep, list[Account]]:
        return self.seen

    async def roll(self) -> SimpleNamespace:
        return SimpleNamespace(censuses={})


@pytest.mark.parametrize(
    ("dom0s", "bound", "noise"),
    [
        ([0.0, 0.001, -0.001], 0.001, 0.0),
        # whose readings differ, so that for a while most doubt the reference and then do not
        ([0.0, 0.001, -0.001, 0.003, -0.003], 0.003, 0.002),
        # that wander by more than they can be read to: no rate fits all that they do
        ([0.0, 0.001, -0.001, 0.003, -0.003], 0.001, 0.002),
        # one of which stands apart, and is right still
        ([0.01, 0.0, 0.0, 0.0], 0.001, 0.0),
    ],
)
async def test_the_alert_stands_from_the_drift_to_the_doubt_and_no_clock_is_blamed(
    dom0s: list[float], bound: float, noise: float
) -> None:
    standing = await told(dom0s, bound, noise)

    first = standing.index(next(each for each in standing if each))
    assert standing[first][0].startswith("The reference drifts: ")
    assert all(len(each) == 1 for each in standing[first:]), standing
    assert standing[-1] == ["The reference"]


async def test_a_clock_that_goes_wrong_while_the_reference_drifts_is_told() -> None:
    standing = await told([0.0, 0.001, -0.001, 0.0, 0.0], 0.001, jumps=2.0)

    assert [len(each) for each in standing[39:42]] == [1, 1, 2]
    assert "The clock of h0" in standing[41]
    assert "The clock of h0" in standing[-1]
