"""The lab's clocks drift, are stepped and lie, and their time services get them right again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.lab.clocks.discipline import MANNERS, Kind, slewed
from bot.lab.clocks.service import POLL, Server
from bot.lab.clocks.timepiece import Timepiece
from tests.lab.clockwork import ByHand, Kept

KINDS: tuple[Kind, ...] = ("chrony", "ntpd", "timesyncd")
WEEK = 7 * 86400.0

kinds = st.sampled_from(KINDS)
#: of a deviation that none of the services steps
deviations = st.floats(-0.12, 0.12)
spans = st.floats(0.0, 1e5)


@given(st.floats(-1e4, 1e4), st.lists(spans, max_size=8), kinds)
def test_what_is_slewed_shrinks_and_never_overshoots(
    deviation: float, passing: list[float], kind: Kind
) -> None:
    left = deviation
    for seconds in passing:
        before, left = left, slewed(left, seconds, MANNERS[kind].rate)
        assert abs(left) <= abs(before)
        assert left == 0.0 or math.copysign(1, left) == math.copysign(1, deviation)
        # the rate is never exceeded, but for what doubles cannot hold
        assert abs(before - left) <= MANNERS[kind].rate.most * seconds + 1e-9


@given(st.floats(-1e4, 1e4), spans, spans, kinds)
def test_a_look_in_between_changes_nothing(
    deviation: float, first: float, second: float, kind: Kind
) -> None:
    rate = MANNERS[kind].rate
    twice = slewed(slewed(deviation, first, rate), second, rate)
    assert twice == pytest.approx(slewed(deviation, first + second, rate), rel=1e-6, abs=1e-9)


@given(kinds, st.floats(-0.12, 0.12), st.lists(st.floats(0.0, 3000.0), max_size=12))
def test_a_clock_that_is_watched_does_as_one_that_is_not(
    kind: Kind, step: float, looks: list[float]
) -> None:
    watched, alone = Kept(kind), Kept(kind)
    for one in (watched, alone):
        one.piece.step(step)
    for seconds in looks:
        watched.after(seconds)
    assert alone.after(sum(looks)) == pytest.approx(watched.after(0.0), abs=1e-6)


@given(kinds, deviations, st.lists(st.floats(1.0, 3000.0), max_size=12))
def test_a_kept_clock_goes_to_its_sources_and_never_beyond(
    kind: Kind, step: float, looks: list[float]
) -> None:
    it = Kept(kind)
    it.piece.step(step)
    before = it.piece.offset
    for seconds in looks:
        now = it.after(seconds)
        assert abs(now) <= abs(before) + 1e-9
        assert now * step >= -1e-12
        before = now
    assert abs(it.after(WEEK)) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_a_drift_does_no_harm_while_somebody_keeps_the_clock(kind: Kind) -> None:
    it = Kept(kind)
    it.piece.drift(80.0)

    # what it gains until the next question, and no more
    assert abs(it.after(POLL)) <= 80e-6 * POLL
    assert abs(it.after(WEEK)) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_sees_a_drift_at_its_next_question_only(kind: Kind) -> None:
    it = Kept(kind, ppm=0.0)
    it.piece.drift(1000.0)

    assert it.after(1.0) == pytest.approx(0.001, rel=1e-9)
    assert it.after(1.0) == pytest.approx(0.002, rel=1e-9)


def test_a_drift_that_ntpd_cannot_take_away_leads_to_steps() -> None:
    it = Kept("ntpd")
    it.piece.drift(1500.0)

    offsets = [it.after(10.0) for _look in range(1000)]

    assert max(offsets) > 0.128
    assert max(offsets) < 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_service_a_clock_goes_its_own_way(kind: Kind) -> None:
    it = Kept(kind, ppm=50.0)
    it.service.alive = False

    assert it.after(10_000.0) == pytest.approx(0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_servers_that_say_nothing_keep_no_clock(kind: Kind) -> None:
    it = Kept(kind, ppm=50.0)
    it.after(100.0)
    for server in it.servers:
        server.answers = False

    # until the last of eight questions is forgotten it knows the rate
    assert abs(it.after(7 * POLL)) < 1e-6
    assert it.after(POLL + 10_000.0) == pytest.approx(0.5, rel=0.02)


def test_chrony_steps_in_its_first_three_updates_only() -> None:
    it = Kept("chrony")
    it.piece.step(5.0)
    assert it.after(POLL + 1.0) > 4.5

    it.service.alive = False
    it.service.alive = True
    assert it.after(5.9) > 4.5
    assert abs(it.after(0.2)) < 1e-6

    it.piece.step(5.0)
    assert abs(it.after(POLL)) < 1e-6


def test_chrony_slews_less_than_a_second_even_at_its_start() -> None:
    it = Kept("chrony")
    it.service.alive = False
    it.piece.step(0.9)
    it.service.alive = True

    assert 0.8 < it.after(10.0) < 0.9
    assert it.after(3600.0) < 0.001


def test_ntpd_steps_after_five_minutes_what_is_too_much_to_slew() -> None:
    it = Kept("ntpd")
    it.piece.step(-0.2)

    assert it.after(POLL + 299.0) < -0.19
    assert abs(it.after(2 * POLL)) < 1e-6


def test_ntpd_slews_no_faster_than_500_ppm() -> None:
    it = Kept("ntpd")
    it.piece.step(0.12)
    before = it.after(POLL)

    assert before - it.after(100.0) <= 500e-6 * 100.0


def test_ntpd_panics_above_a_thousand_seconds() -> None:
    it = Kept("ntpd")
    it.piece.step(1001.0)

    assert it.after(POLL + 1.0) > 1000.0
    assert not it.service.alive


def test_started_anew_ntpd_takes_any_offset_once() -> None:
    it = Kept("ntpd")
    it.piece.step(5000.0)
    it.service.alive = False
    it.service.alive = True

    assert abs(it.after(10.0)) < 1e-6
    assert it.service.alive


def test_timesyncd_steps_at_a_question_what_is_more_than_400_ms() -> None:
    it = Kept("timesyncd")
    it.piece.step(0.5)
    assert abs(it.after(POLL)) < 1e-6

    it.piece.step(0.3)
    assert 0.2 < it.after(POLL) <= 0.3
    assert it.after(3600.0) < 0.001


def test_one_server_of_three_that_lies_is_not_believed() -> None:
    it = Kept()
    it.servers[1].offset = 0.5

    assert abs(it.after(3600.0)) < 1e-6
    assert it.servers[1] not in it.service.chosen()


@pytest.mark.parametrize("kind", ["chrony", "ntpd"])
def test_two_servers_that_disagree_keep_no_clock(kind: Kind) -> None:
    it = Kept(kind, ppm=50.0, servers=2)
    it.servers[1].offset = 0.5

    assert it.after(POLL + 10_000.0) == pytest.approx(0.5, rel=0.02)
    assert it.service.chosen() == []


def test_the_majority_leads_the_clock_astray_where_it_is_wrong() -> None:
    it = Kept()
    for server in it.servers[:2]:
        server.offset = 0.4

    assert it.after(3600.0) == pytest.approx(0.4)


def test_makestep_sets_the_clock_to_what_chronyd_knows() -> None:
    it = Kept()
    it.piece.step(0.5)
    it.service.make_step()
    # chronyd has not asked anybody since the step, so it holds its clock to be right
    assert it.piece.offset == pytest.approx(0.5)

    it.service.burst()
    it.service.make_step()
    assert it.piece.offset == pytest.approx(0.0)


def test_a_burst_finds_servers_that_are_back() -> None:
    it = Kept()
    for server in it.servers:
        server.answers = False
    it.after(WEEK)
    for server in it.servers:
        server.answers = True
    assert not any(server.reach for server in it.service.servers)

    it.service.burst()

    assert len(it.service.chosen()) == 3
    assert abs(it.after(3600.0)) < 0.01


def test_a_server_that_joins_is_asked_too() -> None:
    it = Kept()
    it.service.servers.append(Server("10.77.0.9", 0.5))
    it.after(20 * POLL)

    assert it.service.servers[-1].reach == 0o377
    assert len(it.service.chosen()) == 3


def test_a_lie_is_told_so_often_and_the_clock_is_right() -> None:
    piece = Timepiece(ByHand())
    piece.stray(4.294967296, times=2)

    told = [piece.told() - piece.wall() for _time in range(3)]

    assert told == pytest.approx([4.294967296, 4.294967296, 0.0], abs=1e-6)
    assert piece.offset == 0.0


def test_a_clock_that_is_its_dom0s_cannot_be_set() -> None:
    host = Timepiece(ByHand(), 1.0)
    it = Kept(ppm=50.0)
    it.piece.leader = lambda: host
    it.piece.independent = False
    assert it.piece.offset == 1.0

    it.piece.step(3.0)
    it.service.burst()
    it.service.make_step()
    assert it.after(WEEK) == 1.0

    it.service.alive = False
    it.piece.independent = True
    assert it.piece.offset == 1.0
    assert it.after(10_000.0) == pytest.approx(1.5)


def test_a_quiet_week_costs_no_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    it = Kept()
    asked: list[float] = []
    ask = Server.ask

    def counted(server: Server, clock: float, now: float) -> None:
        asked.append(now)
        ask(server, clock, now)

    monkeypatch.setattr(Server, "ask", counted)

    it.after(WEEK)

    assert len(asked) < 10
