"""What clocks said is kept, an hour in one once it is old, and forgotten at last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, func, select, text

from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_trend import ARTEFACT, spread
from bot.core.clocks import Reading, Role, Sample, Whose
from bot.engine import clock_history
from bot.engine.clock_history import AT_ONCE, _together
from bot.engine.clocks import ClockRules
from bot.engine.schema_clocks import clock_samples
from tests.engine.alive import EPOCH, Place, TestedStore, opened

HOUR, DAY = 3600.0, 86400.0
KEEP = 90 * DAY
BOT = Whose(Role.BOT, "the bot's own clock")
SERVER = Whose(Role.REFERENCE, "ntp1")
VM, FY = Whose(Role.GUEST, "vm"), Whose(Role.HOST, "fy")
#: begins an hour
START = EPOCH // HOUR * HOUR


def sweep(at: float, offsets: dict[Whose, float], reference: Whose = BOT) -> Sweep:
    measured = [Measured(who, at, Reading(off, 0.002)) for who, off in offsets.items()]
    return Sweep(at, (Measured(reference, at, Reading(0.0, 0.0)), *measured), reference, 0.05)


async def keep(store: TestedStore, *sweeps: Sweep) -> None:
    async with store.write() as tx:
        for each in sweeps:
            await clock_history.add(tx, each)


async def known(
    store: TestedStore, whose: Whose = VM, reference: Whose = BOT, since: float = 0.0
) -> list[Sample]:
    async with store.read() as tx:
        return await clock_history.of(tx, whose, since, reference)


async def thin(store: TestedStore, now: float, most: int = 100) -> int:
    """Thin until nothing is left to do; how many times that took."""
    for turn in count(1):
        async with store.write() as tx:
            if not await clock_history.thin(tx, now, KEEP):
                return turn
        assert turn < most
    raise AssertionError


async def rows(store: TestedStore) -> int:
    async with store.read() as tx:
        return await tx.scalar(select(func.count()).select_from(clock_samples)) or 0


def an_hour(begin: float, offsets: Iterable[float], whose: Whose = VM) -> list[Sweep]:
    return [sweep(begin + 300 * n, {whose: offset}) for n, offset in enumerate(offsets)]


async def test_what_was_measured_is_known_by_whose_clock_it_was(store: TestedStore) -> None:
    await keep(store, sweep(START, {VM: 0.1, FY: 0.2}), sweep(START + 300, {VM: 0.3}))

    assert [each.reading.offset for each in await known(store)] == pytest.approx([0.1, 0.3])
    assert [each.reading.offset for each in await known(store, FY)] == pytest.approx([0.2])
    assert [each.at for each in await known(store, since=START + 1)] == [START + 300]


async def test_readings_against_another_reference_are_not_mixed_in(store: TestedStore) -> None:
    await keep(store, sweep(START, {VM: 0.1}), sweep(START + 300, {VM: 7.0}, SERVER))

    assert [each.reading.offset for each in await known(store)] == pytest.approx([0.1])
    assert [each.reading.offset for each in await known(store, VM, SERVER)] == [7.0]

    await thin(store, START + 4 * DAY)

    assert [each.reading.offset for each in await known(store)] == pytest.approx([0.1])
    assert [each.reading.offset for each in await known(store, VM, SERVER)] == [7.0]


async def test_a_sweep_that_is_kept_twice_is_kept_once(store: TestedStore) -> None:
    await keep(store, sweep(START, {VM: 0.1}))
    await keep(store, sweep(START, {VM: 0.1}))

    assert len(await known(store)) == 1


async def test_an_hour_that_is_old_becomes_one_sample(store: TestedStore) -> None:
    await keep(store, *an_hour(START, [0.1, 0.2, 0.3, 0.8]), *an_hour(START + HOUR, [0.5]))

    await thin(store, START + 4 * DAY)

    first, second = await known(store)
    assert START <= first.at < START + HOUR
    assert first.reading.offset == pytest.approx(0.35)
    assert first.reading.bound == pytest.approx(0.002)
    assert (first.low, first.high) == pytest.approx((0.1, 0.8))
    assert first.count == 4
    assert second == Sample.of(START + HOUR, Reading(0.5, 0.002))


async def test_two_days_are_kept_as_they_are(store: TestedStore) -> None:
    await keep(store, *an_hour(START, [0.1, 0.2]), *an_hour(START + HOUR, [0.3, 0.4]))

    await thin(store, START + 2 * DAY + HOUR - 1)
    assert [each.count for each in await known(store)] == [1, 1, 1, 1]
    await thin(store, START + 2 * DAY + HOUR)
    assert [each.count for each in await known(store)] == [2, 1, 1]


async def test_to_thin_again_changes_nothing(store: TestedStore) -> None:
    await keep(store, *an_hour(START, [0.1, 0.2, 0.3]))
    await thin(store, START + 4 * DAY)
    before = await known(store)

    assert await thin(store, START + 5 * DAY) == 1
    assert await known(store) == before


async def test_an_artefact_does_not_spoil_its_hour(store: TestedStore) -> None:
    await keep(store, *an_hour(START, [0.1, 0.1, 0.1 + ARTEFACT, 0.1]))

    await thin(store, START + 4 * DAY)

    (sample,) = await known(store)
    assert sample.high == pytest.approx(0.1)
    assert sample.count == 3


async def test_what_is_older_than_is_kept_is_deleted(store: TestedStore) -> None:
    await keep(store, *an_hour(START, [0.1]), *an_hour(START + DAY, [0.2]))

    await thin(store, START + KEEP + HOUR)

    assert [each.reading.offset for each in await known(store)] == pytest.approx([0.2])


async def test_a_large_site_is_thinned_in_parts_and_does_not_grow(store: TestedStore) -> None:
    machines = [Whose(Role.GUEST, f"vm{n:04}") for n in range(300)]
    for n in range(12):
        await keep(store, sweep(START + 300 * n, dict.fromkeys(machines, n / 12)))
    assert await rows(store) == 3600

    parts = await thin(store, START + 4 * DAY)

    assert 4 <= parts <= 7
    assert await rows(store) == 300
    for machine in (machines[0], machines[83], machines[-1]):
        (sample,) = await known(store, machine)
        assert sample.count == 12
        assert (sample.low, sample.high) == pytest.approx((0, 11 / 12))
        assert sample.reading.offset == pytest.approx(5.5 / 12)
    assert await thin(store, START + KEEP + DAY) == 1
    assert await rows(store) == 0


async def test_one_clock_with_more_readings_than_a_part_ends_as_one_sample(
    store: TestedStore,
) -> None:
    many = 2 * AT_ONCE + 7
    sweeps = [sweep(START + 1.5 * n, {VM: n / many, FY: 0.0}) for n in range(many)]
    await keep(store, *sweeps)

    await thin(store, START + 4 * DAY)

    (sample,) = await known(store)
    assert sample.count == many
    assert sample.reading.offset == pytest.approx(0.5, abs=0.001)
    assert (sample.low, sample.high) == pytest.approx((0, 1), abs=0.001)


@pytest.mark.parametrize("parts", range(5))
async def test_a_bot_that_dies_meanwhile_loses_nothing(tmp_path: Path, parts: int) -> None:
    machines = [Whose(Role.GUEST, f"vm{n:04}") for n in range(150)]
    sweeps = [
        sweep(START + 300 * n, {who: n / 7 + number for number, who in enumerate(machines)})
        for n in range(24)
    ]
    now = START + 4 * DAY

    async with opened(tmp_path / "whole") as store:
        await keep(store, *sweeps)
        await thin(store, now)
        wanted = await everything(store)
    async with opened(tmp_path / "torn") as store:
        await keep(store, *sweeps)
        for _part in range(parts):
            async with store.write() as tx:
                assert await clock_history.thin(tx, now, KEEP)
        with pytest.raises(Killed):
            await dies_in_a_part(store, now)
    async with opened(tmp_path / "torn") as store:
        await thin(store, now)

        assert await everything(store) == wanted
    assert [row.readings for row in wanted] == [12] * 300


class Killed(Exception):
    """The bot is no more."""


async def dies_in_a_part(store: TestedStore, now: float) -> None:
    async with store.write() as tx:
        await clock_history.thin(tx, now, KEEP)
        raise Killed


async def everything(store: TestedStore) -> Sequence[Row[Any]]:
    async with store.read() as tx:
        return (await tx.execute(select(clock_samples).order_by("name", "at"))).all()


async def test_a_bot_that_runs_thins_and_forgets_every_hour(place: Place) -> None:
    place.clock_rules = ClockRules(keep=3 * DAY)
    async with place.bot() as bot:
        now = place.clock()
        hours = (an_hour(now - age * DAY, [0.1, 0.2]) for age in (5, 2.5, 1))
        await keep(bot.store, *(each for hour in hours for each in hour))
        await place.later(HOUR + 60)

        assert [each.count for each in await known(bot.store)] == [2, 1, 1]


samples = st.builds(
    lambda at, offset, bound, down, up, count: Sample(
        at, Reading(offset, bound), offset - down, offset + up, count
    ),
    st.floats(0, HOUR),
    st.floats(-400, 400),
    st.floats(0, 10),
    st.floats(0, 5),
    st.floats(0, 5),
    st.integers(2, 50),
)


@given(st.lists(samples, min_size=1, max_size=20))
def test_a_sample_of_many_claims_whatever_they_claimed(those: list[Sample]) -> None:
    whole = _together(those)
    claim = spread(whole)

    assert whole.count == sum(each.count for each in those)
    assert whole.at in {each.at for each in those}
    assert whole.low - 1e-9 <= whole.reading.offset <= whole.high + 1e-9
    for each in those:
        assert claim.lowest <= each.reading.lowest + 1e-9
        assert claim.highest >= each.reading.highest - 1e-9


async def test_no_part_reads_more_than_its_own_rows(store: TestedStore) -> None:
    """What is old already is found by an index: with a year of it, a look takes no longer."""
    now, asked = START + 4 * DAY, list[str]()
    await keep(store, *an_hour(START, [0.1, 0.2]))
    async with store.write() as tx:
        connection = await tx.get_raw_connection()
        driver = connection.driver_connection
        assert driver is not None
        await driver.set_trace_callback(asked.append)
        assert await clock_history.thin(tx, now, KEEP)
        await driver.set_trace_callback(None)
        for statement in asked:
            plan = (await tx.execute(text(f"EXPLAIN QUERY PLAN {statement}"))).all()
            assert not [row for row in plan if row.detail.startswith("SCAN")], statement
            if statement.startswith("DELETE") and "role" in statement:
                assert "role=? AND name=? AND at=?" in plan[0].detail
    assert len(asked) >= 4
