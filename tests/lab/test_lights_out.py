"""The bot's own driver at both iLOs, on both faces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.devices.console import ConsoleHeld
from bot.devices.lights_out.ilo import Ilo
from bot.devices.power import Power, PowerChange
from bot.errors import DeviceError, Unreachable
from bot.lab import faults
from bot.lab.faults import Fault
from tests.lab.faces import Face

#: seconds to look at a serial port that says nothing new
LOOK = 0.2


@pytest.fixture(params=["fy", "fz"])
def host(request: pytest.FixtureRequest) -> str:
    """One Dom0 with an old iLO, and one with a newer."""
    return str(request.param)


@pytest.fixture
def ilo(face: Face, host: str) -> Ilo:
    return Ilo(f"{host}-ilo", face.sessions[f"{host}-ilo"])


async def once(face: Face, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        await face.world.until(holds)


async def test_it_knows_its_server(face: Face, host: str, ilo: Ilo) -> None:
    server = await ilo.server()

    assert server.name == host
    assert server.serial == face.world.ilos[f"{host}-ilo"].serial_number
    assert server.model.startswith("ProLiant DL360")
    await face.strike(Fault(faults.ILO_OTHER_SERVER, f"{host}-ilo"))
    assert (await ilo.server()).serial != server.serial


async def test_the_log_tells_the_newest_first(ilo: Ilo) -> None:
    await ilo.change(PowerChange.RESET)

    newest, *_, oldest = await ilo.log(10)

    assert newest.text == "Server reset."
    assert oldest.text == "System Power Supply: General Failure (Power Supply 1)"
    assert [entry.number for entry in await ilo.log(2)] == [newest.number, newest.number - 1]


async def test_power_goes_and_comes(face: Face, host: str, ilo: Ilo) -> None:
    dom0 = face.world.hosts[host]
    assert await ilo.power() is Power.ON

    await ilo.change(PowerChange.CUT)
    assert await ilo.power() is Power.OFF
    await ilo.change(PowerChange.ON)
    await once(face, lambda: dom0.alive)
    assert await ilo.power() is Power.ON
    await ilo.change(PowerChange.OFF)
    await once(face, lambda: not dom0.powered)
    assert await ilo.power() is Power.OFF


async def test_a_change_that_is_none_is_an_error_in_the_ilos_words(ilo: Ilo) -> None:
    with pytest.raises(DeviceError, match="Server power already on"):
        await ilo.change(PowerChange.ON)


async def test_the_serial_port_shows_the_host_and_nothing_of_the_ilo(
    face: Face, host: str, ilo: Ilo
) -> None:
    seen = await ilo.view_serial(LOOK)
    assert seen.lstrip().startswith("ProLiant System BIOS")
    assert seen.endswith(f"\n{host} login: ")

    await face.strike(Fault(faults.HANG_HOST, host))
    assert "Kernel panic - not syncing" in await ilo.view_serial(LOOK)

    await face.strike(Fault(faults.KILL_HOST, host))
    assert (await ilo.view_serial(LOOK)).strip() == ""


async def test_a_serial_port_that_is_held_is_told_and_freed(
    face: Face, host: str, ilo: Ilo
) -> None:
    await face.strike(Fault(faults.ILO_VSP_BUSY, f"{host}-ilo"))
    with pytest.raises(ConsoleHeld):
        await ilo.view_serial(LOOK)

    await ilo.free_serial()

    assert await ilo.view_serial(LOOK)


async def test_it_answers_whatever_becomes_of_its_host(face: Face, host: str, ilo: Ilo) -> None:
    await face.strike(Fault(faults.HANG_HOST, host))
    with pytest.raises((Unreachable, TimeoutError)):
        async with asyncio.timeout(1):
            await face.ask(host, "sudo", "xl", "list")
    assert await ilo.power() is Power.ON

    await face.strike(Fault(faults.KILL_HOST, host))
    assert await ilo.power() is Power.OFF
