"""The whole bot, stopped for longer than it may: what came is listed, and run once if at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.house import House, Houses, homes
from tests.e2e.house_room import Post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

#: seconds; more than a loaded machine lets the bot wait for its turn
AWAY = 6.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def houses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Houses]:
    houses = Houses(tmp_path_factory.mktemp("away"), timing={"away": f"{AWAY}s"})
    yield houses
    await houses.close()


@pytest_asyncio.fixture(loop_scope="module")
async def house(houses: Houses) -> AsyncIterator[House]:
    async with houses.lend() as house:
        yield house


def lists(house: House) -> list[Post]:
    return [post for post in house.room.posts if post.plain.startswith("⏸ I was away")]


async def is_away(house: House, *lines: tuple[str, str]) -> list[str]:
    """Kill the bot, say *lines* (person and text) and start it again after a long while."""
    await house.run("!ping")
    await house.kill_bot()
    said = [house.say(text, person) for person, text in lines]
    back = asyncio.get_running_loop().time() + AWAY + 0.5
    await house.room.until(lambda: asyncio.get_running_loop().time() > back)
    await house.start_bot()
    return said


async def test_what_came_meanwhile_waits_for_a_person_and_runs_once(house: House) -> None:
    here, there = await house.sides()
    known = len(lists(house))
    ping, whoami, migrate, cancel = await is_away(
        house,
        ("nounou", "!ping"),
        ("apprenti", "!whoami"),
        ("nounou", f"!migrate vm {there}"),
        ("nounou2", "!domu list"),
    )

    missed = await house.final(migrate)
    await house.room.until(lambda: len(lists(house)) > known)
    [listed] = lists(house)[known:]
    numbers = [row["id"] for row in house.query("SELECT id FROM jobs ORDER BY id DESC LIMIT 4")]
    fourth, _third, second, first = numbers
    assert "4 commands came meanwhile and were not run:" in listed.plain
    assert f"{first} nounou: !ping" in listed.plain
    assert (listed.status["state"], listed.status["waits"]) == ("held", "person")
    assert missed.state == "away"
    assert not any(map(house.room.finals, (ping, whoami, cancel)))

    released = await house.run(f"!job release {second}", "apprenti")
    answer = await house.final(whoami)
    await house.restart_bot()
    house.room.deliver_again(ping)
    await house.run(f"!job release {first}")
    pong = await house.final(ping)
    cancelled = await house.run(f"!job cancel {fourth}")
    again = await house.run(f"!job release {first}")

    assert released.state == "succeeded"
    assert "You are apprenti" in answer.plain
    assert pong.plain == "pong"
    assert cancelled.state == "succeeded"
    assert (await house.final(cancel)).state == "cancelled"
    assert again.state == "refused"
    assert len(lists(house)) == known + 1
    assert homes(await house.world(), "vm") == [here]


async def test_a_short_absence_asks_nothing(house: House) -> None:
    known = len(lists(house))
    await house.run("!ping")
    await house.kill_bot()
    asked = house.say("!whoami")
    await house.start_bot()

    assert (await house.final(asked)).state == "succeeded"
    assert len(lists(house)) == known


async def test_an_idle_room_is_no_absence(house: House) -> None:
    await house.run("!ping")
    later = asyncio.get_running_loop().time() + AWAY + 1
    await house.room.until(lambda: asyncio.get_running_loop().time() > later)

    assert (await house.run("!ping")).plain == "pong"
