"""What the drivers of time services have in common: changes, and answers that are none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.devices import units
from bot.devices.session import Output
from bot.devices.time_service import TimeServiceDriver
from bot.devices.time_services import chrony, ntpd, timesyncd
from bot.devices.time_services.chrony import Chrony
from bot.devices.time_services.ntpd import Ntpd
from bot.devices.time_services.timesyncd import Timesyncd
from bot.errors import DeviceError
from tests.devices.scripted import ScriptedSession, complaint
from tests.devices.time_recordings import FOLDER, MISSING, SHOW, recorded, units_said


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
async def test_a_refusal_is_one_clear_sentence(said: Output, expected: str) -> None:
    session = ScriptedSession({"sudo -n chronyc makestep": said})
    with pytest.raises(DeviceError) as refused:
        await Chrony("vm", session).step()
    assert str(refused.value) == expected
    assert len(session.asked) == 1


async def test_chrony_is_told_to_ask_and_to_step() -> None:
    done = recorded("chrony-4.3-burst")
    session = ScriptedSession({"sudo -n chronyc burst 4/4": done, "sudo -n chronyc makestep": done})
    driver = Chrony("vm", session)
    assert await driver.ask_again()
    assert await driver.step()
    assert session.asked == ["sudo -n chronyc burst 4/4", "sudo -n chronyc makestep"]


@pytest.mark.parametrize("kind", [Ntpd, Timesyncd])
async def test_the_others_cannot_be_told(kind: type[TimeServiceDriver]) -> None:
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
    kind: type[TimeServiceDriver], names: str, states: tuple[str, ...], unit: str
) -> None:
    restart = f"sudo -n systemctl restart {unit}"
    session = ScriptedSession({f"{SHOW} {names}": units_said(*states), restart: Output("")})
    await kind("vm", session).restart()
    assert session.asked == [f"{SHOW} {names}", restart]


async def test_without_a_unit_nothing_is_started() -> None:
    session = ScriptedSession(
        {f"{SHOW} chrony chronyd": units_said("not-found/inactive", "not-found/inactive")}
    )
    with pytest.raises(DeviceError, match="knows no unit chrony / chronyd"):
        await Chrony("vm", session).restart()


@pytest.mark.parametrize("words", [("chronyc", "makestep"), ("systemctl", "restart", "ntp")])
def test_a_change_is_marked_as_one_and_never_asks_for_a_password(words: tuple[str, ...]) -> None:
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
