"""The clocks of the site are measured against the bot's own, each with what it may be wrong by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from bot.core.clock_account import Account
from bot.core.clock_causes import causes
from bot.core.clock_sweep import difference
from bot.core.clock_trend import Trend
from bot.core.clocks import BOT, Role, Whose
from bot.devices.clock import NtpAnswer
from bot.engine.clocks import ClockRules, Clocks
from bot.lab.clocks.link import Link
from bot.lab.faults import Fault
from tests.engine.alive import Place, opened

FY, VM, OWL = Whose(Role.HOST, "fy"), Whose(Role.GUEST, "vm"), Whose(Role.GUEST, "owl")
ZAMOK = Whose(Role.GUEST, "zamok")


@pytest.fixture
def site(place: Place) -> Place:
    """A site in which the bot gets into vm alone."""
    place.guests = ("vm",)
    return place


@pytest.mark.parametrize("there", [0.0, 0.5, 1.0])
async def test_the_truth_lies_within_the_bound_however_the_way_is(
    site: Place, there: float
) -> None:
    site.lab.timepieces["vm"].step(0.3)
    site.lab.links["vm"] = Link(delay=0.2, jitter=0.05, there=there)

    async with opened(site.folder) as store:
        sweep = await Clocks(site.engine(store)).everything()

    vm = sweep.offset(VM)
    assert vm is not None
    assert vm.lowest <= 0.3 <= vm.highest
    assert vm.bound < 0.2


async def test_one_without_a_way_in_is_not_measurable(site: Place) -> None:
    async with opened(site.folder) as store:
        sweep = await Clocks(site.engine(store)).everything()

    owl = sweep.of(OWL)
    assert owl is not None
    assert not owl.measurable
    assert owl.host == "fy"
    assert sweep.offset(OWL) is None


async def test_two_machines_are_compared_with_one_another(site: Place) -> None:
    site.lab.timepieces["fy"].step(-0.1)
    site.lab.timepieces["vm"].step(0.1)

    async with opened(site.folder) as store:
        sweep = await Clocks(site.engine(store)).everything()

    apart = sweep.between(VM, FY)
    assert apart is not None
    assert apart.offset == pytest.approx(0.2, abs=apart.bound)


async def test_a_time_service_that_cannot_be_understood_is_told_and_not_held_to_be_none(
    site: Place,
) -> None:
    site.lab.fault(Fault("garble", "vm", "chronyc"))

    async with opened(site.folder) as store:
        sweep = await Clocks(site.engine(store)).everything()

    vm = sweep.of(VM)
    assert vm is not None
    assert vm.reading is not None
    assert vm.kernel is not None
    assert not vm.asked
    assert vm.unclear
    assert causes(Account(vm, sweep, Trend())) == [
        f"What keeps it right is not known: {vm.unclear}"
    ]


async def test_who_does_not_answer_in_time_costs_nobody_else_their_reading(site: Place) -> None:
    site.guests = ("vm", "zamok")
    site.clock_rules = ClockRules(sweep=5.0)
    site.lab.fault(Fault("hang", "vm"))

    async with opened(site.folder) as store:
        sweep = await Clocks(site.engine(store)).everything()

    vm = sweep.of(VM)
    assert vm is not None
    assert vm.why == "vm was not measured in time."
    assert sweep.offset(FY) is not None
    assert sweep.offset(ZAMOK) is not None


async def test_those_that_were_silent_are_asked_last(site: Place) -> None:
    site.guests = ("vm", "zamok")
    site.clock_rules = ClockRules(at_once=1)
    site.lab.fault(Fault("refuse", "vm"))

    async with opened(site.folder) as store:
        clocks = Clocks(site.engine(store))
        await clocks.everything()
        site.lab.faults.clear()
        site.sent.clear()
        await clocks.everything()

    asked = dict.fromkeys(line.split(":")[0] for line in site.sent if "date" in line)
    assert list(asked) == ["fy", "fz", "zamok", "vm"]


@dataclass
class Server:
    """A time server that is right, and as sure of it as the test says."""

    place: Place
    bound: float = 0.0
    synchronised: bool = True

    async def ask(self) -> NtpAnswer:
        now = self.place.clock()
        return NtpAnswer(now, now, 2, self.bound, synchronised=self.synchronised)


@pytest.mark.parametrize(
    ("bound", "synchronised", "why"),
    [
        (9.0, True, "ntp.example.org says that its clock may be wrong by 9.00 s."),
        (0.001, False, "ntp.example.org says that its clock is not synchronised."),
    ],
)
async def test_a_reference_that_is_not_sure_of_itself_is_none(
    site: Place, bound: float, synchronised: bool, why: str
) -> None:
    site.clock_rules = ClockRules(reference="ntp.example.org")
    async with opened(site.folder) as store:
        world = replace(site.world(store), reference=Server(site, bound, synchronised))
        clocks = Clocks(site.engine(store, world))
        sweep = await clocks.everything()

    assert sweep.reference == BOT
    reference = sweep.of(clocks.reference)
    assert reference is not None
    assert reference.why == why


async def test_a_bots_clock_that_is_set_between_two_machines_is_in_the_bound(site: Place) -> None:
    """The bot's clock is set by 2 s after fy was read; fy and vm are right, and stay so."""
    set_by = 0.0

    def clock() -> float:
        return site.clock() + set_by

    async with opened(site.folder) as store:
        clocks = Clocks(replace(site.engine(store), clock=clock))
        before = await clocks.measure([clocks.host(site.world().hosts["fy"])])
        set_by = 2.0
        after = await clocks.measure([clocks.guest("vm", "fy")])

    one, other = before.of(FY), after.of(VM)
    assert one is not None
    assert other is not None
    apart = difference(other, one)
    assert apart is not None
    assert apart.lowest <= 0.003 <= apart.highest


async def test_who_had_no_turn_is_asked_before_those_that_hang(site: Place) -> None:
    """Else many that hang keep the same others from ever being measured."""
    site.guests = ("vm", "zamok")
    site.clock_rules = ClockRules(at_once=1, sweep=5.0)
    site.lab.fault(Fault("hang", "vm"))

    async with opened(site.folder) as store:
        clocks = Clocks(site.engine(store))
        first = await clocks.everything()
        await clocks.measure([clocks.host(site.world().hosts["fy"])])
        second = await clocks.everything()

    assert first.offset(ZAMOK) is None
    assert second.offset(ZAMOK) is not None
