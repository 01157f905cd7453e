"""Drivers of time services, by what the real ones of Debian 12 printed (tests/data/clocks)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.time_service import Standing, Sync, TimeService
from bot.devices.session import Output
from bot.devices.time_service import TimeServiceDriver
from bot.devices.time_services import chrony, ntpd, timesyncd, units
from bot.devices.time_services.chrony import Chrony
from bot.devices.time_services.ntpd import Ntpd
from bot.devices.time_services.timesyncd import Timesyncd
from bot.errors import DeviceError
from tests.devices.scripted import ScriptedSession, complaint

FOLDER = Path(__file__).parent.parent / "data" / "clocks"
SHOW = "systemctl show --property=LoadState --property=ActiveState --"
MISSING = Output("", "sh: 1: not found\n", 127)


def recorded(name: str) -> Output:
    content = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return Output(content["stdout"], content["stderr"], content["exit"])


def units_said(*states: str) -> Output:
    """From the manual: systemctl(1), show with several units."""
    pairs = [state.split("/") for state in states]
    return Output("\n".join(f"LoadState={load}\nActiveState={now}\n" for load, now in pairs))


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


async def ntpd_says(name: str) -> TimeService | None:
    session = ScriptedSession(
        {
            "ntpq -c rv": recorded(f"ntpsec-1.2-{name}-rv"),
            "ntpq -pn": recorded(f"ntpsec-1.2-{name}-peers"),
        }
    )
    return await Ntpd("vm", session).look()


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


def standings(service: TimeService | None) -> list[Standing]:
    assert service is not None
    return [source.standing for source in service.sources]


class TestChrony:
    async def test_a_clock_in_sync_has_an_offset_with_a_bound(self) -> None:
        found = await chrony_says("good")
        assert found is not None
        assert found.sync is Sync.SYNCHRONISED
        assert found.bound is not None
        assert 0 < found.bound < 0.001
        assert [source.name for source in found.sources] == ["127.0.0.1", "127.0.0.2", "::1"]
        assert standings(found) == [Standing.SELECTED, Standing.COMBINED, Standing.COMBINED]
        assert {source.answered for source in found.sources} == {8}

    @pytest.mark.parametrize(("name", "ahead"), [("fast", 0.25), ("slow", -0.25)])
    async def test_the_sign_of_a_clock_is_turned(self, name: str, ahead: float) -> None:
        found = await chrony_says(name)
        assert found is not None
        assert found.offset == pytest.approx(ahead, abs=1e-4)

    async def test_the_sign_of_a_source_is_not_turned(self) -> None:
        # the wrong server is half a second ahead, so the clock is behind it
        found = await chrony_says("wrong")
        assert found is not None
        assert standings(found)[2] is Standing.FALSE
        assert found.sources[2].offset == pytest.approx(-0.5, abs=1e-4)
        assert found.sync is Sync.SYNCHRONISED

    async def test_two_sources_that_disagree_synchronise_nothing(self) -> None:
        found = await chrony_says("two")
        assert found is not None
        assert found.sync is Sync.UNSYNCHRONISED
        assert found.offset is None
        assert standings(found) == [Standing.FALSE, Standing.FALSE]

    @pytest.mark.parametrize("name", ["alone", "waking"])
    async def test_servers_that_do_not_answer_are_silent(self, name: str) -> None:
        sources = chrony.read_sources(recorded(f"chrony-4.3-{name}-sources"))
        assert {source.standing for source in sources} == {Standing.SILENT}
        assert {source.answered for source in sources} == {0}
        assert {(source.stratum, source.offset) for source in sources} == {(None, None)}

    async def test_who_follows_itself_is_not_synchronised(self) -> None:
        found = await chrony_says("local")
        assert found is not None
        assert found.sync is Sync.UNSYNCHRONISED
        assert found.sources == ()

    async def test_a_reference_clock_is_a_source_too(self) -> None:
        found = await chrony_says("clock")
        assert found is not None
        assert [(source.name, source.standing) for source in found.sources] == [
            ("GPS", Standing.SILENT),
            ("127.0.0.1", Standing.SELECTED),
        ]

    async def test_a_daemon_that_does_not_run_is_dead(self) -> None:
        show = units_said("loaded/inactive", "loaded/inactive")
        assert await chrony_says("dead", show=show) == TimeService("chrony", Sync.DEAD)
        assert await chrony_says("dead", show=MISSING) == TimeService("chrony", Sync.DEAD)

    async def test_a_daemon_that_runs_and_is_shut_to_chronyc_is_not_called_dead(self) -> None:
        # "cmdport 0": chronyc without root's rights gets no answer
        show = units_said("loaded/active", "loaded/active")
        with pytest.raises(DeviceError, match="runs, but does not answer"):
            await chrony_says("dead", show=show)

    def test_the_rate_is_positive_for_a_clock_that_runs_too_fast(self) -> None:
        # from the manual: "ppm fast" in the table is positive here
        line = (
            "7F000001,a,3,1795614278.9,-0.000003082,0,0,25.5,0.017,0.682,0.0002,0.0001,0.3,Normal"
        )
        found = chrony.read_tracking(Output(f"{line}\n"))
        assert isinstance(found, chrony.Tracking)
        assert found.ppm == 25.5
        assert found.bound == pytest.approx(0.0002)

    def test_reach_is_read_as_octal(self) -> None:
        line = "^,-,time.example.org,2,6,17,5,0.001,0.001,0.02"
        (source,) = chrony.read_sources(Output(line))
        assert source.answered == 4

    def test_a_name_may_hold_anything_and_is_bounded(self) -> None:
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
    def test_what_is_not_understood_is_no_guess(self, line: str) -> None:
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
    def test_a_source_that_is_not_understood_is_no_guess(self, line: str) -> None:
        assert "cannot be read" in complaint(chrony.read_sources, Output(line))


class TestNtpd:
    async def test_a_clock_in_sync_has_an_offset_in_seconds(self) -> None:
        found = await ntpd_says("good")
        assert found is not None
        assert found.sync is Sync.SYNCHRONISED
        # recorded: offset=0.00136 ms, rootdelay=0.038 ms, rootdisp=1.135 ms
        assert found.offset == pytest.approx(-1.36e-6)
        assert found.bound == pytest.approx(0.001154)
        assert [source.name for source in found.sources] == ["10.9.0.11", "10.9.0.12", "fd00::16"]
        assert standings(found) == [Standing.SELECTED, Standing.COMBINED, Standing.COMBINED]
        assert {source.answered for source in found.sources} == {5}

    async def test_a_server_that_disagrees_is_a_falseticker_and_the_clock_behind_it(self) -> None:
        found = await ntpd_says("wrong")
        assert standings(found)[2:4] == [Standing.FALSE, Standing.SILENT]
        assert found is not None
        assert found.sources[2].offset == pytest.approx(-0.5, abs=1e-4)
        assert found.sources[3].stratum is None

    async def test_leap_and_stratum_of_yesterday_synchronise_nothing(self) -> None:
        found = await ntpd_says("two")
        assert found is not None
        assert found.sync is Sync.UNSYNCHRONISED
        assert standings(found) == [Standing.FALSE, Standing.FALSE]

    @pytest.mark.parametrize("name", ["alone", "waking", "off"])
    async def test_a_leap_alarm_is_not_synchronised(self, name: str) -> None:
        found = await ntpd_says(name)
        assert found is not None
        assert found.sync is Sync.UNSYNCHRONISED
        assert found.offset is None

    async def test_a_daemon_that_does_not_run_is_dead(self) -> None:
        assert await ntpd_says("dead") == TimeService("ntpd", Sync.DEAD)
        # from the manual: the classic one
        refused = Output("", "ntpq: read: Connection refused\n")
        assert ntpd.read_variables(refused) is Sync.DEAD

    def test_one_that_answers_nobody_is_not_called_dead(self) -> None:
        # from the manual: "restrict default noquery", the classic one and ntpsec
        for said in ("localhost: timed out, nothing received\n***Request timed out\n",):
            assert "does not answer" in complaint(ntpd.read_variables, Output("", said))
        assert complaint(ntpd.read_variables, Output(""))

    def test_the_classic_one_is_read_too(self) -> None:
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

    def test_its_own_clock_is_no_source(self) -> None:
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
    def test_what_is_not_understood_is_no_guess(self, old: str, new: str) -> None:
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
    def test_a_table_that_is_not_understood_is_no_guess(self, old: str, new: str) -> None:
        peers = recorded("ntpsec-1.2-good-peers").stdout
        assert old in peers
        assert "cannot be read" in complaint(ntpd.read_peers, Output(peers.replace(old, new)))

    def test_one_without_servers_has_no_sources(self) -> None:
        # from the manual
        assert ntpd.read_peers(Output("", "No association ID's returned\n")) == ()


class TestTimesyncd:
    async def test_a_clock_in_sync_follows_one_server(self) -> None:
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

    async def test_a_kernel_that_says_no_is_not_synchronised(self) -> None:
        found = await timesyncd_says("good", flag="no")
        assert found is not None
        assert found.sync is Sync.UNSYNCHRONISED

    @pytest.mark.parametrize("name", ["alone", "none"])
    async def test_a_server_that_does_not_answer_is_silent(self, name: str) -> None:
        assert standings(await timesyncd_says(name, flag="no")) == [Standing.SILENT]

    async def test_one_that_does_not_run_is_dead_and_is_not_asked(self) -> None:
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
    async def test_one_that_is_not_there_is_none(self, said: Output) -> None:
        session = ScriptedSession({f"{SHOW} systemd-timesyncd": said})
        assert await Timesyncd("vm", session).look() is None

    @pytest.mark.parametrize("name", ["no-bus", "no-systemd"])
    def test_a_bus_that_is_not_there_is_an_error_in_one_sentence(self, name: str) -> None:
        assert "failed" in complaint(timesyncd.read_followed, recorded(f"timesyncd-252-{name}"))

    def test_the_rate_is_turned_and_the_address_named(self) -> None:
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
    def test_what_is_not_understood_is_no_guess(self, old: str, new: str) -> None:
        said = recorded("timesyncd-252-good").stdout
        assert old in said
        answer = Output(said.replace(old, new))
        assert "cannot be read" in complaint(timesyncd.read_followed, answer)

    def test_neither_yes_nor_no_is_no_guess(self) -> None:
        assert complaint(timesyncd.read_synchronised, Output("NTP=yes\n"))
        assert complaint(timesyncd.read_synchronised, Output("NTPSynchronized=perhaps\n"))


class TestChanges:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            (recorded("chrony-4.3-makestep-unprivileged"), "chronyc failed: 501 Not authorised"),
            (recorded("chrony-4.3-makestep-failed"), "chronyc failed: 500 Failure"),
            (recorded("chrony-4.3-dead-makestep"), "chronyc failed: 506 Cannot talk to daemon"),
            # from the manual: sudo(8), and dash
            (
                Output("", "sudo: a password is required\n", 1),
                "The machine does not let the bot run chronyc: sudo says: a password is required",
            ),
            (
                Output("", "sh: 1: sudo: not found\n", 127),
                "chronyc failed: sh: 1: sudo: not found",
            ),
            (Output("", "", 9), "chronyc failed with exit code 9 and without a word."),
        ],
    )
    async def test_a_refusal_is_one_clear_sentence(self, said: Output, expected: str) -> None:
        session = ScriptedSession({"sudo -n chronyc makestep": said})
        with pytest.raises(DeviceError) as refused:
            await Chrony("vm", session).step()
        assert str(refused.value) == expected
        assert len(session.asked) == 1

    async def test_chrony_is_told_to_ask_and_to_step(self) -> None:
        done = recorded("chrony-4.3-burst")
        session = ScriptedSession(
            {"sudo -n chronyc burst 4/4": done, "sudo -n chronyc makestep": done}
        )
        driver = Chrony("vm", session)
        assert await driver.ask_again()
        assert await driver.step()
        assert session.asked == ["sudo -n chronyc burst 4/4", "sudo -n chronyc makestep"]

    @pytest.mark.parametrize("kind", [Ntpd, Timesyncd])
    async def test_the_others_cannot_be_told(self, kind: type[TimeServiceDriver]) -> None:
        session = ScriptedSession({})
        driver = kind("vm", session)
        assert not await driver.ask_again()
        assert not await driver.step()
        assert session.asked == []

    @pytest.mark.parametrize(
        ("kind", "names", "states", "unit"),
        [
            (Chrony, "chrony chronyd", ("not-found/inactive", "loaded/failed"), "chronyd"),
            (
                Ntpd,
                "ntpsec ntp ntpd",
                ("not-found/inactive", "loaded/active", "not-found/inactive"),
                "ntp",
            ),
            (Timesyncd, "systemd-timesyncd", ("loaded/inactive",), "systemd-timesyncd"),
        ],
    )
    async def test_the_unit_that_is_installed_is_started_anew(
        self, kind: type[TimeServiceDriver], names: str, states: tuple[str, ...], unit: str
    ) -> None:
        restart = f"sudo -n systemctl restart {unit}"
        session = ScriptedSession({f"{SHOW} {names}": units_said(*states), restart: Output("")})
        await kind("vm", session).restart()
        assert session.asked == [f"{SHOW} {names}", restart]

    async def test_without_a_unit_nothing_is_started(self) -> None:
        session = ScriptedSession({f"{SHOW} chrony chronyd": NO_UNITS})
        with pytest.raises(DeviceError, match="knows no unit chrony / chronyd"):
            await Chrony("vm", session).restart()

    @pytest.mark.parametrize("words", [("chronyc", "makestep"), ("systemctl", "restart", "ntp")])
    def test_a_change_is_marked_as_one_and_never_asks_for_a_password(
        self, words: tuple[str, ...]
    ) -> None:
        call = units.change(*words)
        assert call.changes
        assert call.words == ("sudo", "-n", *words)


@pytest.mark.parametrize("kind", [Chrony, Ntpd])
async def test_one_that_is_not_installed_is_none(kind: type[TimeServiceDriver]) -> None:
    first = {Chrony: "chronyc -n -c tracking", Ntpd: "ntpq -c rv"}[kind]
    session = ScriptedSession({first: MISSING})
    assert await kind("vm", session).look() is None
    assert session.asked == [first]


PARSERS: list[Callable[[Output], object]] = [
    chrony.read_tracking,
    chrony.read_sources,
    ntpd.read_variables,
    ntpd.read_peers,
    timesyncd.read_followed,
    timesyncd.read_synchronised,
    units.units_call("chrony", "chronyd").parse,
]
SAID = [recorded(path.stem) for path in sorted(FOLDER.glob("*.json"))]


@pytest.mark.parametrize("parse", PARSERS)
@given(st.data())
def test_whatever_comes_is_understood_or_one_sentence(
    parse: Callable[[Output], object], data: st.DataObject
) -> None:
    said = data.draw(st.sampled_from(SAID))
    text = said.stdout or said.stderr
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    text = text[:start] + data.draw(st.text(max_size=20)) + text[end:]
    complaint(parse, Output(text, data.draw(st.sampled_from(["", said.stderr])), said.exit))
