"""What counts as mended, as better, and as seen by the time service itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.clock_mending import agrees, better, contradicts, mended, no_source, time_left
from bot.core.clocks import Reading
from bot.core.time_service import Source, Standing, Sync, TimeService

NOTICE = 0.05
offsets = st.floats(-1e6, 1e6)
bounds = st.floats(0.0, 10.0)
readings = st.builds(Reading, offsets, bounds)


def service(offset: float | None, bound: float = 0.001) -> TimeService:
    return TimeService("chrony", Sync.SYNCHRONISED, offset, bound)


@given(readings)
def test_what_did_not_change_and_is_certain_is_not_mended(reading: Reading) -> None:
    assert mended(reading, reading, NOTICE) is not reading.certain


@given(readings, readings)
def test_what_is_mended_can_be_within_the_notice(before: Reading, now: Reading) -> None:
    if mended(before, now, NOTICE):
        assert now.least <= NOTICE


@given(readings, readings)
def test_what_is_better_is_certainly_less_far_off(before: Reading, now: Reading) -> None:
    if better(before, now):
        assert now.least < before.most
        assert not better(now, before)


@given(st.floats(-1e6, 1e6).filter(lambda each: abs(each) > 1e-3), bounds, bounds)
def test_one_that_holds_the_clock_to_be_right_never_agrees_that_it_is_off(
    offset: float, bound: float, own: float
) -> None:
    assert not agrees(service(0.0, own), Reading(offset, bound), NOTICE)


@given(offsets, bounds, offsets)
def test_one_that_agrees_takes_half_of_the_offset_away_at_least(
    offset: float, bound: float, own: float
) -> None:
    if agrees(service(own), Reading(offset, bound), NOTICE):
        assert abs(offset - own) <= abs(offset) / 2


@given(offsets, bounds, offsets, bounds)
def test_nobody_agrees_and_contradicts(
    offset: float, bound: float, own: float, doubt: float
) -> None:
    measured = Reading(offset, bound)
    both = (
        agrees(service(own, doubt), measured, NOTICE),
        contradicts(service(own, doubt), measured, NOTICE),
    )
    assert both != (True, True)


@pytest.mark.parametrize(
    ("own", "seen", "against"),
    [(2.0, True, False), (1.97, True, False), (0.0, False, False), (-2.0, False, True)],
)
def test_two_seconds_ahead(own: float, seen: bool, against: bool) -> None:
    measured = Reading(2.0, 0.002)

    assert agrees(service(own), measured, NOTICE) is seen
    assert contradicts(service(own), measured, NOTICE) is against


def test_one_that_says_nothing_neither_agrees_nor_contradicts() -> None:
    measured = Reading(2.0, 0.002)

    assert not agrees(service(None), measured, NOTICE)
    assert not contradicts(service(None), measured, NOTICE)


def test_the_time_that_is_left_goes_by_the_pace_until_now() -> None:
    left = time_left(Reading(1.0, 0.001), Reading(0.8, 0.001), 100.0, 0.05)

    assert left == pytest.approx(375.0)


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        ((), "no source of time"),
        ((Source("a", Standing.SILENT), Source("b", Standing.SILENT)), "answers: a, b."),
        ((Source("a", Standing.SELECTED, answered=0),), "answers: a."),
        ((Source("a", Standing.FALSE), Source("b", Standing.SILENT)), "another: a."),
        ((Source("a", Standing.UNUSABLE, answered=3),), "too variable to be used: a."),
        ((Source("a", Standing.FALSE), Source("b", Standing.SPARE)), ""),
        ((Source("a", Standing.SELECTED),), ""),
    ],
)
def test_a_time_service_without_a_time_says_why(sources: tuple[Source, ...], why: str) -> None:
    said = no_source(TimeService("chrony", Sync.SYNCHRONISED, sources=sources))

    assert (why in said) if why else (said == "")
