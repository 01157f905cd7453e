"""!ilo: what it shows, what it refuses, and that the power is changed once and followed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.own import Own
from bot.core.policy import Right, Role
from bot.core.risk import Risk
from bot.engine.world import Timing
from bot.errors import Unreachable
from bot.lab.faults import (
    GARBLE,
    HANG_HOST,
    ILO_OTHER_SERVER,
    ILO_VSP_BUSY,
    KILL_HOST,
    REFUSE,
    Fault,
)
from tests.engine.alive import APPRENTI, POLICY, Place
from tests.engine.asking import state
from tests.fakes import Said


@pytest.fixture
def place(place: Place) -> Place:
    """A site where nothing waits for an approval."""
    place.approvals = Approvals(by_risk={})
    return place


def changes(place: Place) -> list[str]:
    """Every line that an iLO was sent and that changes something."""
    return [
        line.partition(": ")[2]
        for line in place.sent
        if "-ilo: power " in line or "-ilo: stop " in line
    ]


async def ask(place: Place, line: str, sender: str | None = None) -> Said:
    async with place.bot() as bot:
        return await (bot.ask(line) if sender is None else bot.ask(line, sender))


async def test_status_says_power_server_and_whether_the_host_answers(place: Place) -> None:
    said = await ask(place, "!ilo fz status")

    assert said.plain.startswith("fz has power, and it answers by ssh.")
    assert place.lab.ilos["fz-ilo"].serial_number in said.plain
    assert "enrolled" not in said.plain


async def test_status_says_it_of_a_host_that_hangs(place: Place) -> None:
    place.lab.fault(Fault(HANG_HOST, "fz"))

    said = await ask(place, "!ilo fz status")

    assert "fz has power; by ssh it does not answer" in said.plain


async def test_status_shows_what_is_to_be_enrolled(place: Place) -> None:
    place.enrolled["fz"] = ""

    said = await ask(place, "!ilo fz status")

    serial = place.lab.ilos["fz-ilo"].serial_number
    assert f"hosts.fz.lights_out.serial: {serial}" in said.plain


async def test_the_power_alone_is_told_in_one_sentence(place: Place) -> None:
    place.lab.fault(Fault(KILL_HOST, "fz"))

    assert (await ask(place, "!ilo fz power")).plain == "fz has no power."


async def test_the_log_is_shown_newest_first(place: Place) -> None:
    place.lab.fault(Fault(KILL_HOST, "fz"))

    said = await ask(place, "!ilo fz log")

    numbers = [int(line.split()[0]) for line in said.plain.splitlines() if line[:1].isdigit()]
    assert numbers
    assert numbers == sorted(numbers, reverse=True)


async def test_a_host_without_an_ilo_says_where_it_belongs(place: Place) -> None:
    place.without_ilo = frozenset({"fz"})

    said = await ask(place, "!ilo fz status")

    assert state(said) == "refused"
    assert "hosts.fz.lights_out" in said.plain


@pytest.mark.parametrize("line", ["!ilo fz on --hard", "!ilo fz off --free", "!ilo fz dance"])
async def test_words_that_do_not_go_together_are_refused(place: Place, line: str) -> None:
    assert state(await ask(place, line)) == "usage"
    assert changes(place) == []


async def test_an_ilo_that_answers_rubbish_changes_nothing(place: Place) -> None:
    place.lab.fault(Fault(GARBLE, "fz-ilo"))

    assert state(await ask(place, "!ilo fz reset")) == "failed"
    assert changes(place) == []


async def test_who_may_look_may_not_change(place: Place) -> None:
    role = Role((Right.parse("ilo.show"),))
    place.policy = replace(POLICY, rights={**POLICY.rights, "apprenti": role})

    assert state(await ask(place, "!ilo fz status", APPRENTI)) == "succeeded"
    for line in ("!ilo fz on", "!ilo fz off", "!ilo fz reset", "!ilo fz console --free"):
        said = await ask(place, line, APPRENTI)
        assert state(said) == "denied"
        assert "ilo.power" in said.plain
    assert changes(place) == []


async def test_the_serial_port_is_shown_with_what_it_means(place: Place) -> None:
    said = await ask(place, "!ilo fz console")

    assert "login:" in said.plain
    assert "Read from the serial port of fz" in said.plain


async def test_a_serial_port_that_is_taken_is_freed_only_when_asked(place: Place) -> None:
    place.lab.fault(Fault(ILO_VSP_BUSY, "fz-ilo"))

    said = await ask(place, "!ilo fz console")
    assert state(said) == "refused"
    assert "!ilo fz console --free throws the other one out" in said.plain
    assert changes(place) == []

    said = await ask(place, "!ilo fz console --free")
    assert state(said) == "succeeded", said.plain
    assert changes(place) == ["stop /system1/oemhp_vsp1"]


@pytest.mark.parametrize(
    "line", ["!ilo fz on", "!ilo fz off", "!ilo fz off --hard", "!ilo fz reset"]
)
async def test_nothing_is_changed_unless_the_server_is_the_enrolled_one(
    place: Place, line: str
) -> None:
    place.lab.fault(Fault(ILO_OTHER_SERVER, "fz-ilo"))
    said = await ask(place, line)
    assert state(said) == "refused"
    assert f"but {place.lab.ilos['fz-ilo'].serial_number} is enrolled" in said.plain

    place.enrolled["fz"] = ""
    said = await ask(place, line)
    assert state(said) == "refused"
    assert "hosts.fz.lights_out.serial" in said.plain
    assert changes(place) == []


async def test_what_is_on_is_not_switched_on(place: Place) -> None:
    assert (await ask(place, "!ilo fy on")).plain == "fy is on already."
    assert changes(place) == []


async def test_a_host_is_switched_on_and_followed_until_it_has_power(place: Place) -> None:
    place.lab.fault(Fault(KILL_HOST, "fz"))

    said = await ask(place, "!ilo fz on")

    assert said.plain.startswith("✔ fz is on.")
    assert place.lab.hosts["fz"].powered
    assert changes(place) == ["power on"]
    assert (await ask(place, "!ilo fz off")).plain


async def test_off_asks_and_off_hard_cuts(place: Place) -> None:
    said = await ask(place, "!ilo fz off")
    assert said.plain.startswith("✔ fz is off."), said.plain

    said = await ask(place, "!ilo fy off --hard")
    assert said.plain.startswith("✔ fy is off."), said.plain
    assert changes(place) == ["power off", "power off hard"]
    assert (await ask(place, "!ilo fy off")).plain == "fy is off already."
    assert "nothing to reset" in (await ask(place, "!ilo fy reset")).plain


async def test_a_reset_is_known_by_another_boot(place: Place) -> None:
    said = await ask(place, "!ilo fz reset")

    assert said.plain.startswith("✔ fz was reset, and answers again."), said.plain
    assert changes(place) == ["power reset"]


async def test_a_host_that_hangs_is_reset(place: Place) -> None:
    place.lab.fault(Fault(HANG_HOST, "fz"))

    said = await ask(place, "!ilo fz reset")

    assert state(said) == "succeeded", said.plain
    assert place.lab.hosts["fz"].alive


async def test_a_host_that_hangs_does_not_shut_down_because_it_is_asked(place: Place) -> None:
    place.lab.fault(Fault(HANG_HOST, "fz"))
    place.timing = Timing(power=30.0)
    async with place.bot() as bot:
        said = await bot.ask("!ilo fz off")
        assert state(said) == "undetermined", said.plain
        assert "it may still go down" in said.plain

        place.lab.power["fz"].lose()
        settled = await bot.ask("!job settle 1")
        assert "fz is off." in settled.plain
    assert changes(place) == ["power off"]


async def test_the_card_lists_the_domus_that_would_die_and_their_locks(place: Place) -> None:
    said = await ask(place, "!ilo fy reset --dry-run")

    assert "… vm runs there (domain " in said.plain
    assert changes(place) == []
    assert said.plain.startswith("Nothing was done")
    place.approvals = Approvals(by_risk={Risk.DESTROYS: Need.CONFIRM})
    async with place.bot() as bot:
        asked = bot.chat.say("!ilo fy reset", proof=Proof.SIGNED)
        code = await bot.code(asked)
        assert "vm runs there" in bot.chat.about(asked)[-1].plain
        await bot.ask(f"!confirm {code}", proof=Proof.SIGNED)
        done = await bot.chat.answer(asked)
    assert state(done) == "succeeded", done.plain


async def test_the_card_of_a_silent_host_says_what_was_last_seen_and_that_it_is_not_checked(
    place: Place,
) -> None:
    async with place.bot() as bot:
        await bot.ask("!domu list")
        await bot.engine.inventory.refresh()
        place.lab.fault(Fault(HANG_HOST, "fy"))
        said = await bot.ask("!ilo fy reset --dry-run")

    assert "? which DomUs run on fy" in said.plain
    assert "ago it ran, or had the configuration of:" in said.plain
    assert "vm" in said.plain


@pytest.mark.parametrize("hangs", [False, True])
async def test_the_host_of_the_bot_itself_is_never_cut(place: Place, hangs: bool) -> None:
    place.own = Own("vm")
    if hangs:
        place.lab.fault(Fault(HANG_HOST, "fy"))

    for line in ("!ilo fy off", "!ilo fy off --hard", "!ilo fy reset"):
        said = await ask(place, line)
        assert state(said) == "refused"
        assert "I run in vm" in said.plain
    assert changes(place) == []
    assert state(await ask(place, "!ilo fz off --hard")) == "succeeded"


async def test_a_hold_on_the_host_or_on_a_guest_of_it_stands_against_it(place: Place) -> None:
    async with place.bot() as bot:
        await bot.ask("!hold vm reason its disks are copied")
        said = await bot.ask("!ilo fy reset")
        assert state(said) == "refused"
        assert "its disks are copied" in said.plain
        assert state(await bot.ask("!ilo fy status")) == "succeeded"
    assert changes(place) == []


async def test_a_link_that_breaks_after_the_change_is_read_back(place: Place) -> None:
    place.lab.fault(Fault("drop-after-send", "fz-ilo", "power off hard", 1))

    said = await ask(place, "!ilo fz off --hard")

    assert said.plain.startswith("✔ fz is off."), said.plain
    assert changes(place) == ["power off hard"]


async def test_an_ilo_that_refuses_the_link_changes_nothing(place: Place) -> None:
    async with place.bot() as bot:
        place.lab.fault(Fault(REFUSE, "fz-ilo"))
        said = await bot.ask("!ilo fz off --hard")

    assert state(said) == "failed"
    assert place.lab.hosts["fz"].powered


async def test_a_hold_on_a_guest_stands_against_it_though_its_host_is_silent(place: Place) -> None:
    async with place.bot() as bot:
        await bot.ask("!hold vm reason backup")
        await bot.ask("!domu list")
        place.lab.fault(Fault(HANG_HOST, "fy"))
        said = await bot.ask("!ilo fy reset")

    assert state(said) == "refused"
    assert changes(place) == []


async def test_the_host_of_the_bot_is_not_cut_while_the_bot_is_half_moved(place: Place) -> None:
    place.own = Own("vm", "")
    fy = place.lab.hosts["fy"]
    fy.rename(next(iter(fy.domains.values())), "vm--migratedaway")

    said = await ask(place, "!ilo fy reset")

    assert state(said) == "refused"
    assert changes(place) == []


async def test_a_reset_is_not_proven_by_a_host_that_answers_again(place: Place) -> None:
    """It missed only the look of the plan, and nothing was reset."""
    place.lab.fault(Fault(REFUSE, "fz", times=1))
    async with place.bot() as bot:
        ilo = bot.engine.world.hosts["fz"].lights_out
        assert ilo is not None

        async def nothing(_change: object) -> None:
            """The iLO says that it did, and did not."""

        ilo.change = nothing  # type: ignore[method-assign, assignment]
        toolstack = bot.engine.world.hosts["fz"].toolstack
        boots, real = [Unreachable("fz is silent")] * 2, toolstack.boot

        async def boot() -> str:
            if boots:
                raise boots.pop()
            return await real()

        toolstack.boot = boot  # type: ignore[method-assign]
        said = await bot.ask("!ilo fz reset")

    assert "did not answer before" not in said.plain
    assert "was reset, and answers again" not in said.plain
