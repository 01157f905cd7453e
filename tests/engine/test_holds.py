"""What is held is touched by nobody's job, whatever was agreed to, until it is released."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.core.chat import Proof
from bot.core.command import command
from bot.core.holds import HoldKind
from bot.core.render import Reply
from bot.engine import audit_log
from bot.engine.context import Context
from bot.engine.run import Run
from bot.params import DomU
from tests.engine.alive import NOUNOU2, Bot, Place
from tests.engine.test_crashes import died
from tests.engine.toys import Toys
from tests.fakes import NOUNOU, ROOM, Said


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


async def record(bot: Bot, kind: str) -> list[Mapping[str, Any]]:
    async with bot.store.read() as tx:
        return [dict(each.data) for each in await audit_log.tail(tx, 1000) if each.kind == kind]


async def holding(bot: Bot, line: str, sender: str = NOUNOU) -> Said:
    said = await bot.ask(line, sender)
    assert state(said) == "succeeded", said.plain
    return said


@pytest.mark.parametrize("what", ["vm", "fz", "fy", "vm-root", "vm-swap"])
@pytest.mark.parametrize("sender", [NOUNOU, NOUNOU2])
async def test_nobody_moves_what_is_held_not_even_its_holder(
    bot: Bot, place: Place, what: str, sender: str
) -> None:
    await holding(bot, f"!hold {what} for 2h reason its disks are being copied")

    said = await bot.ask("!migrate vm fz", sender)

    assert state(said) == "refused"
    assert f"{what} is held by nounou until" in said.plain
    assert "its disks are being copied" in said.plain
    assert f"!release {what}" in said.plain
    assert place.migrations() == []


async def test_each_hold_in_the_way_is_said_with_how_it_ends(bot: Bot) -> None:
    await holding(bot, "!hold vm reason mine")
    await holding(bot, "!hold vm reason theirs", NOUNOU2)
    await holding(bot, "!hold fz reason a rack is moved", NOUNOU2)

    said = await bot.ask("!migrate vm fz")

    theirs = "Nothing overrides a hold. Ask nounou2; !release {} --all ends it as well."
    assert said.plain.splitlines() == [
        "✘ DomU vm is held by nounou since 08:00 UTC, until it is released: mine",
        "!release vm ends it.",
        "DomU vm is held by nounou2 since 08:00 UTC, until it is released: theirs",
        theirs.format("vm"),
        "Dom0 fz is held by nounou2 since 08:00 UTC, until it is released: a rack is moved",
        theirs.format("fz"),
    ]


async def test_it_is_refused_before_the_world_is_looked_at(bot: Bot, place: Place) -> None:
    await holding(bot, "!hold vm reason a test")
    before = len(place.sent)

    assert state(await bot.ask("!migrate vm fz")) == "refused"
    assert place.sent[before:] == []


async def test_other_things_are_touched_and_everything_is_read(bot: Bot, place: Place) -> None:
    await holding(bot, "!hold zamok reason a test")
    await holding(bot, "!hold daath-home reason a test")

    assert state(await bot.ask("!domu show zamok")) == "succeeded"
    assert state(await bot.ask("!migrate vm fz")) == "succeeded"
    assert place.where("vm") == ["fz"]


async def test_a_guest_that_was_renamed_since_is_held_all_the_same(bot: Bot, place: Place) -> None:
    await holding(bot, "!hold vm reason a test")
    host = place.lab.hosts["fy"]
    [domain] = [each for each in host.domains.values() if each.guest.name == "vm"]
    host.rename(domain, "vm2")

    said = await bot.ask("!migrate vm2 fz")

    assert state(said) == "refused"
    assert "DomU vm is held by nounou" in said.plain
    assert "held by nounou" in (await bot.ask("!domu show vm2")).plain


async def test_a_volume_that_was_renamed_since_is_held_by_its_wwn(bot: Bot) -> None:
    await holding(bot, "!hold vm-root reason a test")
    [held] = bot.engine.holds.standing

    assert held.identity.startswith("600c")
    assert held.kind is HoldKind.VOLUME


async def test_a_try_shows_what_is_held_as_an_obstacle(bot: Bot) -> None:
    await holding(bot, "!hold vm reason a test")
    await holding(bot, "!host maintenance fz on reason new memory")

    said = await bot.ask("!migrate vm fz --dry-run")

    assert state(said) == "succeeded"
    assert "✘ DomU vm is held by nounou" in said.plain
    assert "✘ Dom0 fz is in maintenance" in said.plain


async def test_a_host_in_maintenance_lets_guests_leave_and_takes_none_in(
    bot: Bot, place: Place
) -> None:
    await holding(bot, "!host maintenance fz on reason new memory")

    said = await bot.ask("!migrate vm fz")
    assert state(said) == "refused"
    assert "Dom0 fz is in maintenance since" in said.plain
    assert "takes no guest in (nounou): new memory" in said.plain
    assert "!host maintenance fz off" in said.plain

    assert state(await bot.ask("!migrate redisdead fy")) == "succeeded"
    assert place.where("redisdead") == ["fy"]

    await holding(bot, "!host maintenance fz off")
    assert state(await bot.ask("!migrate vm fz")) == "succeeded"


async def test_what_is_released_is_touched_again(bot: Bot, place: Place) -> None:
    await holding(bot, "!hold vm reason a test")
    await holding(bot, "!release vm")

    assert state(await bot.ask("!migrate vm fz")) == "succeeded"
    [placed] = await record(bot, "hold placed")
    [released] = await record(bot, "hold released")
    assert placed["verb"] == "hold.place"
    assert placed["objects"] == released["objects"] == ["vm"]
    assert (released["person"], released["verb"]) == ("nounou", "hold.release")


@pytest.fixture
def toys() -> Toys:
    return Toys()


async def waiting_for_locks(bot: Bot, toys: Toys) -> str:
    """A move that has been planned, and that waits for a job which holds its locks."""
    toys.gate("one")
    bot.chat.say("!change one")
    await toys.until("begin one")
    asked = bot.chat.say("!migrate vm fz")
    await bot.chat.until(
        lambda: any(s.status and s.status.waits == "lock" for s in bot.chat.about(asked))
    )
    return asked


@pytest.mark.parametrize(
    "line",
    [
        "!hold vm reason a test",
        "!hold vm-swap reason a test",
        "!hold fz reason a test",
        "!host maintenance fz on reason a test",
    ],
)
async def test_a_hold_that_comes_while_a_job_waits_refuses_it_at_its_turn(
    place: Place, toys: Toys, line: str
) -> None:
    place.registry = toys.registry()
    toys.keys["one"] = frozenset({"migration/fz"})
    async with place.bot() as bot:
        asked = await waiting_for_locks(bot, toys)

        placed = await holding(bot, line, NOUNOU2)
        assert "Job 2 waits, and is refused at its turn." in placed.plain
        before = len(place.sent)
        toys.gate("one").set()

        said = await bot.chat.answer(asked)
        assert state(said) == "refused"
        assert place.sent[before:] == []  # nothing had to be looked at again
        assert "(nounou2)" in said.plain or "held by nounou2" in said.plain
    assert place.migrations() == []


async def test_a_hold_that_is_released_before_its_turn_refuses_nothing(
    place: Place, toys: Toys
) -> None:
    place.registry = toys.registry()
    toys.keys["one"] = frozenset({"migration/fz"})
    async with place.bot() as bot:
        asked = await waiting_for_locks(bot, toys)
        await holding(bot, "!hold vm reason a test")
        await holding(bot, "!release vm")
        toys.gate("one").set()

        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_a_job_that_runs_goes_on_and_the_hold_says_so(bot: Bot, place: Place) -> None:
    asked = bot.chat.say("!migrate vm fz")
    await bot.chat.until(lambda: bool(place.migrations()))

    placed = await holding(bot, "!hold vm reason a test", NOUNOU2)

    assert "Job 1 is running on it and goes on." in placed.plain
    assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_a_job_that_brings_a_guest_goes_on_and_the_maintenance_says_so(
    bot: Bot, place: Place
) -> None:
    asked = bot.chat.say("!migrate vm fz")
    await bot.chat.until(lambda: bool(place.migrations()))

    placed = await holding(bot, "!host maintenance fz on reason a test", NOUNOU2)

    assert "Job 1 brings a guest to it and goes on." in placed.plain
    assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_a_job_that_is_found_running_after_a_crash_goes_on_and_the_hold_says_so(
    place: Place,
) -> None:
    async with place.bot() as bot:
        asked = bot.chat.say("!migrate vm fz")
        await bot.chat.until(lambda: bool(place.migrations()))
        await bot.killed()

    async with place.bot() as bot:
        placed = await holding(bot, "!hold vm reason a test", NOUNOU2)

        assert "Job 1 is running on it and goes on." in placed.plain
        assert state(await bot.chat.answer(asked)) == "succeeded"


async def test_no_approval_overrides_a_hold(bot: Bot, place: Place) -> None:
    bot.chat.encryption[ROOM] = True
    asked = bot.chat.say("!domu destroy vm")
    code = await bot.code(asked)
    placed = await holding(bot, "!hold vm reason a test")
    assert "Job 1 waits, and is refused at its turn." in placed.plain

    assert state(await bot.ask(f"!approve {code}", NOUNOU2, Proof.SIGNED)) == "succeeded"

    said = await bot.chat.answer(asked)
    assert state(said) == "refused"
    assert "DomU vm is held by nounou" in said.plain
    assert place.where("vm") == ["fy"]


async def test_a_hold_counts_until_the_moment_in_which_the_job_begins(place: Place) -> None:
    """The command has no plan, and its last check takes long: the hold comes meanwhile."""
    done: list[str] = []
    last_check, go = asyncio.Event(), asyncio.Event()

    @command("poke", needs="domu.poke", risk="changes")
    async def poke(ctx: Context, domu: DomU) -> Reply:
        """Poke a DomU."""
        done.append("poked")
        return Reply("poked")

    @poke.check
    async def _looks(ctx: Context, domu: object) -> None:
        done.append("checked")
        if len(done) == 2:
            last_check.set()
            await go.wait()

    place.registry.add(poke)
    async with place.bot() as bot:
        asked = bot.chat.say("!poke vm")
        await last_check.wait()
        placed = await holding(bot, "!hold vm reason a test", NOUNOU2)
        assert "Job 1 waits, and is refused at its turn." in placed.plain
        go.set()

        assert state(await bot.chat.answer(asked)) == "refused"
    assert done == ["checked", "checked"]


async def test_a_hold_ends_at_its_time_and_its_holder_is_told(bot: Bot, place: Place) -> None:
    await holding(bot, "!hold vm for 10m reason a test")
    await place.later(599)
    assert state(await bot.ask("!migrate vm fz")) == "refused"

    await place.later(2)
    assert state(await bot.ask("!migrate vm fz")) == "succeeded"
    await bot.engine.outbox.drained()
    [notice] = [said for said in bot.chat.said() if "your hold on DomU vm is over" in said.plain]
    assert notice.post.mentions == (NOUNOU,)
    [ended] = await record(bot, "hold ended")
    assert (ended["person"], ended["objects"], ended["by"]) == ("bot", ["vm"], "nounou")


async def test_its_time_counts_though_its_end_cannot_be_written(bot: Bot, place: Place) -> None:
    await holding(bot, "!hold vm for 10m reason a test")
    await bot.store.breaks("holds")
    await place.later(601)

    assert bot.engine.holds.standing == []


async def test_a_hold_outlives_the_bot(place: Place) -> None:
    async with place.bot() as bot:
        await holding(bot, "!hold vm reason a test")
        await holding(bot, "!hold owl for 10m reason a test")
        await bot.killed()

    await place.later(3600)
    async with place.bot() as bot:
        await place.later(60)
        assert state(await bot.ask("!migrate vm fz")) == "refused"
        assert [hold.name for hold in bot.engine.holds.standing] == ["vm"]
        assert len(await record(bot, "hold ended")) == 1


async def test_a_hold_of_which_nobody_knows_whether_it_is_written_counts(
    bot: Bot, place: Place
) -> None:
    """The commit happened, and the answer to it was lost."""
    changes: list[Run] = []

    def doubt(tx: object) -> None:
        changes.extend(run for run in bot.engine.running.values() if run.plan)
        if len(changes) == 2:  # the start of the job, then the hold
            bot.store.doubts, bot.store.meddle = 1, lambda tx: None

    bot.store.meddle = doubt
    said = await bot.ask("!hold vm reason a test")
    assert "cannot be written" in said.plain
    await place.later(60)

    assert [hold.name for hold in bot.engine.holds.standing] == ["vm"]
    assert state(await bot.ask("!migrate vm fz")) == "refused"


LINES = ["!hold owl reason a test", "!release vm", "!host maintenance fy off"]


@pytest.mark.parametrize("line", [*LINES, "!host maintenance fz on reason a test"])
@pytest.mark.parametrize("commit", range(5, 15))
async def test_a_bot_that_dies_in_it_does_it_once(place: Place, commit: int, line: str) -> None:
    async with place.bot() as bot:
        await holding(bot, "!hold vm reason a test")
        await holding(bot, "!host maintenance fy on reason a test")
        await bot.engine.outbox.drained()
    async with place.bot(die_after=commit) as bot:
        asked = place.chat.say(line)
        if await died(bot.store, place, asked):
            await bot.killed()

    async with place.bot() as bot:
        said = await bot.chat.answer(asked)
        assert state(said) == "succeeded", said.plain
        assert "whole" in (await bot.ask("!audit verify")).plain
        placed = [each["objects"][0] for each in await record(bot, "hold placed")]
        released = [each["objects"][0] for each in await record(bot, "hold released")]
        assert len(placed) + len(released) == 3
        assert len(set(placed)) == len(placed)
        standing = {hold.name for hold in bot.engine.holds.standing}
        assert standing == set(placed) - set(released)
