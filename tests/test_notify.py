"""What systemd is told: over a real datagram socket, by the protocol of sd_notify(3)."""

from __future__ import annotations

import asyncio
import math
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bot.core.pulse import Pulse
from bot.notify import Systemd, told_to_systemd

PATIENCE = 20.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@nounou-{uuid4()}"


@pytest.fixture
def manager(address: str) -> Iterator[socket.socket]:
    """The socket that systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind("\0" + address[1:] if address.startswith("@") else address)
        wire.setblocking(False)
        yield wire


def told(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().splitlines()


async def next_told(manager: socket.socket) -> list[str]:
    loop = asyncio.get_running_loop()
    return (await asyncio.wait_for(loop.sock_recv(manager, 4096), PATIENCE)).decode().splitlines()


def test_it_is_ready_once_the_homeserver_was_heard_from_and_says_so_once(
    manager: socket.socket, address: str
) -> None:
    clock = Clock()
    pulse, systemd = Pulse(clock), Systemd(address, 30.0)

    systemd.look(pulse)
    assert told(manager) == ["STATUS=waiting for the homeserver", "WATCHDOG=1"]

    pulse.heard()
    clock.now += 5.0
    systemd.look(pulse)
    assert told(manager) == [
        "STATUS=last heard from the homeserver 5.0 s ago",
        "READY=1",
        "WATCHDOG=1",
    ]
    systemd.look(pulse)
    assert "READY=1" not in told(manager)


def test_a_loop_that_hangs_gives_no_sign_of_life(manager: socket.socket, address: str) -> None:
    clock = Clock()
    pulse, systemd = Pulse(clock), Systemd(address, 30.0)
    pulse.heard()
    pulse.back_within(10.0)
    clock.now += 11.0

    systemd.look(pulse)

    assert "WATCHDOG=1" not in told(manager)


async def test_it_is_told_again_and_again_and_at_the_end_that_the_bot_stops(
    manager: socket.socket, address: str
) -> None:
    pulse = Pulse(lambda: 0.0)
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000"}

    async with told_to_systemd(pulse, environment):
        for _time in range(3):
            assert "WATCHDOG=1" in await next_told(manager)
    while (lines := await next_told(manager))[0] != "STOPPING=1":
        pass

    assert lines == ["STOPPING=1", "STATUS=stopping"]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:1"}])
async def test_where_nobody_listens_nothing_is_told(environment: dict[str, str]) -> None:
    assert Systemd.of(environment) is None
    async with told_to_systemd(Pulse(lambda: 0.0), environment):
        pass


def test_a_manager_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    pulse = Pulse(lambda: 0.0)
    pulse.back_within(math.inf)

    Systemd(str(tmp_path / "nobody")).look(pulse)


@pytest.mark.parametrize(
    ("environment", "every"),
    [
        ({}, 30.0),
        ({"WATCHDOG_USEC": "20000000"}, 10.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, 30.0),
        ({"WATCHDOG_USEC": "oops"}, 30.0),
        ({"WATCHDOG_USEC": "600000000"}, 30.0),
    ],
)
def test_a_sign_of_life_is_given_twice_as_often_as_it_is_asked_for(
    environment: dict[str, str], every: float
) -> None:
    systemd = Systemd.of({"NOTIFY_SOCKET": "/run/notify", **environment})

    assert systemd is not None
    assert systemd.every == every
