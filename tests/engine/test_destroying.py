"""Taking a guest's power away: sent at most once, followed, and told truthfully."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from bot.core.approvals import Approvals
from bot.devices.host import Detached, Phase
from bot.engine.world import Timing
from bot.errors import OutcomeUnknown, Unreachable
from tests.engine.alive import Bot, Place
from tests.engine.destroying import (
    LINE,
    gone,
    half_moved,
    moving,
    number,
    silent_other,
    state,
    strange,
    twice,
    when_started,
)
from tests.engine.scene import Scene
from tests.fake_hosts import domain


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def bot(place: Place, scene: Scene) -> AsyncIterator[Bot]:
    place.timing = Timing(census_patience=10, follow_patience=60)
    place.approvals = Approvals(by_risk={})
    async with place.bot(scene.world) as bot:
        await bot.ask("!ping")
        yield bot


RUNNING, VANISHED = Detached(Phase.RUNNING), Detached(Phase.VANISHED)


async def test_a_guest_that_is_on_no_host_afterwards_is_destroyed(bot: Bot, scene: Scene) -> None:
    when_started(scene, gone)

    said = await bot.ask(LINE)

    assert state(said) == "succeeded"
    assert said.plain.startswith("✔ vm is destroyed: it was on fy, and is on no host now.")
    [(name, words)] = scene.fy.launcher.started
    assert words == ("xl", "destroy", "1")
    assert name == f"{bot.store.site_id[:8]}-{number(said)}-1"
    assert [line.partition(": ")[0] for line in said.plain.splitlines()[1:-1]] == [
        "✔ list fy again",
        "✔ destroy vm on fy (domain 1)",
        "✔ count the copies on every host",
    ]


def paused_there(scene: Scene) -> None:
    scene.fy.xen.now(domain(state="--p---"))


def dying_there(scene: Scene) -> None:
    scene.fy.xen.now(domain("(null)", state="--p--d"))


def started_anew(scene: Scene) -> None:
    scene.fy.xen.now(domain(domid=2))


def on_the_other(scene: Scene) -> None:
    gone(scene)
    scene.fz.xen.now(domain(domid=7))


def silent_fy(scene: Scene) -> None:
    scene.fy.xen.silent = Unreachable("fy is silent.")


def nothing(scene: Scene) -> None:
    """The world stays as it is."""


FAILED = Detached(Phase.ENDED, 1, "", "xl could not.")


FINE = Detached(Phase.ENDED, 0)


@pytest.mark.parametrize(
    ("ended", "change", "ends", "says"),
    [
        (FAILED, nothing, "failed", "vm was not destroyed and is still on fy (running). xl could"),
        (FINE, nothing, "failed", "vm was not destroyed and is still on fy (running)."),
        (VANISHED, nothing, "failed", "vm was not destroyed and is still on fy (running)."),
        (FAILED, gone, "succeeded", "vm is destroyed"),
        (VANISHED, gone, "succeeded", "vm is destroyed"),
        (FINE, dying_there, "undetermined", "vm is dying on fy and not gone yet (domain 1)."),
        (FAILED, paused_there, "undetermined", "vm is not in order: vm on fy (id 1, paused)"),
        (VANISHED, paused_there, "undetermined", "vm is not in order: vm on fy (id 1, paused)"),
        (FINE, started_anew, "undetermined", "Domain 1 is gone from fy, but vm is there"),
        (FINE, on_the_other, "undetermined", "Domain 1 is gone from fy, but vm is there"),
        (FINE, twice, "undetermined", "The bot touches nothing."),
        (FINE, half_moved, "undetermined", "vm is not in order: vm--incoming on fy"),
        (FINE, strange, "undetermined", "vm is not in order"),
        (FINE, moving, "undetermined", "It cannot be said yet what became of vm: a transfer"),
        (FINE, silent_other, "undetermined", "It cannot be said what became of vm: fz is silent."),
    ],
)
async def test_the_census_has_the_last_word(
    bot: Bot,
    scene: Scene,
    ended: Detached,
    change: Callable[[Scene], None],
    ends: str,
    says: str,
) -> None:
    scene.fy.launcher.looks = [RUNNING, ended]
    when_started(scene, change)

    said = await bot.ask(LINE)

    assert state(said) == ends
    assert says in said.plain
    assert scene.started == 1
    job = number(said)
    assert bool(bot.engine.locks.table.keys(job)) is (ends == "undetermined")
    assert (f"!job settle {job}" in said.plain) is (ends == "undetermined")


async def test_a_paused_guest_that_xl_refuses_to_destroy_is_still_there(
    bot: Bot, scene: Scene
) -> None:
    paused_there(scene)
    scene.fy.launcher.looks = [FAILED]

    said = await bot.ask(LINE)

    assert state(said) == "failed"
    assert "vm was not destroyed and is still on fy (paused). xl could not." in said.plain


async def test_what_dies_slowly_is_waited_for(bot: Bot, scene: Scene) -> None:
    """The name goes first, so it is known by its UUID."""

    def slowly(scene: Scene) -> None:
        last = (domain("(null)", state="--p--d"),)
        scene.fy.xen.views, scene.fy.xen.looks = [*[last] * 6, ()], 0

    when_started(scene, slowly)

    assert state(await bot.ask(LINE)) == "succeeded"


@pytest.mark.parametrize(
    ("later", "ends", "says"),
    [
        (gone, "succeeded", "vm is destroyed: it was on fy, and is on no host now."),
        (nothing, "refused", "vm is dying on fy and not gone yet (domain 1)."),
        (paused_there, "succeeded", "vm was not destroyed and is still on fy (paused)."),
        (
            started_anew,
            "succeeded",
            "Domain 1 is gone from fy. Seen now: vm on fy (id 2, running)",
        ),
        (half_moved, "refused", "vm is not in order"),
        (twice, "refused", "The bot touches nothing."),
        (silent_other, "refused", "It cannot be said what became of vm: fz is silent."),
    ],
)
async def test_an_unknown_end_is_settled_by_looking_and_nothing_is_sent(
    bot: Bot, scene: Scene, later: Callable[[Scene], None], ends: str, says: str
) -> None:
    when_started(scene, dying_there)
    lost = await bot.ask(LINE)
    job = number(lost)
    later(scene)

    said = await bot.ask(f"!job settle {job}")

    assert state(lost) == "undetermined"
    assert state(said) == ends
    assert says in said.plain
    assert scene.started == 1
    assert bool(bot.engine.locks.table.keys(job)) is (ends == "refused")


async def test_what_still_runs_cannot_be_settled(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.looks = [RUNNING, Unreachable("fy is silent")]
    lost = await bot.ask(LINE)
    scene.fy.launcher.looks = [RUNNING]

    said = await bot.ask(f"!job settle {number(lost)}")

    assert state(lost) == "undetermined"
    assert "fy has not answered for 1 min" in lost.plain
    assert state(said) == "refused"
    assert "The destruction of vm still runs on fy." in said.plain


async def test_the_answer_to_the_start_was_lost_and_it_is_followed(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.start_error = OutcomeUnknown("the link dropped")
    when_started(scene, gone)

    said = await bot.ask(LINE)

    assert state(said) == "succeeded"
    assert [line.split()[0] for line in scene.fy.launcher.asked] == ["start", "look"]


async def test_the_start_never_arrived_so_its_place_is_barred(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.start_error = OutcomeUnknown("the link dropped")
    scene.fy.launcher.takes = False

    said = await bot.ask(LINE)

    assert state(said) == "failed"
    assert "The destruction never started on fy, and now it cannot any more." in said.plain
    assert "!domu show vm says where it runs." in said.plain
    [place] = scene.fy.launcher.places.values()
    assert place.phase is Phase.BARRED


async def test_a_host_that_could_not_be_asked_at_the_start_destroyed_nothing(
    bot: Bot, scene: Scene
) -> None:
    scene.fy.launcher.start_error = Unreachable("fy refuses.")
    scene.fy.launcher.takes = False

    said = await bot.ask(LINE)

    assert state(said) == "failed"
    assert "The destruction was not begun: fy refuses." in said.plain


@pytest.mark.parametrize(
    ("change", "shows"),
    [
        (nothing, "destroying vm: fy still lists it, running"),
        (dying_there, "destroying vm: fy still lists it, dying"),
        (gone, "destroying vm: fy lists it no more; the command has not ended"),
        (silent_fy, "destroy vm on fy (domain 1): fy gives no news (fy is silent.)"),
    ],
)
async def test_progress_is_what_is_seen(
    bot: Bot, scene: Scene, change: Callable[[Scene], None], shows: str
) -> None:
    scene.fy.launcher.looks = [RUNNING]
    when_started(scene, change)

    asked = bot.chat.say(LINE)

    await bot.chat.until(lambda: any(shows in said.plain for said in bot.chat.about(asked)))
    scene.fy.xen.silent = None
    gone(scene)
    scene.fy.launcher.looks = [FINE]
    assert state(await bot.chat.answer(asked)) == "succeeded"
