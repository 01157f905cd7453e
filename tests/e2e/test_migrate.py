"""`!migrate` through the whole bot: there and back, and everything that must be refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.house import House, Houses, homes, traces

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def houses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Houses]:
    houses = Houses(tmp_path_factory.mktemp("migrate"))
    yield houses
    await houses.close()


@pytest_asyncio.fixture(loop_scope="module")
async def house(houses: Houses) -> AsyncIterator[House]:
    async with houses.lend() as house:
        yield house


async def test_a_guest_moves_there_and_back(house: House) -> None:
    here, there = await house.sides()

    first = await house.run(f"!migrate vm {there}")
    away = homes(await house.world(), "vm")
    second = await house.run(f"!migrate vm {here}")

    assert (first.state, second.state) == ("succeeded", "succeeded")
    assert f"vm runs on {there}, and only there" in first.plain
    for answer in (first, second):
        [clock] = [line for line in answer.plain.splitlines() if line.startswith("Its clock")]
        assert re.match(r"Its clock (stepped by \+|went on within the error \(± )[0-9]", clock)
    assert away == [there]
    assert traces(await house.world(), "vm") == [f"{here}/vm"]


async def test_an_end_has_a_line_of_its_record_in_the_room(house: House) -> None:
    _here, there = await house.sides()

    said_before = len(house.room.posts)
    answer = await house.run(f"!migrate vm {there}")

    # an edit that is not due lets it pass, so it may stand before the answer's last state
    def records() -> list[str]:
        new = (post.plain for post in house.room.posts[said_before:])
        return [plain for plain in new if plain.startswith("record #")]

    await house.room.until(records)
    (record,) = records()

    number, digest = record.removeprefix("record #").split(" ")[:2]
    (row,) = house.query("SELECT * FROM audit WHERE number = ?", int(number))
    assert row["kind"] == "ended"
    assert row["hash"].startswith(digest)
    assert f'"job": {answer.status["job"]}' in row["data"]


async def test_a_dry_run_shows_the_plan_and_changes_nothing(house: House) -> None:
    _here, there = await house.sides()
    before = await house.world()

    answer = await house.run(f"!migrate vm {there} --dry-run")

    assert answer.state == "succeeded"
    assert "Nothing was done" in answer.plain
    assert f"xl migrate vm {there}" in answer.plain
    assert "not checked" in answer.plain
    assert re.search(r"✔ the clocks of f. and f. agree within 50 ms: .*date, 5 ", answer.plain)
    assert traces(await house.world(), "vm") == traces(before, "vm")
    assert house.started_moves("fy", answer.status["job"]) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("!migrate zamok fz", "no shadow in virt_caps"),
        ("!migrate owl fz", "of memory free"),
        ("!migrate sleeper fz", "does not run on any host"),
        ("!migrate redisdead fz", "redisdead already runs on fz"),
    ],
)
async def test_what_cannot_move_is_refused_and_nothing_is_touched(
    house: House, command: str, said: str
) -> None:
    before = await house.world()

    answer = await house.run(command)

    assert answer.state == "refused"
    assert said in answer.plain
    after = await house.world()
    assert {g: traces(after, g) for g in ("vm", "zamok", "owl")} == {
        g: traces(before, g) for g in ("vm", "zamok", "owl")
    }
    assert house.locks(answer.status["job"]) == set()
    assert house.query("SELECT * FROM steps WHERE job = ?", answer.status["job"]) == []


async def test_two_moves_between_the_same_hosts_wait_for_one_another(house: House) -> None:
    here, there = await house.sides()
    if homes(await house.world(), "redisdead") != [here]:
        await house.run(f"!migrate redisdead {here}")

    first = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: house.room.heard(first, "resync"))
    second = house.say(f"!migrate redisdead {there}")
    await house.room.until(lambda: house.room.heard(second, "waiting for job"))
    waiting = next(post for post in house.room.about(second) if "waiting" in post.plain)
    answers = await asyncio.gather(house.final(first), house.final(second))

    assert waiting.status["waits"] == "lock"
    assert f"waiting for job {answers[0].status['job']}; you are 1st" in waiting.plain
    assert [answer.state for answer in answers] == ["succeeded", "succeeded"]
    world = await house.world()
    assert homes(world, "vm") == homes(world, "redisdead") == [there]


async def test_a_waiting_move_can_be_cancelled(house: House) -> None:
    _here, there = await house.sides()
    guest_home = homes(await house.world(), "redisdead")[0]
    other = "fz" if guest_home == "fy" else "fy"

    first = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: house.room.heard(first, "resync"))
    second = house.say(f"!migrate redisdead {other}")
    await house.room.until(lambda: house.room.heard(second, "waiting for job"))
    number = house.room.about(second)[0].status["job"]
    cancel = await house.run(f"!job cancel {number}", "nounou2")
    answers = await asyncio.gather(house.final(first), house.final(second))

    assert cancel.state == "succeeded"
    assert [answer.state for answer in answers] == ["succeeded", "cancelled"]
    assert homes(await house.world(), "redisdead") == [guest_home]


async def test_a_move_is_cancelled_before_its_point_of_no_return(house: House) -> None:
    here, there = await house.sides()
    await house.fault("slow", there, "update.sh")

    command = house.say(f"!migrate vm {there}")
    await house.room.until(lambda: house.room.heard(command, f"resync the links of {there}"))
    number = house.room.about(command)[0].status["job"]
    cancel = await house.run(f"!job cancel {number}")
    answer = await house.final(command)

    assert cancel.state == "succeeded"
    assert answer.state == "cancelled"
    assert homes(await house.world(), "vm") == [here]
    assert house.started_moves(here, number) == []
    assert house.locks(number) == set()


async def test_a_move_is_not_cancelled_after_its_point_of_no_return(house: House) -> None:
    _here, there = await house.sides()

    command = house.say(f"!migrate vm {there}")
    await house.until_world(lambda world: f"{there}/vm--incoming" in traces(world, "vm"))
    number = house.room.about(command)[0].status["job"]
    cancel = await house.run(f"!job cancel {number}")
    answer = await house.final(command)

    assert cancel.state == "refused"
    assert "point of no return" in cancel.plain
    assert answer.state == "succeeded"
    assert homes(await house.world(), "vm") == [there]


async def test_a_link_that_is_gone_is_mended_by_the_resync(house: House) -> None:
    _here, there = await house.sides()
    await house.fault("missing-link", there, "vm-root")

    shown = await house.run(f"!migrate vm {there} --dry-run")
    answer = await house.run(f"!migrate vm {there}")

    assert f"/dev/vm-root is missing on {there}" in shown.plain
    assert "✔ /dev/vm-swap" in shown.plain
    assert answer.state == "succeeded"


async def test_a_link_to_another_volume_is_mended_by_the_resync(house: House) -> None:
    _here, there = await house.sides()
    await house.fault("stale-link", there, "vm-root")

    shown = await house.run(f"!migrate vm {there} --dry-run")
    answer = await house.run(f"!migrate vm {there}")

    assert f"/dev/vm-root on {there} leads to another volume" in shown.plain
    assert answer.state == "succeeded"


async def test_a_link_that_the_resync_does_not_mend_stops_the_move(house: House) -> None:
    here, there = await house.sides()

    def without_a_script(config: dict[str, Any]) -> None:
        for host in config["hosts"].values():
            host["update_script"] = ["date", "+%s"]

    house.configure(without_a_script)
    await house.restart_bot()
    await house.fault("stale-link", there, "vm-root")
    answer = await house.run(f"!migrate vm {there}")
    house.configure()
    await house.restart_bot()
    mended = await house.run(f"!migrate vm {there}")

    assert answer.state == "refused"
    assert f"/dev/vm-root on {there} leads to another volume" in answer.plain
    assert "Nothing was moved." in answer.plain
    assert house.started_moves(here, answer.status["job"]) == []
    assert mended.state == "succeeded"


async def test_a_host_of_another_bot_is_read_and_never_changed(house: House) -> None:
    _here, there = await house.sides()
    owner = house.folder.site / "hosts" / there / "home" / ".nounou" / "owner"
    mine = owner.read_text()
    owner.write_text("another-bot\n")

    await house.restart_bot()
    await house.room.until(
        lambda: any("belongs to another bot" in post.plain for post in house.room.posts)
    )
    listed = await house.run("!domu list")
    answer = await house.run(f"!migrate vm {there}")
    kept = owner.read_text()
    owner.write_text(mine)
    again = await house.run(f"!migrate vm {there}")

    assert listed.state == "succeeded"
    assert "vm " in listed.plain
    assert answer.state == "refused"
    assert f"{there} belongs to another bot (its id is another-bot): reads only." in answer.plain
    assert kept == "another-bot\n"
    assert again.state == "succeeded"
    assert homes(await house.world(), "vm") == [there]
