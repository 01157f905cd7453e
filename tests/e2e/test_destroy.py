"""`!domu destroy` through the whole bot: the guest is gone, once, whatever dies in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.house import House, keeps_the_rules, traces

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(loop_scope="module")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house of its own for each test, since no guest comes back."""
    house = House(tmp_path)
    try:
        await house.open()
        yield house
        await keeps_the_rules(house)
    finally:
        await house.close()


async def ask(house: House, line: str) -> str:
    """Say *line*, and let the other administrator agree where that is wanted; its event."""
    command = house.say(line)

    def code() -> str:
        codes = (post.status.get("code", "") for post in house.room.about(command))
        return next(filter(None, codes), "")

    await house.room.until(
        lambda: code() or house.room.heard(command, "▶") or house.room.finals(command)
    )
    if code():
        house.say(f"!approve {code()}", "nounou2")
    return command


async def test_a_guest_is_destroyed_and_its_neighbours_go_on(house: House) -> None:
    shown = await house.run("!domu destroy zamok --dry-run")
    there = traces(await house.world(), "zamok")
    answer = await house.final(await ask(house, "!domu destroy zamok"))
    again = await house.run("!domu destroy zamok")

    world = await house.world()
    assert shown.state == "succeeded"
    assert "2. on fy: sudo xl destroy 2" in shown.plain
    assert there == ["fy/zamok"]
    assert answer.state == "succeeded", answer.plain
    assert "zamok is destroyed: it was on fy, and is on no host now." in answer.plain
    assert "Its configuration is on fy, fz." in answer.plain
    assert traces(world, "zamok") == []
    assert traces(world, "vm") == ["fy/vm"]
    assert house.locks(answer.status["job"]) == set()
    assert again.state == "refused"
    assert "zamok does not run on any host." in again.plain


async def test_killed_while_the_guest_dies_the_bot_comes_back_and_says_so(house: House) -> None:
    command = await ask(house, "!domu destroy vm")
    await house.until_world(
        lambda world: any(not domain["runs"] for domain in world["hosts"]["fy"]["domains"])
    )
    await house.restart_bot()

    answer = await house.final(command)

    assert answer.state == "succeeded", answer.plain
    assert "vm is destroyed" in answer.plain
    assert len(house.started_moves("fy", answer.status["job"])) == 1


async def test_a_start_whose_answer_is_lost_is_read_back(house: House) -> None:
    await house.fault("drop-after-send", "fy", "nounou-detach", times=1)

    answer = await house.final(await ask(house, "!domu destroy vm"))

    assert answer.state == "succeeded", answer.plain
    assert traces(await house.world(), "vm") == []
    assert len(house.started_moves("fy", answer.status["job"])) == 1
