"""Why a clock may be off: each cause is named with its evidence, and only where it is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.clock_account import Move
from bot.core.clock_causes import causes
from bot.core.time_service import Kernel, Source, Standing, Sync, TimeService
from tests.core.clock_accounts import GOOD, NOON, account

DEAD = TimeService("ntpd", Sync.DEAD)
LOST = TimeService(
    "chrony",
    Sync.UNSYNCHRONISED,
    sources=(
        Source("10.77.0.1", Standing.SILENT, answered=0),
        Source("10.77.0.2", Standing.SILENT, answered=0),
    ),
)
TORN = replace(
    GOOD,
    sources=(
        Source("10.77.0.1", Standing.SELECTED),
        Source("10.77.0.2", Standing.FALSE),
        Source("10.77.0.3", Standing.FALSE),
    ),
)


@pytest.mark.parametrize(
    ("service", "cause"),
    [
        (None, "No time service was found on it: nothing keeps its clock right."),
        (DEAD, "Its time service ntpd does not run."),
        (LOST, "None of the sources of chrony answers: 10.77.0.1, 10.77.0.2."),
        (TORN, "Its sources disagree; chrony holds to be wrong: 10.77.0.2, 10.77.0.3."),
        (replace(LOST, sources=()), "chrony runs, and has no source at all."),
        (
            replace(LOST, sources=(Source("10.77.0.9", Standing.UNUSABLE, answered=8),)),
            "chrony has selected none of its sources: 10.77.0.9.",
        ),
    ],
)
def test_a_time_service_that_does_not_keep_the_clock_is_a_cause(
    service: TimeService | None, cause: str
) -> None:
    assert causes(account(0.0, service=service)) == [cause]
    assert cause in causes(account(0.2, service=service))


def test_a_clock_that_is_right_and_kept_has_no_causes() -> None:
    assert causes(account(0.0)) == []


def test_where_nobody_could_ask_nothing_is_said_of_the_time_service() -> None:
    assert causes(account(0.2, service=None, kernel=None)) == []


def test_a_guest_that_follows_its_dom0_is_not_blamed_for_its_time_service() -> None:
    kernel = Kernel("xen", independent=False)

    found = causes(account(-1.3, service=DEAD, kernel=kernel, host=-1.3))

    assert found == [
        "vm takes its time from fy (independent_wallclock is 0): nothing that runs in vm can set "
        "its clock.",
        "fy, on which it runs, is off by as much: 1.30 s ± 4.0 ms behind.",
    ]


@pytest.mark.parametrize(("host", "said"), [(0.2, True), (0.19, True), (0.0, False), (-0.2, False)])
def test_a_dom0_that_is_off_by_as_much_is_a_cause(host: float, said: bool) -> None:
    found = causes(account(0.2, host=host))

    assert any(each.startswith("fy, on which it runs, is off by as much") for each in found) is said


@pytest.mark.parametrize(
    ("source", "said"), [("xen", False), ("tsc", False), ("", False), ("jiffies", True)]
)
def test_a_clocksource_that_is_not_xens_is_a_cause(source: str, said: bool) -> None:
    found = causes(account(0.2, kernel=Kernel(source)))

    assert any("takes the time from jiffies" in each for each in found) is said


@pytest.mark.parametrize(
    ("ago", "said"), [(60.0, True), (290.0, True), (1500.0, True), (9000.0, False)]
)
def test_a_step_right_after_a_migration_is_a_cause(ago: float, said: bool) -> None:
    moved = Move(NOON - ago, "fz")

    found = causes(account(0.7, before=(0.0, 0.0, 0.0), moved=moved))

    assert any(each.startswith("It was moved to fz at ") for each in found) is said
    if said:
        assert found[0].endswith("and after that its clock jumped forward by 700 ms ± 6.0 ms.")


def test_a_step_too_small_to_be_told_from_drift_may_come_of_a_migration() -> None:
    moved = Move(NOON - 200.0, "fz")
    it = account(0.1, before=(0.0,), moved=moved)

    may = "It was moved to fz at 11:56 UTC: its clock may have jumped then."
    assert causes(it)[0] == causes(it, NOON - 100.0)[0] == may
    # what was off before it, and what is right, owes it nothing
    assert may not in causes(it, NOON - 300.0)
    assert causes(account(0.001, before=(0.0,), moved=moved)) == []


def test_a_time_service_that_believes_that_all_is_well_is_named_with_its_source() -> None:
    (found,) = causes(account(0.2))

    assert found == (
        "chrony believes that all is well (0.1 ms): its source 10.77.0.1 is wrong itself, or it "
        "has not asked since the clock jumped."
    )


def test_one_that_knows_and_is_at_work_is_not() -> None:
    assert causes(account(0.2, service=replace(GOOD, offset=0.2))) == []


def test_names_of_servers_are_bounded_and_few() -> None:
    sources = tuple(Source(f"{n}{'x' * 500}\n", Standing.FALSE) for n in range(20))

    (found,) = causes(account(0.0, service=replace(GOOD, sources=sources)))

    assert len(found) < 300
    assert "\n" not in found
