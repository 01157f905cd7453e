"""!clock fix: what it sends, that the clock has the last word, and whose word it waits for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.approvals import Approvals, Need
from bot.core.chat import Proof
from bot.core.risk import Risk
from bot.devices.time_services.chrony import Chrony
from bot.devices.time_services.ntpd import Ntpd
from bot.errors import DeviceError, OutcomeUnknown
from bot.lab.clocks.service import Server
from bot.lab.faults import DROP, REFUSE, Fault
from tests.engine.alive import Place
from tests.engine.asking import state
from tests.engine.mending import how_far, mending, misled, off, service, told
from tests.fakes import Said

BURST, STEP = "vm: chronyc burst 4/4", "vm: chronyc makestep"


@pytest.fixture
def site(place: Place) -> Place:
    return mending(place)


async def fix(site: Place, line: str = "!clock fix vm") -> Said:
    async with site.bot() as bot:
        return await bot.ask(line)


@pytest.mark.parametrize("seconds", [2.0, -2.0, 400.0])
async def test_a_large_offset_is_stepped_once_its_time_service_sees_it(
    site: Place, seconds: float
) -> None:
    off(site, "vm", seconds)

    said = await fix(site)

    assert state(said) == "succeeded", said.plain
    assert said.plain.startswith("✔ chrony stepped the clock of vm: it was ")
    assert told(site) == [BURST, STEP]
    assert how_far(site, "vm") < 0.01


async def test_a_small_one_is_slewed_and_said_how_long_that_takes(site: Place) -> None:
    off(site, "vm", 0.3)

    said = await fix(site)

    assert state(said) == "succeeded"
    assert said.plain.startswith("✔ The clock of vm is being slewed: it was 30")
    assert "At this pace it takes about " in said.plain
    assert told(site) == [BURST]
    assert how_far(site, "vm") < 0.25


async def test_a_slew_is_followed_to_its_end_where_that_comes_soon(site: Place) -> None:
    off(site, "vm", 0.06)

    said = await fix(site)

    assert said.plain.startswith("✔ The clock of vm is right: it was ")
    assert told(site) == [BURST]


async def test_a_small_one_is_stepped_where_that_is_asked_for(site: Place) -> None:
    off(site, "vm", 0.03)

    said = await fix(site, "!clock fix vm --step")

    assert state(said) == "succeeded", said.plain
    assert told(site) == [BURST, STEP]
    assert how_far(site, "vm") < 0.005


@pytest.mark.parametrize("offset", [0.0, 0.03])
async def test_where_nothing_is_to_be_mended_nothing_is_done(site: Place, offset: float) -> None:
    off(site, "vm", offset)

    said = await fix(site)

    assert state(said) == "succeeded"
    assert "nothing was done" in said.plain
    assert told(site) == []


@pytest.mark.parametrize("seconds", [0.0, 0.3, 5.0])
async def test_a_dead_service_is_started(site: Place, seconds: float) -> None:
    service(site, "vm").alive = False
    off(site, "vm", seconds)

    said = await fix(site)

    assert state(said) == "succeeded"
    assert "✔ chrony runs anew on vm" in said.plain or "is being slewed" in said.plain
    assert told(site) == ["vm: systemctl restart chrony"]
    assert service(site, "vm").alive


@pytest.mark.parametrize(
    ("name", "unit"), [("zamok", "ntpsec"), ("redisdead", "systemd-timesyncd")]
)
async def test_a_service_that_cannot_be_told_is_started_anew(
    site: Place, name: str, unit: str
) -> None:
    off(site, name, 3.0)

    said = await fix(site, f"!clock fix {name}")

    assert state(said) == "succeeded", said.plain
    assert told(site) == [f"{name}: systemctl restart {unit}"]
    assert how_far(site, name) < 0.01


async def test_what_ntpd_takes_away_by_itself_is_left_to_it(site: Place) -> None:
    off(site, "zamok", 0.1)
    async with site.bot() as bot:
        await site.later(70.0)  # it has asked its servers by then
        said = await bot.ask("!clock fix zamok")

    assert state(said) == "succeeded"
    assert "takes it away by itself" in said.plain
    assert told(site) == []


async def test_a_dom0_is_mended_and_no_guest_moves_meanwhile(site: Place) -> None:
    off(site, "fy", -5.0)
    async with site.bot() as bot:
        asked = bot.chat.say("!clock fix fy")
        await bot.chat.until(lambda: bool(told(site)))
        [run] = bot.engine.running.values()
        assert run.plan is not None
        assert run.plan.keys >= {"clock/fy", "migration/fy"}
        said = await bot.chat.answer(asked)

    assert state(said) == "succeeded", said.plain
    assert told(site) == ["fy: chronyc burst 4/4", "fy: chronyc makestep"]


async def test_guests_whose_clock_is_their_dom0s_are_named_and_locked(site: Place) -> None:
    site.lab.timepieces["vm"].independent = False
    off(site, "fy", -5.0)
    async with site.bot() as bot:
        card = await bot.ask("!clock fix fy --dry-run")
        assert "the clocks of its guests go with it: vm" in card.plain
        assert "whether the clocks of these guests go with it: owl" in card.plain
        await bot.ask("!hold vm reason work")
        held = await bot.ask("!clock fix fy")
        await bot.ask("!release vm")
        said = await bot.ask("!clock fix fy")

    assert state(held) == "refused"
    assert state(said) == "succeeded"
    assert "The clocks of its guests went with it: vm." in said.plain
    assert how_far(site, "vm") < 0.01


# -- what goes otherwise


async def test_a_source_with_a_wrong_time_is_never_stepped_to(site: Place) -> None:
    off(site, "vm", 2.0)
    misled(site, "vm", 2.0)

    said = await fix(site)

    assert state(said) == "refused"
    assert "its own sources say another time" in said.plain
    assert "chrony holds the clock to be right" in said.plain
    assert told(site) == [BURST]
    assert how_far(site, "vm") > 1.9


async def test_a_clock_that_only_lied_is_not_stepped(site: Place) -> None:
    # what the card and the look under the locks are told: the artefact of 2^32 ns
    probes = site.clock_rules.probes * 2
    site.lab.timepieces["vm"].stray(-(2**32) * 1e-9, times=probes)

    said = await fix(site)

    assert state(said) == "succeeded"
    assert said.plain.startswith("✔ vm is right, and was not stepped: it was 4.")
    assert told(site) == [BURST]
    assert how_far(site, "vm") < 0.01


async def test_where_it_does_not_help_it_says_what_the_service_says(site: Place) -> None:
    off(site, "vm", 0.3)
    misled(site, "vm", 0.3)

    said = await fix(site)

    assert state(said) == "failed"
    assert "is no better" in said.plain
    assert "chrony holds the clock to be right" in said.plain


async def test_a_service_that_runs_and_hears_nobody_says_so(site: Place) -> None:
    it = service(site, "vm")
    it.alive = False
    it.servers = [Server("deaf", answers=False)]

    said = await fix(site)

    assert state(said) == "succeeded"
    assert "is not synchronised yet" in said.plain
    assert "None of the sources of chrony answers: deaf." in said.plain


async def test_a_step_whose_answer_was_lost_is_read_back(site: Place) -> None:
    off(site, "vm", 2.0)
    site.lab.fault(Fault(DROP, "vm", "makestep"))

    said = await fix(site)

    assert state(said) == "succeeded", said.plain
    assert told(site) == [BURST, STEP]


async def test_where_the_clock_is_lost_after_the_step_nobody_guesses(site: Place) -> None:
    class Lost(Chrony):
        """One whose machine is not heard of again once the clock was stepped."""

        async def step(self) -> bool:
            await super().step()
            site.lab.fault(Fault(REFUSE, "vm"))
            raise OutcomeUnknown

    off(site, "vm", 2.0)
    async with site.bot(replace(site.world(), time_services=[Lost])) as bot:
        said = await bot.ask("!clock fix vm")
        assert state(said) == "undetermined"
        assert "It cannot be said what became of the clock of vm" in said.plain
        # while a Dom0 is silent nobody knows that the guest hangs, and does nothing more
        site.lab.fault(Fault(REFUSE, "fz"))
        assert state(await bot.ask("!job settle 1")) == "refused"

        site.lab.faults.clear()
        settled = await bot.ask("!job settle 1")

    assert state(settled) == "succeeded"
    assert "The clock of vm is right" in settled.plain
    assert told(site) == [BURST, STEP]


class Forbidden(Chrony):
    """One whose machine does not let the bot step the clock."""

    async def step(self) -> bool:
        raise DeviceError("sudo: a password is required")


async def test_a_machine_that_forbids_the_step_says_so(site: Place) -> None:
    off(site, "vm", 2.0)
    async with site.bot(replace(site.world(), time_services=[Forbidden])) as bot:
        said = await bot.ask("!clock fix vm")

    assert state(said) == "failed"
    assert "Nothing was done to the clock of vm: sudo: a password is required" in said.plain


class Idle(Ntpd):
    """One that says that it starts anew, and does not."""

    async def restart(self) -> None:
        """Do nothing."""


async def test_an_order_that_changes_nothing_is_no_success(site: Place) -> None:
    off(site, "zamok", 2.0)
    async with site.bot(replace(site.world(), time_services=[Idle])) as bot:
        said = await bot.ask("!clock fix zamok")

    assert state(said) == "failed"
    assert "the clock of zamok is no better" in said.plain


# -- whose word it waits for


@pytest.mark.parametrize(
    ("seconds", "line", "waits"),
    [
        (2.0, "!clock fix vm", True),
        (0.3, "!clock fix vm --step", True),
        (-2.0, "!clock fix vm", False),
        (0.06, "!clock fix vm", True),
        (-0.06, "!clock fix vm", False),
        (3.0, "!clock fix zamok", True),
        (-3.0, "!clock fix zamok", False),
    ],
)
async def test_only_a_step_back_interrupts_and_has_to_be_confirmed(
    site: Place, seconds: float, line: str, waits: bool
) -> None:
    site.approvals = Approvals(by_risk={Risk.INTERRUPTS: Need.CONFIRM})
    name = line.split()[2]
    site.lab.timepieces[name].drift(200.0)
    off(site, name, seconds)
    async with site.bot() as bot:
        asked = bot.chat.say(line, proof=Proof.SIGNED)
        if waits:
            code = await bot.code(asked)
            assert "Dovecot" in bot.chat.about(asked)[-1].plain
            assert told(site) == []
            # the clock drifts on while somebody reads: other digits are no other plan
            await site.later(20.0)
            bot.chat.say(f"!confirm {code}", proof=Proof.SIGNED)
        said = await bot.chat.answer(asked)

    assert state(said) == "succeeded", said.plain
    assert told(site)


async def test_the_card_shows_what_would_be_done_and_does_nothing(site: Place) -> None:
    off(site, "vm", 2.0)

    said = await fix(site, "!clock fix vm --dry-run")

    assert "Nothing was done" in said.plain
    for text in (
        "✔ vm is 2.00 s ± ",
        "ahead, against the bot's own clock  [date +%s.%N]",
        "it is vm that is wrong",
        "✔ chrony runs and follows 10.77.0.",
        "… the clock goes back by 2.00 s",
        "step the clock of vm back",
    ):
        assert text in said.plain
    assert told(site) == []
