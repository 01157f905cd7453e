"""What counts as mended, as better, and as seen by the time service itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.clock_mending import (
    agrees,
    better,
    contradicts,
    farther,
    in_order,
    mended,
    no_source,
    time_left,
)
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


@pytest.mark.parametrize(
    ("before", "now", "yes"),
    [
        # an answer that comes too slowly proves nothing
        (Reading(2.0, 0.01), Reading(2.0, 2.5), False),
        (Reading(2.0, 0.01), Reading(0.0, 0.04), True),
        # busybox: never nearer than half a second, and no worse than before
        (Reading(2.0, 0.5), Reading(0.3, 0.5), True),
        (Reading(2.0, 0.5), Reading(0.3, 0.6), False),
        (Reading(0.3, 0.002), Reading(0.04, 0.002), True),
        # what is stepped although it is within the notice has to get far better
        (Reading(0.045, 0.002), Reading(0.02, 0.002), False),
        (Reading(0.045, 0.002), Reading(0.005, 0.002), True),
        # and a slow answer does not show that
        (Reading(0.02, 0.005), Reading(0.0, 0.03), False),
        (Reading(0.02, 0.005), Reading(0.0, 0.004), True),
    ],
)
def test_within_the_notice_or_within_no_larger_an_error(
    before: Reading, now: Reading, yes: bool
) -> None:
    assert mended(before, now, NOTICE) is yes


@given(readings, readings)
def test_what_is_mended_is_in_order_and_not_the_other_way_round(
    before: Reading, now: Reading
) -> None:
    if mended(before, now, NOTICE):
        assert in_order(before, now, NOTICE)


def test_a_clock_that_was_right_is_in_order_and_was_not_mended() -> None:
    assert in_order(Reading(0.02, 0.005), Reading(0.02, 0.005), NOTICE)
    assert not mended(Reading(0.02, 0.005), Reading(0.02, 0.005), NOTICE)


@given(readings, readings, st.floats(0.0, 1e4))
def test_a_step_no_larger_than_was_shown_and_the_same_way_is_the_one_that_was_shown(
    before: Reading, now: Reading, seconds: float
) -> None:
    if not farther(before, now, seconds, NOTICE):
        assert before.offset * now.offset >= 0
        most = before.most + now.bound + seconds * 0.001 + NOTICE
        assert abs(now.offset) <= most + 1e-6


@pytest.mark.parametrize(
    ("now", "yes"),
    [(2.0, False), (2.04, False), (1.2, False), (2.2, True), (600.0, True), (-2.0, True)],
)
def test_a_clock_that_jumped_is_off_farther_or_the_other_way(now: float, yes: bool) -> None:
    assert farther(Reading(2.0, 0.002), Reading(now, 0.002), 10.0, NOTICE) is yes


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
