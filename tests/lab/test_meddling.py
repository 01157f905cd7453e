"""What the control socket does to clocks and links, and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.lab.blueprint import lab_world
from bot.lab.clocks import meddling
from bot.lab.clocks.link import Link
from bot.lab.faults import UnknownFault
from bot.lab.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = lab_world()
    yield made
    await made.close()


async def test_a_clock_jumps_by_so_many_seconds(world: World) -> None:
    before = world.timepieces["vm"].offset

    meddling.clock(world, {"where": "vm", "step": 1.5})

    assert world.timepieces["vm"].offset == pytest.approx(before + 1.5, abs=0.01)


async def test_a_clock_lies_once_and_is_right_all_the_while(world: World) -> None:
    piece = world.timepieces["vm"]

    meddling.clock(world, {"where": "vm", "stray": 100.0})

    assert piece.offset == pytest.approx(0.0, abs=1.0)
    assert piece.told() - piece.wall() == pytest.approx(100.0, abs=1.0)
    assert piece.told() - piece.wall() == pytest.approx(0.0, abs=1.0)


async def test_a_time_service_dies_and_comes_back(world: World) -> None:
    service = world.timepieces["vm"].service
    assert service is not None

    meddling.clock(world, {"where": "vm", "service": "dead"})
    assert not service.alive

    meddling.clock(world, {"where": "vm", "service": "alive"})
    assert service.alive


async def test_one_server_or_all_of_them_change(world: World) -> None:
    service = world.timepieces["vm"].service
    assert service is not None
    first, *others = service.servers

    meddling.clock(world, {"where": "vm", "server": {"name": first.name, "offset": 0.5}})
    assert first.offset == 0.5
    assert all(other.offset != 0.5 for other in others)

    meddling.clock(world, {"where": "vm", "server": {"answers": False, "stratum": 4}})
    assert not any(server.answers for server in service.servers)
    assert {server.stratum for server in service.servers} == {4}


async def test_a_kernel_is_as_it_was_said(world: World) -> None:
    piece = world.timepieces["vm"]

    for wish in ({"moved": 1.5}, {"clocksource": "jiffies"}, {"independent": "no"}):
        meddling.clock(world, {"where": "vm", **wish})

    assert (piece.moved_by, piece.clocksource, piece.independent) == (1.5, "jiffies", False)
    meddling.clock(world, {"where": "vm", "independent": "unknown"})
    assert piece.independent is None


async def test_a_link_is_as_it_was_said_and_near_where_nothing_was(world: World) -> None:
    meddling.link(world, {"where": "vm", "delay": 0.2, "jitter": 0.01, "there": 0.9})
    assert world.link("vm") == Link(0.2, 0.01, 0.9)

    meddling.link(world, {"where": "vm"})
    assert world.link("vm") == Link()


@pytest.mark.parametrize(
    "wrong",
    [
        {"where": "nobody", "step": 1},
        {"where": "nols", "step": 1},
        {"where": "vm"},
        {"where": "vm", "step": 1, "drift": 1},
        {"where": "vm", "step": "1"},
        {"where": "vm", "step": True},
        {"where": "vm", "step": float("nan")},
        {"where": "vm", "drift": float("inf")},
        {"where": "vm", "stray": 1, "times": 0},
        {"where": "vm", "service": "ill"},
        {"where": "vm", "independent": False},
        {"where": "vm", "clocksource": "two words"},
        {"where": "vm", "moved": None},
        {"where": "vm", "server": {}},
        {"where": "vm", "server": {"name": "nobody.example.org", "answers": True}},
        {"where": "vm", "server": {"answers": 1}},
        {"where": "vm", "server": {"stratum": 16}},
        {"where": "vm", "server": {"colour": "red"}},
    ],
)
async def test_what_cannot_happen_to_a_clock_is_refused(
    world: World, wrong: dict[str, Any]
) -> None:
    with pytest.raises(UnknownFault):
        meddling.clock(world, wrong)


async def test_a_clock_without_a_service_cannot_lose_it(world: World) -> None:
    world.timepieces["vm"].service = None

    with pytest.raises(UnknownFault):
        meddling.clock(world, {"where": "vm", "service": "dead"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"where": "nobody", "delay": 1},
        {"where": "vm", "delay": -1},
        {"where": "vm", "delay": 601},
        {"where": "vm", "jitter": "much"},
        {"where": "vm", "there": 1.1},
    ],
)
async def test_a_link_that_cannot_be_is_refused(world: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(UnknownFault):
        meddling.link(world, wrong)
    assert world.link("vm") == Link()
