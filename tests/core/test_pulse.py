"""Signs of life: a loop is alive until it breaks its last promise."""

from __future__ import annotations

import math

from bot.core.pulse import Pulse


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_loop_is_alive_for_as_long_as_it_promised_and_no_longer() -> None:
    clock = Clock()
    pulse = Pulse(clock)

    pulse.back_within(90.0)
    clock.now += 90.0
    assert pulse.alive
    clock.now += 0.1
    assert not pulse.alive

    pulse.back_within(10.0)
    assert pulse.alive


def test_one_that_never_began_is_dead_after_a_while() -> None:
    clock = Clock()
    pulse = Pulse(clock, start=60.0)

    clock.now += 61.0

    assert not pulse.alive


def test_silence_counts_from_what_was_heard_and_not_from_promises() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    assert pulse.silence is None

    pulse.heard()
    clock.now += 5.0
    pulse.back_within(60.0)

    assert pulse.silence == 5.0


def test_a_promise_without_an_end_says_that_nothing_can_be_silent() -> None:
    pulse = Pulse(Clock())
    assert not pulse.endless

    pulse.back_within(math.inf)

    assert pulse.endless
