"""Reading a clock: the truth lies within the bound, whatever the way there and back does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.clock_sweep import DRIFT
from bot.core.clocks import Reading
from bot.core.time_service import Kernel
from bot.devices.clock import (
    NtpAnswer,
    Stopwatch,
    date_call,
    read_by_ntp,
    read_by_ssh,
)
from bot.devices.kernel import CLOCKSOURCE, INDEPENDENT, kernel_call
from bot.devices.session import Call, Output, T
from bot.errors import DeviceError, Unreachable
from tests.devices.scripted import complaint

NOW = 1_795_614_278.5
R = TypeVar("R")


@dataclass
class Bot:
    """The bot's two clocks, by hand."""

    steady: float = 1000.0
    #: how far the wall clock is from where the steady one began
    wall: float = NOW

    def passes(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds

    def watch(self) -> Stopwatch:
        return Stopwatch(lambda: self.wall, lambda: self.steady)


@dataclass
class Far:
    """A machine at the end of ways that take what the list says, one pair a probe.

    It is a session and a time server; what it takes to answer is *taken*.
    """

    bot: Bot
    ahead: float
    ways: Sequence[tuple[float, float]]
    taken: float = 0.0
    say: Callable[[float], str] = lambda wall: f"{int(wall)}.{int(wall % 1 * 1e9):09}\n"
    #: the probes whose answer is lost on the way back
    lost: frozenset[int] = frozenset()
    #: what happens to the bot's clock on the way back, a probe each
    set_by: list[float] = field(default_factory=list)
    asked: int = 0

    def _there(self) -> float:
        there, back = self.ways[self.asked % len(self.ways)]
        self.bot.passes(there)
        return back

    def _home(self, back: float) -> None:
        self.bot.passes(back)
        self.asked += 1
        if self.asked in self.lost:
            raise Unreachable("It did not answer.")
        if self.asked <= len(self.set_by):
            self.bot.wall += self.set_by[self.asked - 1]
            # what is true moves with the clock that is measured against
            self.ahead -= self.set_by[self.asked - 1]

    async def run(self, call: Call[T]) -> T:
        back = self._there()
        said = self.say(self.bot.wall + self.ahead)
        self._home(back)
        return call.parse(Output(said))

    async def close(self) -> None:
        """There is no wire to close."""

    async def ask(self) -> NtpAnswer:
        back = self._there()
        received = self.bot.wall + self.ahead
        self.bot.passes(self.taken)
        sent = self.bot.wall + self.ahead
        self._home(back)
        return NtpAnswer(received, sent, 2, 0.0)


def by_ssh(far: Far, probes: int = 5) -> Reading:
    return asyncio.run(read_by_ssh(far, far.bot.watch(), probes))


def by_ntp(far: Far, probes: int = 5) -> Reading:
    return asyncio.run(read_by_ntp(far, far.bot.watch(), probes))[0]


def holds(reading: Reading, ahead: float) -> bool:
    return reading.lowest <= ahead <= reading.highest


def busybox(wall: float) -> str:
    """Some print an N, some nothing; none knows nanoseconds."""
    return f"{int(wall)}.N\n"


ways = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=8)
offsets = st.floats(-1e5, 1e5)


def least(ways: list[tuple[float, float]], taken: float = 0.0) -> float:
    """What the quickest probe leaves, with what clocks may drift until the last of them."""
    drift = DRIFT * sum(there + back + taken for there, back in ways)
    return min(there + back for there, back in ways) / 2 + drift


@given(ways, offsets)
def test_the_truth_is_within_the_bound_by_ssh(
    ways: list[tuple[float, float]], ahead: float
) -> None:
    reading = by_ssh(Far(Bot(), ahead, ways), len(ways))
    assert holds(reading, ahead)
    assert reading.bound <= least(ways) + 2e-6


@given(ways, offsets, st.floats(0, 5))
def test_the_truth_is_within_the_bound_by_ntp(
    ways: list[tuple[float, float]], ahead: float, taken: float
) -> None:
    reading = by_ntp(Far(Bot(), ahead, ways, taken), len(ways))
    assert holds(reading, ahead)
    # what the server itself took does not count
    assert reading.bound <= least(ways, taken) + 4e-6


@given(ways, offsets)
def test_the_truth_is_within_the_bound_where_only_seconds_are_told(
    ways: list[tuple[float, float]], ahead: float
) -> None:
    reading = by_ssh(Far(Bot(), ahead, ways, say=busybox), len(ways))
    assert holds(reading, ahead)
    assert reading.bound >= 0.5


@given(ways, offsets, st.lists(st.floats(-0.002, 0.002), max_size=8))
def test_the_truth_is_within_the_bound_where_the_bots_clock_is_slewed_or_set(
    ways: list[tuple[float, float]], ahead: float, set_by: list[float]
) -> None:
    far = Far(Bot(), ahead, ways, set_by=set_by)
    try:
        reading = by_ssh(far, 1)
    except DeviceError:
        assert abs(set_by[0]) > 0.0009
    else:
        assert holds(reading, far.ahead)


def test_the_quickest_probe_counts() -> None:
    slow_and_uneven, quick = (3.0, 0.0), (0.001, 0.001)
    reading = by_ssh(Far(Bot(), 0.25, [slow_and_uneven, quick, slow_and_uneven]))
    assert reading.offset == pytest.approx(0.25, abs=1e-5)
    assert reading.bound == pytest.approx(0.001, abs=1e-5)


def test_an_uneven_way_costs_no_more_than_the_bound() -> None:
    reading = by_ssh(Far(Bot(), 0.0, [(0.2, 0.0)]), 1)
    assert reading.offset == pytest.approx(0.1, abs=1e-5)
    assert not reading.certain


def test_a_probe_in_which_the_bots_clock_was_set_does_not_count() -> None:
    far = Far(Bot(), 0.25, [(0.001, 0.001), (0.1, 0.1)], set_by=[3600.0])
    reading = by_ssh(far, 2)
    assert holds(reading, 0.25 - 3600)
    assert reading.bound == pytest.approx(0.1, abs=1e-4)


def test_where_it_is_set_in_every_probe_nothing_is_said() -> None:
    far = Far(Bot(), 0.0, [(0.001, 0.001)], set_by=[1.0, -1.0])
    with pytest.raises(DeviceError, match="own clock was set while it measured"):
        by_ssh(far, 2)


@pytest.mark.parametrize("taken", [-1.0, 1.0])
def test_a_server_whose_times_cannot_be_is_not_believed(taken: float) -> None:
    class Wrong(Far):
        async def ask(self) -> NtpAnswer:
            said = await Far.ask(self)
            return NtpAnswer(said.received, said.received + taken, 2, 0.0)

    with pytest.raises(DeviceError, match="set while it answered"):
        by_ntp(Wrong(Bot(), 0.0, [(0.01, 0.01)]))


def test_a_server_that_is_once_not_synchronised_is_not_synchronised() -> None:
    class Losing(Far):
        async def ask(self) -> NtpAnswer:
            said = await Far.ask(self)
            return NtpAnswer(said.received, said.sent, 2, 0.0, synchronised=self.asked != 2)

    far = Losing(Bot(), 0.0, [(0.01, 0.01)])
    _reading, answer = asyncio.run(read_by_ntp(far, far.bot.watch(), 3))
    assert not answer.synchronised


class TestDate:
    @pytest.mark.parametrize("said", ["1795614278.N", "1795614278.%N", "1795614278."])
    def test_without_nanoseconds_it_is_the_second_that_runs(self, said: str) -> None:
        found, grain = date_call().parse(Output(f"{said}\n"))
        assert found == 1_795_614_278.5
        assert grain >= 0.5

    @pytest.mark.parametrize(
        "said",
        [
            "",
            "1795614278",
            "1795614278.12345678",
            "1795614278,123456789",
            "-5.123456789",
            "nan",
            "١٧.123456789",
            "Wed Nov 25 13:44:38 UTC 2026",
            "Welcome!\n1795614278.123456789",
            "9" * 30 + ".123456789",
            "\x1b[31mred\x1b[m",
        ],
    )
    def test_what_is_no_time_is_no_guess(self, said: str) -> None:
        assert "Its date cannot be read" in complaint(date_call().parse, Output(said))

    def test_what_it_says_instead_is_told(self) -> None:
        said = complaint(date_call().parse, Output("", "date: not found\n", 127))
        assert said == "Its date cannot be read: date: not found"

    @given(st.text())
    def test_garbage_is_one_sentence(self, said: str) -> None:
        complaint(date_call().parse, Output(said))


class TestKernel:
    @pytest.mark.parametrize(
        ("out", "expected"),
        [
            (f"{CLOCKSOURCE}:xen\n", Kernel("xen", None)),
            (f"{CLOCKSOURCE}:tsc\n{INDEPENDENT}:0\n", Kernel("tsc", False)),
            (f"{CLOCKSOURCE}:xen\n{INDEPENDENT}:1\n", Kernel("xen", True)),
            (f"{INDEPENDENT}:maybe\n", Kernel("", None)),
            ("", Kernel("", None)),
        ],
    )
    def test_what_it_does_not_say_is_not_known(self, out: str, expected: Kernel) -> None:
        missing = Output(out, f"grep: {INDEPENDENT}: No such file or directory\n", 2)
        assert kernel_call().parse(missing) == expected

    @given(st.text())
    def test_what_it_says_is_fit_for_chat(self, said: str) -> None:
        found = kernel_call().parse(Output(f"{CLOCKSOURCE}:{said}"))
        assert len(found.clocksource) <= 40
        assert found.clocksource.isprintable()


@pytest.mark.parametrize("by", [by_ssh, by_ntp])
def test_a_lost_answer_takes_nothing_from_those_before_it(by: Callable[[Far], Reading]) -> None:
    far = Far(Bot(), 0.3, [(0.01, 0.01)], lost=frozenset({3}))

    assert holds(by(far), 0.3)
    assert far.asked == 3


@pytest.mark.parametrize("by", [by_ssh, by_ntp])
def test_where_the_first_answer_is_lost_the_clock_is_not_measured(
    by: Callable[[Far], Reading],
) -> None:
    with pytest.raises(Unreachable):
        by(Far(Bot(), 0.3, [(0.01, 0.01)], lost=frozenset({1})))


@given(turned=st.lists(st.floats(-0.0009, 0.0009), min_size=2, max_size=5))
def test_a_bots_clock_that_is_turned_from_probe_to_probe_is_in_the_bound(
    turned: list[float],
) -> None:
    """A slew too small to be seen in one probe adds up over several."""
    far = Far(Bot(), 0.3, [(0.0001, 0.0001), (0.01, 0.01)], set_by=turned)

    reading = by_ssh(far, len(turned))

    assert holds(reading, far.ahead)
