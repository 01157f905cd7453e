"""The clocks of both Dom0s before a move: shown to agree, shown to differ, or not shown at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.clock_sweep import Measured, Sweep
from bot.core.clocks import Reading, Role, Whose
from bot.core.plan import Verdict
from bot.devices.session import Call, T
from bot.engine.clock_gate import judged, too_far, too_late, wrong_one
from bot.engine.clocks import ClockRules
from bot.errors import DeviceError
from tests.engine.alive import Bot, Place
from tests.engine.scene import Scene
from tests.fakes import Said

RULES = ClockRules(limit=0.05, behind=0.01)
BOT, FY, FZ = Whose(Role.BOT, "me"), Whose(Role.HOST, "fy"), Whose(Role.HOST, "fz")

offsets = st.floats(-1.0, 1.0)
bounds = st.floats(0.0, 0.2)


@given(offsets, bounds, st.floats(-1.0, 1.0))
@example(0.05, 0.0, 0.0)
@example(-0.01, 0.0, 0.0)
def test_no_verdict_is_wrong_wherever_the_truth_lies_within_the_error(
    offset: float, bound: float, where: float
) -> None:
    ahead = Reading(offset, bound)
    truth = min(max(offset + where * bound, ahead.lowest), ahead.highest)
    fine = abs(truth) <= RULES.limit and truth >= -RULES.behind

    verdict = judged(ahead, RULES)

    if verdict is Verdict.NO:
        assert not fine
    if verdict is Verdict.YES:
        assert abs(truth) <= RULES.limit
        assert truth >= -RULES.behind - 2 * bound


@given(offsets, bounds)
def test_what_may_lie_on_either_side_of_the_limit_is_never_ticked_nor_refused_for_it(
    offset: float, bound: float
) -> None:
    ahead = Reading(offset, bound)
    if ahead.least <= RULES.limit < ahead.most and not too_late(ahead, RULES):
        assert judged(ahead, RULES) is Verdict.UNCHECKED


@given(st.floats(-0.2, 0.2), st.floats(0.051, 1.0))
def test_a_way_that_is_slower_than_the_limit_shows_nothing_good(
    offset: float, bound: float
) -> None:
    assert judged(Reading(offset, bound), RULES) is not Verdict.YES


@pytest.mark.parametrize(
    ("offset", "bound", "verdict"),
    [
        (0.0, 0.0, Verdict.YES),
        (0.05, 0.0, Verdict.YES),
        (0.0501, 0.0, Verdict.NO),
        (0.048, 0.002, Verdict.YES),
        (0.0481, 0.002, Verdict.UNCHECKED),
        (0.0519, 0.002, Verdict.UNCHECKED),
        (0.0521, 0.002, Verdict.NO),
        (-0.01, 0.0, Verdict.YES),
        (-0.0101, 0.0, Verdict.NO),
        (-0.0119, 0.002, Verdict.YES),
        (-0.0121, 0.002, Verdict.NO),
        (0.0, 0.05, Verdict.YES),
        (0.0, 0.0501, Verdict.UNCHECKED),
        (-0.02, 0.045, Verdict.UNCHECKED),
        (-0.2, 0.001, Verdict.NO),
    ],
)
def test_both_sides_of_each_edge(offset: float, bound: float, verdict: Verdict) -> None:
    assert judged(Reading(offset, bound), RULES) is verdict


def test_far_and_late_are_two_things() -> None:
    assert too_far(Reading(0.06, 0.001), RULES)
    assert not too_late(Reading(0.06, 0.001), RULES)
    assert too_late(Reading(-0.02, 0.001), RULES)
    assert not too_far(Reading(-0.02, 0.001), RULES)


def sweep(fy: Reading | None, fz: Reading | None) -> Sweep:
    measured = (
        Measured(BOT, 0.0, Reading(0.0, 0.0)),
        Measured(FY, 0.0, fy),
        Measured(FZ, 0.0, fz),
    )
    return Sweep(0.0, measured, BOT, 0.05)


@pytest.mark.parametrize(
    ("fy", "fz", "wrong"),
    [
        (Reading(0.001, 0.002), Reading(0.2, 0.002), "fz"),
        (Reading(-0.2, 0.002), Reading(0.001, 0.002), "fy"),
        (Reading(0.1, 0.002), Reading(-0.1, 0.002), ""),
        (Reading(0.0, 0.1), Reading(0.2, 0.002), "fz"),
        (Reading(0.0, 0.25), Reading(0.2, 0.002), ""),
        (None, Reading(0.2, 0.002), ""),
        # both are off by the same: it is the reference that is alone
        (Reading(0.2, 0.001), Reading(0.22, 0.001), ""),
    ],
)
def test_the_one_that_is_certainly_farther_off_is_the_wrong_one(
    fy: Reading | None, fz: Reading | None, wrong: str
) -> None:
    assert wrong_one(sweep(fy, fz), "fy", "fz") == wrong


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def bot(scene: Scene, place: Place) -> AsyncIterator[Bot]:
    place.clock_rules = RULES
    async with place.bot(scene.world) as bot:
        yield bot


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def card(bot: Bot) -> tuple[str, str]:
    """The line about clocks, and what became of the command."""
    said = await bot.ask("!migrate vm fz --dry-run")
    [line] = [each for each in said.plain.splitlines() if "clock" in each]
    return line, state(said)


async def test_clocks_that_agree_are_ticked_with_the_error(bot: Bot, scene: Scene) -> None:
    scene.fz.xen.clock.offset = 0.02

    assert await card(bot) == (
        "✔ the clocks of fy and fz agree within 50 ms: fz is 20 ms ± 2.0 ms ahead"
        "  [date, 5 probes]",
        "succeeded",
    )
    assert scene.fy.xen.clock.asked == scene.fz.xen.clock.asked == 5


async def test_clocks_that_differ_refuse_the_move_and_name_the_wrong_one(
    bot: Bot, scene: Scene
) -> None:
    scene.fz.xen.clock.offset = 0.08

    for line in ("!migrate vm fz --dry-run", "!migrate vm fz"):
        said = await bot.ask(line)

        assert state(said) == "refused"
        assert "The clocks of fy and fz differ by more than 50 ms: fz is 80 ms" in said.plain
        assert "Mend it: !clock fix fz" in said.plain
    assert scene.started == 0


async def test_a_target_that_is_behind_refuses_the_move_and_one_that_is_ahead_does_not(
    bot: Bot, scene: Scene
) -> None:
    scene.fy.xen.clock.offset = 0.02
    said = await bot.ask("!migrate vm fz --dry-run")

    assert state(said) == "refused"
    assert "The clock of fz is more than 10 ms behind that of fy" in said.plain
    assert "Mend it: !clock fix fy" in said.plain

    scene.fy.xen.clock.offset = -0.02
    assert (await card(bot))[1] == "succeeded"


async def test_where_both_are_off_nobody_is_named(bot: Bot, scene: Scene) -> None:
    scene.fy.xen.clock.offset, scene.fz.xen.clock.offset = 0.5, -0.5

    said = await bot.ask("!migrate vm fz")

    assert "Look which is wrong, !clock all: fy is 500 ms ± " in said.plain
    assert "fz is 500 ms ± " in said.plain


async def test_within_the_error_it_may_be_behind_by_more_than_the_limit_and_that_is_said(
    bot: Bot, scene: Scene
) -> None:
    scene.fz.xen.clock.going = scene.fz.xen.clock.coming = 0.015

    line, ended = await card(bot)

    assert line.startswith("✔ the clocks of fy and fz agree within 50 ms: fz is within the error")
    assert "; more than 10 ms behind is not excluded" in line
    assert ended == "succeeded"


async def test_a_way_that_is_slow_shows_nothing_and_does_not_stop_the_move(
    bot: Bot, scene: Scene
) -> None:
    scene.fz.xen.clock.going = 0.15

    line, ended = await card(bot)

    assert line == (
        "? the clocks of fy and fz agree within 50 ms "
        "(the way to them is too slow to tell: ± 77 ms): not checked"
    )
    assert ended == "succeeded"


async def test_an_uneven_way_never_makes_a_difference_of_clocks(bot: Bot, scene: Scene) -> None:
    scene.fz.xen.clock.going, scene.fz.xen.clock.coming = 0.09, 0.0

    line, ended = await card(bot)

    assert line.startswith("? the clocks of fy and fz agree within 50 ms (fz is within the error")
    assert ended == "succeeded"


@pytest.mark.parametrize("prints", ["Wed Nov 25 13:45:47 UTC 2026", "date: invalid date"])
async def test_a_date_that_cannot_be_read_is_not_checked(
    bot: Bot, scene: Scene, prints: str
) -> None:
    scene.fz.xen.clock.prints = prints

    line, ended = await card(bot)

    assert line.startswith("? ")
    assert line.endswith("not checked")
    assert prints in line
    assert ended == "succeeded"


async def test_a_busybox_without_nanoseconds_proves_nothing(bot: Bot, scene: Scene) -> None:
    scene.fz.xen.clock.prints = "1800000000.%N"

    line, _ended = await card(bot)

    assert line.startswith("? ")


async def test_clocks_that_go_their_ways_between_the_looks_do_not_stop_the_move(
    bot: Bot, scene: Scene
) -> None:
    """The card is looked at again under the locks; microseconds are no change of the world."""
    started = scene.fy.launcher.start
    run = scene.fz.xen.clock.run

    async def drifting(call: Call[T]) -> T:
        scene.fz.xen.clock.offset += 0.0001
        return await run(call)

    async def start(name: str, words: tuple[str, ...]) -> None:
        await started(name, words)
        scene.moves()

    vars(scene.fz.xen.clock)["run"] = drifting
    vars(scene.fy.launcher)["start"] = start

    assert state(await bot.ask("!migrate vm fz")) == "succeeded"


async def test_a_host_whose_date_fails_is_not_checked(bot: Bot, scene: Scene) -> None:
    scene.fz.xen.clock.broken = DeviceError("fz: garbage.")

    line, ended = await card(bot)

    assert line.endswith("(fz: garbage.): not checked")
    assert ended == "succeeded"


async def test_the_limits_are_those_of_the_config(scene: Scene, place: Place) -> None:
    place.clock_rules = replace(RULES, limit=0.2, behind=0.15, probes=2)
    scene.fz.xen.clock.offset = -0.12

    async with place.bot(scene.world) as bot:
        line, ended = await card(bot)

    assert line.startswith("✔ the clocks of fy and fz agree within 200 ms: fz is 120 ms")
    assert line.endswith("[date, 2 probes]")
    assert ended == "succeeded"
