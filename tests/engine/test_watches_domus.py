"""The watch over DomUs, on the lab's site: what it tells, what it does not, and when it is over."""

from __future__ import annotations

from dataclasses import replace

from bot.core.alerts import Severity
from bot.lab.domains import Domain, Life
from bot.lab.faults import KILL_HOST, REFUSE, REVIVE, Fault
from tests.engine.alive import Place
from tests.engine.watched import begun, titles, watches


def vm(place: Place) -> Domain:
    """The domain of vm on fy."""
    return next(each for each in place.lab.hosts["fy"].domains.values() if each.name == "vm")


async def test_a_guest_that_crashed_is_told_until_it_is_away(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        fy = place.lab.hosts["fy"]
        domain = vm(place)
        fy.live(domain, Life.CRASHED)
        await place.later(60)
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "vm crashed."
        assert alert.names == ("vm",)

        fy.live(domain, Life.ALIVE)
        await place.later(60)
        assert titles(bot) == []


async def test_a_guest_that_somebody_ended_is_gone_after_two_looks_and_back_with_it(
    place: Place,
) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        fy = place.lab.hosts["fy"]
        domain = vm(place)
        fy.drop(domain)
        await place.later(60)
        assert titles(bot) == []
        await place.later(60)
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "vm is gone: it is on no host, and the bot did not end it."
        assert alert.details.startswith("It ran on fy at ")

        fy.build(domain.guest, Life.ALIVE)
        await place.later(60)
        assert titles(bot) == []


async def test_a_guest_that_went_while_no_bot_ran_is_gone_too(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        await bot.killed()
    fy = place.lab.hosts["fy"]
    fy.drop(vm(place))
    async with place.bot() as bot:
        await begun(bot)
        assert titles(bot) == []
        await bot.killed()
    async with place.bot() as bot:
        await begun(bot)
        assert titles(bot) == ["vm is gone: it is on no host, and the bot did not end it."]
        await bot.killed()
    async with place.bot() as bot:
        await begun(bot)
        await place.later(120)

        assert [alert.times for alert in bot.engine.alerts.standing] == [1]


async def test_a_guest_of_a_host_that_is_silent_is_not_gone(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        place.lab.fault(Fault(REFUSE, "fy"))
        await place.later(600)
        assert titles(bot) == []

        place.lab.faults.clear()
        await place.later(300)
        assert titles(bot) == []


async def test_an_alert_about_a_guest_is_not_over_because_a_host_is_silent(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        fy = place.lab.hosts["fy"]
        fy.drop(vm(place))
        await place.later(120)
        told = titles(bot)
        assert len(told) == 1

        place.lab.fault(Fault(REFUSE, "fz"))
        await place.later(300)
        assert titles(bot) == told


async def test_guests_whose_host_lost_its_power_are_gone_once_it_is_back(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        place.lab.fault(Fault(KILL_HOST, "fz"))
        await place.later(300)
        assert titles(bot) == []

        place.lab.fault(Fault(REVIVE, "fz"))
        await place.later(120)
        assert titles(bot) == ["redisdead is gone: it is on no host, and the bot did not end it."]


async def test_two_copies_are_told_at_once_and_loudly(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        domain = vm(place)
        copy = place.lab.hosts["fz"].build(domain.guest, Life.ALIVE)
        await place.later(60)
        (alert,) = bot.engine.alerts.standing
        assert alert.title == "vm runs more than once: vm@fy + vm@fz."
        assert alert.loud
        assert alert.severity is Severity.CRITICAL

        # nor does it end where one of the hosts cannot be asked
        place.lab.fault(Fault(REFUSE, "fz"))
        await place.later(120)
        assert len(titles(bot)) == 1
        place.lab.faults.clear()
        place.lab.hosts["fz"].drop(copy)
        await place.later(60)
        assert titles(bot) == []
        # this is what the test did on purpose
        assert place.lab.watch.seen
        place.lab.watch.seen.clear()


async def test_two_copies_under_two_names_are_one_alert_about_both(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        domain = vm(place)
        place.lab.hosts["fz"].build(domain.guest, Life.ALIVE, name="clone")
        await place.later(60)

        (alert,) = bot.engine.alerts.standing
        assert alert.title == "clone runs more than once: vm@fy + clone@fz."
        assert alert.names == ("clone", "vm")
        place.lab.watch.seen.clear()


async def test_what_is_left_half_moved_is_told(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        domain = vm(place)
        half = place.lab.hosts["fz"].build(domain.guest, Life.PAUSED, name="vm--incoming")
        await place.later(60)
        assert titles(bot) == ["vm is left half-moved, and nothing moves it."]

        place.lab.hosts["fz"].drop(half)
        await place.later(60)
        assert titles(bot) == []
        place.lab.watch.seen.clear()


async def test_what_the_bot_itself_moves_or_destroys_raises_nothing(place: Place) -> None:
    place.watches = watches("domus", "links", every=1.0)
    place.approvals = replace(place.approvals, by_risk={})
    async with place.bot() as bot:
        await begun(bot)
        moved = await bot.ask("!migrate vm fz")
        assert place.where("vm") == ["fz"], moved.plain
        await place.later(30)
        destroyed = await bot.ask("!domu destroy vm")
        assert place.where("vm") == [], destroyed.plain
        await place.later(30)

        assert titles(bot) == []
        assert await bot.engine.alerts.recent(10) == []


async def test_a_guest_that_a_person_closed_is_forgotten_until_it_was_back(place: Place) -> None:
    place.watches = watches("domus")
    async with place.bot() as bot:
        await begun(bot)
        fy = place.lab.hosts["fy"]
        domain = vm(place)
        fy.drop(domain)
        await place.later(120)
        (alert,) = bot.engine.alerts.standing
        async with bot.engine.alerts.change() as change:
            await change.close(alert, "nounou")
        await place.later(120)
        assert titles(bot) == []
        assert bot.engine.alerts.desk.of_source("domus") == []

        again = fy.build(domain.guest, Life.ALIVE)
        await place.later(400)
        fy.drop(again)
        await place.later(120)
        assert len(titles(bot)) == 1
