"""Fixtures of the engine's tests: every loop runs on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from bot.lab.blueprint import lab_world
from bot.lab.virtual import VirtualLoop
from tests.engine.alive import EPOCH, Bot, Place, TestedStore, at_work, opened, threads_at_work
from tests.engine.kept_consoles import LOGIN, Log


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], VirtualLoop]]:
    """Time jumps to the next timer when nothing is left to do."""
    return {"virtual": partial(VirtualLoop, at_work)}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """The lab's site, and a state folder in which no bot lived yet."""
    lab = lab_world(epoch=EPOCH)
    yield Place(tmp_path / "state", lab)
    await lab.close()
    with threads_at_work():
        await asyncio.get_running_loop().shutdown_default_executor()
    assert lab.watch.seen == []


@pytest.fixture
def log(place: Place) -> Log:
    """The log of the console of vm, on a site of fakes that the watch over consoles looks at."""
    found = Log(place)
    found.be(LOGIN, EPOCH)
    return found


@pytest.fixture
async def bot(place: Place) -> AsyncIterator[Bot]:
    """A bot that runs."""
    async with place.bot() as bot:
        yield bot


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[TestedStore]:
    """An empty store, open."""
    async with opened(tmp_path / "state") as store:
        yield store
