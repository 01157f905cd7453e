"""Where most clocks run away from the reference at one rate, it is the reference that drifts."""

from __future__ import annotations

import pytest

from bot.core import clock_alerts
from bot.core.alerts import Severity
from bot.core.clock_account import Account
from bot.core.clock_course import Course
from bot.core.clock_reference import Away, away
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_trend import trend
from bot.core.clocks import BOT, Reading, Role, Sample, Thresholds, Whose
from tests.core.clock_accounts import NOON, SERVER

AHEAD = 6 * 3600.0
EVERY = 300.0
BOUND = 0.001


def accounts(
    *ppm: float, number: int = 12, start: float = 0.0, bound: float = BOUND
) -> list[Account]:
    """After so many looks: Dom0s that gain so much each against the reference."""
    whose = [Whose(Role.HOST, f"h{n}") for n in range(len(ppm))]
    gained = [start + each * 1e-6 * EVERY * (number - 1) for each in ppm]
    sweep = Sweep(
        NOON,
        (
            Measured(SERVER, NOON, Reading(0.0, 0.0001)),
            Measured(BOT, NOON, Reading(gained[0], 0.0001)),
            *(
                Measured(each, NOON, Reading(off, bound))
                for each, off in zip(whose, gained, strict=True)
            ),
        ),
        SERVER,
        0.05,
    )
    pasts = [
        [
            Sample.of(
                NOON - EVERY * (number - 1 - n),
                Reading(start + each * 1e-6 * EVERY * n, bound),
            )
            for n in range(number)
        ]
        for each in ppm
    ]
    return [
        Account(measured, sweep, trend(past))
        for measured, past in zip(sweep.machines(), pasts, strict=True)
    ]


def found(*ppm: float, number: int = 12, start: float = 0.0, bound: float = BOUND) -> Away | None:
    its = accounts(*ppm, number=number, start=start, bound=bound)
    return away(its[0].sweep, its, Thresholds(), AHEAD)


@pytest.mark.parametrize("way", [1, -1])
def test_what_most_clocks_do_together_the_reference_does(way: int) -> None:
    seen = found(*[-8.0 * way] * 4, 0.0)

    assert seen is not None
    assert seen.rate.ppm == pytest.approx(-8.0 * way, abs=seen.rate.bound)
    assert {each.name for each in seen.clocks} == {"h0", "h1", "h2", "h3"}
    assert seen.reaches[0] == 0.05


@pytest.mark.parametrize(
    "ppm",
    [
        # too few, or not most
        (8.0, 8.0),
        (8.0, 8.0, 8.0, 8.0, 0.0, 0.0),
        # each for itself
        (8.0, -8.0, 8.0, 0.0),
        (8.0, 16.0, 24.0, 32.0, 40.0),
        # too slowly to reach anything soon
        (0.8, 0.8, 0.8, 0.8),
    ],
)
def test_what_a_few_clocks_do_the_reference_does_not(ppm: tuple[float, ...]) -> None:
    assert found(*ppm) is None


def test_rates_too_vague_to_be_alike_say_nothing_of_the_reference() -> None:
    assert found(30.0, 45.0, 60.0, number=5, bound=0.01) is None


def test_the_drift_of_the_reference_is_told_no_later_than_the_same_one_of_a_clock() -> None:
    for number in range(3, 30):
        it = accounts(*[3.0] * 4, number=number)[0]
        reached = it.trend.reaches(Thresholds())
        alone = reached is not None and reached[1] <= AHEAD and it.trend.foretells(reached[1])
        assert (found(*[3.0] * 4, number=number) is not None) >= alone, number


def test_where_the_reference_is_doubted_nothing_is_said_of_its_drift() -> None:
    assert found(8.0, 8.0, 8.0, start=0.1) is None


def test_the_alert_says_that_the_reference_drifts_and_no_clock_is_told() -> None:
    its = accounts(-8.0, -8.0, -8.0)
    seen = away(its[0].sweep, its, Thresholds(), AHEAD)
    assert seen is not None

    alert = clock_alerts.drifts(its[0].sweep, seen, NOON)

    assert alert.key == "reference ntp.example.org"
    assert alert.severity is Severity.INFO
    assert alert.title == ("The reference drifts: 3 clocks run away from ntp.example.org together.")
    first, when, _meanwhile = alert.details.splitlines()
    assert first.startswith("It gains ")
    assert when.startswith("It will be 50 ms off in ")
    course = Course()
    for _look in range(3):
        course = course.after(its[0], its[0].offset, Thresholds(), AHEAD, alone=False)
    assert course == Course()
