"""The driver of chrony, by what the one of Debian 12 printed."""

from __future__ import annotations

import pytest

from bot.core.time_service import Standing, Sync, TimeService
from bot.devices.session import Output
from bot.devices.time_services import chrony
from bot.devices.time_services.chrony import Chrony
from bot.errors import DeviceError
from tests.devices.scripted import ScriptedSession, complaint
from tests.devices.time_recordings import MISSING, SHOW, recorded, standings, units_said

NO_UNITS = units_said("not-found/inactive", "not-found/inactive")


async def chrony_says(name: str, **more: Output) -> TimeService | None:
    session = ScriptedSession(
        {
            "chronyc -n -c tracking": recorded(f"chrony-4.3-{name}-tracking"),
            "chronyc -n -c sources": recorded(f"chrony-4.3-{name}-sources"),
            f"{SHOW} chrony chronyd": more.get("show", NO_UNITS),
        }
    )
    return await Chrony("vm", session).look()


async def test_a_clock_in_sync_has_an_offset_with_a_bound() -> None:
    found = await chrony_says("good")
    assert found is not None
    assert found.sync is Sync.SYNCHRONISED
    assert found.bound is not None
    assert 0 < found.bound < 0.001
    assert [source.name for source in found.sources] == ["127.0.0.1", "127.0.0.2", "::1"]
    assert standings(found) == [Standing.SELECTED, Standing.COMBINED, Standing.COMBINED]
    assert {source.answered for source in found.sources} == {8}


@pytest.mark.parametrize(("name", "ahead"), [("fast", 0.25), ("slow", -0.25)])
async def test_the_sign_of_a_clock_is_turned(name: str, ahead: float) -> None:
    found = await chrony_says(name)
    assert found is not None
    assert found.offset == pytest.approx(ahead, abs=1e-4)


async def test_the_sign_of_a_source_is_not_turned() -> None:
    # the wrong server is half a second ahead, so the clock is behind it
    found = await chrony_says("wrong")
    assert found is not None
    assert standings(found)[2] is Standing.FALSE
    assert found.sources[2].offset == pytest.approx(-0.5, abs=1e-4)
    assert found.sync is Sync.SYNCHRONISED


async def test_two_sources_that_disagree_synchronise_nothing() -> None:
    found = await chrony_says("two")
    assert found is not None
    assert found.sync is Sync.UNSYNCHRONISED
    assert found.offset is None
    assert standings(found) == [Standing.FALSE, Standing.FALSE]


@pytest.mark.parametrize("name", ["alone", "waking"])
async def test_servers_that_do_not_answer_are_silent(name: str) -> None:
    sources = chrony.read_sources(recorded(f"chrony-4.3-{name}-sources"))
    assert {source.standing for source in sources} == {Standing.SILENT}
    assert {source.answered for source in sources} == {0}
    assert {(source.stratum, source.offset) for source in sources} == {(None, None)}


async def test_who_follows_itself_is_not_synchronised() -> None:
    found = await chrony_says("local")
    assert found is not None
    assert found.sync is Sync.UNSYNCHRONISED
    assert found.sources == ()


async def test_a_reference_clock_is_a_source_too() -> None:
    found = await chrony_says("clock")
    assert found is not None
    assert [(source.name, source.standing) for source in found.sources] == [
        ("GPS", Standing.SILENT),
        ("127.0.0.1", Standing.SELECTED),
    ]


async def test_a_daemon_that_does_not_run_is_dead() -> None:
    show = units_said("loaded/inactive", "loaded/inactive")
    assert await chrony_says("dead", show=show) == TimeService("chrony", Sync.DEAD)
    assert await chrony_says("dead", show=MISSING) == TimeService("chrony", Sync.DEAD)


async def test_a_daemon_that_runs_and_is_shut_to_chronyc_is_not_called_dead() -> None:
    # "cmdport 0": chronyc without root's rights gets no answer
    show = units_said("loaded/active", "loaded/active")
    with pytest.raises(DeviceError, match="runs, but does not answer"):
        await chrony_says("dead", show=show)


def test_the_rate_is_positive_for_a_clock_that_runs_too_fast() -> None:
    # from the manual: "ppm fast" in the table is positive here
    line = "7F000001,a,3,1795614278.9,-0.000003082,0,0,25.5,0.017,0.682,0.0002,0.0001,0.3,Normal"
    found = chrony.read_tracking(Output(f"{line}\n"))
    assert isinstance(found, chrony.Tracking)
    assert found.ppm == 25.5
    assert found.bound == pytest.approx(0.0002)


def test_reach_is_read_as_octal() -> None:
    line = "^,-,time.example.org,2,6,17,5,0.001,0.001,0.02"
    (source,) = chrony.read_sources(Output(line))
    assert source.answered == 4


def test_a_name_may_hold_anything_and_is_bounded() -> None:
    line = "^,*,\x1b[31mfd00::1%eth0,ümlaut" + "x" * 500 + ",2,6,377,5,0.001,0.001,0.02"
    (source,) = chrony.read_sources(Output(line))
    assert source.name.isprintable()
    assert len(source.name) <= 80
    assert source.name.startswith("[31mfd00::1%eth0,ümlaut")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "7F000001,127.0.0.1,3",
        "7F000001,a,3,1,nan,0,0,1,0,0,0,0,0.3,Normal",
        "7F000001,a,3,1,0,0,0,1,0,0,inf,0,0.3,Normal",
        "7F000001,a,3,1,0,0,0,1,0,0,0,0,0.3,Fine",
        "7F,a,3,1,0,0,0,1,0,0,0,0,0.3,Normal",
    ],
)
def test_what_is_not_understood_is_no_guess(line: str) -> None:
    assert "cannot be read" in complaint(chrony.read_tracking, Output(line))


@pytest.mark.parametrize(
    "line",
    [
        "^,*,a,2,6,378,5,0.1,0.1,0.1",
        "^,!,a,2,6,377,5,0.1,0.1,0.1",
        "%,*,a,2,6,377,5,0.1,0.1,0.1",
        "^,*,a,2,6,377,5,soon,0.1,0.1",
        "^,*,a",
    ],
)
def test_a_source_that_is_not_understood_is_no_guess(line: str) -> None:
    assert "cannot be read" in complaint(chrony.read_sources, Output(line))
