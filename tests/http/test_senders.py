"""How often somebody may send, on a clock that the tests set."""

from __future__ import annotations

from bot.http.senders import PEERS, STRANGERS_A_MINUTE, Senders


class Clock:
    """Time as the test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_measure_fills_again_and_never_over() -> None:
    clock = Clock()
    senders = Senders({"cron": "token"}, 2, clock)

    assert [senders.wait("cron") for _time in range(3)] == [0, 0, 30]
    clock.now = 30.0
    assert [senders.wait("cron") for _time in range(2)] == [0, 30]
    clock.now = 10_000.0
    assert [senders.wait("cron") for _time in range(3)] == [0, 0, 30]


def test_one_stranger_takes_nothing_from_another() -> None:
    senders = Senders({}, 1, Clock())
    waits = [senders.stranger_waits("10.0.0.1") for _time in range(STRANGERS_A_MINUTE + 1)]

    assert waits == [0] * STRANGERS_A_MINUTE + [1]
    assert senders.stranger_waits("10.0.0.2") == 0


def test_of_very_many_strangers_the_longest_silent_is_forgotten() -> None:
    senders = Senders({}, 1, Clock())
    for _time in range(STRANGERS_A_MINUTE):
        senders.stranger_waits("first")
    for number in range(PEERS - 1):
        senders.stranger_waits(str(number))
    assert senders.stranger_waits("first") == 1

    for number in range(PEERS):
        senders.stranger_waits(f"other {number}")
    assert senders.stranger_waits("first") == 0
