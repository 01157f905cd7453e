"""A policy that is changed while the bot runs, from outside of the whole bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    house = House(folder)
    try:
        await house.open()
        yield house
    finally:
        await house.close()


def only_to_fz(config: dict[str, Any]) -> None:
    config["roles"]["apprenti"] = {"allow": ["bot.*", "domu.migrate on vm to fz"]}
    config["timing"]["away"] = "3m"


def spoilt(config: dict[str, Any]) -> None:
    config["roles"]["apprenti"] = {"allow": ["*", "domu.migrate too fz"]}


async def test_the_file_is_edited_and_reloaded_or_refused_whole(house: House) -> None:
    before = await house.run("!migrate vm fz --dry-run", "apprenti")
    house.configure(spoilt)
    refused = await house.run("!config reload")
    still = await house.run("!migrate vm fz --dry-run", "apprenti")
    house.configure(only_to_fz)
    reloaded = await house.run("!config reload")
    may = await house.run("!migrate vm fz --dry-run", "apprenti")
    elsewhere = await house.run("!migrate vm fy --dry-run", "apprenti")
    why = await house.run("!why apprenti migrate vm fy")

    assert (before.state, still.state) == ("denied", "denied")
    assert refused.state == "refused"
    assert "no command of domu.migrate has a parameter too; did you mean to?" in refused.plain
    assert "\n+ role apprenti may: domu.migrate on vm to fz" in reloaded.plain
    assert reloaded.plain.splitlines()[-1] == "At the next start: timing.away."
    assert (may.state, elsewhere.state) == ("succeeded", "denied")
    assert "There is no Dom0 called 'fy' that you may use." in elsewhere.plain
    assert "not enough: domu.migrate on vm to fz (role apprenti)" in why.plain


async def test_a_file_that_is_gone_leaves_everything_as_it_was(house: House) -> None:
    house.folder.config.unlink()

    refused = await house.run("!config reload")

    assert refused.state == "refused"
    assert "cannot be read (No such file or directory)" in refused.plain
    assert (await house.run("!ping", "apprenti")).plain == "pong"
