"""The watch over clocks where there is a time server, a Dom0 that is followed, a job at work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.alerts import Alert, Severity
from bot.devices.guest import GuestAccess
from bot.lab.clocks.timepiece import Timepiece
from bot.lab.memory import MemorySite
from tests.engine.alive import Bot, Place
from tests.engine.time_servers import SERVER, TimeServer
from tests.engine.watched import SPARE, begun, titles, watches

EVERY = 300.0


@pytest.fixture
async def site(place: Place) -> Place:
    """A site whose clocks are watched, in which the bot gets into vm; nothing keeps them right."""
    place.guests = ("vm",)
    place.watches = watches("clocks")
    for timepiece in place.lab.timepieces.values():
        timepiece.service = None
        timepiece.drift(0.0)
        timepiece.step(-timepiece.offset)
    return place


@pytest.fixture
async def server(site: Place) -> TimeServer:
    """The time server of *site*."""
    site.clock_rules = replace(site.clock_rules, reference=SERVER)
    return TimeServer(site, Timepiece(site.lab.clock))


async def looks(bot: Bot, count: int = 1) -> None:
    """Let *count* more looks go by."""
    await bot.place.later(count * (EVERY + SPARE))


def only(bot: Bot) -> Alert:
    """The one alert that stands."""
    (alert,) = bot.engine.alerts.standing
    return alert


async def test_the_bots_own_clock_is_an_alert_where_it_alone_is_wrong(
    site: Place, server: TimeServer
) -> None:
    async with site.bot(replace(site.world(), reference=server)) as bot:
        await begun(bot)
        # to the bot, whose clock goes back, all others go ahead
        for timepiece in (server.piece, *site.lab.timepieces.values()):
            timepiece.step(2.0)
        await looks(bot, 2)

        assert only(bot).title == (
            "The bot's own clock is 2.00 s behind the reference, with which 3 other clocks agree."
        )
        assert only(bot).hint.startswith("Look at the time service of the machine")


async def test_a_time_server_that_is_wrong_is_the_only_alert(
    site: Place, server: TimeServer
) -> None:
    async with site.bot(replace(site.world(), reference=server)) as bot:
        await begun(bot)
        server.piece.step(-4.0)
        await looks(bot)
        assert titles(bot) == []
        await looks(bot)
        assert only(bot).severity is Severity.CRITICAL
        assert only(bot).title == (
            "The reference is wrong: ntp.example.org is 4.00 s behind 4 clocks that agree."
        )

        # what is wrong besides is told all the same
        site.lab.timepieces["vm"].step(1.5)
        await looks(bot, 2)
        assert titles(bot)[1] == "The clock of vm is 1.50 s ahead of 3 other clocks."

        server.piece.step(4.0)
        await looks(bot)
        assert only(bot).names == ("vm",)


async def test_a_time_server_that_gives_no_time_is_told_and_the_bots_clock_counts(
    site: Place, server: TimeServer
) -> None:
    async with site.bot(replace(site.world(), reference=server)) as bot:
        await begun(bot)
        server.answers = False
        await looks(bot, 2)

        assert only(bot).severity is Severity.WARNING
        assert only(bot).title == "The reference gives no time: ntp.example.org did not answer."


async def test_a_guest_that_follows_its_dom0_is_told_in_one_message_with_it(site: Place) -> None:
    site.lab.timepieces["vm"].independent = False
    async with site.bot() as bot:
        await begun(bot)
        site.lab.timepieces["fy"].step(2.0)
        await looks(bot, 2)

        fy, vm = sorted(bot.engine.alerts.standing, key=lambda alert: alert.names)
        assert fy.post == vm.post
        assert vm.title.endswith("as fy is.")
        assert vm.hint == "Mend fy first: {prefix}clock fix fy"
        assert vm.details.splitlines()[-1].startswith("fy, on which it runs, is off by as much")


async def test_a_guest_that_only_answers_ntp_is_watched_too_and_mended_by_people(
    site: Place,
) -> None:
    guest = GuestAccess("redisdead", "redisdead", ntp=MemorySite(site.lab).ntp("redisdead"))
    world = site.world()
    async with site.bot(replace(world, guests={**world.guests, "redisdead": guest})) as bot:
        await begun(bot)
        site.lab.timepieces["redisdead"].step(0.7)
        await looks(bot, 2)

        assert only(bot).title.startswith("The clock of redisdead is 700 ms ahead of")
        assert only(bot).hint.startswith("The bot cannot get into redisdead: log in there")


async def test_a_guest_in_the_hands_of_a_job_is_left_out(site: Place) -> None:
    async with site.bot() as bot:
        await begun(bot)
        domain = next(
            each for each in site.lab.hosts["fy"].domains.values() if each.guest.name == "vm"
        )
        bot.engine.locks.hold(99, [f"domu/{domain.guest.uuid}"])
        site.lab.timepieces["vm"].step(3.0)
        await looks(bot, 3)
        assert titles(bot) == []

        bot.engine.locks.release(99)
        await looks(bot, 2)
        assert only(bot).names == ("vm",)
