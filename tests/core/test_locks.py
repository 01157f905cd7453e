"""All keys of a job at once, first come first served: no deadlock, and never two holders."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from bot.core.locks import LockTable


def test_a_free_key_is_held_at_once() -> None:
    table = LockTable()

    table.request(1, {"domu/vm", "links/fy"})

    assert table.blockers(1) == []
    assert table.place(1) == 0
    assert table.keys(1) == {"domu/vm", "links/fy"}


def test_a_held_key_is_waited_for_and_the_place_is_told() -> None:
    table = LockTable()
    for job in (41, 42, 43):
        table.request(job, {"domu/vm"})

    assert table.blockers(42) == [41]
    assert table.place(42) == 1
    assert table.blockers(43) == [41, 42]
    assert table.place(43) == 2

    table.release(41)

    assert table.blockers(42) == []
    assert table.place(43) == 1


def test_a_later_job_passes_a_waiting_one_only_where_they_share_no_key() -> None:
    table = LockTable()
    table.request(1, {"a"})
    table.request(2, {"a", "b"})

    table.request(3, {"c"})
    table.request(4, {"b"})

    assert table.blockers(3) == []
    assert table.blockers(4) == [2]


def test_who_waits_can_leave_and_lets_the_next_one_in() -> None:
    table = LockTable()
    table.request(1, {"a"})
    table.request(2, {"a", "b"})
    table.request(3, {"b"})

    table.release(2)

    assert table.blockers(3) == []


def test_asking_twice_is_a_bug() -> None:
    table = LockTable()
    table.request(1, {"a"})

    with pytest.raises(RuntimeError, match="twice"):
        table.request(1, {"b"})


def test_releasing_what_was_never_asked_for_changes_nothing() -> None:
    table = LockTable()
    table.request(1, {"a"})

    table.release(9)

    assert table.blockers(1) == []
    assert table.keys(9) == frozenset()


KEYS = st.frozensets(st.sampled_from("abcde"), max_size=4)


class Queue(RuleBasedStateMachine):
    """Jobs come, wait, hold and leave in any order; the plain list beside the table is the law."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.table = LockTable()
        self.order: list[tuple[int, frozenset[str]]] = []
        self.count = 0

    @rule(target=jobs, keys=KEYS)
    def comes(self, keys: frozenset[str]) -> int:
        self.count += 1
        self.table.request(self.count, keys)
        self.order.append((self.count, keys))
        return self.count

    @rule(job=consumes(jobs))
    def leaves(self, job: int) -> None:
        self.table.release(job)
        self.order = [each for each in self.order if each[0] != job]

    def holders(self) -> list[tuple[int, frozenset[str]]]:
        return [each for each in self.order if not self.table.blockers(each[0])]

    @invariant()
    def no_key_has_two_holders(self) -> None:
        held = [key for _job, keys in self.holders() for key in keys]
        assert len(held) == len(set(held))

    @invariant()
    def somebody_always_runs(self) -> None:
        """No deadlock: where anybody is there, the oldest of them waits for nobody."""
        if self.order:
            assert self.order[0] in self.holders()

    @invariant()
    def each_waits_for_every_earlier_one_that_shares_a_key_and_for_nobody_else(self) -> None:
        for place, (job, keys) in enumerate(self.order):
            earlier = [other for other, theirs in self.order[:place] if theirs & keys]
            assert self.table.blockers(job) == earlier

    @invariant()
    def a_place_is_counted_from_one_and_is_nought_for_holders(self) -> None:
        for job, _keys in self.order:
            blocking = self.table.blockers(job)
            assert (self.table.place(job) == 0) == (not blocking)
            assert self.table.place(job) <= len(blocking) + 1


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
