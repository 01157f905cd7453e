"""The iLO driver: what it says and what it makes of the answers of each generation."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.devices.console import ConsoleHeld
from bot.devices.lights_out.ilo import LEAVE, Ilo, Status, properties
from bot.devices.power import LogEntry, Power, PowerChange, Server
from bot.devices.session import Call, Output, Session, T
from bot.errors import BotError, DeviceError, OutcomeUnknown
from tests.devices.ilo_screens import GENERATIONS, screens
from tests.devices.ilo_server import OPENED


class Told(Session):
    """Answers each line with what it was told; notes the calls."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answers = answers
        self.calls: list[Call[Any]] = []

    async def run(self, call: Call[T]) -> T:
        self.calls.append(call)
        return call.parse(Output(self.answers[" ".join(call.words)].replace("\r\n", "\n")))

    async def close(self) -> None:
        """There is nothing to close."""


def ilo(generation: str, **more: str) -> Ilo:
    answers = screens(generation).answers | {key.replace("_", " "): more[key] for key in more}
    return Ilo("fz-ilo", Told(answers))


def done(body: str) -> str:
    return f"\n\nstatus=0\nstatus_tag=COMMAND COMPLETED\nThu Jun  7 10:14:06 2018\n\n{body}\n\n"


@pytest.mark.parametrize("generation", GENERATIONS)
def test_one_expression_matches_the_prompt_of_each_generation(generation: str) -> None:
    assert re.search(Ilo.prompt, screens(generation).banner + screens(generation).prompt)
    assert not re.search(Ilo.prompt, screens(generation).banner)


@pytest.mark.parametrize(
    ("generation", "power"), [("ilo2", Power.ON), ("ilo3", Power.OFF), ("ilo7", Power.ON)]
)
async def test_the_power_is_read(generation: str, power: Power) -> None:
    assert await ilo(generation).power() is power


async def test_the_server_is_known_by_its_serial_number() -> None:
    assert await ilo("ilo2").server() == Server(
        "CZC7280001", "ProLiant DL360 G5", "fy", "iLO 2 Advanced 2.29"
    )
    assert await ilo("ilo4").server() == Server("CZ2345678A", "ProLiant DL380p Gen8", "fz", "2.78")


async def test_a_server_without_a_serial_number_is_none() -> None:
    odd = done("/system1\n  Properties\n    name=ProLiant\n  Verbs\n    show")

    with pytest.raises(DeviceError, match="show /system1"):
        await Ilo("fz-ilo", Told(screens("ilo4").answers | {"show /system1": odd})).server()


async def test_the_log_comes_newest_first_with_descriptions_whole() -> None:
    answers = dict(screens("ilo2").answers)
    answers["show /system1/log1/record314"] = done("/x\n Properties\n  severity=Caution\n")

    entries = await Ilo("fy-ilo", Told(answers)).log(10)

    assert entries == (
        LogEntry(
            315,
            "NonCritical",
            "06/10/2020 01:58",
            "System Power Supply: General Failure (Power Supply 1)",
        ),
        LogEntry(314, "Caution", "", ""),
    )
    assert len(await ilo("ilo2").log(1)) == 1


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (PowerChange.ON, "power on"),
        (PowerChange.CUT, "power off hard"),
        (PowerChange.RESET, "power reset"),
    ],
)
async def test_each_change_is_one_line_that_changes_something(
    change: PowerChange, line: str
) -> None:
    it = ilo("ilo3")

    await it.change(change)

    assert isinstance(it.session, Told)
    assert [(" ".join(call.words), call.changes) for call in it.session.calls] == [(line, True)]


async def test_the_button_asks_the_operating_system() -> None:
    it = ilo("ilo3", power_off=done("Server powering off .......\n"))

    await it.change(PowerChange.OFF)

    assert isinstance(it.session, Told)
    assert it.session.calls[0].words == ("power", "off")


async def test_a_server_that_is_on_already_is_no_error() -> None:
    await ilo("ilo4").change(PowerChange.ON)


@pytest.mark.parametrize("answer", ["", "\n\n", "Server pow", done("what?")])
async def test_an_answer_that_is_none_leaves_a_change_unknown(answer: str) -> None:
    with pytest.raises(OutcomeUnknown):
        await ilo("ilo3", power_on=answer).change(PowerChange.ON)


@pytest.mark.parametrize("answer", ["", "power: server power is currently: On", done("what?")])
async def test_a_read_without_status_or_body_is_not_understood(answer: str) -> None:
    with pytest.raises(DeviceError):
        await ilo("ilo3", power=answer).power()


async def test_an_error_is_told_with_its_tags() -> None:
    refused = screens("ilo2")["power up"]

    with pytest.raises(DeviceError, match=r"COMMAND SYNTAX ERROR · COMMAND PROCESSING FAILED"):
        await ilo("ilo3", power_on=refused).change(PowerChange.ON)
    with pytest.raises(DeviceError, match="COMMAND SYNTAX ERROR"):
        await ilo("ilo3", power=refused).power()


async def test_the_serial_port_is_shown_without_the_words_of_the_ilo() -> None:
    it = ilo("ilo4", vsp=OPENED + "Debian GNU/Linux 12 fz ttyS1\r\n\r\nfz login: ")

    assert (await it.view_serial(2)).strip() == "Debian GNU/Linux 12 fz ttyS1\n\nfz login:"
    assert isinstance(it.session, Told)
    (call,) = it.session.calls
    assert call.visit is not None
    assert (call.visit.leave, call.visit.keys, call.changes) == (LEAVE, (), False)
    assert call.visit.longest == 2


async def test_a_guest_that_writes_of_sessions_is_no_busy_port() -> None:
    it = ilo("ilo4", vsp=OPENED + "Port is currently in use by another session.\r\n")

    assert "in use by another" in await it.view_serial(2)


async def test_a_busy_port_is_held() -> None:
    with pytest.raises(ConsoleHeld, match="Somebody else has the serial port of fz-ilo"):
        await ilo("ilo2").view_serial(2)


@pytest.mark.parametrize("answer", ["", screens("ilo2")["power up"]])
async def test_a_port_that_does_not_open_is_an_error(answer: str) -> None:
    with pytest.raises(DeviceError):
        await ilo("ilo4", vsp=answer).view_serial(2)


async def test_freeing_the_port_changes_something_and_an_ilo_7_cannot() -> None:
    freed = {"stop /system1/oemhp_vsp1": done("")}
    it = Ilo("fz-ilo", Told(freed))
    await it.free_serial()
    assert isinstance(it.session, Told)
    assert it.session.calls[0].changes

    with pytest.raises(DeviceError, match="COMMAND NOT RECOGNIZED"):
        await ilo("ilo7").free_serial()


def test_a_status_within_the_body_is_none_of_the_answer() -> None:
    status = Status.of(done("description=x\nstatus=2\nstatus_tag=COMMAND PROCESSING FAILED"))

    assert (status.code, status.tag) == (0, "COMMAND COMPLETED")


@given(st.text() | st.text(alphabet="status_ag=02 \nCOMPLED/Properties"))
async def test_no_answer_makes_the_driver_stumble(text: str) -> None:
    Status.of(text)
    properties(text)
    for answer in (text, done(text)):
        answers: defaultdict[str, str] = defaultdict(partial(str, answer))
        it = Ilo("fz-ilo", Told(answers))
        changing = partial(it.change, PowerChange.ON)
        asks: list[Callable[[], Awaitable[object]]] = [
            it.server,
            it.power,
            changing,
            it.free_serial,
            partial(it.view_serial, 1),
            partial(it.log, 2),
        ]
        for ask in asks:
            # whatever else it raises is a bug
            with suppress(BotError):
                await ask()
