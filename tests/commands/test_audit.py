"""The record in the room: looked through, told, sent as a file."""

from __future__ import annotations

import json

import pytest

from tests.engine.alive import APPRENTI, Bot
from tests.fakes import Said


def state(said: Said) -> str:
    assert said.status is not None
    return said.status.state


def rows(said: Said) -> list[str]:
    return [line for line in said.plain.splitlines() if line.startswith("#")]


async def test_a_search_shows_the_newest_first_and_how_to_go_on(bot: Bot) -> None:
    for _turn in range(25):
        await bot.ask("!ping")

    said = await bot.ask("!audit search kind asked ping")
    shown = rows(said)
    words = said.plain.partition("Go on with: !")[2]
    older = await bot.ask(f"!{words}")

    assert said.plain.startswith("20 entries, newest first:")
    assert len(shown) == 20
    assert all("nounou · !ping" in row for row in shown)
    assert int(shown[0].split()[0][1:]) > int(shown[-1].split()[0][1:])
    assert older.plain.startswith("5 entries, newest first:")
    assert "Go on" not in older.plain


async def test_a_search_is_for_persons_objects_and_words(bot: Bot) -> None:
    await bot.ask("!migrate vm fz", APPRENTI)
    await bot.ask("!ping")

    denied = await bot.ask("!audit search by apprenti on vm kind denied")
    nothing = await bot.ask("!audit search by apprenti on owl")

    assert "denied: job 1 · apprenti · !migrate vm fz" in denied.plain
    assert denied.plain.startswith("1 entry:")
    assert nothing.plain == "Nothing of the kind is in the record."


@pytest.mark.parametrize("verb", ["search", "export"])
async def test_a_wrong_filter_is_pointed_at(bot: Bot, verb: str) -> None:
    said = await bot.ask(f"!audit {verb} by nounou since yesterday")

    assert state(said) == "usage"
    assert "'yesterday' is no time" in said.plain
    line, carets = said.plain.splitlines()[1:3]
    assert line[carets.index("^") :].startswith("yesterday")
    assert "2026-11-25T03:00" in said.plain


async def test_the_story_of_a_job_is_told_from_its_start_to_its_end(bot: Bot) -> None:
    await bot.ask("!migrate vm fz")

    said = await bot.ask("!audit show 1")
    head, *lines = said.plain.splitlines()
    kinds = [line.split()[2] for line in lines if not line.startswith(" ")]

    assert head == "Job 1 of nounou: !migrate vm fz"
    assert (kinds[0], kinds[-1]) == ("asked:", "ended:")
    assert kinds.index("plan:") < kinds.index("step:")
    assert "nounou · !migrate vm fz" in lines[0]
    assert "succeeded" in lines[-1]


async def test_a_job_that_never_was_has_no_story(bot: Bot) -> None:
    said = await bot.ask("!audit show 77")

    assert state(said) == "usage"
    assert "There is no job 77." in said.plain


async def test_an_export_is_a_file_beside_a_summary(bot: Bot) -> None:
    await bot.ask("!ping")

    said = await bot.ask("!audit export job 1")
    entries = [json.loads(line) for line in said.post.attachment.splitlines()]

    assert said.post.file == "record.jsonl"
    assert [entry["kind"] for entry in entries] == ["asked", "ended"]
    assert said.plain.startswith("2 entries are in record.jsonl (")
    assert "previous" not in said.plain


@pytest.mark.parametrize("words", ["", " kind asked", " export"])
async def test_an_export_leaves_itself_out(bot: Bot, words: str) -> None:
    await bot.ask("!ping")
    await bot.ask("!audit export by nobody")

    said = await bot.ask(f"!audit export{words}")
    entries = [json.loads(line) for line in said.post.attachment.splitlines()]

    assert entries
    assert all(entry["data"].get("job") != 3 for entry in entries)


async def test_an_export_of_nothing_is_no_file(bot: Bot) -> None:
    said = await bot.ask("!audit export by nobody")

    assert (said.post.file, said.post.attachment) == ("", "")
    assert said.plain == "Nothing of the kind is in the record."
