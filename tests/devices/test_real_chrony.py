"""Measuring and mending with real chronyds, over real NTP and real ssh.

The true offset of a chronyd's clock is what its configuration says: all of them run on this machine
and set no clock, and one that follows a source with ``offset`` is off by so much.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.core.time_service import Standing, Sync
from bot.devices.clock import Stopwatch, read_by_ntp, read_by_ssh
from bot.devices.session import Session
from bot.devices.sntp import NtpClient
from bot.devices.time_services.chrony import Chrony
from bot.errors import DeviceError, Unreachable
from tests.devices.real_chrony import PATIENCE, Chronyd, Machine, installed
from tests.devices.ssh_host import ssh_host

#: what chronyd itself may be wrong by: its samples have an error too
SLACK = 0.0005


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


Start = Callable[..., Awaitable[Chronyd]]


@pytest.fixture
def start(stack: AsyncExitStack) -> Start:
    """Starts one chronyd more, each on an address of its own: it knows servers by addresses."""
    programs, number = installed(), 0
    # the path of a socket has an end at 107 bytes, and tests have long names
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="chrony-")))

    async def one(*lines: str) -> Chronyd:
        nonlocal number
        number += 1
        daemon = Chronyd(programs, folder / str(number), f"127.0.0.{number}")
        return await stack.enter_async_context(daemon.running(*lines))

    return one


def stopwatch() -> Stopwatch:
    return Stopwatch(time.time, asyncio.get_running_loop().time)


async def machine(
    stack: AsyncExitStack, folder: Path, daemon: Chronyd, *, sudo: bool = True
) -> Session:
    """The command line over ssh of a machine whose time service is *daemon*."""
    host = Machine(folder)
    host.install(daemon, sudo=sudo)
    await stack.enter_async_context(ssh_host(folder, host))
    session = host.session()
    stack.push_async_callback(session.close)
    return session


async def test_a_server_that_is_not_ours_is_measured_within_the_bound(start: Start) -> None:
    server = await start("local stratum 3")
    reading, answer = await read_by_ntp(server.client, stopwatch(), 5)
    assert answer.synchronised
    assert abs(reading.offset) <= reading.bound
    assert reading.bound < 0.05
    answer = await server.client.ask()
    assert answer.stratum == 3


@pytest.mark.parametrize("ahead", [0.25, -0.25])
async def test_a_server_that_is_off_is_measured_within_the_bound(
    start: Start, ahead: float
) -> None:
    right = await start("local stratum 3")
    # chrony's own word for it: what is added to the source's time
    wrong = await start(right.source(f"offset {ahead}"))
    await wrong.synchronised()
    reading, answer = await read_by_ntp(wrong.client, stopwatch(), 5)
    assert answer.synchronised
    assert abs(reading.offset - ahead) <= reading.bound + SLACK
    assert reading.certain
    assert (await wrong.client.ask()).stratum == 4


async def test_a_server_without_sources_says_that_it_is_not_synchronised(start: Start) -> None:
    alone = await start()
    reading, answer = await read_by_ntp(alone.client, stopwatch(), 3)
    assert not answer.synchronised
    assert abs(reading.offset) <= reading.bound


async def test_a_server_that_forbids_it_does_not_answer(start: Start) -> None:
    server = await start("local stratum 3", "deny 127.0.0.0/8")
    client = NtpClient("shut", server.address, server.port, timeout=0.2)
    with pytest.raises(Unreachable, match="shut did not answer"):
        await client.ask()


async def test_one_of_three_servers_is_wrong_and_is_named(
    start: Start, stack: AsyncExitStack, tmp_path: Path
) -> None:
    servers = [await start("local stratum 3") for _each in range(3)]
    sources = [server.source("offset 0.5" if server is servers[2] else "") for server in servers]
    follower = await start(*sources, "minsources 2")
    session = await machine(stack, tmp_path, follower)
    await follower.synchronised()
    chrony = Chrony("vm", session)
    service = None
    async with asyncio.timeout(PATIENCE):
        while service is None or [each.answered for each in service.sources] != [8, 8, 8]:
            service = await chrony.look()
    assert service.sync is Sync.SYNCHRONISED
    assert service.offset is not None
    assert service.bound is not None
    assert abs(service.offset) <= service.bound + SLACK
    by_name = {source.name: source for source in service.sources}
    assert by_name["127.0.0.3"].standing is Standing.FALSE
    # that server is said to be half a second ahead: the clock is behind it
    offset, bound = by_name["127.0.0.3"].offset, by_name["127.0.0.3"].bound
    assert offset is not None
    assert bound is not None
    assert abs(offset - -0.5) <= bound + SLACK
    others = {by_name[f"127.0.0.{number}"].standing for number in (1, 2)}
    assert Standing.SELECTED in others
    assert others <= {Standing.SELECTED, Standing.COMBINED, Standing.SPARE}


@pytest.mark.parametrize("ahead", [0.25, -0.25])
async def test_what_the_driver_says_and_what_is_measured_have_one_sign(
    start: Start, stack: AsyncExitStack, tmp_path: Path, ahead: float
) -> None:
    right = await start("local stratum 3")
    follower = await start(right.source(f"offset {-ahead}"))
    session = await machine(stack, tmp_path, follower)
    await follower.synchronised()
    # its source is behind by so much as it says, so this machine's clock is ahead by that
    by_ssh = await read_by_ssh(session, stopwatch(), 5)
    by_ntp, _synchronised = await read_by_ntp(follower.client, stopwatch(), 5)
    service = await Chrony("vm", session).look()
    assert service is not None
    assert service.offset is not None
    assert service.offset == pytest.approx(ahead, abs=SLACK)
    apart = by_ssh - by_ntp
    assert abs(apart.offset - service.offset) <= apart.bound + SLACK


async def test_a_daemon_that_is_gone_is_dead(
    start: Start, stack: AsyncExitStack, tmp_path: Path
) -> None:
    gone = Chronyd(installed(), tmp_path / "gone", "127.0.0.9")
    session = await machine(stack, tmp_path, gone)
    service = await Chrony("vm", session).look()
    assert service is not None
    assert service.sync is Sync.DEAD
    with pytest.raises(DeviceError, match="506 Cannot talk to daemon"):
        await Chrony("vm", session).step()


async def test_asking_again_mends_the_clock(
    start: Start, stack: AsyncExitStack, tmp_path: Path
) -> None:
    right = await start("local stratum 3")
    # offline: it asks nobody until it is told to
    idle = await start(right.source("offset 0.25 offline"))
    session = await machine(stack, tmp_path, idle)
    chrony = Chrony("vm", session)
    service = await chrony.look()
    assert service is not None
    assert service.sync is Sync.UNSYNCHRONISED
    before, _unsynchronised = await read_by_ntp(idle.client, stopwatch(), 5)
    assert not before.certain

    assert await chrony.ask_again()

    await idle.synchronised()
    after, answer = await read_by_ntp(idle.client, stopwatch(), 5)
    assert answer.synchronised
    assert abs(after.offset - 0.25) <= after.bound + SLACK


async def test_a_step_that_the_kernel_refuses_is_no_success(
    start: Start, stack: AsyncExitStack, tmp_path: Path
) -> None:
    # with -x every step is refused, and chronyd says so
    daemon = await start("local stratum 3")
    session = await machine(stack, tmp_path, daemon)
    with pytest.raises(DeviceError, match="chronyc failed: 500 Failure"):
        await Chrony("vm", session).step()


async def test_without_rights_nothing_is_changed(
    start: Start, stack: AsyncExitStack, tmp_path: Path
) -> None:
    right = await start("local stratum 3")
    idle = await start(right.source("offset 0.25 offline"))
    session = await machine(stack, tmp_path, idle, sudo=False)
    chrony = Chrony("vm", session)
    for change in (chrony.ask_again, chrony.step):
        with pytest.raises(DeviceError, match="sudo says: a password is required"):
            await change()
    service = await chrony.look()
    assert service is not None
    assert [source.answered for source in service.sources] == [0]
