"""What a guest's console showed before and after a move is kept with the job and its incident."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.core.console import Condition, Notice
from bot.core.policy import Right, Role
from bot.core.screen import Screen
from bot.devices.console import ConsoleLog
from bot.engine import audit_log, schema, snapshots
from bot.engine.consoles import ConsoleRules
from bot.engine.run import Run
from bot.engine.snapshots import Snapshot
from bot.errors import Unreachable
from tests.engine import picturing
from tests.engine.alive import APPRENTI, EPOCH, POLICY, Bot, Place
from tests.engine.picturing import LOGIN, logged, moves_when_started
from tests.engine.scene import Scene
from tests.fakes import ROOM, Said

drawn = picturing.drawn
KEEP = 86400.0


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    moves_when_started(scene)
    return scene


@pytest.fixture
async def bot(place: Place, scene: Scene, drawn: list[str]) -> AsyncIterator[Bot]:
    place.chat.encryption[ROOM] = True
    async with place.bot(scene.world, console=ConsoleRules(keep=KEEP)) as bot:
        yield bot


async def kept(bot: Bot, job: int = 1) -> list[Snapshot]:
    async with bot.store.read() as tx:
        return await snapshots.of_jobs(tx, [job])


async def moved(bot: Bot) -> Said:
    said = await bot.ask("!migrate vm fz")
    assert said.status is not None
    assert said.status.succeeded, said.plain
    await bot.engine.outbox.drained()
    return said


async def test_a_move_keeps_what_the_console_showed_before_and_after(
    bot: Bot, scene: Scene
) -> None:
    logged(scene)
    await moved(bot)

    before, after = await kept(bot)
    assert (before.moment, before.guest, before.host) == ("before", "vm", "fy")
    assert (after.moment, after.guest, after.host) == ("after", "vm", "fz")
    assert LOGIN.rstrip() in before.text
    assert before.caption.startswith("vm on fy · 2027-01-15 ")
    assert before.caption.endswith(" · for nounou")


async def test_both_pictures_come_at_the_end_each_with_its_moment(bot: Bot, scene: Scene) -> None:
    logged(scene)
    said = await moved(bot)

    posted = picturing.pictures(bot.chat)
    assert [each.plain.split(" · ")[0] for each in posted] == [
        "before: vm on fy",
        "after: vm on fz",
    ]
    assert [each.post.picture and each.post.picture.name for each in posted] == [
        "job-1-vm-before.png",
        "job-1-vm-after.png",
    ]
    assert said.plain.splitlines()[0] == "✔ vm runs on fz, and only there."
    assert "onsole" not in said.plain


async def test_where_no_picture_is_wanted_the_text_is_kept_alone(
    place: Place, scene: Scene, drawn: list[str]
) -> None:
    logged(scene)
    async with place.bot(scene.world) as bot:
        await moved(bot)
        assert [each.png for each in await kept(bot)] == [None, None]
        assert "before: " in (await bot.ask("!job show 1")).plain
    assert drawn == []
    assert picturing.pictures(place.chat) == []


async def test_without_a_log_it_is_attached_to_read_only_and_never_otherwise(
    bot: Bot, scene: Scene
) -> None:
    scene.fy.xen.rings[1] = LOGIN
    scene.fz.xen.viewable = False
    await moved(bot)

    [before] = await kept(bot)
    assert before.host == "fy"
    assert scene.fy.xen.typed == scene.fz.xen.typed == []


def _held(scene: Scene) -> None:
    scene.fy.xen.held.add(1)
    scene.fz.xen.held.add(7)


def _silent(scene: Scene) -> None:
    async def silent(guest: str, last: int) -> ConsoleLog | None:
        raise Unreachable("it does not answer")

    for side in (scene.fy, scene.fz):
        vars(side.xen)["console_log"] = silent


def _bug(scene: Scene) -> None:
    async def bug(guest: str, last: int) -> ConsoleLog | None:
        raise IndexError

    for side in (scene.fy, scene.fz):
        vars(side.xen)["console_log"] = bug


def _no_way(scene: Scene) -> None:
    scene.fy.xen.viewable = scene.fz.xen.viewable = False


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (_held, "Somebody else holds this console on fy."),
        (_silent, "it does not answer"),
        (_no_way, "fy keeps no log of it"),
        (_bug, "a bug of the bot"),
    ],
)
async def test_a_move_goes_on_without_pictures_and_says_why(
    bot: Bot,
    scene: Scene,
    trouble: Callable[[Scene], None],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    async def progressed(run: Run, text: str, details: str = "") -> None:
        told.append(text)

    monkeypatch.setattr(Run, "progressed", progressed)
    trouble(scene)
    await moved(bot)

    assert await kept(bot) == []
    assert any(text.startswith(f"no picture before: {why}") for text in told)
    assert picturing.pictures(bot.chat) == []


async def test_a_picture_that_cannot_be_written_down_stops_no_move(bot: Bot, scene: Scene) -> None:
    logged(scene)
    await bot.store.breaks("snapshots")
    await moved(bot)
    await bot.store.mend()
    assert await kept(bot) == []


async def test_what_is_worse_after_than_before_is_said(
    bot: Bot, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def examine(screen: Screen) -> tuple[Notice, ...]:
        line = screen.printed[-1]
        known = Condition.PANIC if "panic" in line else Condition.LOGIN
        return (Notice(known, line),)

    monkeypatch.setattr("bot.engine.consoles.examine", examine)
    logged(scene)
    scene.fz.xen.kept["vm"] = ConsoleLog("Kernel panic - not syncing", EPOCH)

    said = await moved(bot)

    [line] = [line for line in said.plain.splitlines() if "console" in line]
    assert line.startswith("⚠ On its console now: ")
    assert "panic" in line


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (Condition.LOGIN, Condition.PANIC, True),
        (None, Condition.PANIC, True),
        (Condition.PANIC, Condition.PANIC, False),
        (Condition.UNKNOWN, Condition.LOGIN, False),
        (Condition.LOGIN, Condition.UNKNOWN, False),
        (Condition.PANIC, None, False),
        (Condition.ROOT_SESSION, Condition.XEN_TIMEOUT, True),
    ],
)
def test_only_what_matters_is_said(
    before: Condition | None, after: Condition | None, *, told: bool
) -> None:
    seen = [
        Snapshot(1, "vm", "fy", moment, 0.0, condition, "caption\nheadline", None, "")
        for moment, condition in (("before", before), ("after", after))
        if condition is not None
    ]
    assert bool(snapshots.changed(seen)) is told


async def test_the_record_has_the_hash_of_each(bot: Bot, scene: Scene) -> None:
    logged(scene)
    await moved(bot)

    async with bot.store.read() as tx:
        entries = [each for each in await audit_log.tail(tx, 100) if each.kind == "pictured"]
    said = [each.data for each in entries]
    assert [each["moment"] for each in said] == ["before", "after"]
    assert [each["job"] for each in said] == [1, 1]
    assert [each["sha256"]["png"] for each in said] == [each.sha256 for each in await kept(bot)]


async def test_they_are_forgotten_when_their_time_is_over(
    place: Place, bot: Bot, scene: Scene
) -> None:
    logged(scene)
    await moved(bot)
    row = schema.snapshots
    async with bot.store.write() as tx:
        await tx.execute(row.update().values(expires=place.clock() + 60))
    await place.later(30)
    assert len(await kept(bot)) == 2

    await place.later(60)

    async with bot.store.read() as tx:
        assert (await tx.execute(select(row))).all() == []


async def test_a_job_shows_what_was_seen_and_posts_its_pictures_again(
    bot: Bot, scene: Scene
) -> None:
    logged(scene)
    await moved(bot)

    said = await bot.ask("!job show 1")
    await bot.engine.outbox.drained()
    assert [line.split(": ")[0] for line in said.plain.splitlines() if line[0] in "ab"] == [
        "before",
        "after",
    ]
    assert len(picturing.pictures(bot.chat)) == 2

    await bot.ask("!job show 1 --pictures")
    await bot.engine.outbox.drained()
    assert len(picturing.pictures(bot.chat)) == 4


async def test_what_may_not_be_looked_at_is_not_shown(
    place: Place, scene: Scene, drawn: list[str]
) -> None:
    place.chat.encryption[ROOM] = True
    place.policy = replace(
        POLICY,
        rights={
            **POLICY.rights,
            "apprenti": Role((Right.parse("job.show"), Right.parse("domu.migrate"))),
        },
    )
    logged(scene)
    async with place.bot(scene.world) as bot:
        await bot.ask("!migrate vm fz", APPRENTI)
        said = await bot.ask("!job show 1 --pictures", APPRENTI)
        await bot.engine.outbox.drained()

    assert "before" not in said.plain
    assert "No picture of it is kept." in said.plain
    assert picturing.pictures(place.chat) == []


async def test_a_room_that_takes_no_pictures_is_told_so(place: Place, scene: Scene) -> None:
    logged(scene)
    async with place.bot(scene.world) as bot:
        await moved(bot)
        said = await bot.ask("!job show 1 --pictures")
    assert "console.pictures" in said.plain


async def test_after_a_crash_both_are_there_all_the_same(
    place: Place, scene: Scene, drawn: list[str]
) -> None:
    place.chat.encryption[ROOM] = True
    logged(scene)
    async with place.bot(scene.world) as bot:
        started = scene.fy.launcher.start

        async def start(name: str, words: tuple[str, ...]) -> None:
            await started(name, words)
            bot.store.dead.set()

        vars(scene.fy.launcher)["start"] = start
        asked = place.chat.say("!migrate vm fz")
        await bot.store.dead.wait()
        await bot.killed()
    async with place.bot(scene.world) as bot:
        await place.chat.answer(asked)
        await bot.engine.outbox.drained()

        assert [each.moment for each in await kept(bot)] == ["before", "after"]
    assert len(picturing.pictures(place.chat)) == 2
