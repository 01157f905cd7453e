"""What is held of a clock from one look to the next, and the alert that it is."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import clock_alerts
from bot.core.alerts import Finding, Severity
from bot.core.clock_account import Account
from bot.core.clock_course import LONG, Course
from bot.core.clocks import Reading, Thresholds
from bot.core.plan import Thing
from bot.core.time_service import Kernel, Source, Standing, Sync, TimeService
from tests.core.clock_accounts import BOUND, GOOD, NOON, SERVER, account

THRESHOLDS = Thresholds()
AHEAD = 6 * 3600.0
DEAD = TimeService("chrony", Sync.DEAD)
ALONE = TimeService("chrony", Sync.UNSYNCHRONISED)
#: as chrony is for hours once its servers fell silent
UNHEARD = replace(GOOD, sources=(Source("10.77.0.1", Standing.SILENT, 2, 0),))


def held(*accounts: Account, begin: Course | None = None) -> Course:
    """What is held after a look at each of *accounts*."""
    course = begin or Course()
    for it in accounts:
        course = course.after(it, it.offset, THRESHOLDS, AHEAD)
        # what is remembered is JSON
        course = Course(**json.loads(json.dumps(asdict(course))))
    return course


def levels(*offsets: float | None, bound: float = BOUND) -> list[int]:
    """The level that is told after each look that shows one of *offsets*."""
    found, course = list[int](), Course()
    for each in offsets:
        course = held(account(each, bound=bound), begin=course)
        found.append(course.level)
    return found


def told(it: Account, course: Course, *, settable: bool = True) -> Finding:
    found = clock_alerts.finding(it, course, it.offset, THRESHOLDS, settable=settable)
    assert found is not None
    return found


# -- what is held


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ((0.0, 0.1, 0.0, 0.1), (0, 0, 0, 0)),
        ((0.1, 0.1), (0, 1)),
        ((0.1, 2.0, 2.0), (0, 1, 2)),
        ((2.0, 0.1, 0.1), (0, 1, 1)),
        ((400.0, 400.0), (0, 3)),
        ((2.0, 2.0, 400.0, 2.0), (0, 2, 2, 2)),
        ((0.1, None, 0.1), (0, 0, 1)),
        ((0.1, 0.1, None, None), (0, 1, 1, 1)),
        ((0.1, 0.1, 0.0), (0, 1, 0)),
        ((0.1, 0.1, 0.045, 0.042, 0.03), (0, 1, 1, 1, 0)),
        ((-2.0, -2.0, -0.1, 0.0), (0, 2, 1, 0)),
    ],
)
def test_what_is_wrong_is_told_once_it_was_seen_twice_and_ends_at_once(
    offsets: Sequence[float | None], expected: Sequence[int]
) -> None:
    assert levels(*offsets) == list(expected)


def test_what_was_seen_before_and_set_aside_is_told_at_once() -> None:
    it = account(4.3)

    assert Course().after(it, it.offset, THRESHOLDS, AHEAD, twice=True).level == 2


def test_a_reading_too_vague_to_tell_ends_what_it_proves_gone_when_it_is_seen_twice() -> None:
    off = held(account(1.5), account(1.5))
    vague = account(0.0, bound=0.1)

    assert held(vague, begin=off).level == 1
    assert held(vague, vague, begin=off).level == 0


def test_a_reading_too_vague_to_tell_ends_nothing_that_may_still_be_so() -> None:
    off = held(account(0.08), account(0.08))
    vague = account(0.0, bound=0.1)

    assert held(*[vague] * 9, begin=off).level == 1


@given(
    st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=30),
    st.floats(0.001, 0.5),
    st.lists(st.floats(-1, 1), min_size=30, max_size=30),
)
def test_a_clock_that_is_right_is_never_told_however_vague_the_readings_are(
    truths: list[float], bound: float, wrong: list[float]
) -> None:
    right = [max(-0.049, min(0.049, truth)) for truth in truths]
    shown = [truth + bound * part for truth, part in zip(right, wrong, strict=False)]

    course = Course()
    for each in shown:
        # the reference is exact here: what is claimed of the clock alone counts
        course = course.after(account(each), Reading(each, bound), THRESHOLDS, AHEAD)

    assert course.level == 0


@given(st.floats(0.06, 1000.0), st.sampled_from([-1, 1]))
def test_a_clock_that_is_off_for_certain_is_told_at_the_second_look(off: float, way: int) -> None:
    it = account(off * way)

    assert held(it).well
    assert held(it, it).level >= 1


def test_a_time_service_that_does_not_run_is_told_when_it_was_seen_twice() -> None:
    it = account(0.0, service=DEAD)

    assert held(it).well
    assert held(it, it).service == "dead"
    assert held(it, it, account(0.0)).well
    # where nobody could ask, nothing is known
    unknown = account(0.0, service=None, kernel=None)
    assert held(it, it, unknown).service == "dead"


@pytest.mark.parametrize("service", [ALONE, UNHEARD])
def test_a_time_service_without_a_source_is_told_when_that_lasts(service: TimeService) -> None:
    first = account(0.0, service=service)
    later = replace(first, measured=replace(first.measured, at=NOON + LONG))

    assert held(first, first, first).well
    assert held(first, later).service == "unsynchronised"
    assert held(first, account(0.0), later).well


def test_the_time_service_of_a_guest_that_follows_its_dom0_makes_no_odds() -> None:
    it = account(0.0, service=DEAD, kernel=Kernel("xen", independent=False))

    assert held(it, it, it).well


def test_a_drift_is_told_before_it_reaches_a_threshold() -> None:
    drifting = [0.002 * number for number in range(12)]
    it = account(drifting[-1], before=drifting[:-1], service=None)

    assert held(it).well
    assert held(it, it).soon
    assert not held(it, it, account(0.0)).soon


def test_a_drift_that_a_time_service_takes_away_is_not_told_before() -> None:
    drifting = [0.002 * number for number in range(12)]
    kept = account(drifting[-1], before=drifting[:-1], service=GOOD)
    unheard = account(drifting[-1], before=drifting[:-1], service=UNHEARD)
    # in a guest that follows its Dom0 it makes no odds
    follows = Kernel("xen", independent=False)
    idle = account(drifting[-1], before=drifting[:-1], service=GOOD, kernel=follows)

    assert held(kept, kept, kept).well
    assert held(unheard, unheard).soon
    assert held(idle, idle).soon


@pytest.mark.parametrize(
    ("ppm", "looks", "expected"),
    [
        # 50 ms in 3 h 28 min, seen for 25 and for 35 min
        (4.0, 6, False),
        (4.0, 8, True),
        # in 38 min less what went by, seen for 10 min
        (20.0, 3, True),
    ],
)
def test_a_drift_is_told_where_it_was_seen_for_long_enough(
    ppm: float, looks: int, *, expected: bool
) -> None:
    drifting = [ppm * 1e-6 * 300.0 * number for number in range(looks)]
    it = account(drifting[-1], before=drifting[:-1], service=None, bound=0.0003, server_bound=0.0)

    assert held(it, it).soon is expected


@pytest.mark.parametrize(
    ("amplitude", "period", "service"),
    [
        (0.005, 7200.0, GOOD),
        (0.01, 14400.0, GOOD),
        # where nobody can ask what keeps it
        (0.005, 3600.0, None),
        (0.002, 7200.0, None),
    ],
)
def test_a_clock_that_wanders_and_stays_near_the_truth_is_not_told(
    amplitude: float, period: float, service: TimeService | None
) -> None:
    offsets = [amplitude * math.sin(2 * math.pi * 300.0 * n / period) for n in range(120)]
    course = Course()
    for n in range(3, len(offsets)):
        it = account(
            offsets[n],
            before=offsets[max(0, n - 71) : n],
            service=service,
            bound=0.0003,
            server_bound=0.0,
        )
        course = held(it, begin=course)
        assert course.well, n


# -- the alert


def test_the_alert_says_what_which_side_how_fast_since_when_and_what_mends_it() -> None:
    it = account(-1.3, before=(0.0, 0.0), service=DEAD)

    found = told(it, held(it, it))

    assert found.key == "domu vm"
    assert found.severity is Severity.CRITICAL
    assert found.title == (
        "The clock of vm is 1.30 s behind the reference, with which 4 other clocks agree."
    )
    assert found.details.splitlines() == [
        "Off by the last reading: 1.30 s ± 4.0 ms behind.",
        "fw, fy, fz and the bot's own clock agree with ntp.example.org: it is vm that is wrong.",
        "It jumped back by 1.30 s ± 6.0 ms between 11:55 UTC and 12:00 UTC.",
        "Its time service chrony does not run.",
    ]
    assert found.hint == "{prefix}clock fix vm mends it, {prefix}clock vm shows more."
    assert found.objects == {(Thing.DOMU, "vm")}
    assert found.since == NOON


@pytest.mark.parametrize(
    ("offset", "severity"),
    [(0.06, Severity.WARNING), (1.1, Severity.CRITICAL), (301.0, Severity.CRITICAL)],
)
def test_how_bad_it_is_follows_from_how_far_it_is_off(offset: float, severity: Severity) -> None:
    it = account(offset)

    found = told(it, held(it, it))

    assert found.severity is severity
    assert ("Kerberos" in found.details) is (offset > 300)


def test_a_time_service_that_does_not_run_is_a_warning_while_the_clock_is_right() -> None:
    it = account(0.0, service=DEAD)

    found = told(it, held(it, it))

    assert found.severity is Severity.WARNING
    assert found.title == "The chrony of vm does not run: its clock is right still."
    assert found.hint.startswith("{prefix}clock fix vm")


def test_a_drift_is_information() -> None:
    drifting = [0.002 * number for number in range(12)]
    it = account(drifting[-1], before=drifting[:-1], service=None)

    found = told(it, held(it, it))

    assert found.severity is Severity.INFO
    assert found.title == "The clock of vm drifts away, and is right still."
    assert "It will be 50 ms off in " in found.details


def test_a_guest_that_follows_its_dom0_is_told_with_it_and_names_it() -> None:
    it = account(1.3, host=1.3, kernel=Kernel("xen", independent=False))
    dom0 = it.host
    assert dom0 is not None
    course = held(it, it)

    found = told(it, course)
    hosts = told(Account(dom0, it.sweep, it.trend), course)

    assert found.title == "The clock of vm is 1.30 s ahead of the reference, as fy is."
    assert found.hint == "Mend fy first: {prefix}clock fix fy"
    assert found.group == hosts.group == "clocks fy"


def test_where_the_bot_gets_not_in_it_says_who_has_to_mend_it() -> None:
    it = account(0.2, service=None, kernel=None)

    found = told(it, held(it, it), settable=False)

    assert found.hint.startswith("The bot cannot get into vm: log in there")


@pytest.mark.parametrize(
    ("off", "size", "severity"),
    [(3.0, "3.00 s", Severity.CRITICAL), (0.2, "200 ms", Severity.WARNING)],
)
def test_a_reference_that_most_doubt_is_the_alert(
    off: float, size: str, severity: Severity
) -> None:
    it = account(0.0, server=off)
    assert it.sweep.doubted

    found = clock_alerts.doubted(it.sweep, NOON, THRESHOLDS)

    assert found.key == "reference ntp.example.org"
    assert found.severity is severity
    assert found.title == (
        f"The reference is wrong: ntp.example.org is {size} ahead of 5 clocks that agree."
    )


@pytest.mark.parametrize("others", [0.0, 0.052])
def test_a_clock_on_the_verge_makes_nobody_doubt_the_reference(others: float) -> None:
    it = account(0.052, host=others)

    assert not it.sweep.doubted


def test_a_reference_that_gives_no_time_is_a_warning() -> None:
    found = clock_alerts.silent(SERVER, "It did not\nanswer.", NOON)

    assert found.severity is Severity.WARNING
    assert found.title == "The reference gives no time: It did not answer."


def test_a_clock_in_order_is_none() -> None:
    it = account(0.0, service=GOOD)

    assert clock_alerts.finding(it, held(it, it), it.offset, THRESHOLDS) is None
