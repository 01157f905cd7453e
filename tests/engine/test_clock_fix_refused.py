"""!clock fix refuses what would spread a wrong time, or what it may not; and nothing is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.devices.clock import NtpAnswer
from bot.devices.guest import GuestAccess
from bot.errors import Unreachable
from bot.lab.clocks.service import Server
from bot.lab.memory import MemorySite
from tests.engine.alive import EPOCH, Place
from tests.engine.asking import state
from tests.engine.mending import mending, misled, off, service, told


@pytest.fixture
def site(place: Place) -> Place:
    return mending(place)


async def refused(site: Place, line: str = "!clock fix vm") -> str:
    async with site.bot() as bot:
        said = await bot.ask(line)
    assert state(said) in ("refused", "usage"), said.plain
    assert told(site) == []
    return said.plain


async def test_one_without_a_way_in(site: Place) -> None:
    assert "guests.owl.ssh" in await refused(site, "!clock fix owl")


async def test_one_that_is_not_there(site: Place) -> None:
    said = await refused(site, "!clock fix wm")

    assert "no Dom0 and no DomU called wm" in said
    assert "Did you mean vm?" in said


async def test_one_that_does_not_run(site: Place) -> None:
    assert "sleeper does not run" in await refused(site, "!clock fix sleeper")


async def test_a_reference_that_most_clocks_doubt_is_not_followed(site: Place) -> None:
    for name in ("fy", "fz", "vm"):
        off(site, name, 30.0)

    assert "it would spread a wrong time" in await refused(site)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "no route"),
        (NtpAnswer(EPOCH, EPOCH, 16, 0.0, synchronised=False), "not synchronised"),
    ],
)
async def test_a_reference_that_gives_no_time(
    site: Place, answer: NtpAnswer | None, why: str
) -> None:
    class Reference:
        """A time server of no use."""

        async def ask(self) -> NtpAnswer:
            if answer is None:
                raise Unreachable("no route")
            return answer

    site.clock_rules = replace(site.clock_rules, reference="ntp.example.org")
    off(site, "vm", 2.0)
    async with site.bot(replace(site.world(), reference=Reference())) as bot:
        said = await bot.ask("!clock fix vm")

    assert state(said) == "refused"
    assert "ntp.example.org is to say the time, and it does not" in said.plain
    assert why in said.plain
    assert told(site) == []


async def test_one_that_only_answers_as_a_time_server(site: Place) -> None:
    off(site, "redisdead", 2.0)
    world = site.world()
    only_ntp = GuestAccess("redisdead", "redisdead", None, MemorySite(site.lab).ntp("redisdead"))
    guests = {**world.guests, "redisdead": only_ntp}
    async with site.bot(replace(world, guests=guests)) as bot:
        said = await bot.ask("!clock fix redisdead")

    assert state(said) == "refused"
    assert "can be measured, but not changed" in said.plain
    assert "guests.redisdead.ssh" in said.plain


async def test_a_clock_that_is_the_one_of_its_dom0(site: Place) -> None:
    site.lab.timepieces["vm"].independent = False
    off(site, "fy", 2.0)

    said = await refused(site)

    assert "The clock of vm is the one of its Dom0 fy" in said
    assert "!clock fix fy mends both." in said


async def test_without_a_time_service_it_says_what_to_install(site: Place) -> None:
    site.lab.timepieces["vm"].service = None
    off(site, "vm", 0.3)

    assert "Install chrony there" in await refused(site)


async def test_a_dead_service_is_left_to_people_unless_allowed(site: Place) -> None:
    service(site, "vm").alive = False
    site.clock_rules = replace(site.clock_rules, may_restart=False)

    said = await refused(site)

    assert "chrony does not run on vm, and the bot may not start it." in said
    assert "clock.restart" in said


async def test_a_dead_service_is_not_started_where_that_would_step(site: Place) -> None:
    service(site, "vm").alive = False
    site.clock_rules = replace(site.clock_rules, may_step=False)
    off(site, "vm", 3.0)

    assert "may not step clocks" in await refused(site)


async def test_one_that_cannot_be_told_is_not_started_anew_unless_allowed(site: Place) -> None:
    site.clock_rules = replace(site.clock_rules, may_restart=False)
    off(site, "redisdead", 3.0)

    assert "clock.restart" in await refused(site, "!clock fix redisdead")


async def test_no_clock_is_stepped_where_the_config_forbids_it(site: Place) -> None:
    site.clock_rules = replace(site.clock_rules, may_step=False)
    off(site, "vm", 2.0)

    assert "clock.step" in await refused(site)


@pytest.mark.parametrize(
    ("servers", "why"),
    [
        ([Server("one", 0.0), Server("two", 90.0)], "disagree with one another: one, two"),
        ([Server("one", answers=False)], "None of the sources of chrony answers: one"),
        ([], "chrony has no source of time"),
    ],
)
async def test_sources_of_no_use_are_the_cause(
    site: Place, servers: list[Server], why: str
) -> None:
    service(site, "vm").servers = servers
    off(site, "vm", 2.0)
    await site.later(3600.0)

    assert why in await refused(site)


async def test_sources_of_ntpd_that_say_another_time(site: Place) -> None:
    misled(site, "zamok", -9.0)
    off(site, "zamok", 2.0)
    async with site.bot() as bot:
        await site.later(70.0)
        said = await bot.ask("!clock fix zamok")

    assert state(said) == "refused"
    assert "Its sources say another time" in said.plain
    assert told(site) == []
