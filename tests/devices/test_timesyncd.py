"""The driver of systemd-timesyncd, by what the one of Debian 12 printed."""

from __future__ import annotations

import pytest

from bot.core.time_service import Standing, Sync, TimeService
from bot.devices.session import Output
from bot.devices.time_services import timesyncd
from bot.devices.time_services.timesyncd import Timesyncd
from tests.devices.scripted import ScriptedSession, complaint
from tests.devices.time_recordings import MISSING, SHOW, recorded, standings, units_said


async def timesyncd_says(
    name: str, *, flag: str = "yes", unit: str = "loaded/active"
) -> TimeService | None:
    session = ScriptedSession(
        {
            f"{SHOW} systemd-timesyncd": units_said(unit),
            "timedatectl show-timesync --all": recorded(f"timesyncd-252-{name}"),
            # from the manual: systemd-timedated needs a systemd to be recorded
            "timedatectl show -p NTP -p NTPSynchronized": Output(
                f"NTP=yes\nNTPSynchronized={flag}\n"
            ),
        }
    )
    return await Timesyncd("vm", session).look()


async def test_a_clock_in_sync_follows_one_server() -> None:
    found = await timesyncd_says("good")
    assert found is not None
    assert found.sync is Sync.SYNCHRONISED
    (source,) = found.sources
    assert (source.name, source.standing, source.stratum) == (
        "10.9.0.11",
        Standing.SELECTED,
        2,
    )
    assert found.offset is None


async def test_a_kernel_that_says_no_is_not_synchronised() -> None:
    found = await timesyncd_says("good", flag="no")
    assert found is not None
    assert found.sync is Sync.UNSYNCHRONISED


@pytest.mark.parametrize("name", ["alone", "none"])
async def test_a_server_that_does_not_answer_is_silent(name: str) -> None:
    assert standings(await timesyncd_says(name, flag="no")) == [Standing.SILENT]


async def test_one_that_does_not_run_is_dead_and_is_not_asked() -> None:
    session = ScriptedSession({f"{SHOW} systemd-timesyncd": units_said("loaded/failed")})
    found = await Timesyncd("vm", session).look()
    assert found == TimeService("timesyncd", Sync.DEAD)
    assert len(session.asked) == 1


@pytest.mark.parametrize(
    "said",
    [
        units_said("not-found/inactive"),
        units_said("masked/inactive"),
        recorded("systemctl-252-no-systemd"),
        MISSING,
    ],
    ids=["not-found", "masked", "no-systemd", "no-systemctl"],
)
async def test_one_that_is_not_there_is_none(said: Output) -> None:
    session = ScriptedSession({f"{SHOW} systemd-timesyncd": said})
    assert await Timesyncd("vm", session).look() is None


@pytest.mark.parametrize("name", ["no-bus", "no-systemd"])
def test_a_bus_that_is_not_there_is_an_error_in_one_sentence(name: str) -> None:
    assert "failed" in complaint(timesyncd.read_followed, recorded(f"timesyncd-252-{name}"))


def test_the_rate_is_turned_and_the_address_named() -> None:
    said = recorded("timesyncd-252-good").stdout
    said = said.replace("Frequency=0", "Frequency=-819200")
    said = said.replace("ServerName=10.9.0.11", "ServerName=time.example.org")
    found = timesyncd.read_followed(Output(said))
    assert found.ppm == 12.5
    assert found.source is not None
    assert found.source.name == "time.example.org (10.9.0.11)"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Ignored=no", "Ignored=maybe"),
        ("Stratum=2", "Stratum=two"),
        ("PacketCount=1, ", ""),
        ("NTPMessage={", "NTPMessage=("),
        ("Frequency=0", "Frequency=fast"),
        ("ServerName=", "Server="),
        ("ServerName=", "ServerName"),
    ],
)
def test_what_is_not_understood_is_no_guess(old: str, new: str) -> None:
    said = recorded("timesyncd-252-good").stdout
    assert old in said
    answer = Output(said.replace(old, new))
    assert "cannot be read" in complaint(timesyncd.read_followed, answer)


def test_neither_yes_nor_no_is_no_guess() -> None:
    assert complaint(timesyncd.read_synchronised, Output("NTP=yes\n"))
    assert complaint(timesyncd.read_synchronised, Output("NTPSynchronized=perhaps\n"))
