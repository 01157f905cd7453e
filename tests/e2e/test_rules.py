"""The rules that must never break, each tried to be broken from outside of the whole bot."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
import pytest_asyncio

from bot.app import registry_of
from bot.core.policy import Right
from bot.demo.policy import LOOKING
from bot.engine.store import FILE
from tests.e2e.house import House, Houses, arriving, homes, traces
from tests.e2e.house_room import PATIENCE

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def houses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Houses]:
    houses = Houses(tmp_path_factory.mktemp("rules"))
    yield houses
    await houses.close()


@pytest_asyncio.fixture(loop_scope="module")
async def house(houses: Houses) -> AsyncIterator[House]:
    async with houses.lend() as house:
        yield house


async def nounou(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line, as an administrator runs it beside the bot."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bot", *words],
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_a_command_that_is_delivered_again_runs_once(house: House) -> None:
    _here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: house.room.about(command))
    house.room.deliver_again(command)
    answer = await house.final(command)
    house.room.deliver_again(command)
    pinged = await house.run("!ping")

    assert answer.state == "succeeded"
    assert pinged.status["job"] == answer.status["job"] + 1
    assert homes(await house.world(), "vm") == [there]


async def test_an_answer_whose_receipt_is_lost_is_said_once(house: House) -> None:
    house.room.loses_receipts = True
    command = house.say("!ping")
    await house.final(command)
    await house.kill_bot()
    house.room.loses_receipts = False
    said = len(house.room.posts)
    await house.start_bot()
    pinged = await house.run("!whoami")

    assert [post.plain for post in house.room.finals(command)] == ["pong"]
    assert house.room.posts[said:] == [pinged]


async def test_commands_said_while_the_bot_is_away_are_answered_in_order(house: House) -> None:
    await house.kill_bot()
    lines = [house.say("!ping" if n % 2 else "!whoami") for n in range(20)]
    await house.start_bot()
    answers = [await house.final(line) for line in lines]

    order = [house.room.posts.index(answer) for answer in answers]
    assert order == sorted(order)
    assert {answer.state for answer in answers} == {"succeeded"}


async def test_a_stopped_bot_leaves_its_move_to_the_next_start(house: House) -> None:
    here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.stop_bot()
    unfinished = house.room.finals(command)
    await house.start_bot()
    answer = await house.final(command)

    assert unfinished == []
    assert answer.state == "succeeded"
    assert traces(await house.world(), "vm") == [f"{there}/vm"]
    assert len(house.started_moves(here, answer.status["job"])) == 1


async def test_every_command_is_denied_to_those_without_its_right(house: House) -> None:
    allowed = [Right.parse(right) for right in LOOKING]
    for command in registry_of(["commands"]):
        may = any(right.has_verb(command.needs) for right in allowed)
        words = {"domu": "vm", "to": "fz", "name": "vm", "dom0": "fy", "job": "1", "count": "3"}
        arguments = " ".join(words.get(param.name, "ping") for param in command.params)

        answer = await house.run(f"!{command.name} {arguments}", "apprenti")

        assert (answer.state == "denied") is not may, command.name


async def test_one_state_folder_has_one_bot(house: House) -> None:
    second = await nounou("run", str(house.folder.config))

    assert second.returncode == 2
    assert "Another bot runs on the state folder" in second.stderr
    assert (await house.run("!ping")).plain == "pong"


async def test_a_record_that_was_changed_is_found_out(house: House) -> None:
    def write(word: str, other: str) -> None:
        with closing(sqlite3.connect(house.state / FILE, timeout=PATIENCE)) as store:
            change = "UPDATE audit SET data = replace(data, ?, ?) WHERE number = ?"
            store.execute(change, (word, other, number))
            store.commit()

    await house.run("!ping")
    number = house.query("SELECT number FROM audit WHERE kind = 'asked'")[0]["number"]
    whole = await nounou("audit", "verify", "--state", str(house.state))
    write("@nounou:", "@nobody:")
    in_the_room = await house.run("!audit verify")
    broken = await nounou("audit", "verify", "--state", str(house.state))
    write("@nobody:", "@nounou:")

    assert (whole.returncode, "The record is whole" in whole.stdout) == (0, True)
    assert in_the_room.state == "refused"
    assert f"The record was changed: entry {number}" in in_the_room.plain
    assert broken.returncode == 1
    assert f"The record was changed: entry {number}" in broken.stderr
