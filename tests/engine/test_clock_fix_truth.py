"""!clock fix says what became of a clock: never that it is right where nobody can tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.devices.clock import NtpAnswer
from bot.devices.time_services.chrony import Chrony
from bot.devices.time_services.ntpd import Ntpd
from bot.engine import clock_history
from bot.errors import DeviceError, OutcomeUnknown, Unreachable
from bot.lab.clocks.link import Link
from bot.lab.faults import REFUSE, Fault
from tests.engine.alive import EPOCH, Place
from tests.engine.asking import state
from tests.engine.mending import mending, misled, off, service, told
from tests.fakes import Said

BURST, STEP = "vm: chronyc burst 4/4", "vm: chronyc makestep"


@pytest.fixture
def site(place: Place) -> Place:
    return mending(place)


async def fix(site: Place, line: str = "!clock fix vm") -> Said:
    async with site.bot() as bot:
        return await bot.ask(line)


async def test_answers_that_come_too_slowly_do_not_make_a_clock_right(site: Place) -> None:
    off(site, "vm", 2.0)
    async with site.bot() as bot:
        asked = bot.chat.say("!clock fix vm")
        await bot.chat.until(lambda: bool(told(site)))
        site.lab.links["vm"] = Link(delay=6.0)
        said = await bot.chat.answer(asked)

    assert state(said) == "refused", said.plain
    assert "is within the error (± 3.01 s)" in said.plain
    assert "say another time" not in said.plain
    assert told(site) == [BURST]


async def test_answers_that_come_too_slowly_after_the_step_prove_nothing(site: Place) -> None:
    class Slow(Chrony):
        """One whose machine answers slowly once the clock was stepped."""

        async def step(self) -> bool:
            taken = await super().step()
            site.lab.links["vm"] = Link(delay=6.0)
            return taken

    off(site, "vm", 2.0)
    async with site.bot(replace(site.world(), time_services=[Slow])) as bot:
        said = await bot.ask("!clock fix vm")

    assert state(said) == "failed", said.plain
    assert "nobody can tell whether the clock of vm is right" in said.plain
    assert "within the error (± 3.01 s)" in said.plain


@pytest.mark.parametrize("seconds", [0.005, 0.02])
async def test_a_service_that_runs_again_is_no_failure_where_the_clock_was_right(
    site: Place, seconds: float
) -> None:
    service(site, "vm").alive = False
    misled(site, "vm", seconds)
    off(site, "vm", seconds)

    said = await fix(site)

    assert state(said) == "succeeded", said.plain
    assert "chrony runs anew on vm" in said.plain
    assert "is not synchronised" not in said.plain


async def test_while_a_service_starts_the_news_say_how_it_is(site: Place) -> None:
    it = service(site, "fz")
    it.alive = False
    it.servers = it.servers[:1]
    it.servers[0].answers = False
    async with site.bot() as bot:
        asked = bot.chat.say("!clock fix fz")
        said = await bot.chat.answer(asked)
        news = [text for each in bot.chat.about(asked) for text in each.before]

    assert "is not synchronised yet" in said.plain
    assert any("fz: chrony runs and is not synchronised" in each for each in news), news


async def test_a_restart_that_broke_the_service_says_how_it_is_now(site: Place) -> None:
    class Broken(Ntpd):
        """One that is stopped and does not come up again."""

        async def restart(self) -> None:
            service(site, "zamok").alive = False
            raise DeviceError("systemctl says: Job for ntpsec.service failed")

    off(site, "zamok", 3.0)
    async with site.bot(replace(site.world(), time_services=[Broken])) as bot:
        said = await bot.ask("!clock fix zamok")

    assert state(said) == "failed"
    assert "Job for ntpsec.service failed" in said.plain
    assert "ntpd is installed and does not run" in said.plain
    assert "Nothing was done" not in said.plain


class Reference:
    """A time server that stops to answer."""

    answers = True

    def __init__(self, site: Place) -> None:
        self.site = site

    async def ask(self) -> NtpAnswer:
        if not self.answers:
            raise Unreachable("ntp.example.org: no route")
        now = self.site.clock()
        return NtpAnswer(now, now, 1, 0.0)


async def test_where_the_reference_falls_silent_it_is_named(site: Place) -> None:
    site.clock_rules = replace(site.clock_rules, reference="ntp.example.org")
    reference = Reference(site)
    off(site, "vm", 2.0)
    misled(site, "vm", 2.0)
    async with site.bot(replace(site.world(), reference=reference)) as bot:
        asked = bot.chat.say("!clock fix vm")
        await bot.chat.until(lambda: bool(told(site)))
        reference.answers = False
        said = await bot.chat.answer(asked)

    assert state(said) == "refused"
    assert "ntp.example.org is to say the time, and it does not" in said.plain
    assert "vm does not answer" not in said.plain


async def test_it_is_given_up_while_it_waits_for_the_service(site: Place) -> None:
    off(site, "vm", 2.0)
    misled(site, "vm", 2.0)
    async with site.bot() as bot:
        asked = bot.chat.say("!clock fix vm")
        await bot.chat.until(lambda: bool(told(site)))
        began = site.clock()
        await bot.ask("!job cancel 1")
        said = await bot.chat.answer(asked)
        assert site.clock() - began < 30.0

    assert state(said) == "cancelled", said.plain
    assert told(site) == [BURST]


async def test_a_first_answer_after_the_patience_is_held_against_what_it_was(
    site: Place,
) -> None:
    off(site, "vm", -0.9)
    async with site.bot() as bot:
        asked = bot.chat.say("!clock fix vm")
        await bot.chat.until(lambda: bool(told(site)))
        site.lab.fault(Fault(REFUSE, "vm"))
        await site.later(88.0)
        site.lab.faults.clear()
        said = await bot.chat.answer(asked)

    assert state(said) == "succeeded", said.plain
    assert "no better" not in said.plain


class Lost(Chrony):
    """One whose machine is not heard of again once the clock was stepped."""

    site: Place

    async def step(self) -> bool:
        await super().step()
        self.site.lab.fault(Fault(REFUSE, self.name))
        raise OutcomeUnknown


async def test_a_guest_that_hangs_after_the_step_can_be_settled_and_ended(site: Place) -> None:
    Lost.site = site
    off(site, "vm", 2.0)
    async with site.bot(replace(site.world(), time_services=[Lost])) as bot:
        said = await bot.ask("!clock fix vm")
        settled = await bot.ask("!job settle 1")
        ended = await bot.ask("!domu destroy vm --dry-run")
        again = await bot.ask("!job show 1")

    assert state(said) == "undetermined"
    assert "cannot be measured" in settled.plain
    assert "Look at it before you rely on it" in settled.plain
    assert "failed" in again.plain
    assert "settle" not in ended.plain


@pytest.mark.parametrize(("name", "silent"), [("vm", ["vm", "fz"]), ("fy", ["fy"])])
async def test_what_may_be_under_way_is_not_settled(
    site: Place, name: str, silent: list[str]
) -> None:
    Lost.site = site
    off(site, name, 2.0)
    async with site.bot(replace(site.world(), time_services=[Lost])) as bot:
        said = await bot.ask(f"!clock fix {name}")
        for each in silent:
            site.lab.fault(Fault(REFUSE, each))
        settled = await bot.ask("!job settle 1")

    assert state(said) == "undetermined"
    assert state(settled) == "refused", settled.plain


async def test_what_was_measured_last_is_kept(site: Place) -> None:
    off(site, "vm", 2.0)
    async with site.bot() as bot:
        said = await bot.ask("!clock fix vm")
        clocks = bot.engine.clocks
        async with bot.store.read() as tx:
            kept = await clock_history.of(tx, clocks.guest("vm").whose, EPOCH, clocks.reference)

    assert state(said) == "succeeded"
    assert [abs(each.reading.offset) < 0.01 for each in kept] == [True]
