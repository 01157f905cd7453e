"""One real homeserver for all end-to-end tests, with the accounts that they speak from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bot.demo.synapse import Synapse
from tests.demo.test_endings import eventually, processes
from tests.e2e.chat_site import Place
from tests.e2e.client import Client
from tests.e2e.secret_room import Scene, prepared

PASSWORD = "password"
ACCOUNTS = ("nounou", "nounou2", "apprenti", "stranger", "bot")


@pytest.fixture(scope="session")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """A Synapse that answers at `url`; every account's password is `PASSWORD`."""
    with asyncio.Runner() as runner:
        synapse = Synapse(tmp_path_factory.mktemp("synapse"))
        try:
            runner.run(synapse.start())
            for user in ACCOUNTS:
                runner.run(synapse.register(user, PASSWORD))
            yield synapse
        finally:
            runner.run(synapse.stop())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A state folder to which nothing clings afterwards."""
    yield tmp_path
    eventually(lambda: not processes(tmp_path), lambda: f"the end of {processes(tmp_path)}")


@pytest.fixture
async def nounou(homeserver: Synapse) -> AsyncIterator[Client]:
    """The administrator's client."""
    async with Client(homeserver.url, "nounou", PASSWORD) as client:
        yield client


@pytest.fixture
async def place(homeserver: Synapse, nounou: Client, tmp_path: Path) -> Place:
    """A new room of the administrator, to which a new bot account is invited."""
    name = uuid4().hex[:8]
    await homeserver.register(f"bot-{name}", PASSWORD)
    room_id = await nounou.create_room(name, (f"@bot-{name}:localhost",))
    return Place(homeserver.url, f"#{name}:localhost", room_id, f"bot-{name}", tmp_path)


@pytest.fixture
async def scene(homeserver: Synapse, tmp_path: Path) -> Scene:
    """A new encrypted room, to which a new bot account is invited by a new person."""
    return await prepared(homeserver, tmp_path)
