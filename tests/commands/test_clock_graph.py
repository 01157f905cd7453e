"""`!clock graph` from the room: how a clock went, in a sentence and as a picture."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from bot.core.chat import Picture
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clocks import BOT, Reading, Role, Whose
from bot.core.policy import Policy, Right
from bot.core.policy import Role as Rights
from bot.engine import clock_history
from bot.engine.clocks import ClockRules
from bot.engine.consoles import ConsoleRules
from bot.screen.chart import Chart
from tests.engine.alive import APPRENTI, Bot, Place
from tests.engine.picturing import pictures
from tests.fakes import ROOM

DAY, HOUR = 86400.0, 3600.0
VM, FY = Whose(Role.GUEST, "vm"), Whose(Role.HOST, "fy")


@pytest.fixture
def charts(monkeypatch: pytest.MonkeyPatch) -> list[Chart]:
    """What was drawn; the pictures themselves are no real ones."""
    found: list[Chart] = []

    def plot(chart: Chart, name: str) -> Picture:
        found.append(chart)
        return Picture(name, b"png", secret=False)

    monkeypatch.setattr("bot.engine.clock_graph.plot", plot)
    return found


async def measured(
    bot: Bot,
    whose: Whose,
    offset: Callable[[float], float],
    *,
    hours: float = 24.0,
    until: float = 0.0,
    reference: Whose = BOT,
) -> None:
    """A history of *whose* clock; *offset*: of so many seconds ago."""
    now = bot.place.clock()
    async with bot.store.write() as tx:
        for n in range(int(hours * 12) + 1):
            ago = until + hours * HOUR - 300 * n
            each = Measured(whose, now - ago, Reading(offset(ago), 0.002))
            zero = Measured(reference, now - ago, Reading(0.0, 0.0))
            await clock_history.add(tx, Sweep(now - ago, (zero, each), reference, 0.05))


@pytest.fixture
def site(place: Place) -> Place:
    place.guests = ("vm",)
    place.chat.encryption[ROOM] = True
    return place


async def test_a_clock_is_told_in_a_sentence_and_drawn(site: Place, charts: list[Chart]) -> None:
    async with site.bot() as bot:
        await measured(bot, VM, lambda ago: 0.04 - 0.05 * ago / DAY)
        said = await bot.ask("!clock graph vm")
        await bot.engine.outbox.drained()

    assert said.plain.startswith(
        "vm is 40 ms ± 2.0 ms ahead of the bot's own clock. "
        "Since 2027-01-14 08:00 UTC it was from 10 ms behind to 40 ms ahead."
    )
    assert "It gains 50 ms a day (0.6 ± 0.2 ppm)." in said.plain
    assert "!clock vm measures it now." in said.plain
    [picture] = pictures(site.chat)
    assert picture.plain.startswith("vm is 40 ms ± 2.0 ms ahead of the bot's own clock.")
    assert picture.post.picture is not None
    assert picture.post.picture.name.startswith("vm-clock-2027")
    [chart] = charts
    assert (chart.name, chart.reference) == ("vm", "the bot's own clock")
    assert chart.end - chart.begin == DAY
    assert len(chart.samples) == 289


async def test_the_picture_is_a_real_one(site: Place) -> None:
    async with site.bot() as bot:
        await measured(bot, VM, lambda ago: 0.04 * math.sin(ago / 9000))
        await bot.ask("!clock graph vm 6h")
        await bot.engine.outbox.drained()

    [picture] = pictures(site.chat)
    assert picture.post.picture is not None
    assert picture.post.picture.size == (900, 450)


async def test_so_much_is_shown_as_is_asked_for_and_known(site: Place, charts: list[Chart]) -> None:
    async with site.bot() as bot:
        await measured(bot, FY, lambda ago: 0.1 if ago > 2 * HOUR else 0.001)
        said = await bot.ask("!clock graph fy 1h")
        whole = await bot.ask("!clock graph fy 7d")

    assert "It has been so since 07:00 UTC." in said.plain
    assert "to 100 ms ahead" in whole.plain
    assert [len(chart.samples) for chart in charts] == [13, 289]
    assert charts[0].end - charts[0].begin == HOUR
    # a day is known of the seven, and a little is shown before it
    assert DAY < charts[1].end - charts[1].begin < 1.1 * DAY


async def test_no_longer_time_can_be_asked_for_than_is_kept(site: Place) -> None:
    site.clock_rules = ClockRules(keep=7 * DAY)
    async with site.bot() as bot:
        said = await bot.ask("!clock graph vm 8d")

    assert said.plain.startswith("✘ What clocks said is kept for 7 days.")
    assert "clock.keep in the config says so." in said.plain


async def test_a_jump_and_a_migration_are_on_it(site: Place, charts: list[Chart]) -> None:
    async with site.bot() as bot:
        moved = await bot.ask("!migrate vm fz")
        assert moved.plain.startswith("✔")
        await measured(bot, VM, lambda ago: 0.0 if ago > 2 * HOUR else 1.5)
        await bot.ask("!clock graph vm")
        await measured(bot, FY, lambda _ago: 0.0)
        await bot.ask("!clock graph fy")

    of_vm, of_fy = charts
    [mark] = of_vm.marks
    assert mark.words == "moved to fz"
    assert of_vm.begin < mark.at <= of_vm.end
    [step] = of_vm.steps
    assert step.by.offset == pytest.approx(1.5)
    assert list(of_fy.marks) == []


async def test_a_clock_without_history_says_how_it_gets_one(site: Place) -> None:
    async with site.bot() as bot:
        vm, owl = await bot.ask("!clock graph vm"), await bot.ask("!clock graph owl")
        nobody = await bot.ask("!clock graph vn")

    nothing = "Nothing is known of the clock of vm against the bot's own clock since 2027-01-14"
    assert nothing in vm.plain
    assert "The watch over clocks measures it from time to time; !clock vm does now." in vm.plain
    assert "Name it below guests in the config" in owl.plain
    assert nobody.plain.startswith("✘ There is no Dom0 and no DomU called vn.")
    assert pictures(site.chat) == []


async def test_what_was_measured_against_another_reference_is_not_shown(site: Place) -> None:
    async with site.bot() as bot:
        await measured(bot, VM, lambda _ago: 0.04, reference=Whose(Role.REFERENCE, "ntp1"))
        said = await bot.ask("!clock graph vm")

    assert "Nothing is known of the clock of vm against the bot's own clock" in said.plain


async def test_a_guest_that_is_stopped_still_has_its_history(
    site: Place, charts: list[Chart]
) -> None:
    sleeper = Whose(Role.GUEST, "sleeper")
    async with site.bot() as bot:
        await measured(bot, sleeper, lambda _ago: 0.04, hours=2, until=5 * HOUR)
        said = await bot.ask("!clock graph sleeper")

    assert said.plain.startswith("At 03:00 UTC: sleeper is 40 ms ± 2.0 ms ahead")
    assert len(charts) == 1


async def test_a_name_that_is_two_machines_has_to_be_said_wholly(
    site: Place, charts: list[Chart]
) -> None:
    async with site.bot() as bot:
        await measured(bot, Whose(Role.GUEST, "fy"), lambda _ago: 0.04)
        await measured(bot, FY, lambda _ago: -0.04)
        both = await bot.ask("!clock graph fy")
        host = await bot.ask("!clock graph host:fy")

    assert "say which: domu:fy, host:fy" in both.plain
    assert host.plain.startswith("fy is 40 ms ± 2.0 ms behind")


@pytest.mark.parametrize(("rule", "posted"), [("encrypted", 1), ("always", 1), ("never", 0)])
async def test_a_plot_shows_no_secret_and_may_be_in_a_plain_room(
    site: Place, charts: list[Chart], rule: str, posted: int
) -> None:
    site.chat.encryption[ROOM] = False
    async with site.bot(console=ConsoleRules(pictures=rule)) as bot:  # type: ignore[arg-type]
        await measured(bot, VM, lambda _ago: 0.04)
        said = await bot.ask("!clock graph vm")
        await bot.engine.outbox.drained()

    assert len(pictures(site.chat)) == posted
    assert len(charts) == posted
    unposted = "No pictures are posted: console.pictures in the config says never."
    assert (unposted in said.plain) is not bool(posted)


async def test_who_may_not_see_a_clock_is_told_so(site: Place) -> None:
    rights = {
        "nounou": Rights((Right.parse("*"),)),
        "apprenti": Rights((Right.parse("clock.graph on vm"),)),
    }
    site.policy = Policy(site.policy.persons, site.policy.roles, rights)
    async with site.bot() as bot:
        await measured(bot, FY, lambda _ago: 0.04)
        fy = await bot.ask("!clock graph fy", APPRENTI)
        vm = await bot.ask("!clock graph vm", APPRENTI)

    assert fy.status is not None
    assert fy.status.state == "denied"
    assert "Nothing is known of the clock of vm" in vm.plain
