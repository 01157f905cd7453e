"""By how much a guest's clock stepped while it was moved: measured, told, and never in the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.clocks import Reading
from bot.devices.guest import GuestAccess
from bot.devices.session import Call, T
from bot.engine import audit_log
from bot.engine import moves as done_moves
from bot.engine.clock_step import Noted, stepped
from bot.engine.world import Timing, World
from bot.errors import DeviceError, Unreachable
from tests.engine.alive import Bot, Place
from tests.engine.scene import Scene
from tests.engine.test_crashes import LINE, comes_back, died
from tests.fake_clock import FakeClock
from tests.fakes import Said

offsets, bounds = st.floats(-1e4, 1e4), st.floats(0.0, 10.0)
readings = st.builds(Reading, offsets, bounds)


@given(readings, readings, st.floats(0.0, 1e5), st.floats(-9e-4, 9e-4), st.data())
def test_the_true_step_lies_within_the_error_however_both_clocks_drifted(
    before: Reading, after: Reading, passed: float, slewed: float, data: st.DataObject
) -> None:
    """*slewed*: what the bot's own clock was set by meanwhile, so little that nobody saw it."""
    truths = [data.draw(st.floats(each.lowest, each.highest)) for each in (before, after)]
    drift = data.draw(st.floats(-1.0, 1.0)) * 150e-6 * passed

    step = stepped(
        Noted(before, "", 1e9, 500.0), Noted(after, "", 1e9 + passed + slewed, 500.0 + passed)
    )

    assert step is not None
    true = truths[1] - truths[0] + slewed - drift
    assert step.lowest - 1e-6 <= true <= step.highest + 1e-6


@pytest.mark.parametrize(("wall", "steady"), [(20.0, 10.0), (9.9, 10.0), (-5.0, -5.0), (10.0, 3.0)])
def test_a_clock_of_the_bot_that_was_set_meanwhile_tells_nothing(
    wall: float, steady: float
) -> None:
    """Nor one of a machine that booted anew: the steady clock begins at zero there."""
    read = Reading(0.0, 0.001)

    assert stepped(Noted(read, "", 1e9, 100.0), Noted(read, "", 1e9 + wall, 100.0 + steady)) is None


@given(st.none() | readings, st.text(max_size=5), offsets, offsets)
def test_what_was_noted_is_found_again(
    reading: Reading | None, why: str, wall: float, steady: float
) -> None:
    noted = Noted(reading, why, wall, steady)

    assert Noted.of(noted.note()) == noted


class Moving(Scene):
    """A site whose guest the bot can get into, and which is on fz as soon as it is told to go."""

    def __init__(self) -> None:
        super().__init__()
        self.vm = FakeClock()
        #: what happens to the guest with the move
        self.then: Callable[[], None] = lambda: None
        guests = {"vm": GuestAccess("vm", "vm", self.vm)}
        self.world = World(self.world.hosts, self.world.arrays, guests)
        started = self.fy.launcher.start

        async def start(name: str, words: tuple[str, ...]) -> None:
            await started(name, words)
            self.moves()
            self.then()

        vars(self.fy.launcher)["start"] = start

    def step(self, seconds: float) -> None:
        """Let the guest's clock step by *seconds* with the move."""

        def then() -> None:
            self.vm.offset += seconds

        self.then = then


@pytest.fixture
def scene() -> Moving:
    return Moving()


@pytest.fixture
async def bot(scene: Moving, place: Place) -> AsyncIterator[Bot]:
    async with place.bot(scene.world) as bot:
        yield bot


def about_its_clock(said: Said) -> str:
    assert said.status is not None
    assert said.status.state == "succeeded", said.plain
    [line] = [each for each in said.plain.splitlines() if each.startswith("Its clock")]
    return line


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (0.0, "Its clock went on within the error (± 2."),
        (0.0005, "Its clock went on within the error (± 2."),
        (0.003, "Its clock stepped by +3.0 ms ± 2."),
        (-0.02, "Its clock stepped by -20 ms ± 2."),
        (-0.08, "Its clock stepped by -80 ms ± 2."),
    ],
)
async def test_the_step_is_told_with_its_error(
    bot: Bot, scene: Moving, step: float, says: str
) -> None:
    scene.vm.offset = 0.7
    scene.step(step)

    line = about_its_clock(await bot.ask(LINE))

    assert line.startswith(says)
    assert ("To mend it: !clock fix vm" in line) == (abs(step) >= 0.05)
    assert scene.vm.asked == 10


async def test_the_step_is_in_the_record(bot: Bot, scene: Moving) -> None:
    scene.step(0.2)

    await bot.ask(LINE)

    async with bot.store.read() as tx:
        [entry] = [each for each in await audit_log.tail(tx, 100) if each.kind == "clock step"]
    assert entry.data["guest"] == "vm"
    assert str(entry.data["seen"]).startswith("+200 ms ± ")


async def test_without_a_way_into_the_guest_that_is_said(place: Place) -> None:
    scene = Moving()
    world = World(scene.world.hosts, scene.world.arrays)

    async with place.bot(world) as bot:
        line = about_its_clock(await bot.ask(LINE))

    assert line == "Its clock was not measured: The config gives no way into vm."
    assert scene.vm.asked == 0


@pytest.mark.parametrize("error", [Unreachable("vm is silent."), DeviceError("vm: garbage.")])
async def test_a_guest_that_cannot_be_asked_before_is_moved_all_the_same(
    bot: Bot, scene: Moving, error: Exception
) -> None:
    scene.vm.broken = error

    line = about_its_clock(await bot.ask(LINE))

    assert line == f"Its clock was not measured: {error}"
    assert scene.vm.asked == 1


async def test_a_guest_that_is_silent_right_after_the_move_is_asked_again(
    bot: Bot, scene: Moving
) -> None:
    scene.vm.offset = 0.2
    run, left = scene.vm.run, iter([Unreachable("vm is silent."), Unreachable("still"), None])

    def then() -> None:
        async def waking(call: Call[T]) -> T:
            scene.vm.broken = next(left, None)
            return await run(call)

        vars(scene.vm)["run"] = waking

    scene.then = then

    assert about_its_clock(await bot.ask(LINE)).startswith("Its clock went on")


async def test_a_guest_that_stays_silent_holds_the_answer_up_for_a_moment_only(
    place: Place, scene: Moving
) -> None:
    def then() -> None:
        scene.vm.broken = Unreachable("vm is silent.")

    scene.then = then
    async with place.bot(scene.world) as bot:
        began = place.clock()
        line = about_its_clock(await bot.ask(LINE))

    assert line == "Its clock was not measured: vm is silent."
    assert scene.vm.asked == 5 + 3
    assert place.clock() - began < 15


async def test_a_guest_that_swallows_the_question_holds_it_up_as_long_as_a_connect_may_take(
    place: Place, scene: Moving
) -> None:
    place.timing = Timing(connect=3.0)

    def then() -> None:
        scene.vm.going = 3600.0

    scene.then = then
    async with place.bot(scene.world) as bot:
        began = place.clock()
        line = about_its_clock(await bot.ask(LINE))

    assert line == "Its clock was not measured: vm did not answer in time."
    assert place.clock() - began < 15


async def test_what_was_moved_last_is_known_by_its_guest(bot: Bot, place: Place) -> None:
    began = place.clock()
    async with bot.store.read() as tx:
        assert await done_moves.since(tx, 0.0) == []
    await bot.ask(LINE)

    async with bot.store.read() as tx:
        moves = dict(await done_moves.since(tx, began))
        assert await done_moves.since(tx, place.clock() + 1) == []
    assert set(moves) == {"vm"}
    assert moves["vm"].to == "fz"
    assert began < moves["vm"].at <= place.clock()


async def test_the_account_of_a_guest_has_its_last_move_and_that_of_a_dom0_none(
    bot: Bot, place: Place
) -> None:
    await bot.ask(LINE)

    clocks = bot.engine.clocks
    accounts = await clocks.accounts(await clocks.everything())

    assert {str(each.whose): each.moved and each.moved.to for each in accounts} == {
        "fy": None,
        "fz": None,
        "vm": "fz",
    }


async def test_a_move_that_failed_is_none(bot: Bot, scene: Moving) -> None:
    scene.fy.launcher.start_error = Unreachable("fy refuses.")
    scene.fy.launcher.takes = False
    vars(scene.fy.launcher).pop("start")
    await bot.ask(LINE)

    async with bot.store.read() as tx:
        assert await done_moves.since(tx, 0.0) == []


@pytest.mark.parametrize("step", [0.2, 0.0])
async def test_after_a_crash_in_the_middle_the_step_is_still_told(
    place: Place, step: float
) -> None:
    place.guests = ("vm",)
    async with place.bot() as bot:
        asked = place.chat.say(LINE)
        await place.chat.until(lambda: bool(place.migrations()))
        await bot.killed()
    place.lab.timepieces["vm"].step(step)

    line = about_its_clock(await comes_back(place, asked, 30.0))

    says = "Its clock stepped by +" if step else "Its clock went on within the error"
    assert line.startswith(says)


async def test_a_bot_that_dies_while_it_asks_the_guest_asks_anew(place: Place) -> None:
    place.guests = ("vm",)
    passes = place.passes

    async def dying(line: str) -> None:
        if line.startswith("vm: date") and place.migrations():
            place.bots[-1].store.dead.set()
        await passes(line)

    vars(place)["passes"] = dying
    async with place.bot() as bot:
        asked = place.chat.say(LINE)
        assert await died(bot.store, place, asked)
        await bot.killed()
    del vars(place)["passes"]

    assert about_its_clock(await comes_back(place, asked, 0.0)).startswith("Its clock went on")
