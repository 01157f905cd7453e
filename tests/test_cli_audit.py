"""`nounou audit` beside the bot: the record as the file has it, for other programs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.core.audit import GENESIS, Entry, seal
from bot.engine.audit_file import CHUNK
from bot.engine.audit_log import append
from bot.engine.store import Store

MANY = 2 * CHUNK + 1


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a long record."""

    async def fill() -> None:
        store = Store(folder)
        await store.open()
        async with store.write() as tx:
            for number in range(MANY):
                data = {"person": "anna" if number % 2 else "bea", "job": number}
                await append(tx, "asked", data, 1_800_000_000.0 + number)
        await store.close()

    folder = tmp_path_factory.mktemp("state")
    asyncio.run(fill())
    return folder


def audit(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "audit", *words], capture_output=True, text=True, timeout=60
    )


def test_the_whole_record_is_written_oldest_first_and_verifies_by_itself(state: Path) -> None:
    ended = audit("export", "--state", str(state))

    entries = [Entry(**json.loads(line)) for line in ended.stdout.splitlines()]
    previous = GENESIS
    for number, entry in enumerate(entries, 1):
        assert entry == seal(number, entry.at, entry.kind, entry.data, previous)
        previous = entry.hash
    assert (ended.returncode, ended.stderr, len(entries)) == (0, "", MANY)


def test_only_what_is_asked_for_is_written(state: Path) -> None:
    words = ("--after", str(MANY - 4), "by", "anna")
    ended = audit("export", "--state", str(state), *words)

    assert [json.loads(line)["number"] for line in ended.stdout.splitlines()] == [
        MANY - 3,
        MANY - 1,
    ]


def test_lines_for_syslog_begin_with_the_number(state: Path) -> None:
    ended = audit("export", "--state", str(state), "--format", "syslog", "--after", str(MANY - 1))

    (line,) = ended.stdout.splitlines()
    assert line.startswith("<109>1 20")
    assert f' nounou - asked [nounou@32473 number="{MANY}" hash="' in line


def test_a_configuration_comes_before_the_filters(tmp_path: Path) -> None:
    ended = audit("export", str(tmp_path / "none.yaml"), "by", "anna")

    assert ended.returncode == 2
    assert "none.yaml" in ended.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give a configuration or --state FOLDER"),
        (("--state", "{state}", "since", "yesterday"), "'yesterday' is no time"),
        (("--state", "{state}/none"), "There is no store in"),
        (("--state", "{state}", "--format", "xml"), "xml"),
    ],
)
def test_what_is_wrong_is_one_sentence(state: Path, words: tuple[str, ...], says: str) -> None:
    ended = audit("export", *(word.format(state=state) for word in words))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_that_has_seen_enough_is_no_error(state: Path) -> None:
    command = [sys.executable, "-m", "bot", "audit", "export", "--state", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        first = writer.stdout.readline()
        writer.stdout.close()
        said = writer.stderr.read()

    assert json.loads(first)["number"] == 1
    assert (writer.returncode, said) == (0, b"")


def test_the_chain_is_verified(state: Path) -> None:
    ended = audit("verify", "--state", str(state))

    assert ended.returncode == 0
    assert f"The record is whole: {MANY} entries" in ended.stdout
