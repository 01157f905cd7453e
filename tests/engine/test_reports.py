"""The report of an incident comes to the room and into the folder, whole, and once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.core.chat import Post
from bot.engine import audit_log, reports
from tests.engine.alive import APPRENTI, Bot, Place
from tests.engine.test_crashes import died
from tests.engine.test_timeline import OPEN, did, state
from tests.fakes import NOUNOU, Said

NAMES = ["incident-1.md", "incident-1.json"]


@pytest.fixture(autouse=True)
def files_are_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread of its own: virtual time would not wait for it."""

    async def here(work: Callable[..., None], *values: object) -> None:
        work(*values)

    monkeypatch.setattr(asyncio, "to_thread", here)


@pytest.fixture
def folder(place: Place) -> Path:
    return place.folder.parent / "reports"


def _post(said: Said) -> Post:
    return said.post


def attached(bot: Bot) -> dict[str, str]:
    return {
        each.file: each.attachment for each in map(_post, bot.chat.messages.values()) if each.file
    }


def written(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def modes(folder: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]


def block(folder: Path) -> None:
    folder.write_text("in the way", encoding="utf-8")


async def played(bot: Bot) -> None:
    await did(bot, OPEN)
    await did(bot, "!incident affects vm")
    await did(bot, "!migrate vm fz")
    await did(bot, "!incident task call the vendor")
    await did(bot, "!incident resolve a cable was loose")


async def test_both_files_come_to_the_room_and_into_the_folder(place: Place, folder: Path) -> None:
    async with place.bot(reports=folder, timezone="Europe/Paris") as bot:
        await played(bot)

        said = await did(bot, "!incident export")
        await bot.engine.outbox.drained()

        assert said.plain.splitlines()[0] == "✔ The report of incident 1 is written."
        assert str(folder) in said.plain
        found = attached(bot)
    assert list(found) == NAMES
    assert written(folder) == found
    assert modes(folder) == [0o700, 0o600, 0o600]
    report = found["incident-1.md"]
    assert report.startswith("# Post-mortem of incident 1: mail is down\n")
    assert "a cable was loose" in report
    assert "began job 3: !migrate vm fz" in report
    assert "| 3 | nounou | `!migrate vm fz` | succeeded |" in report
    assert "- [ ] call the vendor (nounou)" in report
    assert "Europe/Paris" in report


async def test_the_hashes_are_those_of_the_record(place: Place, folder: Path) -> None:
    async with place.bot(reports=folder) as bot:
        await played(bot)
        await did(bot, "!incident export")
        await bot.engine.outbox.drained()
        async with bot.store.read() as tx:
            record = {each.number: each for each in await audit_log.tail(tx, 1000)}
        whole: dict[str, Any] = json.loads(attached(bot)["incident-1.json"])
        exported = [
            dict(each.data)
            for each in record.values()
            if each.kind == "incident" and each.data["verb"] == "incident.export"
        ]
        assert exported[0]["sha256"] == {
            name: hashlib.sha256(content.encode()).hexdigest()
            for name, content in attached(bot).items()
        }
    assert len(whole["record"]) > 4
    assert all(each["hash"] == record[each["number"]].hash for each in whole["record"])


async def test_what_was_recorded_a_moment_ago_is_in_it(bot: Bot) -> None:
    await did(bot, OPEN)
    await did(bot, "!incident affects vm")
    await did(bot, "!hold vm reason a look")
    await did(bot, "!incident export")
    await bot.engine.outbox.drained()
    report = attached(bot)["incident-1.md"]
    assert "holds domu vm: a look" in report
    assert "still open" in report


async def test_a_folder_that_cannot_be_written_is_said_with_how_to_mend_it(
    place: Place, folder: Path
) -> None:
    block(folder)
    async with place.bot(reports=folder) as bot:
        await did(bot, OPEN)
        said = await bot.ask("!incident export")
        assert state(said) == "failed"
        assert "incidents.folder" in said.plain
        assert attached(bot) == {}


def test_two_who_export_at_once_are_not_in_each_others_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_disk, others = os.fsync, [{NAMES[0]: b"of the other"}]

    def meanwhile(opened: int) -> None:
        if others:
            reports._write(folder, others.pop())
        to_disk(opened)

    monkeypatch.setattr(os, "fsync", meanwhile)
    reports._write(folder, {NAMES[0]: b"of the one"})

    assert written(folder) == {NAMES[0]: "of the one"}
    assert modes(folder) == [0o700, 0o600]


async def test_it_needs_the_right_and_an_incident(bot: Bot) -> None:
    said = await bot.ask("!incident export")
    assert state(said) == "refused"
    assert "There was no incident yet" in said.plain or "No incident is open" in said.plain
    await did(bot, OPEN)
    assert state(await bot.ask("!incident export", APPRENTI)) == "denied"
    assert state(await bot.ask("!incident export #7")) == "usage"


@pytest.mark.parametrize("commits", range(1, 10))
async def test_after_a_crash_anywhere_each_file_comes_once(
    place: Place, folder: Path, commits: int
) -> None:
    async with place.bot(reports=folder) as bot:
        await did(bot, OPEN)
        await place.later(10)
        bot.store.die_after = bot.store.commits + commits
        asked = bot.chat.say("!incident export", NOUNOU)
        if not await died(bot.store, place, asked):
            await place.later(10)
        await bot.killed()
    async with place.bot(reports=folder) as bot:
        assert state(await place.chat.answer(asked)) == "succeeded"
        await bot.engine.outbox.drained()
        assert sorted(
            each.file for each in map(_post, bot.chat.messages.values()) if each.file
        ) == sorted(NAMES)


async def test_a_timeline_shows_the_newest_last_and_the_rest_as_a_file(bot: Bot) -> None:
    await did(bot, OPEN)
    for number in range(35):
        await did(bot, f"!incident note look number {number}")

    said = await did(bot, "!incident timeline")

    lines = said.plain.splitlines()
    assert lines[0].endswith("incident 1 · SEV2 · mail is down")
    assert lines[-1] == "6 entries are older: !incident timeline #1 --all"
    assert lines[-2].endswith("nounou: look number 34")
    assert len(lines) == 32
    await did(bot, "!incident timeline --all")
    await bot.engine.outbox.drained()
    whole = attached(bot)["incident-1-timeline.txt"].splitlines()
    assert len(whole) == 37
    assert whole[1].endswith("nounou opened it: mail is down")
