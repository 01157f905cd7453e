"""What tests with Node.js, npm and a browser need, which not every machine has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from bot.demo import node
from bot.demo.keeping import CannotStart

ROOT = Path(__file__).parent.parent.parent


def unavailable(why: str) -> NoReturn:
    """Skip the test; fail where ``NOUNOU_REQUIRE=web`` says that it must not be."""
    if "web" in os.environ.get("NOUNOU_REQUIRE", "").split(","):
        pytest.fail(f"NOUNOU_REQUIRE=web: {why}", pytrace=False)
    pytest.skip(why)


async def installed(least: int, folder: Path, log: Path) -> node.Node:
    """A Node.js of version *least* or later, with the packages of *folder* for it."""
    found = node.find(least)
    if found is None:
        unavailable(f"there is no Node.js {least} or later with npm")
    try:
        await node.install(found, folder, log)
    except CannotStart as error:
        unavailable(f"{error} {error.hint}")
    return found
