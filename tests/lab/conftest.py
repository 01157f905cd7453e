"""Fixtures of the lab's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.lab.faces import Face, memory, servers


@pytest.fixture(params=[memory, servers], ids=["memory", "servers"])
async def face(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Face]:
    """A fresh lab, once behind each of its faces."""
    async with request.param(tmp_path) as made:
        yield made
