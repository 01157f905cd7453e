"""One real homeserver for all end-to-end tests, with the accounts that they speak from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.demo.synapse import Synapse
from tests.e2e.client import Client

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
async def nounou(homeserver: Synapse) -> AsyncIterator[Client]:
    """The administrator's client."""
    async with Client(homeserver.url, "nounou", PASSWORD) as client:
        yield client
