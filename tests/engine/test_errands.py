"""A new command whose work runs detached: one short module is all that it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.api import Context, Errand, Phase, Reply, Requeue, command, errands
from bot.core.command import Command
from bot.devices.host import Detached
from bot.engine.world import Timing
from bot.errors import OutcomeUnknown, Unreachable
from tests.engine.alive import Bot, Place
from tests.engine.scene import Scene
from tests.engine.toys import Toys
from tests.fakes import Said

RUNNING = Detached(Phase.RUNNING)


def new_command() -> Command:
    @command("polish", needs="toy.polish", risk="changes")
    async def polish(ctx: Context) -> Reply:
        """Polish vm."""
        attempt, number = errands.next_attempt(ctx, "polish")
        await ctx.note("polish", {"attempt": attempt, "number": number})
        return told(await errands.begin(ctx, errand(ctx, attempt)))

    @polish.recover
    async def _recover(ctx: Context) -> Reply:
        if "polish" not in ctx.notes:
            raise Requeue
        return told(await errands.resume(ctx, errand(ctx, ctx.notes["polish"]["attempt"])))

    @polish.settle
    async def _settle(ctx: Context) -> Reply:
        return told(await errands.demand_ended(errand(ctx, ctx.notes["polish"]["attempt"])))

    return polish


def errand(ctx: Context, attempt: str) -> Errand:
    return Errand(
        guest="vm",
        host=ctx.world.hosts["fy"],
        attempt=attempt,
        words=("polish", "vm"),
        title="polish vm",
        stage=_stage,
        not_begun="The polishing was not begun: {why}",
        never_started="The polishing never started.",
        still_runs="The polishing still runs.",
    )


async def _stage() -> str:
    return "polishing"


def told(state: Detached) -> Reply:
    return Reply(f"It is {state.phase.value}.")


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


def number(said: Said) -> int:
    assert said.status is not None
    assert said.status.job is not None
    return said.status.job


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def site(place: Place) -> Place:
    place.timing = Timing(follow_patience=60)
    place.registry = Toys().registry()
    place.registry.add(new_command())
    return place


@pytest.fixture
async def bot(site: Place, scene: Scene) -> AsyncIterator[Bot]:
    async with site.bot(scene.world) as bot:
        yield bot


async def test_it_is_started_once_and_followed_to_its_end(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.looks = [RUNNING, Detached(Phase.ENDED, 0)]

    said = await bot.ask("!polish")

    assert said.plain.startswith("✔ It is ended.")
    assert "✔ polish vm" in said.plain
    [(name, words)] = scene.fy.launcher.started
    assert name == f"{bot.store.site_id[:8]}-{number(said)}-1"
    assert words == ("polish", "vm")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Unreachable("fy refuses."), "The polishing was not begun: fy refuses."),
        (OutcomeUnknown("the link dropped"), "The polishing never started."),
    ],
)
async def test_what_never_ran_failed_and_says_where_to_look(
    bot: Bot, scene: Scene, error: Exception, says: str
) -> None:
    scene.fy.launcher.start_error, scene.fy.launcher.takes = error, False

    said = await bot.ask("!polish")

    assert state(said) == "failed"
    assert says in said.plain
    assert "!domu show vm says where it runs." in said.plain


async def test_after_a_crash_it_is_followed_and_not_started_again(
    site: Place, scene: Scene
) -> None:
    scene.fy.launcher.looks = [RUNNING]
    async with site.bot(scene.world) as bot:
        asked = bot.chat.say("!polish")
        await bot.chat.until(lambda: bool(scene.fy.launcher.started))
        await bot.killed()
    scene.fy.launcher.looks = [Detached(Phase.ENDED, 0)]

    async with site.bot(scene.world) as bot:
        said = await bot.chat.answer(asked)

    assert said.plain.startswith("✔ It is ended.")
    assert "✔ follow what runs on fy" in said.plain
    assert len(scene.fy.launcher.started) == 1


async def test_it_begins_anew_under_another_name_where_it_never_arrived(
    site: Place, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = asyncio.Event()

    async def hang(name: str, words: tuple[str, ...]) -> None:
        sending.set()
        await asyncio.Event().wait()

    async with site.bot(scene.world) as bot:
        monkeypatch.setattr(scene.fy.launcher, "start", hang)
        asked = bot.chat.say("!polish")
        await sending.wait()
        await bot.killed()
        monkeypatch.undo()

    async with site.bot(scene.world) as bot:
        said = await bot.chat.answer(asked)

    assert state(said) == "succeeded"
    assert [name.rpartition("-")[2] for name, _ in scene.fy.launcher.started] == ["2"]


async def test_it_is_settled_only_when_nothing_runs_any_more(bot: Bot, scene: Scene) -> None:
    scene.fy.launcher.looks = [RUNNING, Unreachable("fy is silent")]
    lost = await bot.ask("!polish")
    assert state(lost) == "undetermined"

    scene.fy.launcher.looks = [RUNNING]
    early = await bot.ask(f"!job settle {number(lost)}")
    scene.fy.launcher.looks = [Detached(Phase.ENDED, 0)]
    late = await bot.ask(f"!job settle {number(lost)}")

    assert state(early) == "refused"
    assert "The polishing still runs." in early.plain
    assert state(late) == "succeeded"
    assert "It is ended." in late.plain
