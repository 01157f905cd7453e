"""Fixtures of the server's tests: a real server on a free port, in real time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.lab.blueprint import lab_world
from tests.engine.alive import EPOCH, Place, opened
from tests.http.programs import Served, served


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """The lab's site, and a state folder in which no bot lived yet."""
    lab = lab_world(epoch=EPOCH)
    yield Place(tmp_path / "state", lab)
    await lab.close()


@pytest.fixture
async def bot(place: Place) -> AsyncIterator[Served]:
    """A bot that other programs reach; its chat and its loops are not needed."""
    async with opened(place.folder) as store, served(place.engine(store), store) as bot:
        yield bot
