"""The iLOs behind real ssh: who gets in and how, and the dialogue as a person sees it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from bot.devices.session import Call, Output
from bot.lab import faults
from bot.lab.blueprint import lab_world
from bot.lab.faults import Fault
from bot.lab.ilo.visits import plain
from bot.lab.memory import MemorySite
from bot.lab.place import Place
from bot.lab.site import FIRST_PID, Site
from bot.lab.world import Pace

PROMPT = b"</>hpiLO-> "
#: what a client has to switch on for an iLO 2 (reference D)
OLD: dict[str, Any] = {
    "kex_algs": "+diffie-hellman-group1-sha1",
    "encryption_algs": "+aes128-cbc,3des-cbc",
    "mac_algs": "+hmac-md5",
    "server_host_key_algs": "+ssh-rsa,ssh-dss",
    "signature_algs": "+ssh-rsa,ssh-dss",
}
PACE = Pace(shutdown=0.05, power=0.05, host_boot=0.05, slow=0.2)

Process = asyncssh.SSHClientProcess[bytes]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(Place(tmp_path / "state"), PACE, lab_world(pace=PACE, first_pid=FIRST_PID))
    await made.open()
    yield made
    made.world.faults.clear()
    await made.close()


@asynccontextmanager
async def connected(
    site: Site, host: str, **options: Any
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection to the iLO of *host* as site.json describes it, but for *options*."""
    about = site.description()["lights_out"][host]
    given: dict[str, Any] = {
        "username": about["user"],
        "password": site.password(f"{host}-ilo"),
        "known_hosts": about["known_hosts"],
        "client_keys": [],
        "config": [],
        "agent_path": None,
        **(OLD if about["old_algorithms"] else {}),
    }
    async with asyncio.timeout(20):
        connection = await asyncssh.connect(about["address"], about["port"], **(given | options))
    async with connection:
        yield connection


class Seat:
    """Somebody in front of an iLO's prompt."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def until(self, end: bytes) -> str:
        async with asyncio.timeout(20):
            return (await self._process.stdout.readuntil(end)).decode(errors="replace")

    async def ask(self, line: str) -> str:
        """What is printed after the echo of *line*, and before the next prompt."""
        self.type(line + "\r")
        answer = await self.until(PROMPT)
        assert answer.startswith(f"{line}\r\n")
        return answer.removeprefix(f"{line}\r\n").removesuffix(PROMPT.decode())

    def type(self, keys: str) -> None:
        self._process.stdin.write(keys.encode())

    async def rest(self) -> str:
        """All that comes before it hangs up."""
        async with asyncio.timeout(20):
            return (await self._process.stdout.read()).decode()


@asynccontextmanager
async def seat(site: Site, host: str) -> AsyncIterator[Seat]:
    """Somebody logged in, after the first prompt."""
    async with connected(site, host) as connection:
        made = Seat(await connection.create_process(term_type="vt100", encoding=None))
        await made.until(PROMPT)
        yield made


async def once(site: Site, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        await site.world.until(holds)


def fields(answer: str) -> dict[str, str]:
    return dict(re.findall(r"^ *(\w+)=(.*?)\r$", answer, re.MULTILINE))


@pytest.mark.parametrize("missing", ["kex_algs", "encryption_algs"])
async def test_the_old_ilo_is_refused_without_each_of_the_old_algorithms(
    site: Site, missing: str
) -> None:
    with pytest.raises(asyncssh.KeyExchangeFailed):
        async with connected(site, "fy", **{missing: ()}):
            pass


async def test_the_old_ilo_talks_to_who_switches_them_on(site: Site) -> None:
    async with connected(site, "fy") as connection:
        assert connection.get_extra_info("send_cipher") == "aes128-cbc"
        assert connection.get_extra_info("send_mac") == "hmac-sha1"


async def test_the_newer_ilo_needs_none_of_them(site: Site) -> None:
    async with connected(site, "fz") as connection:
        result = await connection.run("power")

    assert "power: server power is currently: On\r\n" in str(result.stdout)
    assert result.exit_status == 0


async def test_a_wrong_password_is_refused(site: Site) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with connected(site, "fz", password="wrong"):
            pass


async def test_it_greets_with_its_server_and_the_power(site: Site) -> None:
    async with connected(site, "fy") as connection:
        process = await connection.create_process(term_type="vt100", encoding=None)
        greeting = await Seat(process).until(PROMPT)

    assert greeting == (
        "User:nounou logged-in to fy-ilo(127.0.0.1)\r\n"
        "iLO 2 Advanced 2.29 at 15:43:13 Jul 16 2015\r\n"
        "Server Name: fy\r\nServer Power: On\r\n\r\n</>hpiLO-> "
    )


async def test_an_answer_has_its_status_and_with_the_newer_one_the_time(site: Site) -> None:
    async with seat(site, "fy") as old, seat(site, "fz") as new:
        assert await old.ask("power") == (
            "\r\nstatus=0\r\nstatus_tag=COMMAND COMPLETED\r\n\r\n\r\n"
            "power: server power is currently: On\r\n\r\n\r\n"
        )
        assert re.fullmatch(
            r"\r\nstatus=0\r\nstatus_tag=COMMAND COMPLETED\r\n"
            r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \d{4}\r\n\r\n\r\n\r\n"
            r"power: server power is currently: On\r\n\r\n\r\n",
            await new.ask("power"),
        )


async def test_in_memory_it_answers_in_the_same_words(site: Site) -> None:
    memory = MemorySite(site.world).session("fy-ilo")
    async with seat(site, "fy") as somebody:
        for line in (
            "power",
            "power on",
            "show /system1",
            "show /map1/firmware1",
            "show /system1/log1",
            "show /system1/log1/record1",
            "show /nowhere",
            "frobnicate",
        ):
            call: Call[Output] = Call(tuple(line.split()), lambda output: output)
            assert (await memory.run(call)).stdout == plain(await somebody.ask(line))


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        ("frobnicate", "COMMAND SYNTAX ERROR"),
        ("power sideways", "COMMAND SYNTAX ERROR"),
        ("show /system1/log1/record99", "INVALID TARGET"),
        ("stop /map1", "INVALID TARGET"),
        ("power on", "COMMAND ERROR-UNSPECIFIED"),
    ],
)
async def test_what_it_cannot_do_is_an_error_with_its_tag(site: Site, line: str, tag: str) -> None:
    async with seat(site, "fz") as somebody:
        answer = await somebody.ask(line)

    assert fields(answer)["status"] == "2"
    assert fields(answer)["status_tag"] == "COMMAND PROCESSING FAILED"
    assert fields(answer)["error_tag"] == tag


async def test_it_shows_the_server_that_site_json_names(site: Site) -> None:
    enrolled = site.description()["lights_out"]["fy"]["serial"]
    async with seat(site, "fy") as somebody:
        shown = fields(await somebody.ask("show /system1"))
        firmware = fields(await somebody.ask("show /map1/firmware1"))

        await site.fault(Fault(faults.ILO_OTHER_SERVER, "fy-ilo"))
        other = fields(await somebody.ask("show /system1 number"))

    assert shown == {
        "status": "0",
        "status_tag": "COMMAND COMPLETED",
        "name": "ProLiant DL360 G5",
        "number": enrolled,
        "oemhp_server_name": "fy",
        "enabledstate": "enabled",
    }
    assert firmware["version"] == "2.29"
    assert other["number"] != enrolled
    assert "name" not in other


async def test_the_log_grows_with_what_is_done(site: Site) -> None:
    async with seat(site, "fz") as somebody:
        before = re.findall(r"record\d+", await somebody.ask("show /system1/log1"))
        await somebody.ask("power reset")
        after = re.findall(r"record\d+", await somebody.ask("show /system1/log1"))
        record = fields(await somebody.ask(f"show /system1/log1/{after[-1]}"))

    assert len(after) == len(before) + 1
    assert record["description"] == "Server reset."
    assert record["number"] == str(len(after))


async def test_the_old_one_wraps_a_long_description(site: Site) -> None:
    async with seat(site, "fy") as somebody:
        answer = await somebody.ask("show /system1/log1/record1")

    assert "description=System Power Supply: General Failure (Power Supply\r\n" in answer
    assert f"\r\n{' ' * 17}1)\r\n" in answer


async def test_a_host_is_cut_off_and_brought_back_by_its_ilo(site: Site) -> None:
    async with seat(site, "fz") as somebody:
        said = await somebody.ask("power off hard")
        assert "Forcing server power off .......\r\nPlease wait 6 seconds" in said
        assert "currently: Off" in await somebody.ask("power")
        assert fields(await somebody.ask("show /system1"))["enabledstate"] == "disabled"
        assert site.world.picture()["hosts"]["fz"]["domains"] == []

        assert "Server powering on ......." in await somebody.ask("power on")
        await once(site, lambda: site.world.hosts["fz"].alive)
        assert "currently: On" in await somebody.ask("power")


async def test_a_killed_host_is_off_and_a_hung_one_is_on(site: Site) -> None:
    await site.fault(Fault(faults.KILL_HOST, "fy"))
    await site.fault(Fault(faults.HANG_HOST, "fz"))

    async with seat(site, "fy") as old, seat(site, "fz") as new:
        assert "currently: Off" in await old.ask("power")
        assert "currently: On" in await new.ask("power")


async def test_a_hung_host_takes_connections_and_never_greets_until_it_is_reset(site: Site) -> None:
    await site.fault(Fault(faults.HANG_HOST, "fz"))
    port = site.description()["hosts"]["fz"]["port"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    greeting = asyncio.ensure_future(reader.read())

    async with seat(site, "fz") as somebody:
        assert not greeting.done()
        await somebody.ask("power reset")
    await once(site, lambda: site.world.hosts["fz"].alive)

    async with asyncio.timeout(20):
        assert await greeting == b""
        writer.close()
        while True:  # the door opens a moment after the host is up
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except ConnectionRefusedError:
                pass
        assert (await reader.readline()).startswith(b"SSH-2.0")
    writer.close()


async def test_the_serial_port_shows_the_login_and_is_left_by_escape_and_a_bracket(
    site: Site,
) -> None:
    async with seat(site, "fz") as somebody:
        somebody.type("vsp\r")
        seen = await somebody.until(b"fz login: ")
        somebody.type("\r")
        again = await somebody.until(b"fz login: ")
        somebody.type("\x1b(")
        await somebody.until(PROMPT)

        assert "currently: On" in await somebody.ask("power")

    assert "Virtual Serial Port Active: COM2\r\n\r\nStarting virtual serial port.\r\n" in seen
    assert "Press 'ESC (' to return to the CLI Session.\r\n" in seen
    assert "Debian GNU/Linux 12 fz ttyS1\r\n" in again


async def test_the_old_one_prints_its_prompt_before_the_port(site: Site) -> None:
    async with seat(site, "fy") as somebody:
        somebody.type("vsp\r")
        seen = await somebody.until(b"fy login: ")
        somebody.type("\x1b(")
        await somebody.until(PROMPT)

    assert "</>hpiLO-> Virtual Serial Port active: IO=0x02F8 INT=3\r\n" in seen


async def test_one_session_has_the_port_and_another_may_throw_it_out(site: Site) -> None:
    async with seat(site, "fz") as first, seat(site, "fz") as second:
        first.type("vsp\r")
        await first.until(b"fz login: ")

        assert "currently in use by another session." in await second.ask("vsp")

        assert fields(await second.ask("stop /system1/oemhp_vsp1"))["status"] == "0"
        await first.until(PROMPT)
        second.type("vsp\r")
        await second.until(b"fz login: ")


async def test_whoever_has_the_port_in_a_fault_is_thrown_out_too(site: Site) -> None:
    await site.fault(Fault(faults.ILO_VSP_BUSY, "fz-ilo"))
    async with seat(site, "fz") as somebody:
        assert "currently in use by another session." in await somebody.ask("vsp")
        await somebody.ask("stop /system1/oemhp_vsp1")
        somebody.type("vsp\r")
        await somebody.until(b"fz login: ")


async def test_a_link_that_breaks_on_the_port_frees_it(site: Site) -> None:
    async with seat(site, "fz") as first:
        first.type("vsp\r")
        await first.until(b"fz login: ")
        assert site.world.ilos["fz-ilo"].port_taken

    async with seat(site, "fz") as second:
        second.type("vsp\r")
        await second.until(b"fz login: ")


async def test_a_hung_host_shows_its_last_lines_and_a_dark_one_nothing(site: Site) -> None:
    await site.fault(Fault(faults.HANG_HOST, "fz"))
    async with seat(site, "fz") as somebody:
        somebody.type("vsp\r")
        await somebody.until(b"---[ end Kernel panic")
        somebody.type("\x1b(")
        await somebody.until(PROMPT)
        await somebody.ask("power off hard")
        somebody.type("vsp\r")
        somebody.type("\x1b(")
        seen = await somebody.until(PROMPT)

    assert seen.endswith("return to the CLI Session.\r\n\r\n\r\n</>hpiLO-> ")


async def test_one_session_too_many_is_turned_away(site: Site) -> None:
    limit = site.world.ilos["fy-ilo"].generation.sessions
    async with connected(site, "fy") as connection:
        seats = [Seat(await connection.create_process(encoding=None)) for _ in range(limit)]
        for one in seats:
            await one.until(PROMPT)
        late = Seat(await connection.create_process(encoding=None))

        assert "Maximum number of sessions" in await late.rest()

        seats[0].type("exit\r")
        await seats[0].rest()
        again = Seat(await connection.create_process(encoding=None))
        await again.until(PROMPT)


async def test_the_faults_of_a_wire_strike_an_ilo(site: Site) -> None:
    async with seat(site, "fz") as somebody:
        await site.fault(Fault(faults.GARBLE, "fz-ilo", "power", times=1))
        somebody.type("power\r")
        assert "status_tag" not in await somebody.until(PROMPT)

        await site.fault(Fault(faults.DROP, "fz-ilo", "power off hard", times=1))
        somebody.type("power off hard\r")
        assert "status" not in await somebody.rest()
    assert not site.world.hosts["fz"].powered

    await site.fault(Fault(faults.REFUSE, "fz-ilo"))
    with pytest.raises(ConnectionRefusedError):
        async with connected(site, "fz"):
            pass
