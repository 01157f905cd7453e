"""A move that runs detached: sent at most once, followed to its end, and told truthfully."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.core.units import Size
from bot.devices.host import Detached, Phase
from bot.devices.xen import MigrationOutcome, Transfer
from bot.engine.world import Timing
from bot.errors import DeviceError, OutcomeUnknown, Refused, Unreachable
from tests.engine.alive import Bot, Place
from tests.engine.scene import Scene
from tests.fake_hosts import domain
from tests.fakes import Said

RUNNING, ENDED = Detached(Phase.RUNNING), Detached(Phase.ENDED, 0)
VANISHED = Detached(Phase.VANISHED)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def bot(place: Place, scene: Scene) -> AsyncIterator[Bot]:
    place.timing = Timing(census_patience=10, follow_patience=60)
    async with place.bot(scene.world) as bot:
        yield bot


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


def when_started(scene: Scene, *views: str) -> None:
    """Let the world change as soon as the command was taken: each view is a name below."""
    started = scene.fy.launcher.start

    async def start(name: str, words: tuple[str, ...]) -> None:
        try:
            await started(name, words)
        finally:
            for view in views:
                VIEWS[view](scene)

    vars(scene.fy.launcher)["start"] = start


def _twice(scene: Scene) -> None:
    scene.fz.xen.now(domain(domid=7))


def _nowhere(scene: Scene) -> None:
    scene.fy.xen.now()


def _half(scene: Scene) -> None:
    scene.fz.xen.now(domain("vm--incoming", 7, state="--p---", memory=128))


def _still_going(scene: Scene) -> None:
    scene.fy.xen.moving = (Transfer(9, "vm", "xl migrate vm fz"),)


def _silent(scene: Scene) -> None:
    scene.fz.xen.silent = Unreachable("fz is silent")


VIEWS = {
    "moved": Scene.moves,
    "twice": _twice,
    "nowhere": _nowhere,
    "half": _half,
    "still going": _still_going,
    "target silent": _silent,
}


async def test_a_guest_that_runs_on_the_target_and_only_there_has_moved(
    bot: Bot, scene: Scene
) -> None:
    when_started(scene, "moved")

    said = await bot.ask("!migrate vm fz")

    assert state(said) == "succeeded"
    assert said.plain.startswith("✔ vm runs on fz, and only there.")
    [(name, words)] = scene.fy.launcher.started
    assert words == ("xl", "migrate", "vm", "fz")
    assert name == f"{bot.store.site_id[:8]}-1-1"
    steps = [line.partition(":")[0] for line in said.plain.splitlines()[1:-2]]
    assert steps == [
        "✔ resync the links of fy",
        "✔ resync the links of fz",
        "✔ verify each disk on both hosts",
        "✔ list every host again",
        "✔ move vm to fz",
        "✔ count the copies on every host",
    ]


@pytest.mark.parametrize(
    ("outcome", "views", "ends", "says"),
    [
        (MigrationOutcome(False, "The target ran out of memory."), (), "failed", "ran out of"),
        (MigrationOutcome(True, "ok"), (), "failed", "was not moved and still runs on fy"),
        (MigrationOutcome(True, "ok"), ("nowhere",), "failed", "runs on no host any more"),
        (MigrationOutcome(True, "ok"), ("twice",), "undetermined", "vm is there TWICE"),
        (MigrationOutcome(True, "ok"), ("half",), "undetermined", "vm is not in order"),
        (MigrationOutcome(True, "ok"), ("moved", "still going"), "undetermined", "process 9"),
        (MigrationOutcome(True, "ok"), ("moved", "target silent"), "undetermined", "fz is silent"),
        (
            MigrationOutcome(False, "lost track", undefined=True),
            ("moved",),
            "undetermined",
            "Xen itself does not know the end",
        ),
        (
            MigrationOutcome(False, "lost track", undefined=True),
            (),
            "undetermined",
            "Touch nothing",
        ),
        (MigrationOutcome(False, "complained"), ("moved",), "succeeded", "runs on fz"),
    ],
)
async def test_the_census_has_the_last_word_unless_xen_lost_track(
    bot: Bot,
    scene: Scene,
    outcome: MigrationOutcome,
    views: tuple[str, ...],
    ends: str,
    says: str,
) -> None:
    scene.fy.xen.outcome = outcome
    when_started(scene, *views)

    said = await bot.ask("!migrate vm fz")

    assert state(said) == ends
    assert says in said.plain
    assert scene.started == 1
    locks = bot.engine.locks.table.keys(1)
    assert bool(locks) is (ends == "undetermined")
    if ends == "undetermined":
        assert "!job settle 1" in said.plain
        assert state(await bot.ask("!migrate vm fz")) in ("refused", "failed")
        assert scene.started == 1


async def test_after_two_copies_were_seen_nothing_is_touched(bot: Bot, scene: Scene) -> None:
    when_started(scene, "twice")
    await bot.ask("!migrate vm fz")
    asked = len(scene.fy.launcher.asked)
    resyncs = scene.fy.links.resyncs + scene.fz.links.resyncs

    said = await bot.ask("!job settle 1")

    assert state(said) == "refused"
    assert "TWICE" in said.plain
    assert scene.fy.links.resyncs + scene.fz.links.resyncs == resyncs
    assert {line.split()[0] for line in scene.fy.launcher.asked[asked:]} <= {"look", "bar"}
    assert scene.started == 1


async def test_the_answer_to_the_start_was_lost_and_it_runs(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.start_error = OutcomeUnknown("the link dropped")
    when_started(scene, "moved")

    said = await bot.ask("!migrate vm fz")

    assert state(said) == "succeeded"
    assert [line.split()[0] for line in scene.fy.launcher.asked] == ["start", "look"]


async def test_the_start_never_arrived_so_its_place_is_barred_and_that_is_said(
    bot: Bot, scene: Scene
) -> None:
    scene.fy.launcher.start_error = OutcomeUnknown("the link dropped")
    scene.fy.launcher.takes = False

    said = await bot.ask("!migrate vm fz")

    assert state(said) == "failed"
    assert "The move never started on fy" in said.plain
    assert [line.split()[0] for line in scene.fy.launcher.asked] == ["start", "look", "bar", "look"]
    [place] = scene.fy.launcher.places.values()
    assert place.phase is Phase.BARRED
    assert scene.started == 0

    with pytest.raises(Refused):
        await scene.fy.launcher.start(scene.fy.launcher.asked[0].split()[1], ("xl",))


async def test_a_host_that_could_not_be_asked_at_the_start_moved_nothing(
    bot: Bot, scene: Scene
) -> None:
    scene.fy.launcher.start_error = Unreachable("fy refuses.")
    scene.fy.launcher.takes = False

    said = await bot.ask("!migrate vm fz")

    assert state(said) == "failed"
    assert "The move was not begun: fy refuses." in said.plain


async def test_a_new_try_takes_a_new_place(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.start_error = OutcomeUnknown("the link dropped")
    scene.fy.launcher.takes = False
    await bot.ask("!migrate vm fz")
    scene.fy.launcher.start_error, scene.fy.launcher.takes = None, True
    when_started(scene, "moved")

    assert state(await bot.ask("!migrate vm fz")) == "succeeded"
    assert len(scene.fy.launcher.places) == 2


@pytest.mark.parametrize("error", [Unreachable("fy is silent"), DeviceError("garbage")])
async def test_a_source_that_is_silent_for_a_while_is_waited_for(
    bot: Bot, scene: Scene, error: Exception
) -> None:
    scene.fy.launcher.looks = [RUNNING, *[error] * 20, RUNNING, ENDED]
    when_started(scene, "moved")

    said = await bot.ask("!migrate vm fz")

    assert state(said) == "succeeded"
    assert scene.started == 1


async def test_a_source_that_is_silent_beyond_patience_leaves_the_end_open(
    bot: Bot, scene: Scene, place: Place
) -> None:
    scene.fy.launcher.looks = [RUNNING, Unreachable("fy is silent")]
    began = place.clock()

    said = await bot.ask("!migrate vm fz")

    assert state(said) == "undetermined"
    assert "fy has not answered for 1 min" in said.plain
    assert 60 < place.clock() - began < 70
    assert state(await bot.ask("!migrate vm fz")) == "refused"

    scene.moves()
    scene.fy.launcher.looks = [ENDED]
    settled = await bot.ask("!job settle 1")
    assert state(settled) == "succeeded"
    assert "vm runs on fz" in settled.plain


async def test_a_command_that_vanished_is_judged_by_the_census(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.looks = [RUNNING, VANISHED]

    said = await bot.ask("!migrate vm fz")

    assert state(said) == "failed"
    assert "still runs on fy" in said.plain


async def test_what_still_runs_cannot_be_settled(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.looks = [Unreachable("fy is silent")]
    await bot.ask("!migrate vm fz")
    scene.fy.launcher.looks = [RUNNING]

    said = await bot.ask("!job settle 1")

    assert state(said) == "refused"
    assert "still runs on fy" in said.plain


async def test_a_target_without_memory_left_beside_another_move_refuses(
    bot: Bot, scene: Scene
) -> None:
    """Memory on a host is counted: what a running job will take there is no longer free."""
    scene.fz.xen.free = Size.mib(1000)
    scene.fy.launcher.looks = [RUNNING]
    first = bot.chat.say("!migrate vm fz")
    await bot.chat.until(lambda: bool(scene.fy.launcher.started))

    said = await bot.ask("!migrate vm fz --dry-run")

    assert "fz has 424 MiB of memory free" in said.plain
    scene.moves()
    scene.fy.launcher.looks = [ENDED]
    assert state(await bot.chat.answer(first)) == "succeeded"


@pytest.mark.parametrize(
    ("view", "shows"),
    [
        (domain("vm--incoming", 7, state="--p---", memory=128), "25 %, 128 MiB of 512 MiB"),
        (domain("vm--incoming", 7, state="--p---", memory=512), "its memory is on fz"),
        (domain("vm--incoming", 7, state="--p---", memory=513), "its memory is on fz"),
        (None, "moving vm to fz"),
    ],
)
async def test_progress_is_measured_and_never_invented(
    bot: Bot, scene: Scene, view: object, shows: str
) -> None:
    scene.fy.launcher.looks = [RUNNING]
    asked = bot.chat.say("!migrate vm fz")
    await bot.chat.until(lambda: bool(scene.fy.launcher.started))
    if isinstance(view, type(domain())):
        scene.fz.xen.now(view)

    await bot.chat.until(lambda: any(shows in said.plain for said in bot.chat.about(asked)))

    [said] = bot.chat.about(asked)
    assert ("%" in said.plain) == ("%" in shows)
    scene.moves()
    scene.fy.launcher.looks = [ENDED]
    assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_the_message_is_one_that_fills_up(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.looks = [*[RUNNING] * 5, ENDED]
    when_started(scene, "moved")

    asked = bot.chat.say("!migrate vm fz")
    said = await bot.chat.answer(asked)

    assert bot.chat.about(asked) == [said]
    assert said.before[0].startswith("⏳ job 1: !migrate vm fz")
    assert any("✔ resync the links of fz (0.0 s)" in text for text in said.before)
    assert said.plain.splitlines()[-1].startswith("Job 1, ")
