"""A clock read through the lab's doors as the bot reads it: the truth is within the bound."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.clocks import Reading
from bot.devices.clock import read_by_ntp, read_by_ssh
from bot.errors import DeviceError, OutcomeUnknown, Unreachable
from bot.lab import faults
from bot.lab.clocks.link import Link
from bot.lab.domains import Life
from bot.lab.faults import Fault, UnknownFault
from tests.lab.faces import Face

#: seconds that a clock of these tests is ahead
AHEAD = 0.3
#: what these tests allow the ways to cost beside their links: a loaded machine is slow
SLOW = 0.4

links = pytest.mark.parametrize(
    "link",
    [Link()] + [Link(delay, 0.005, there) for delay in (0.02, 0.2) for there in (0.0, 0.5, 1.0)],
    ids=str,
)


async def reading(face: Face, name: str) -> Reading:
    """How far the machine *name* is ahead, by the way that there is."""
    if name in face.time_servers:
        found, answer = await read_by_ntp(face.time_servers[name], face.watch, 3)
        assert answer.synchronised
        return found
    return await read_by_ssh(face.sessions[name], face.watch, 3)


@links
@pytest.mark.parametrize("name", ["vm", "fz", "redisdead"])
async def test_the_truth_lies_within_the_bound(face: Face, name: str, link: Link) -> None:
    face.world.timepieces[name].step(AHEAD - face.world.timepieces[name].offset)
    face.world.links[name] = link

    found = await reading(face, name)

    truth = face.world.timepieces[name].offset
    assert found.lowest <= truth <= found.highest
    assert link.delay / 2 <= found.bound <= link.delay / 2 + SLOW


@pytest.mark.parametrize("there", [0.0, 1.0])
@pytest.mark.parametrize("name", ["vm", "redisdead"])
async def test_a_lopsided_link_misleads_by_half_of_its_delay(
    face: Face, name: str, there: float
) -> None:
    """So that the bound is not merely wide: the delay falls on the way that it should."""
    face.world.links[name] = Link(0.4, 0.0, there)

    found = await reading(face, name)

    wrong = found.offset - face.world.timepieces[name].offset
    assert wrong == pytest.approx(0.2 if there else -0.2, abs=0.15)


@pytest.mark.parametrize("name", ["sleeper", "redisdead"])
async def test_a_guest_that_does_not_run_cannot_be_reached(face: Face, name: str) -> None:
    fz = face.world.hosts["fz"]
    for domain in tuple(fz.domains.values()):
        fz.drop(domain)

    with pytest.raises(Unreachable):
        await reading(face, name)


async def test_a_guest_that_starts_can_be_reached(face: Face) -> None:
    fy, fz = face.world.hosts["fy"], face.world.hosts["fz"]
    vm = next(domain.guest for domain in fy.domains.values() if domain.name == "vm")
    assert (await face.ask("vm", "date", "+%s.%N")).exit == 0
    fy.drop(next(domain for domain in fy.domains.values() if domain.name == "vm"))
    with pytest.raises(Unreachable):
        await face.ask("vm", "date", "+%s.%N")

    fz.build(vm, Life.ALIVE)

    async with asyncio.timeout(20):
        assert await until_it_answers(face, "vm") == 0


async def until_it_answers(face: Face, name: str) -> int:
    """The exit code of a command, once the door has followed the world."""
    while True:
        try:
            return (await face.ask(name, "date", "+%s.%N")).exit
        except Unreachable:
            continue


async def test_a_suspended_guest_answers_when_it_goes_on(face: Face) -> None:
    fy = face.world.hosts["fy"]
    vm = next(domain for domain in fy.domains.values() if domain.name == "vm")
    await face.ask("vm", "date", "+%s.%N")
    fy.live(vm, Life.SUSPENDED)
    asyncio.get_running_loop().call_later(SUSPENDED, lambda: fy.live(vm, Life.ALIVE))
    began = face.world.clock.now()

    answer = await face.ask("vm", "date", "+%s.%N")

    assert answer.exit == 0
    assert face.world.clock.now() - began >= SUSPENDED


#: seconds that a guest of these tests is suspended for
SUSPENDED = 0.2


async def test_a_guest_that_stays_suspended_is_not_reached(face: Face) -> None:
    fy = face.world.hosts["fy"]
    fy.live(next(domain for domain in fy.domains.values() if domain.name == "vm"), Life.SUSPENDED)

    with pytest.raises(Unreachable):
        await face.ask("vm", "date", "+%s.%N")
    with pytest.raises(OutcomeUnknown):
        await face.ask("vm", "date", "-s", "@0", changes=True)


async def test_faults_strike_guests_too(face: Face) -> None:
    await face.strike(Fault(faults.GARBLE, "vm", "date", 1))
    with pytest.raises(DeviceError):
        await read_by_ssh(face.sessions["vm"], face.watch, 1)

    await face.strike(Fault(faults.REFUSE, "vm"))
    with pytest.raises(Unreachable):
        await face.ask("vm", "date", "+%s.%N")

    await face.clear()
    assert await until_it_answers(face, "vm") == 0


@pytest.mark.parametrize("fault", [faults.REFUSE, faults.DROP, faults.GARBLE, faults.HANG])
async def test_a_time_server_that_a_fault_strikes_is_silent(face: Face, fault: str) -> None:
    await face.strike(Fault(fault, "redisdead"))

    with pytest.raises(Unreachable):
        await reading(face, "redisdead")


async def test_what_there_is_not_has_no_fault(face: Face) -> None:
    with pytest.raises(UnknownFault):
        await face.strike(Fault(faults.REFUSE, "nobody"))


async def test_a_time_server_says_that_it_is_not_synchronised(face: Face) -> None:
    server = face.time_servers["redisdead"]
    service = face.world.timepieces["redisdead"].service
    assert service is not None
    assert (await server.ask()).synchronised

    service.alive = False

    answer = await server.ask()
    assert not answer.synchronised
    assert answer.stratum == 16
    assert answer.bound >= 16


async def test_a_lie_is_told_once(face: Face) -> None:
    server = face.time_servers["redisdead"]
    face.world.timepieces["redisdead"].stray(1000.0)

    lie = await server.ask()
    truth = await server.ask()

    assert lie.sent - truth.sent == pytest.approx(1000.0, abs=20)
