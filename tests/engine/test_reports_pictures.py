"""What consoles showed around the jobs of an incident lies beside its report, named in it."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.engine import picturing
from tests.engine.alive import Bot, Place
from tests.engine.picturing import logged, moves_when_started
from tests.engine.scene import Scene
from tests.engine.test_timeline import OPEN, did
from tests.fakes import ROOM

drawn = picturing.drawn
BEFORE, AFTER = "incident-1-job-3-vm-before.png", "incident-1-job-3-vm-after.png"


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    moves_when_started(scene)
    logged(scene)
    return scene


async def exported(bot: Bot) -> str:
    await did(bot, OPEN)
    await did(bot, "!incident affects vm")
    await did(bot, "!migrate vm fz")
    await did(bot, "!incident export")
    [report] = [
        said.post.attachment for said in bot.chat.said(ROOM) if said.post.file == "incident-1.md"
    ]
    return report


async def test_the_pictures_lie_beside_the_report_which_has_their_hashes(
    place: Place, scene: Scene, drawn: list[str]
) -> None:
    place.chat.encryption[ROOM] = True
    folder = place.folder.parent / "reports"
    async with place.bot(scene.world, reports=folder) as bot:
        report = await exported(bot)

    for name in (BEFORE, AFTER):
        png = (folder / name).read_bytes()
        assert f"![{name}]({name})" in report.replace("\\", "")
        assert f"`{hashlib.sha256(png).hexdigest()}`" in report
        assert (folder / name).stat().st_mode & 0o077 == 0
    assert "kept the console of vm on fy before it" in report
    assert "kept the console of vm on fz after it" in report
    whole = json.loads((folder / "incident-1.json").read_text(encoding="utf-8"))
    assert [each["file"] for each in whole["pictures"]] == [BEFORE, AFTER]


async def test_without_a_folder_no_file_is_named(
    place: Place, scene: Scene, drawn: list[str]
) -> None:
    place.chat.encryption[ROOM] = True
    async with place.bot(scene.world) as bot:
        report = await exported(bot)

    assert "![" not in report
    assert "kept the console of vm on fy before it" in report


async def test_where_only_the_text_was_kept_its_hash_is_named(place: Place, scene: Scene) -> None:
    folder = place.folder.parent / "reports"
    async with place.bot(scene.world, reports=folder) as bot:
        report = await exported(bot)

    assert sorted(path.name for path in folder.iterdir()) == ["incident-1.json", "incident-1.md"]
    assert "![" not in report
    assert "## Pictures" in report
