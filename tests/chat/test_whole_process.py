"""The bot as a process of its own on a homeserver: it says that it is ready, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.chat.homeserver import FakeHomeserver, page
from tests.chat.whole_bot import bot

PATIENCE = 50.0


@pytest.fixture
def homeserver() -> FakeHomeserver:
    return FakeHomeserver()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket that systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.setblocking(False)
        yield wire


async def told(manager: socket.socket, wanted: str) -> list[str]:
    """The first message that has *wanted* in it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            said = await asyncio.get_running_loop().sock_recv(manager, 4096)
            if wanted in said.decode():
                return said.decode().splitlines()


async def ended(process: Process) -> tuple[int | None, str]:
    """The exit status, and the last line of what was said on standard error."""
    _out, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, said.decode().strip().splitlines()[-1]


async def test_it_is_ready_after_the_first_good_sync_alive_then_and_stopping_at_the_end(
    tmp_path: Path, homeserver: FakeHomeserver, manager: socket.socket
) -> None:
    homeserver.misbehave("/sync", page(502), page(502))
    async with homeserver.running() as url, bot(tmp_path, url) as process:
        assert await told(manager, "STATUS=") == [
            "STATUS=waiting for the homeserver",
            "WATCHDOG=1",
        ]
        ready = await told(manager, "READY=1")
        assert ready[0].startswith("STATUS=last heard from the homeserver")
        assert sum(each.endswith("/sync") for each in homeserver.asked) >= 3
        await told(manager, "WATCHDOG=1")

        process.send_signal(signal.SIGTERM)

        assert await told(manager, "STOPPING=1")
        assert (await ended(process))[0] == 0


async def test_a_token_that_was_revoked_ends_it_with_a_sentence_and_exit_status_2(
    tmp_path: Path, homeserver: FakeHomeserver, manager: socket.socket
) -> None:
    homeserver.tokens.append("password")
    async with homeserver.running() as url, bot(tmp_path, url, "token") as process:
        await told(manager, "READY=1")
        homeserver.revoke()

        status, said = await ended(process)

    assert status == 2
    assert said == (
        "nounou: The homeserver refuses the access token of @bot:localhost "
        "(make a new token, or give the password under chat.password)"
    )


async def test_a_wrong_password_ends_it_with_a_sentence_and_exit_status_2(
    tmp_path: Path, homeserver: FakeHomeserver, manager: socket.socket
) -> None:
    homeserver.password = "another"
    async with homeserver.running() as url, bot(tmp_path, url) as process:
        status, said = await ended(process)

    assert status == 2
    assert said.startswith("nounou: The homeserver refuses the login of @bot:localhost")


async def test_a_token_revoked_where_there_is_a_password_ends_nothing(
    tmp_path: Path, homeserver: FakeHomeserver, manager: socket.socket
) -> None:
    async with homeserver.running() as url, bot(tmp_path, url) as process:
        await told(manager, "READY=1")
        homeserver.revoke()
        async with asyncio.timeout(PATIENCE):
            while len(homeserver.logins) < 2:
                await told(manager, "STATUS=")

        assert process.returncode is None


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """A socket that keeps a port of this machine, until it is closed."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield kept


def http(port: socket.socket) -> str:
    """The section of the configuration; the token is the password of the other tests."""
    number = port.getsockname()[1]
    return f"http: {{port: {number}, tokens: {{cron: {{file: secret}}}}}}\n"


async def test_it_takes_alerts_of_other_programs_and_ends_in_order(
    tmp_path: Path, homeserver: FakeHomeserver, manager: socket.socket, port: socket.socket
) -> None:
    address, more = f"http://127.0.0.1:{port.getsockname()[1]}/alerts", http(port)
    port.close()
    async with homeserver.running() as url, bot(tmp_path, url, more=more) as process:
        await told(manager, "READY=1")
        headers = {"Authorization": "Bearer password"}
        async with (
            aiohttp.ClientSession(headers=headers) as client,
            client.post(address, json={"name": "backup"}) as answer,
        ):
            assert (answer.status, await answer.json()) == (200, {"taken": 1})

        process.send_signal(signal.SIGTERM)

        assert (await ended(process))[0] == 0


async def test_a_port_that_is_taken_ends_it_with_a_sentence_and_exit_status_2(
    tmp_path: Path, homeserver: FakeHomeserver, manager: socket.socket, port: socket.socket
) -> None:
    port.listen()
    async with homeserver.running() as url, bot(tmp_path, url, more=http(port)) as process:
        status, said = await ended(process)

    assert status == 2
    assert said.startswith("nounou: the bot cannot listen on 127.0.0.1 port ")
    assert said.endswith("(end what listens there, or write another http.port or http.listen)")
