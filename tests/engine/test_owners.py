"""One bot a site: a lock file on each Dom0 says which, and a foreign one means reads only."""

from __future__ import annotations

import pytest

from bot.engine.owners import Owners
from bot.errors import OutcomeUnknown, Refused, Unreachable
from tests.engine.alive import Place
from tests.engine.scene import Scene
from tests.fake_hosts import FakeOwnership


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_free_host_becomes_ours_and_is_asked_once(scene: Scene) -> None:
    owners = Owners("us")

    assert await owners.foreign(scene.fy.host) == ""
    assert await owners.foreign(scene.fy.host) == ""

    assert scene.fy.ownership.owner == "us"
    assert scene.fy.ownership.claims == 1


async def test_a_foreign_host_is_not_ours_and_is_asked_again(scene: Scene) -> None:
    scene.fy.ownership.owner = "them"
    owners = Owners("us")

    assert await owners.foreign(scene.fy.host) == "them"
    with pytest.raises(Refused, match=r"belongs to another bot \(its id is them\)"):
        await owners.demand(scene.fy.host)

    scene.fy.ownership.owner = ""
    await owners.demand(scene.fy.host)
    assert await owners.foreign(scene.fz.host) == ""


async def test_a_foreign_id_is_shown_clean(scene: Scene) -> None:
    scene.fy.ownership.owner = "\x1b[31m" + "x" * 500

    assert len(await Owners("us").foreign(scene.fy.host)) <= 40


@pytest.mark.parametrize("error", [Unreachable("silent"), OutcomeUnknown("lost")])
async def test_a_host_that_does_not_say_is_not_ours(
    scene: Scene, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def claim(_self: FakeOwnership, _site: str) -> str:
        raise error

    monkeypatch.setattr(FakeOwnership, "claim", claim)

    with pytest.raises((Refused, Unreachable)):
        await Owners("us").demand(scene.fy.host)


async def test_a_foreign_host_is_said_in_the_room_read_and_never_changed(place: Place) -> None:
    await place.world().hosts["fz"].ownership.claim("them")
    async with place.bot() as bot:
        await bot.chat.until(lambda: len(bot.chat.said()) == 1)
        [said] = bot.chat.said()
        assert said.plain == "⚠ fz belongs to another bot (its id is them): reads only."

        assert "redisdead is on fz" in (await bot.ask("!domu show redisdead")).plain
        refused = await bot.ask("!migrate vm fz")
        other = await bot.ask("!migrate redisdead fy")
        status = await bot.ask("!status")

    assert refused.status is not None
    assert refused.status.state == "refused"
    assert "belongs to another bot" in refused.plain
    assert "belongs to another bot" in other.plain
    assert "belongs to another bot" in status.plain
    assert place.migrations() == []
    assert not [line for line in place.sent if "update.sh" in line]


async def test_each_start_says_it_once_more_and_not_every_command(place: Place) -> None:
    await place.world().hosts["fz"].ownership.claim("them")
    for _life in range(2):
        async with place.bot() as bot:
            await bot.ask("!ping")
            await bot.ask("!ping")
            await place.later(10)

    assert len([said for said in place.chat.said() if "another bot" in said.plain]) == 2
