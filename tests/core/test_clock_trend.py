"""What samples say together holds the truth wherever each sample does, and cries no wolf."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.clock_trend import ARTEFACT, Rate, Trend, is_artefact, level, trend
from bot.core.clocks import Reading, Sample, Thresholds

EPOCH = 1_800_000_000.0
EVERY = 300.0
THRESHOLDS = Thresholds()


def samples(*offsets: float, bound: float = 0.002, every: float = EVERY) -> list[Sample]:
    return [
        Sample.of(EPOCH + n * every, Reading(offset, bound)) for n, offset in enumerate(offsets)
    ]


@st.composite
def measured(draw: st.DrawFn) -> tuple[float, list[Sample]]:
    """A clock that goes at one rate, and honest readings of it."""
    ppm = draw(st.floats(-500, 500))
    start = draw(st.floats(-1000, 1000))
    claims = st.tuples(st.floats(1e-3, 0.3), st.floats(-1, 1), st.floats(10, 3600))
    found, at = [], 0.0
    for bound, wrong, wait in draw(st.lists(claims, min_size=3, max_size=90)):
        at += wait
        found.append(Sample.of(EPOCH + at, Reading(start + ppm * 1e-6 * at + wrong * bound, bound)))
    return ppm, found


@given(measured())
def test_the_true_rate_lies_within_its_bound(it: tuple[float, list[Sample]]) -> None:
    ppm, found = it
    seen = trend(found)

    assert seen.steps == ()
    assert seen.since == found[0].at
    if seen.rate is not None:
        assert abs(seen.rate.ppm - ppm) <= seen.rate.bound + 0.01
    within = [each for each in found if each.at >= found[-1].at - 6 * 3600]
    assert (seen.rate is None) == (len(within) < 3)


@given(measured())
def test_what_is_certain_of_the_rate_is_no_more_than_the_truth(
    it: tuple[float, list[Sample]],
) -> None:
    ppm, found = it
    rate = trend(found).rate
    assume(rate is not None and rate.certain)

    assert rate is not None
    assert rate.ppm * ppm > 0
    assert abs(rate.least) <= abs(ppm) + 0.01


def test_many_readings_make_the_rate_surer() -> None:
    few = trend(samples(*(80e-6 * EVERY * n for n in range(4)))).rate
    many = trend(samples(*(80e-6 * EVERY * n for n in range(72)))).rate

    assert few is not None
    assert many is not None
    assert few.bound == pytest.approx(4.44, abs=0.01)
    assert many.bound < 0.2
    assert many.ppm == pytest.approx(80, abs=0.01)


def test_two_readings_are_too_few_for_a_rate() -> None:
    assert trend(samples(0, 0.1)).rate is None
    assert trend(samples(0)).rate is None
    assert trend([]) == Trend()


def test_a_clock_that_is_turned_has_the_rate_of_now() -> None:
    drifting = [80e-6 * EVERY * n for n in range(20)]
    turned = [drifting[-1] - 100e-6 * EVERY * n for n in range(1, 20)]

    rate = trend(samples(*drifting, *turned)).rate

    assert rate is not None
    assert rate.ppm == pytest.approx(-100, abs=rate.bound)
    assert rate.bound < 2


def test_a_clock_within_the_error_has_no_certain_rate() -> None:
    rate = trend(samples(0.001, -0.001, 0.0015, 0, -0.0019, 0.0001)).rate

    assert rate is not None
    assert not rate.certain
    assert rate.least == 0


def test_a_jump_is_a_step_and_a_trend_begins_with_it() -> None:
    seen = trend(samples(0, 0.001, 0.002, 1.503, 1.504, 1.505))

    (step,) = seen.steps
    assert (step.since, step.at) == (EPOCH + 2 * EVERY, EPOCH + 3 * EVERY)
    assert step.by.offset == pytest.approx(1.501)
    assert step.by.bound == pytest.approx(0.004)
    assert seen.since == step.at
    assert seen.rate is not None
    assert abs(seen.rate.ppm) < 20


@given(st.floats(0.16, 1e6), st.sampled_from([1, -1]), st.floats(0, 0.01))
def test_a_step_that_is_more_than_drift_and_bounds_is_seen(
    size: float, way: int, bound: float
) -> None:
    jump = way * (size + 2 * bound)
    assume(abs(abs(jump) - ARTEFACT) > 2 * bound + 0.2)

    seen = trend(samples(0, 0, jump, jump, jump, bound=bound))

    assert [each.at for each in seen.steps] == [EPOCH + 2 * EVERY]


def test_what_a_clock_may_drift_in_that_time_is_no_step() -> None:
    assert trend(samples(0, 1.7, every=3600)).steps == ()
    assert len(trend(samples(0, 1.9, every=3600)).steps) == 1


@given(st.floats(600, 80_000), st.sampled_from([1, -1]), st.integers(3, 40))
def test_a_clock_that_drifts_fast_drifts_and_does_not_jump(
    ppm: float, way: int, count: int
) -> None:
    rate = ppm * way
    # where one interval alone is 2^32 ns it may be an artefact
    assume(all(abs(ppm * 1e-6 * EVERY * n - ARTEFACT) > 0.01 for n in range(count)))
    seen = trend(samples(*(rate * 1e-6 * EVERY * n for n in range(count)), bound=0.001))

    assert seen.steps == ()
    assert seen.since == EPOCH
    assert seen.rate is not None
    assert abs(seen.rate.ppm - rate) <= seen.rate.bound + 0.01


def test_what_is_turned_fast_for_a_while_is_no_step() -> None:
    turned = [1.0 - 0.25 * n for n in range(5)]
    seen = trend(samples(1.0, 1.0, *turned, 0.0, 0.0, 0.0))

    assert seen.steps == ()
    assert seen.rate is not None
    assert not seen.rate.certain


@pytest.mark.parametrize(
    ("offsets", "count"),
    [
        # one interval alone, two that no one rate fits, and such as are not of one sign
        ((0.0, 0.0, 0.5, 0.5), 1),
        ((0.0, 0.5, 1.7, 1.7), 2),
        ((0.0, 0.5, 0.0, 0.5), 3),
        # a jump, and a drift after it
        ((0.0, 2.0, 2.21, 2.42, 2.63), 1),
    ],
)
def test_what_no_rate_fits_are_steps(offsets: tuple[float, ...], count: int) -> None:
    assert len(trend(samples(*offsets)).steps) == count


def test_hours_that_were_put_together_claim_their_whole_spread() -> None:
    hours = [
        Sample(EPOCH + n * 3600, Reading(0.5 + 0.1 * n, 0.002), 0.4 + 0.1 * n, 0.6 + 0.1 * n, 12)
        for n in range(6)
    ]
    seen = trend(hours)

    assert seen.steps == ()
    assert seen.rate is not None
    assert abs(seen.rate.ppm - 0.1 / 3600 * 1e6) <= seen.rate.bound
    assert seen.rate.bound > 0.1 / (6 * 3600) * 1e6


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("base", [0.0, 0.7, -12.0])
def test_an_artefact_is_neither_a_step_nor_the_last_sample(base: float, way: int) -> None:
    good = samples(base, base, base, base + way * ARTEFACT, base, base, base + way * ARTEFACT)
    seen = trend(good)

    assert seen.steps == ()
    assert seen.since == EPOCH
    assert seen.last == good[5]
    assert seen.rate is not None
    assert not seen.rate.certain


def test_an_artefact_at_first_is_left_out() -> None:
    seen = trend(samples(ARTEFACT, 0.01, 0.01, 0.01))

    assert seen.steps == ()
    assert seen.since == EPOCH + EVERY


def test_what_stays_off_by_it_is_no_artefact() -> None:
    seen = trend(samples(0, 0, ARTEFACT, ARTEFACT, ARTEFACT, ARTEFACT))

    assert [each.at for each in seen.steps] == [EPOCH + 2 * EVERY]
    assert seen.last is not None
    assert seen.last.reading.offset == ARTEFACT


def test_an_artefact_of_a_drifting_clock_is_one() -> None:
    offsets = [80e-6 * EVERY * n for n in range(10)]
    offsets[7] += ARTEFACT

    seen = trend(samples(*offsets))

    assert seen.steps == ()
    assert seen.rate is not None
    assert seen.rate.ppm == pytest.approx(80, abs=seen.rate.bound)


def test_a_bound_too_wide_to_tell_makes_no_artefact() -> None:
    assert not is_artefact(None, Reading(4.0, 1.0))
    assert is_artefact(None, Reading(4.3, 0.01))
    assert is_artefact(Reading(0.5, 0.01), Reading(0.5 + ARTEFACT, 0.01))
    assert not is_artefact(Reading(0.5, 0.01), Reading(2.5 + ARTEFACT, 0.01))


def test_a_clock_that_is_back_from_its_artefact_is_not_one() -> None:
    assert not is_artefact(Reading(ARTEFACT, 0.01), Reading(ARTEFACT + 0.001, 0.01))


def test_the_next_threshold_is_reached_by_what_is_certain_of_the_rate() -> None:
    last = Sample.of(EPOCH, Reading(0.03, 0.001))
    seen = Trend(EPOCH, Rate(12.0, 2.0), (), last)

    found = seen.reaches(THRESHOLDS)

    assert found is not None
    threshold, seconds = found
    assert threshold == 0.05
    assert seconds == pytest.approx(0.02 / 10e-6)


@pytest.mark.parametrize(
    ("offset", "rate"),
    [
        (-0.03, Rate(12.0, 2.0)),
        (0.03, Rate(-12.0, 2.0)),
        (0.03, Rate(2.0, 2.0)),
        (400.0, Rate(12.0, 2.0)),
        (0.03, None),
    ],
)
def test_nothing_is_reached_by_what_does_not_grow(offset: float, rate: Rate | None) -> None:
    seen = Trend(EPOCH, rate, (), Sample.of(EPOCH, Reading(offset, 0.001)))

    assert seen.reaches(THRESHOLDS) is None


def test_an_offset_within_the_error_grows_either_way() -> None:
    last = Sample.of(EPOCH, Reading(-0.001, 0.002))

    losing = Trend(EPOCH, Rate(-12.0, 2.0), (), last).reaches(THRESHOLDS)
    gaining = Trend(EPOCH, Rate(12.0, 2.0), (), last).reaches(THRESHOLDS)

    assert losing is not None
    assert gaining is not None
    assert losing[1] < gaining[1]


@given(st.floats(-1000, 1000), st.floats(0, 1), st.integers(0, 3))
def test_a_level_rises_and_falls_only_for_certain(offset: float, bound: float, before: int) -> None:
    reading = Reading(offset, bound)
    found = level(reading, THRESHOLDS, before)

    assert 0 <= found <= 3
    if found > before:
        assert reading.least >= THRESHOLDS.all[found - 1]
    if found < before:
        assert reading.most < 0.8 * THRESHOLDS.all[found]
    # and the same reading again changes nothing
    assert level(reading, THRESHOLDS, found) == found


def test_a_level_stays_near_its_threshold() -> None:
    def of(offset: float, standing: int) -> int:
        return level(Reading(offset, 0.002), THRESHOLDS, standing)

    assert of(0.051, 0) == 0
    assert of(0.053, 0) == 1
    assert of(-0.053, 0) == 1
    assert of(0.045, 1) == 1
    assert of(0.037, 1) == 0
    assert of(2.0, 0) == 2
    assert of(0.9, 2) == 2
    assert of(0.7, 2) == 1
    assert of(0.001, 3) == 0
