"""`!clock` from the room: how far clocks are off, by how much that may be wrong, which side is."""

from __future__ import annotations

import pytest

from bot.core.policy import Policy, Right, Role
from bot.lab.clocks.link import Link
from bot.lab.faults import Fault
from tests.engine.alive import APPRENTI, Place
from tests.fakes import NOUNOU, Said


@pytest.fixture
async def site(place: Place) -> Place:
    """A site in which the bot gets into vm and zamok, and whose clocks are all right."""
    place.guests = ("vm", "zamok")
    for timepiece in place.lab.timepieces.values():
        timepiece.step(-timepiece.offset)
    return place


async def said(site: Place, line: str, sender: str = NOUNOU) -> Said:
    async with site.bot() as bot:
        return await bot.ask(line, sender)


async def test_all_clocks_are_measured_and_those_without_a_way_in_are_named(site: Place) -> None:
    answer = (await said(site, "!clock")).plain

    assert answer.startswith("All 4 clocks agree with the bot's own clock to within 50 ms.")
    assert "Not measurable: owl and redisdead (the config gives no way in)." in answer
    assert "sleeper" not in answer


async def test_the_one_that_is_off_stands_first_and_what_mends_it_is_named(site: Place) -> None:
    site.lab.timepieces["vm"].step(0.13)

    answer = (await said(site, "!clock all")).plain

    assert answer.startswith("1 of 4 clocks is off by 50 ms or more: vm.")
    assert answer.splitlines()[2].startswith("⚠  vm     130 ms ± 5.0 ms ahead")
    assert "!clock vm says why, !clock fix vm mends it." in answer


async def test_one_clock_is_compared_with_its_dom0_and_the_wrong_side_is_named(site: Place) -> None:
    site.lab.timepieces["vm"].step(-1.3)

    answer = (await said(site, "!clock vm")).plain

    assert answer.startswith(
        "vm is 1.30 s ± 5.0 ms behind the bot's own clock. "
        "fy and fz agree with the bot's own clock: it is vm that is wrong."
    )
    assert "vm is 1.30 s ± 10 ms behind fy." in answer
    assert "!clock fix vm mends it. !clock graph vm shows it." in answer


async def test_the_bots_own_clock_is_doubted_where_the_others_agree_against_it(site: Place) -> None:
    for timepiece in site.lab.timepieces.values():
        timepiece.step(2.0)

    answer = (await said(site, "!clock")).plain

    assert answer.startswith(
        "Most clocks disagree with the bot's own clock: it is that one that is wrong."
    )
    assert "⚠" not in answer
    assert "clock fix" not in answer


async def test_what_is_less_than_the_error_is_not_told_as_an_offset(site: Place) -> None:
    site.lab.timepieces["vm"].step(0.03)
    site.lab.links["vm"] = Link(delay=0.2)

    answer = (await said(site, "!clock vm")).plain

    assert answer.startswith("vm and the bot's own clock agree within the error (± 105 ms).")


async def test_a_dom0_that_does_not_answer_is_said_and_the_others_are_measured(
    site: Place,
) -> None:
    site.lab.fault(Fault("refuse", "fz"))

    answer = (await said(site, "!clock")).plain

    assert "fz was not measured: fz cannot be reached." in answer
    assert answer.startswith("All 3 clocks agree")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("!clock owl", "The clock of owl is not measured: The config gives no way into owl."),
        ("!clock sleeper", "✘ sleeper does not run, and neither does its clock."),
        ("!clock vn", "✘ There is no Dom0 and no DomU called vn."),
        ("!clock volume:vm-root", "✘ vm-root is a volume, and only machines have clocks."),
    ],
)
async def test_what_has_no_clock_to_be_asked_is_told_from_what_is_not_there(
    site: Place, line: str, why: str
) -> None:
    assert (await said(site, line)).plain.startswith(why)


async def test_who_may_ask_for_some_clocks_sees_no_others(site: Place) -> None:
    rights = {
        "nounou": Role((Right.parse("*"),)),
        "apprenti": Role((Right.parse("clock.show on vm"),)),
    }
    site.policy = Policy(site.policy.persons, site.policy.roles, rights)

    answer = (await said(site, "!clock", APPRENTI)).plain

    assert "vm" in answer
    assert "zamok" not in answer
    assert "owl" not in answer


async def test_the_others_are_counted_and_not_named_to_who_may_not_see_them(site: Place) -> None:
    rights = {
        "nounou": Role((Right.parse("*"),)),
        "apprenti": Role((Right.parse("clock.show on vm"),)),
    }
    site.policy = Policy(site.policy.persons, site.policy.roles, rights)
    site.lab.timepieces["vm"].step(0.3)

    answer = (await said(site, "!clock vm", APPRENTI)).plain

    assert "2 others agree with the bot's own clock: it is vm that is wrong." in answer
    assert "fz" not in answer


async def test_where_the_clock_is_its_dom0s_that_one_is_to_be_mended(site: Place) -> None:
    site.lab.timepieces["vm"].independent = False
    site.lab.timepieces["fy"].step(1.5)

    answer = (await said(site, "!clock vm")).plain

    assert "!clock fix fy mends both." in answer
    assert "!clock fix vm" not in answer


async def test_nothing_is_offered_that_would_be_refused(site: Place) -> None:
    for timepiece in site.lab.timepieces.values():
        timepiece.step(5.0)

    answer = (await said(site, "!clock vm")).plain

    assert "it is the bot's own clock that is wrong." in answer
    assert "Set nothing by the bot's own clock before it is mended." in answer
    assert "clock fix" not in answer
