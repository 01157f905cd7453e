"""A store that cannot be written: nothing begins, what runs is told truthfully, nothing twice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.house import House, Houses, arriving, homes, traces

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def houses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Houses]:
    houses = Houses(tmp_path_factory.mktemp("store"))
    yield houses
    await houses.close()


@pytest_asyncio.fixture(loop_scope="module")
async def house(houses: Houses) -> AsyncIterator[House]:
    async with houses.lend() as house:
        yield house


def said(house: House, text: str) -> bool:
    return any(text in post.plain for post in house.room.posts)


async def breaks_in_the_checks(house: House, there: str) -> str:
    """A move of vm whose store breaks before it has begun; its event id."""
    await house.fault("hang", there, "xl info")
    command = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: house.room.heard(command, "looking at the world"))
    house.break_store()
    await house.ask("clear")
    await house.room.until(lambda: house.room.heard(command, "cannot be written"))
    return command


async def test_a_full_disk_lets_no_command_begin_and_loses_none(house: House) -> None:
    here, there = await house.sides()
    assert (await house.run("!ping")).plain == "pong"
    house.limit_files(0)

    command = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: said(house, "Commands wait until it can be written again"))
    assert said(house, "The record cannot be written")
    assert traces(await house.world(), "vm") == [f"{here}/vm"]
    house.limit_files(None)
    answer = await house.final(command)

    assert answer.state == "succeeded", answer.plain
    assert homes(await house.world(), "vm") == [there]


async def test_a_move_whose_store_breaks_in_its_checks_never_begins(house: House) -> None:
    here, there = await house.sides()

    command = await breaks_in_the_checks(house, there)
    unfinished = house.room.finals(command)
    house.mend_store()
    answer = await house.final(command)
    await house.restart_bot()
    pinged = await house.run("!ping")

    assert unfinished == []
    assert answer.state == "failed"
    assert "The record cannot be written" in answer.plain
    assert pinged.plain == "pong"
    assert traces(await house.world(), "vm") == [f"{here}/vm"]
    assert house.started_moves(here, answer.status["job"]) == []


async def test_a_move_whose_bot_dies_with_its_store_is_told_once(house: House) -> None:
    _here, there = await house.sides()

    command = await breaks_in_the_checks(house, there)
    await house.kill_bot()
    house.mend_store()
    await house.start_bot()
    answer = await house.final(command)

    assert answer.state == "succeeded"
    assert homes(await house.world(), "vm") == [there]


async def test_a_move_whose_store_breaks_in_mid_copy_is_told_and_recorded_later(
    house: House,
) -> None:
    _here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    house.break_store()
    answer = await house.final(command)
    world = await house.world()
    (before,) = house.query("SELECT * FROM jobs WHERE event_id = ?", command)
    house.mend_store()
    await house.room.until(
        lambda: house.query("SELECT * FROM jobs WHERE event_id = ?", command)[0]["ended"]
    )

    assert answer.state == "succeeded"
    assert "The record of this job is incomplete" in answer.plain
    assert homes(world, "vm") == [there]
    assert before["state"] == "running"
    assert house.locks(answer.status["job"]) == set()
    assert (await house.run(f"!job show {answer.status['job']}")).plain.count("succeeded") == 1


async def test_a_move_whose_store_breaks_and_whose_bot_dies_in_mid_copy(house: House) -> None:
    _here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    house.break_store()
    answer = await house.final(command)
    await house.kill_bot()
    house.mend_store()
    await house.start_bot()
    await house.room.until(
        lambda: house.query("SELECT * FROM jobs WHERE event_id = ?", command)[0]["ended"]
    )

    assert answer.state == "succeeded"
    assert homes(await house.world(), "vm") == [there]
    assert house.query("SELECT state FROM jobs WHERE event_id = ?", command) == [
        {"state": "succeeded"}
    ]


async def test_a_bot_that_comes_back_to_a_broken_store_still_tells_the_truth(house: House) -> None:
    _here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.kill_bot()
    house.break_store()
    await house.start_bot()
    answer = await house.final(command)
    house.mend_store()
    pinged = await house.run("!ping")

    assert answer.state == "succeeded"
    assert "The record of this job is incomplete" in answer.plain
    assert homes(await house.world(), "vm") == [there]
    assert pinged.plain == "pong"


async def test_a_store_that_is_read_only_at_the_start_takes_nothing_in(house: House) -> None:
    here, there = await house.sides()
    assert (await house.run("!ping")).plain == "pong"
    await house.stop_bot()
    file = house.state / "nounou.sqlite3"
    before = file.read_bytes()
    # the file format's write version: a newer one than this library knows is read-only
    file.write_bytes(before[:18] + b"\3" + before[19:])
    await house.start_bot()

    said_before = len(house.room.posts)
    house.say("good morning")
    command = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: len(house.room.posts) > said_before)
    told = house.room.posts[-1]
    still = traces(await house.world(), "vm")
    await house.kill_bot()
    file.write_bytes(before)
    await house.start_bot()
    answer = await house.final(command)

    assert "The record cannot be written (attempt to write a readonly database)" in told.plain
    assert told.about == command
    assert still == [f"{here}/vm"]
    assert answer.state == "succeeded"
