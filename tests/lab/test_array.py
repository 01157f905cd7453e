"""The array's command line over telnet, as a person at its prompt sees it."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.lab import virtual
from bot.lab.account import Account
from bot.lab.array.cli import Cli
from bot.lab.array.shows import SHOWS
from bot.lab.array.telnet import MORE, PAGE, SESSIONS, ArrayDoor
from bot.lab.blueprint import lab_world

PROMPT = b"\r\n# "


class Caller:
    """A plain TCP client that negotiates nothing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def until(self, end: bytes) -> str:
        async with asyncio.timeout(20):
            return (await self._reader.readuntil(end)).decode("latin-1")

    async def rest(self) -> str:
        """All that comes before the array hangs up."""
        async with asyncio.timeout(20):
            return (await self._reader.read()).decode("latin-1")

    def send(self, text: str) -> None:
        self._writer.write(text.encode())

    async def log_in(self, password: str = "secret") -> None:
        await self.until(b"login: ")
        self.send("manage\r\n")
        await self.until(b"Password: ")
        self.send(f"{password}\r\n")

    async def ask(self, line: str) -> str:
        """The answer to *line*, from its echo to before the prompt."""
        self.send(f"{line}\r\n")
        return (await self.until(PROMPT)).removesuffix("\r\n# ")

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def array() -> AsyncIterator[ArrayDoor]:
    world = lab_world()
    door = ArrayDoor(world, world.arrays["nols"], Account("manage", "secret"))
    await door.open()
    yield door
    door.close()
    await world.close()


async def call(door: ArrayDoor) -> Caller:
    return Caller(*await asyncio.open_connection("127.0.0.1", door.port))


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    """Somebody who is logged in."""
    async with array() as door:
        made = await call(door)
        await made.log_in()
        assert "System Name: nols" in await made.until(PROMPT)
        yield made
        made.close()


async def test_a_wrong_password_is_asked_for_again_and_then_cut_off() -> None:
    async with array() as door:
        caller = await call(door)
        for _attempt in range(3):
            await caller.log_in("wrong")

        assert "Login incorrect" in await caller.rest()
        caller.close()


async def test_the_password_is_not_echoed() -> None:
    async with array() as door:
        caller = await call(door)
        await caller.log_in()
        assert "secret" not in await caller.until(PROMPT)
        caller.close()


async def test_a_line_is_echoed_and_backspace_takes_back(caller: Caller) -> None:
    caller.send("show syx\x7fstem\r\n")

    answer = await caller.until(PROMPT)

    assert answer.startswith("show syx\b \bstem\r\n")
    assert "Success: Command completed successfully." in answer


async def test_long_text_stops_at_each_page_until_a_key_is_pressed(caller: Caller) -> None:
    caller.send("show volume-maps\r\n")
    first = await caller.until(MORE.encode())
    assert first.count("\r\n") == PAGE + 1
    caller.send(" ")
    await caller.until(MORE.encode())

    caller.send("q")

    assert "Success" not in await caller.until(PROMPT)


async def test_the_pager_stops_xml_too_until_it_is_switched_off(caller: Caller) -> None:
    caller.send("set cli-parameters api\r\n")
    await caller.until(PROMPT)
    caller.send("show volumes\r\n")
    await caller.until(MORE.encode())
    caller.send("q")
    await caller.until(PROMPT)

    await caller.ask("set cli-parameters pager off")
    answer = await caller.ask("show volumes")

    assert MORE not in answer
    ET.fromstring(answer[answer.index("<RESPONSE") :])


async def test_one_session_too_many_is_turned_away_with_its_error() -> None:
    async with array() as door:
        callers = [await call(door) for _ in range(SESSIONS)]
        for caller in callers:
            await caller.log_in()
            await caller.until(PROMPT)
        late = await call(door)
        await late.log_in()

        assert "Too many concurrent user sessions" in await late.rest()

        for caller in (*callers, late):
            caller.close()


def _rows(command: str) -> list[dict[str, str]]:
    """The properties of each object that *command* answers with."""

    async def ask() -> str:
        cli = Cli(lab_world().arrays["nols"], lab_world().clock)
        cli.answer("set cli-parameters api pager off")
        return cli.answer(command)

    answer = virtual.run(ask())
    return [
        {entry.get("name", ""): entry.text or "" for entry in found.iter("PROPERTY")}
        for found in ET.fromstring(answer.partition("?>")[2]).iter("OBJECT")
    ]


@pytest.mark.parametrize(
    "command",
    [f"show {what}" for what in (*SHOWS, "volumes vdisk vd1")],
)
def test_every_read_ends_in_a_good_status(command: str) -> None:
    rows = _rows(command)

    assert len(rows) > 1
    assert rows[-1]["return-code"] == "0"
    assert rows[-1]["response-type"] == "Success"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("show volumes nosuch", "-10075"),
        ("show host-maps nosuch", "-10074"),
        ("show unicorns", "-10007"),
        ("frobnicate", "-10007"),
        ("set cli-parameters frob", "-10007"),
        ("unmap volume host daath daath-home", "-10000"),
        ("set volume name x vm-root", "-10000"),
    ],
)
def test_what_is_wrong_or_would_change_something_is_an_error(command: str, code: str) -> None:
    (status,) = _rows(command)

    assert (status["return-code"], status["response-type"]) == (code, "Error")


def test_a_size_in_blocks_is_exact_and_the_serial_gives_the_wwn() -> None:
    for volume in _rows("show volumes")[:-1]:
        serial, wwn = volume["serial-number"], volume["wwn"]
        assert int(volume["size-numeric"]) * 512 % 2**30 == 0
        assert wwn == f"600c0ff000{serial[6:12]}{serial[16:32]}".upper()
        assert len(wwn) == 32


def test_the_volumes_of_daath_are_shown_to_daath_alone() -> None:
    volume = ""
    seen: dict[str, set[str]] = {}
    for row in _rows("show volume-maps"):
        volume = row.get("volume-name", volume)
        if row.get("access") == "read-write":
            seen.setdefault(volume, set()).add(row["nickname"])

    assert seen["daath-home"] == {"daath"}
    assert seen["vm-root"] == {"fy", "fz"}


def test_each_volume_has_a_row_for_the_default_map_that_is_none() -> None:
    defaults = [row for row in _rows("show volume-maps") if row.get("access") == "not-mapped"]

    assert defaults
    assert {(row["lun"], row["port-wwn"]) for row in defaults} == {("", "all other hosts")}


def test_a_name_in_quotes_is_the_same_name() -> None:
    assert _rows('show volumes "vm-root"')[0]["volume-name"] == "vm-root"
