"""`kill -9` of the bot at every stage of a move: it goes on by itself, and the truth is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.house import House, Houses, World, arriving, homes, traces

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def houses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Houses]:
    houses = Houses(tmp_path_factory.mktemp("crashes"))
    yield houses
    await houses.close()


@pytest_asyncio.fixture(loop_scope="module")
async def house(houses: Houses) -> AsyncIterator[House]:
    async with houses.lend() as house:
        yield house


async def moved_once(house: House, command: str, there: str) -> int:
    """The final answer says that vm is *there*, which is so, after one start; its job."""
    answer = await house.final(command)
    assert answer.state == "succeeded", answer.plain
    assert f"vm runs on {there}, and only there" in answer.plain
    assert traces(await house.world(), "vm") == [f"{there}/vm"]
    here = "fz" if there == "fy" else "fy"
    number = int(answer.status["job"])
    assert len(house.started_moves(here, number)) == 1
    assert house.locks(number) == set()
    return number


async def test_killed_before_its_plan_ends(house: House) -> None:
    _here, there = await house.sides()
    await house.fault("hang", there, "xl info")

    command = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: house.query("SELECT * FROM jobs WHERE ended IS NULL"))
    await house.kill_bot()
    await house.ask("clear")
    await house.start_bot()

    await moved_once(house, command, there)


async def test_killed_in_the_resync(house: House) -> None:
    _here, there = await house.sides()
    await house.fault("slow", there, "update.sh")

    command = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: house.room.heard(command, f"resync the links of {there}"))
    await house.restart_bot()

    await moved_once(house, command, there)


async def test_killed_after_it_was_cancelled_it_stays_cancelled(house: House) -> None:
    here, there = await house.sides()
    await house.fault("slow", there, "update.sh")

    command = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: house.room.heard(command, f"resync the links of {there}"))
    number = house.room.about(command)[0].status["job"]
    cancel = await house.run(f"!job cancel {number}")
    await house.restart_bot()
    answer = await house.final(command)

    assert cancel.state == "succeeded"
    assert answer.state == "cancelled"
    assert homes(await house.world(), "vm") == [here]
    assert house.started_moves(here, number) == []


async def test_killed_right_before_the_start_which_arrives_late(house: House) -> None:
    here, there = await house.sides()
    await house.fault("hang", here, "nounou-detach")

    command = house.say(f"!migrate vm {there}")
    await house.room.until(
        lambda: house.query("SELECT * FROM jobs WHERE no_return = 1 AND ended IS NULL")
    )
    await house.kill_bot()
    await house.ask("clear")
    await house.start_bot()

    await moved_once(house, command, there)


async def test_killed_in_mid_copy(house: House) -> None:
    _here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.restart_bot()

    job = await moved_once(house, command, there)
    # the record has it; what is said of it may be replaced by the next edit before its turn comes
    resumed = house.query("SELECT data FROM audit WHERE kind = 'resumed'")
    assert job in [json.loads(row["data"])["job"] for row in resumed]


async def test_killed_in_the_hand_over(house: House) -> None:
    here, there = await house.sides()

    def handing_over(world: World) -> bool:
        copies = [
            domain for domain in world["hosts"][here]["domains"] if domain["name"][:2] == "vm"
        ]
        return not copies or "s" in copies[0]["state"]

    command = house.say(f"!migrate vm {there}")
    await house.until_world(handing_over)
    await house.restart_bot()

    await moved_once(house, command, there)


async def test_killed_before_its_final_answer(house: House) -> None:
    _here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.fault("hang", there, "ps -ww")
    await house.room.until(lambda: house.room.heard(command, "▶ count the copies"))
    await house.kill_bot()
    await house.ask("clear")
    await house.start_bot()

    await moved_once(house, command, there)


async def test_killed_again_and_again(house: House) -> None:
    """Each life is as short as one word in the room."""
    _here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    for _life in range(4):
        said = len(house.room.posts)
        await house.room.until(lambda said=said: len(house.room.posts) > said)  # type: ignore[misc]
        await house.restart_bot()

    await moved_once(house, command, there)


async def test_killed_while_a_move_waits_for_another(house: House) -> None:
    _here, there = await house.sides()
    guest_home = homes(await house.world(), "redisdead")[0]
    other = "fz" if guest_home == "fy" else "fy"

    first = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    second = house.say(f"!migrate redisdead {other}")
    await house.room.until(lambda: house.room.heard(second, "waiting for job"))
    await house.restart_bot()

    await moved_once(house, first, there)
    answer = await house.final(second)
    assert answer.state == "succeeded"
    assert homes(await house.world(), "redisdead") == [other]
