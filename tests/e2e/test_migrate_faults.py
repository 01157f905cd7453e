"""A move with each fault by name: the final answer is the truth, or says that nobody knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.house import House, Houses, arriving, homes, traces
from tests.e2e.house_room import Post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

#: a host that is silent for so long is given up
TIMING = {"command": "5s", "follow_patience": "4s", "census_patience": "2s"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def houses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Houses]:
    houses = Houses(tmp_path_factory.mktemp("faults"), TIMING)
    yield houses
    await houses.close()


@pytest_asyncio.fixture(loop_scope="module")
async def house(houses: Houses) -> AsyncIterator[House]:
    async with houses.lend() as house:
        yield house


async def stayed(house: House, answer: Post, here: str) -> None:
    """The answer says that vm still runs on *here*, which is so, and nothing is held."""
    assert answer.state == "failed", answer.plain
    assert f"still runs on {here}" in answer.plain
    assert traces(await house.world(), "vm") == [f"{here}/vm"]
    assert house.locks(answer.status["job"]) == set()


async def lost(house: House, answer: Post) -> int:
    """Nobody can know, so the locks stay and nothing else may touch the guest; the job."""
    assert answer.state == "undetermined", answer.plain
    number = int(answer.status["job"])
    assert f"Its locks stay. When the hosts answer again: !job settle {number}" in answer.plain
    assert {key.partition("/")[0] for key in house.locks(number)} == {
        "domu",
        "links",
        "migration",
        "volume",
    }
    return number


async def settled(house: House, number: int, said: str) -> None:
    answer = await house.run(f"!job settle {number}")
    assert answer.state == "succeeded", answer.plain
    assert said in answer.plain
    assert house.locks(number) == set()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("out-of-memory", "The target ran out of memory during the copy"),
        ("name-taken", "The target already has a domain named vm"),
        ("cut", "The link between the hosts was cut during the copy"),
        ("unknown-host-key", "does not know the target's ssh host key"),
        ("no-permission", "does not let the source's root log in"),
    ],
)
async def test_a_move_that_fails_says_why_and_where_the_guest_is(
    house: House, fault: str, said: str
) -> None:
    here, there = await house.sides()
    await house.fault(fault, there, times=1)

    answer = await house.run(f"!migrate vm {there}")

    await stayed(house, answer, here)
    assert said in answer.plain


async def test_a_cut_in_mid_copy(house: House) -> None:
    here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.fault("cut", times=1)

    await stayed(house, await house.final(command), here)


async def test_a_start_whose_answer_is_lost_is_followed_and_not_repeated(house: House) -> None:
    here, there = await house.sides()
    await house.fault("drop-after-send", here, "nounou-detach", times=1)

    answer = await house.run(f"!migrate vm {there}")

    assert answer.state == "succeeded", answer.plain
    assert homes(await house.world(), "vm") == [there]
    assert len(house.started_moves(here, answer.status["job"])) == 1


async def test_a_start_whose_answer_is_garbled_is_followed_and_not_repeated(house: House) -> None:
    here, there = await house.sides()
    await house.fault("garble", here, "nounou-detach", times=1)

    answer = await house.run(f"!migrate vm {there}")

    assert answer.state == "succeeded", answer.plain
    assert homes(await house.world(), "vm") == [there]
    assert len(house.started_moves(here, answer.status["job"])) == 1


async def test_a_start_that_arrives_after_it_was_given_up_starts_nothing(house: House) -> None:
    here, there = await house.sides()
    await house.fault("hang", here, "nounou-detach")

    answer = await house.run(f"!migrate vm {there}")
    await house.ask("clear")
    again = await house.run(f"!migrate vm {there}")

    assert answer.state == "failed"
    assert "never started" in answer.plain
    assert house.started_moves(here, answer.status["job"]) == []
    assert again.state == "succeeded", again.plain


async def test_an_answer_that_cannot_be_read_stops_the_checks(house: House) -> None:
    here, there = await house.sides()
    await house.fault("garble", there, "xl list", times=1)

    answer = await house.run(f"!migrate vm {there}")

    assert answer.state == "failed"
    assert "The answer of xl list cannot be read" in answer.plain
    assert traces(await house.world(), "vm") == [f"{here}/vm"]


async def test_one_answer_that_cannot_be_read_does_not_hide_where_the_guest_is(
    house: House,
) -> None:
    _here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: homes(world, "vm") == [there])
    await house.fault("garble", there, "ps -ww", times=1)
    answer = await house.final(command)

    assert answer.state == "succeeded", answer.plain


async def test_a_slow_host_is_waited_for(house: House) -> None:
    _here, there = await house.sides()
    await house.fault("slow", there, "xl info", times=1)

    command = house.say(f"!migrate vm {there}")
    pinged = await house.run("!ping")
    answer = await house.final(command)

    assert pinged.plain == "pong"
    assert house.room.heard(command, "looking at the world")
    assert answer.state == "succeeded"


async def test_a_host_that_hangs_is_given_up_before_anything_is_done(house: House) -> None:
    here, there = await house.sides()
    await house.fault("hang", there)

    answer = await house.run(f"!migrate vm {there}")

    assert answer.state == "failed"
    assert f"{there} did not answer within 5 s" in answer.plain
    assert traces(await house.world(), "vm") == [f"{here}/vm"]


async def test_a_source_that_refuses_in_mid_copy_is_asked_again(house: House) -> None:
    here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.fault("refuse", here)
    await house.room.until(lambda: house.room.heard(command, f"{here} gives no news"))
    await house.ask("clear")
    answer = await house.final(command)

    assert answer.state == "succeeded", answer.plain
    assert homes(await house.world(), "vm") == [there]


async def test_a_sender_that_is_killed_leaves_the_end_to_a_person(house: House) -> None:
    here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.ask("kill", where=here, match="xl migrate vm")
    number = await lost(house, await house.final(command))
    refused = await house.run(f"!migrate vm {there}")

    assert refused.state == "refused"
    assert f"Job {number} ended undetermined and keeps its locks." in refused.plain
    assert f"!job settle {number}" in refused.plain
    await settled(house, number, f"vm was not moved and still runs on {here}")
    assert (await house.run(f"!migrate vm {there}")).state == "succeeded"


async def test_a_resync_that_is_not_confirmed_is_settled_by_looking(house: House) -> None:
    here, there = await house.sides()
    await house.fault("drop-after-send", there, "update.sh", times=1)

    command = await house.run(f"!migrate vm {there}")
    number = int(command.status["job"])
    await house.fault("refuse", there)
    unasked = await house.run(f"!job settle {number}")
    held = house.locks(number)
    await house.ask("clear")
    both = [house.say(f"!job settle {number}"), house.say(f"!job settle {number}", "nounou2")]
    answers = [await house.final(each) for each in both]

    assert command.state == "undetermined"
    assert (unasked.state, bool(held)) == ("failed", True)
    assert sorted(answer.state for answer in answers) == ["refused", "succeeded"]
    assert house.locks(number) == set()
    assert homes(await house.world(), "vm") == [here]
    assert house.started_moves(here, number) == []


async def test_locks_of_an_unknown_end_outlive_a_crash(house: House) -> None:
    here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.ask("kill", where=here, match="xl migrate vm")
    number = await lost(house, await house.final(command))
    await house.restart_bot()
    refused = await house.run(f"!migrate vm {there}")

    assert refused.state == "refused"
    assert f"!job settle {number}" in refused.plain
    await settled(house, number, f"vm was not moved and still runs on {here}")


@pytest.mark.parametrize("fault", ["handover-failure", "handover-lost"])
async def test_a_hand_over_that_fails_is_settled_once_a_person_cleared_up(
    house: House, fault: str
) -> None:
    here, there = await house.sides()
    await house.fault(fault, there, times=1)

    number = await lost(house, await house.run(f"!migrate vm {there}"))
    world = await house.world()
    refused = await house.run(f"!job settle {number}")
    assert refused.state == "refused"
    assert "vm is not in order" in refused.plain
    assert traces(await house.world(), "vm") == traces(world, "vm")
    assert house.locks(number)

    if homes(world, "vm") == [there]:
        await house.shell(here, "sudo xl destroy vm--migratedaway")
        await settled(house, number, f"vm runs on {there}, and only there")
    else:
        await house.shell(there, "sudo xl destroy vm--incoming")
        still = await house.run(f"!job settle {number}")
        assert still.state == "refused"


async def test_a_target_that_dies_in_mid_copy(house: House) -> None:
    here, there = await house.sides()
    if homes(await house.world(), "redisdead") == [there]:
        await house.run(f"!migrate redisdead {here}")

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.fault("kill-host", there)
    number = await lost(house, await house.final(command))
    unasked = await house.run(f"!job settle {number}")
    await house.fault("revive", there)

    assert unasked.state == "refused"
    assert f"It cannot be said where vm runs: {there}" in unasked.plain
    await settled(house, number, f"vm was not moved and still runs on {here}")


async def test_a_source_that_dies_in_mid_copy(house: House) -> None:
    here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: arriving(world, "vm"))
    await house.fault("kill-host", here)
    number = await lost(house, await house.final(command))
    unasked = await house.run(f"!job settle {number}")
    assert unasked.state == "failed"
    assert f"{here} refuses connections" in unasked.plain
    assert house.locks(number)

    await house.fault("revive", here)
    await settled(house, number, "vm runs on no host any more")
    assert traces(await house.world(), "vm") == []
