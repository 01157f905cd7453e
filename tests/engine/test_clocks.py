"""The clocks of the site are measured against the bot's own, each with what it may be wrong by."""

from __future__ import annotations

import pytest

from bot.core.clock_account import Account
from bot.core.clock_causes import causes
from bot.core.clock_trend import Trend
from bot.core.clocks import Role, Whose
from bot.engine.clocks import Clocks
from bot.lab.clocks.link import Link
from bot.lab.faults import Fault
from tests.engine.alive import Place, opened

FY, VM, OWL = Whose(Role.HOST, "fy"), Whose(Role.GUEST, "vm"), Whose(Role.GUEST, "owl")


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
