"""Clocks are compared with what each may be wrong by, and it is said which side is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.clock_sweep import DRIFT, Measured, Sweep
from bot.core.clock_text import apart, drift, names, said, side, size
from bot.core.clock_trend import Rate
from bot.core.clocks import BOT, Reading, Role, Thresholds, Whose, agreement
from bot.core.time_service import Kernel

SERVER = Whose(Role.REFERENCE, "ntp.example.org")
FY, FZ, FW = (Whose(Role.HOST, name) for name in ("fy", "fz", "fw"))
VM = Whose(Role.GUEST, "vm")
OTHERS = [Whose(Role.GUEST, f"vm{number}") for number in range(6)]
OFFSETS = st.floats(-1000.0, 1000.0)
BOUNDS = st.floats(1e-6, 0.5)


def sweep(**offsets: float) -> Sweep:
    """A sweep by whose clocks are off by so much, each to 1 ms; *server* is the reference."""
    named = {"server": SERVER, "fy": FY, "fz": FZ, "fw": FW, "vm": VM}
    measured = tuple(
        Measured(named[name], 0.0, Reading(offset, 0.001)) for name, offset in offsets.items()
    )
    return Sweep(0.0, measured, SERVER, 0.05)


# -- one clock


def test_an_offset_below_its_bound_is_none() -> None:
    assert not Reading(0.001, 0.002).certain
    assert said(Reading(0.001, 0.002)) == "within the error (± 2.0 ms)"


@pytest.mark.parametrize(
    ("offset", "words"),
    [(0.13, "130 ms ± 2.0 ms ahead"), (-1.3, "1.30 s ± 2.0 ms behind"), (400.0, "6 min 40 s")],
)
def test_an_offset_is_said_with_its_side_and_its_bound(offset: float, words: str) -> None:
    assert said(Reading(offset, 0.002)).startswith(words)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "less than 0.1 ms"),
        (0.00042, "0.4 ms"),
        (0.00996, "10 ms"),
        (0.9996, "1.00 s"),
        (9.999, "10 s"),
        (4000.0, "1 h 06 min"),
    ],
)
def test_a_time_is_said_in_few_digits(seconds: float, words: str) -> None:
    assert size(seconds) == size(-seconds) == words


@given(one=OFFSETS, other=OFFSETS, third=OFFSETS, b1=BOUNDS, b2=BOUNDS, b3=BOUNDS)
def test_the_difference_of_two_holds_the_truth_whatever_the_third_is(
    one: float, other: float, third: float, b1: float, b2: float, b3: float
) -> None:
    """Two clocks read against the bot's are compared without it, however wrong that one is."""
    first, second = Reading(one - third + b1 * 0.99, b1), Reading(other - third - b2 * 0.99, b2)

    apart = first - second

    assert apart.lowest - 1e-6 <= one - other <= apart.highest + 1e-6


# -- which side is wrong


def test_the_one_that_stands_apart_is_wrong() -> None:
    seen = sweep(server=0.0, fy=0.002, fz=-0.001, vm=0.2)

    assert side(seen, VM) == "fy and fz agree with ntp.example.org: it is vm that is wrong."
    assert not seen.doubted


def test_the_reference_is_doubted_where_the_others_agree_against_it() -> None:
    seen = sweep(server=2.0, fy=0.002, fz=-0.001, vm=0.0)

    assert seen.doubted
    assert side(seen, VM) == "fy and fz agree with vm: it is ntp.example.org that is wrong."


def guests(count: int, off: float, host: str, kernel: Kernel | None = None) -> list[Measured]:
    """As many guests on *host*, all of them *off*."""
    return [
        Measured(
            Whose(Role.GUEST, f"{host}-{n}"), 0.0, Reading(off, 0.001), host=host, kernel=kernel
        )
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("off", "kernel"),
    [
        # they take their time from their Dom0 by NTP, as well as they can
        (0.2, None),
        (0.23, Kernel("xen", independent=True)),
        # their clock is the one of their Dom0, though that was set meanwhile
        (0.3, Kernel("xen", independent=False)),
    ],
)
def test_guests_that_hang_on_a_wrong_dom0_do_not_outvote_the_clocks_that_are_right(
    off: float, kernel: Kernel | None
) -> None:
    seen = sweep(server=0.0, fy=0.0, fz=0.0, fw=0.2)
    wrong = guests(6, off, "fw", kernel)
    seen = replace(seen, measured=(*seen.measured, *wrong))

    assert not seen.doubted
    assert side(seen, FW) == "fy and fz agree with ntp.example.org: it is fw that is wrong."


def test_a_dom0_speaks_for_guests_that_agree_with_those_that_are_right() -> None:
    seen = sweep(server=0.0, fy=0.0, fz=0.0, fw=0.2)
    seen = replace(seen, measured=(*seen.measured, *guests(2, 0.01, "fy")))
    found = seen.agreement()

    assert found is not None
    assert (found.voices, found.of) == (3, 4)
    assert side(seen, FW).startswith("fy, fy-0, fy-1 and fz agree with ntp.example.org")


def test_a_guest_has_a_voice_against_its_own_dom0() -> None:
    seen = sweep(server=0.0, fy=0.2)
    seen = replace(seen, measured=(*seen.measured, *guests(2, 0.0, "fy")))

    assert side(seen, FY) == "fy-0 and fy-1 agree with ntp.example.org: it is fy that is wrong."


@pytest.mark.parametrize("off", [0.0, 0.8])
def test_a_clock_too_vague_to_tell_has_no_voice(off: float) -> None:
    vague = [Measured(each, 0.0, Reading(off, 0.501)) for each in OTHERS]
    seen = sweep(server=0.3, fy=0.0, fz=0.0, fw=0.0)
    seen = replace(seen, measured=(*seen.measured, *vague))

    assert seen.doubted
    assert side(seen, FY).endswith("agree with fy: it is ntp.example.org that is wrong.")


def test_a_vague_dom0_does_not_speak_for_its_guests() -> None:
    seen = sweep(server=0.3, fy=0.0)
    vague = Measured(FW, 0.0, Reading(0.0, 0.501))
    seen = replace(seen, measured=(*seen.measured, vague, *guests(3, 0.0, "fw")))

    assert seen.doubted


@pytest.mark.parametrize("right", [2, 20])
def test_a_few_guests_that_went_astray_together_do_not_outvote_all_the_others(right: int) -> None:
    seen = sweep(server=0.0, fy=0.0, fz=0.0)
    many = guests(right, 0.0, "fy") + guests(5, 3.0, "fz")
    seen = replace(seen, measured=(*seen.measured, *many))

    assert not seen.doubted


@pytest.mark.parametrize("count", [0, 4, 30])
def test_guests_that_follow_a_dom0_as_wrong_as_the_reference_do_not_save_it(count: int) -> None:
    seen = sweep(server=10.0, fy=10.0, fz=0.0, fw=0.0)
    bot = Measured(BOT, 0.0, Reading(0.0, 1e-6))
    seen = replace(seen, measured=(*seen.measured, bot, *guests(count, 10.0, "fy")))

    assert seen.doubted


def test_guests_kept_right_by_themselves_outvote_the_reference_and_the_dom0_that_follows_it() -> (
    None
):
    seen = sweep(server=2.0, fy=2.0)
    bot = Measured(BOT, 0.0, Reading(0.0, 1e-6))
    seen = replace(seen, measured=(*seen.measured, bot, *guests(3, 0.0, "fy")))

    assert seen.doubted


def test_both_are_wrong_where_the_others_agree_with_neither() -> None:
    seen = Sweep(
        0.0,
        (
            Measured(SERVER, 0.0, Reading(5.0, 0.001)),
            Measured(VM, 0.0, Reading(-5.0, 0.001)),
            *(Measured(each, 0.0, Reading(0.0, 0.001)) for each in OTHERS[:4]),
        ),
        SERVER,
        0.05,
    )

    assert side(seen, VM) == (
        "vm0, vm1, vm2 and vm3 agree with one another: vm and ntp.example.org are both wrong."
    )


def test_two_clocks_alone_do_not_say_which_is_wrong() -> None:
    seen = sweep(server=0.0, vm=2.0)

    assert not seen.doubted
    assert side(seen, VM) == "Too few clocks agree for anybody to say which side is wrong."


def test_clocks_that_agree_need_no_side() -> None:
    assert side(sweep(server=0.0, fy=0.03, vm=0.02), VM) == ""


def test_many_names_are_cut_short() -> None:
    assert names(OTHERS) == "vm0, vm1, vm2 and 3 more"
    assert names([]) == "no others"


@given(
    right=st.lists(st.floats(-0.02, 0.02), min_size=3, max_size=8),
    wrong=st.lists(st.floats(1.0, 100.0), max_size=2),
)
def test_a_majority_is_found_whoever_else_is_there(right: list[float], wrong: list[float]) -> None:
    clocks = {Whose(Role.GUEST, f"r{n}"): Reading(each, 0.001) for n, each in enumerate(right)}
    good = frozenset(clocks)
    clocks |= {Whose(Role.GUEST, f"w{n}"): Reading(each, 0.001) for n, each in enumerate(wrong)}

    found = agreement(clocks, 0.025)

    assert found is not None
    assert found.together == good
    assert found.most


def test_nothing_agrees_where_nothing_was_measured() -> None:
    assert agreement({}, 0.025) is None


# -- a sweep takes time


def test_clocks_read_at_different_times_may_have_drifted_apart_meanwhile() -> None:
    seen = Sweep(
        10.0,
        (Measured(FY, 0.0, Reading(0.0, 0.001)), Measured(VM, 10.0, Reading(0.0, 0.001))),
        FY,
        0.05,
    )

    found = seen.between(VM, FY)

    assert found is not None
    assert found.bound == pytest.approx(0.002 + 10 * DRIFT)
    assert apart("vm", found, "fy") == "vm and fy agree within the error (± 3.5 ms)."


def test_the_next_threshold_is_the_first_that_is_not_reached() -> None:
    thresholds = Thresholds()

    assert [thresholds.next(each) for each in (0.01, -0.05, 2.0, 300.0)] == [0.05, 1.0, 300.0, None]


def test_a_drift_that_is_not_certain_is_said_by_what_it_cannot_exceed() -> None:
    assert drift(Rate(-5.2, 25.1)) == "under 31 ppm"
    assert drift(Rate(80.0, 3.0)) == "+80 ± 3 ppm"
    # readings that are seconds apart say nothing
    assert drift(Rate(-5.2, 3000.0)) == drift(None) == ""
