"""The watch over clocks: what becomes an alert of what they say, and when it is over."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bot.core.alerts import Alert, Severity
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clock_trend import ARTEFACT
from bot.core.clocks import BOT, Reading, Role, Whose
from bot.engine.schema_clocks import clock_samples
from bot.lab.clocks.link import Link
from tests.engine.alive import Bot, Place
from tests.engine.watched import SPARE, begun, titles, watches

EVERY = 300.0


@pytest.fixture
async def site(place: Place) -> Place:
    """A site whose clocks are watched, in which the bot gets into two guests.

    All clocks are right, and nothing keeps them so.
    """
    place.guests = ("vm", "zamok")
    place.watches = watches("clocks")
    for timepiece in place.lab.timepieces.values():
        timepiece.service = None
        timepiece.drift(0.0)
        timepiece.step(-timepiece.offset)
    return place


async def looks(bot: Bot, count: int = 1) -> None:
    """Let *count* more looks go by."""
    await bot.place.later(count * (EVERY + SPARE))


def only(bot: Bot) -> Alert:
    """The one alert that stands."""
    (alert,) = bot.engine.alerts.standing
    return alert


async def kept(bot: Bot, name: str) -> int:
    """How many readings of the clock of *name* are in the history."""
    query = select(func.count()).where(clock_samples.c.name == name)
    async with bot.engine.store.read() as tx:
        return await tx.scalar(query) or 0


@pytest.mark.parametrize(
    ("off", "severity", "title"),
    [
        (-0.13, Severity.WARNING, "The clock of vm is 130 ms behind the bot's own clock"),
        (1.3, Severity.CRITICAL, "The clock of vm is 1.30 s ahead of the bot's own clock"),
        (-400.0, Severity.CRITICAL, "The clock of vm is 6 min 40 s behind the bot's own clock"),
    ],
)
async def test_a_clock_that_is_off_is_told_within_two_looks_with_what_mends_it(
    site: Place, off: float, severity: Severity, title: str
) -> None:
    async with site.bot() as bot:
        await begun(bot)
        site.lab.timepieces["vm"].step(off)
        await looks(bot)
        assert titles(bot) == []
        await looks(bot)

        alert = only(bot)
        assert (alert.severity, alert.names) == (severity, ("vm",))
        assert alert.title == f"{title}, with which 3 other clocks agree."
        # nothing keeps the clocks of this site
        assert alert.hint.startswith("Install a time service there first")
        assert "fy, fz and zamok agree" in alert.details
        # what 300 s of the greatest drift may explain is no step for certain
        assert ("It jumped " in alert.details) is (abs(off) > 1)
        assert ("locked out" in alert.details) is (off < -300)

        site.lab.timepieces["vm"].step(-off)
        await looks(bot)
        assert titles(bot) == []


async def test_clocks_that_agree_are_kept_and_raise_nothing(site: Place) -> None:
    site.lab.links["vm"] = Link(delay=0.2, jitter=0.05, there=0.9)
    async with site.bot() as bot:
        await begun(bot)
        await looks(bot, 12)

        assert await bot.engine.alerts.recent(10) == []
        assert await kept(bot, "vm") == 13


async def test_a_drift_is_told_before_the_threshold_is_reached(site: Place) -> None:
    async with site.bot() as bot:
        await begun(bot)
        site.lab.timepieces["vm"].drift(10.0)
        await looks(bot, 8)

        alert = only(bot)
        assert site.lab.timepieces["vm"].offset < 0.05
        assert alert.severity is Severity.INFO
        assert alert.title == "The clock of vm drifts away, and is right still."
        assert "It will be 50 ms off in" in alert.details

        await looks(bot, 12)
        worse = only(bot)
        assert worse.id == alert.id
        assert worse.severity is Severity.WARNING


async def test_nothing_near_a_threshold_goes_up_and_down(site: Place) -> None:
    async with site.bot() as bot:
        await begun(bot)
        site.lab.timepieces["vm"].step(0.06)
        await looks(bot, 2)
        number = only(bot).id
        for by in (-0.012, 0.01, -0.01, 0.012):
            site.lab.timepieces["vm"].step(by)
            await looks(bot)
            assert only(bot).id == number
            assert only(bot).times == 1


async def test_one_reading_that_is_2_to_the_32_ns_off_is_set_aside(site: Place) -> None:
    async with site.bot() as bot:
        await begun(bot)
        before = await kept(bot, "vm")
        site.lab.timepieces["vm"].step(ARTEFACT)
        await looks(bot)
        site.lab.timepieces["vm"].step(-ARTEFACT)
        await looks(bot, 2)

        assert await bot.engine.alerts.recent(10) == []
        assert titles(bot) == []
        assert await kept(bot, "vm") == before + 2
        assert await kept(bot, "zamok") == before + 3


async def test_one_that_stays_2_to_the_32_ns_off_is_believed_at_the_second_time(
    site: Place,
) -> None:
    async with site.bot() as bot:
        await begun(bot)
        site.lab.timepieces["vm"].step(ARTEFACT)
        await looks(bot, 2)

        assert only(bot).title.startswith("The clock of vm is 4.29 s ahead")

        site.lab.timepieces["vm"].step(-ARTEFACT)
        await looks(bot)
        assert titles(bot) == []


async def test_two_lies_in_a_row_that_say_otherwise_are_not_believed(site: Place) -> None:
    async with site.bot() as bot:
        await begun(bot)
        for lie in (ARTEFACT, 1.2):
            site.lab.timepieces["vm"].step(lie)
            await looks(bot)
            site.lab.timepieces["vm"].step(-lie)
        await looks(bot)

        assert await bot.engine.alerts.recent(10) == []
        assert titles(bot) == []


async def test_a_clock_that_cannot_be_read_now_keeps_its_alert(site: Place) -> None:
    async with site.bot() as bot:
        await begun(bot)
        site.lab.timepieces["vm"].step(2.0)
        await looks(bot, 2)
        number = only(bot).id

        site.lab.links["vm"] = Link(delay=1000.0)
        await looks(bot, 3)
        assert only(bot).id == number


async def test_a_slow_link_that_hides_how_far_it_is_off_does_not_keep_an_alert_that_is_over(
    site: Place,
) -> None:
    site.lab.links["vm"] = Link(delay=0.2)
    async with site.bot() as bot:
        await begun(bot)
        site.lab.timepieces["vm"].step(1.5)
        await looks(bot, 2)
        assert only(bot).severity is Severity.CRITICAL

        site.lab.timepieces["vm"].step(-1.5)
        await looks(bot, 2)
        assert titles(bot) == []


async def test_where_the_bots_own_clock_is_wrong_that_is_the_only_alert(site: Place) -> None:
    async with site.bot() as bot:
        await begun(bot)
        for timepiece in site.lab.timepieces.values():
            timepiece.step(3.0)
        await looks(bot, 2)

        alert = only(bot)
        assert alert.severity is Severity.CRITICAL
        assert alert.title.startswith(
            "The reference is wrong: the bot's own clock is 3.00 s behind 4 "
        )

        for timepiece in site.lab.timepieces.values():
            timepiece.step(-3.0)
        await looks(bot)
        assert titles(bot) == []


async def test_a_reference_that_drifts_is_one_alert_and_not_one_a_clock(
    site: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.bot() as bot:
        begin = bot.engine.clock()

        async def everything() -> Sweep:
            now = bot.engine.clock()
            off = -20e-6 * (now - begin)
            hosts = (
                Measured(Whose(Role.HOST, f"h{n}"), now, Reading(off, 0.001)) for n in range(9)
            )
            return Sweep(now, (Measured(BOT, now, Reading(0.0, 1e-6)), *hosts), BOT, 0.05)

        monkeypatch.setattr(bot.engine.clocks, "everything", everything)
        await looks(bot, 7)
        alert = only(bot)
        assert (
            alert.title
            == "The reference drifts: 9 clocks run away from the bot's own clock together."
        )
        assert alert.severity is Severity.INFO

        await looks(bot, 7)
        assert only(bot).id == alert.id
        assert only(bot).title.startswith("The reference is wrong: the bot's own clock is ")
        assert await bot.engine.alerts.recent(10) == []


async def test_an_alert_is_told_anew_where_something_happens_and_not_at_each_look(
    site: Place,
) -> None:
    site.lab.links["vm"] = Link(delay=0.002, jitter=0.004)
    async with site.bot() as bot:
        await begun(bot)
        site.lab.timepieces["vm"].step(0.2)
        await looks(bot, 2)
        first = only(bot)
        await looks(bot, 5)
        assert only(bot).seen == first.seen

        site.lab.timepieces["vm"].step(0.1)
        await looks(bot)
        assert only(bot).seen > first.seen
        assert "300 ms" in only(bot).title or "29" in only(bot).title
