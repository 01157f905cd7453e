"""The driver of ntpd, by what the ntpsec of Debian 12 printed."""

from __future__ import annotations

import pytest

from bot.core.time_service import Standing, Sync, TimeService
from bot.devices.session import Output
from bot.devices.time_services import ntpd
from bot.devices.time_services.ntpd import Ntpd
from tests.devices.scripted import ScriptedSession, complaint
from tests.devices.time_recordings import recorded, standings


async def ntpd_says(name: str) -> TimeService | None:
    session = ScriptedSession(
        {
            "ntpq -c rv": recorded(f"ntpsec-1.2-{name}-rv"),
            "ntpq -pn": recorded(f"ntpsec-1.2-{name}-peers"),
        }
    )
    return await Ntpd("vm", session).look()


async def test_a_clock_in_sync_has_an_offset_in_seconds() -> None:
    found = await ntpd_says("good")
    assert found is not None
    assert found.sync is Sync.SYNCHRONISED
    # recorded: offset=0.00136 ms, rootdelay=0.038 ms, rootdisp=1.135 ms
    assert found.offset == pytest.approx(-1.36e-6)
    assert found.bound == pytest.approx(0.001154)
    assert [source.name for source in found.sources] == ["10.9.0.11", "10.9.0.12", "fd00::16"]
    assert standings(found) == [Standing.SELECTED, Standing.COMBINED, Standing.COMBINED]
    assert {source.answered for source in found.sources} == {5}


async def test_a_server_that_disagrees_is_a_falseticker_and_the_clock_behind_it() -> None:
    found = await ntpd_says("wrong")
    assert standings(found)[2:4] == [Standing.FALSE, Standing.SILENT]
    assert found is not None
    assert found.sources[2].offset == pytest.approx(-0.5, abs=1e-4)
    assert found.sources[3].stratum is None


async def test_leap_and_stratum_of_yesterday_synchronise_nothing() -> None:
    found = await ntpd_says("two")
    assert found is not None
    assert found.sync is Sync.UNSYNCHRONISED
    assert standings(found) == [Standing.FALSE, Standing.FALSE]


@pytest.mark.parametrize("name", ["alone", "waking", "off"])
async def test_a_leap_alarm_is_not_synchronised(name: str) -> None:
    found = await ntpd_says(name)
    assert found is not None
    assert found.sync is Sync.UNSYNCHRONISED
    assert found.offset is None


async def test_a_daemon_that_does_not_run_is_dead() -> None:
    assert await ntpd_says("dead") == TimeService("ntpd", Sync.DEAD)
    # from the manual: the classic one
    refused = Output("", "ntpq: read: Connection refused\n")
    assert ntpd.read_variables(refused) is Sync.DEAD


@pytest.mark.parametrize(
    "said",
    [
        recorded("ntpsec-1.2-noquery-rv"),
        # from the manual: the classic one
        Output("", "localhost: timed out, nothing received\n***Request timed out\n"),
    ],
    ids=["ntpsec", "classic"],
)
def test_one_that_answers_nobody_is_not_called_dead(said: Output) -> None:
    assert "does not answer" in complaint(ntpd.read_variables, said)


def test_no_word_at_all_is_an_error() -> None:
    assert complaint(ntpd.read_variables, Output(""))


def test_the_classic_one_is_read_too() -> None:
    # from the manual: ntp 4.2.8
    rv = (
        "associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,\r\n"
        'version="ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)",\r\n'
        'processor="x86_64", system="Linux/5.10.0", leap=00, stratum=3,\r\n'
        "precision=-24, rootdelay=20.000, rootdisp=15.000, refid=192.0.2.7,\r\n"
        "reftime=e9c1b2a4.1b0c2d3e  Mon, Apr  8 2024 10:00:04.105,\r\n"
        "clock=e9c1b2b0.00000000  Mon, Apr  8 2024 10:00:16.000, peer=1, tc=6,\r\n"
        "mintc=3, offset=-128.500, frequency=-12.250, sys_jitter=0.5,\r\n"
        "clk_jitter=0.2, clk_wander=0.01\r\n"
    )
    found = ntpd.read_variables(Output(rv))
    assert found == ntpd.Variables(True, 0.1285, 0.025, 12.25)
    peers = (
        "     remote           refid      st t when poll reach   delay   offset  jitter\n"
        "==============================================================================\n"
        " 0.debian.pool.n .POOL.          16 p    -   64    0    0.000    0.000   0.000\n"
        "*192.0.2.7       .GPS.            1 u  12m 1024  377   20.000 -128.500   0.500\n"
        " 192.0.2.8       .STEP.          16 u  17h   64    0    0.000    0.000   0.000\n"
        "o127.127.22.0    .PPS.            0 l    5   16  377    0.000    0.002   0.001\n"
        "-2001:db8::1%3   192.0.2.7        2 u    5   16    1  999.999 -1.2e+06 12345.\n"
    )
    pool = ntpd.read_peers(Output(peers))
    assert [(each.name, each.standing) for each in pool] == [
        ("192.0.2.7", Standing.SELECTED),
        ("192.0.2.8", Standing.SILENT),
        ("127.127.22.0", Standing.SELECTED),
        ("2001:db8::1%3", Standing.SPARE),
    ]
    assert pool[0].offset == pytest.approx(0.1285)
    assert pool[0].bound == pytest.approx(0.0105)
    assert pool[3].offset == pytest.approx(1200)


def test_an_address_that_the_table_cuts_says_so() -> None:
    peers = recorded("ntpsec-1.2-good-peers").stdout
    # from ntpsec's source: 15 characters, whatever follows
    (source,) = ntpd.read_peers(
        Output(
            peers[: peers.index("*")]
            + peers.splitlines()[-1].replace("fd00::16       ", "2001:db8:1234:5")
        )
    )
    assert source.name == "2001:db8:1234:5…"


def test_its_own_clock_is_no_source() -> None:
    rv = recorded("ntpsec-1.2-good-rv").stdout.replace("refid=10.9.0.11", "refid=LOCAL(0)")
    found = ntpd.read_variables(Output(rv))
    assert isinstance(found, ntpd.Variables)
    assert not found.synchronised


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("leap=00", "leap=7"),
        ("stratum=3", "stratum=x"),
        ("offset=0.00136", "offset=nan"),
        ("rootdelay=", "delay="),
        ("frequency=0.0", "frequency=inf"),
    ],
)
def test_what_is_not_understood_is_no_guess(old: str, new: str) -> None:
    rv = recorded("ntpsec-1.2-good-rv").stdout
    assert old in rv
    assert "cannot be read" in complaint(ntpd.read_variables, Output(rv.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("*10", "!10"),
        (" 37 ", " 38 "),
        (" 37 ", "777 "),
        ("0.0122", "soon  "),
        ("st t", "t st"),
    ],
)
def test_a_table_that_is_not_understood_is_no_guess(old: str, new: str) -> None:
    peers = recorded("ntpsec-1.2-good-peers").stdout
    assert old in peers
    assert "cannot be read" in complaint(ntpd.read_peers, Output(peers.replace(old, new)))


def test_one_without_servers_has_no_sources() -> None:
    # from the manual
    assert ntpd.read_peers(Output("", "No association ID's returned\n")) == ()
