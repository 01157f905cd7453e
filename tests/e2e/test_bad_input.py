"""What bad input gets, through the whole bot: a clear sentence, nothing changed, a record."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from tests.e2e.house import House, Houses, World
from tests.e2e.house_room import Post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

#: a device that is silent for so long is given up
TIMING = {"command": "4s", "connect": "4s"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def houses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Houses]:
    houses = Houses(tmp_path_factory.mktemp("input"), TIMING)
    yield houses
    await houses.close()


@pytest_asyncio.fixture(loop_scope="module")
async def house(houses: Houses) -> AsyncIterator[House]:
    async with houses.lend() as house:
        yield house


def places(world: World) -> dict[str, list[str]]:
    """Who is where; times and counters are left out."""
    return {
        name: [f"{domain['domid']} {domain['name']}" for domain in host["domains"]]
        for name, host in world["hosts"].items()
    }


async def rejected(house: House, text: str, sender: str = "nounou") -> Post:
    """The answer to *text*, which changed nothing and stands in the record."""
    before = places(await house.world())
    answer = await house.run(text, sender)
    assert not answer.status["succeeded"]
    assert "nternal error" not in answer.plain
    assert places(await house.world()) == before
    job = answer.status["job"]
    kinds = {
        row["kind"]
        for row in house.query("SELECT kind, data FROM audit")
        if json.loads(row["data"]).get("job") == job
    }
    assert "asked" in kinds
    assert kinds & {"ended", "denied"} or answer.state == "denied"
    assert house.locks(job) == set()
    return answer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("!migrat vm fz", ["There is no command migrat.", "Did you mean migrate"]),
        ("!frobnicate", ["There is no command frobnicate.", "!help"]),
        ("!domu lst", ["domu has no command lst.", "domu list"]),
        ("!domu", ["domu list", "domu show"]),
        ("!migrate vn fz", ["There is no DomU called 'vn'.", "Did you mean vm?"]),
        ("!migrate vm fx", ["There is no Dom0 called 'fx'.", "Did you mean f"]),
        ("!migrate vm nowhere", ["There is no Dom0 called 'nowhere'.", "There are: fy, fz."]),
        ("!migrate", ["DOMU is missing.", "migrate DOMU TO"]),
        ("!migrate vm", ["TO is missing."]),
        ("!migrate vm fz fy", ["migrate takes 2 words at most."]),
        ("!migrate vm fz --now", ["--now is not an option of migrate."]),
        ("!migrate fz vm", ["There is no DomU called 'fz'."]),
        ("!migrate fy fy", ["There is no DomU called 'fy'."]),
        ("!migrate vm 'fz", ["A quote is opened and never closed."]),
        ("!job show seven", ["'seven' is not the number of a job."]),
        ("!job show 4000000", ["There is no job 4000000."]),
        ("!job cancel 99999", ["There is no job 99999."]),
        ("!job settle 99999", ["There is no job 99999."]),
        ("!audit tail 0", ["'0' is not a number from 1 to 100."]),
    ],
)
async def test_what_cannot_be_understood_is_explained(
    house: House, text: str, said: list[str]
) -> None:
    answer = await rejected(house, text)

    assert answer.state == "usage"
    for sentence in said:
        assert sentence in answer.plain


async def test_the_wrong_word_is_pointed_at(house: House) -> None:
    answer = await rejected(house, "!migrate vn fz")

    line, carets = next(
        pair
        for pair in zip(answer.plain.splitlines(), answer.plain.splitlines()[1:], strict=False)
        if pair[0].startswith("!migrate")
    )
    assert line[carets.index("^") :].startswith("vn")


@pytest.mark.parametrize(
    "name",
    [
        "vm;reboot",
        "'vm; reboot'",
        "$(reboot)",
        "`reboot`",
        "'$(touch /tmp/x)'",
        "..",
        "../../etc/xen/vm",
        "/dev/vm-root",
        "vm|tee",
        "vm&",
        "'vm fz'",
        "*",
        "v?",
        "''",
        "ｖｍ",
        "<b>vm</b>",
        "%s%n",
        "{0.__class__}",
    ],
)
async def test_a_name_that_is_no_name_reaches_no_device(house: House, name: str) -> None:
    answer = await rejected(house, f"!migrate {name} fz")

    assert answer.state == "usage"
    assert "is not a name." in answer.plain


async def test_a_name_that_reads_backwards_reaches_no_device(house: House) -> None:
    answer = await rejected(house, "!migrate vm\u202egnp fz")

    assert answer.state == "usage"
    assert "There are invisible characters in this command" in answer.plain
    assert "\u202e" not in answer.plain


@pytest.mark.parametrize("text", ["!migrate -rf fz", "!migrate vm -rf", "!domu show --help"])
async def test_a_name_that_looks_like_an_option_is_no_name(house: House, text: str) -> None:
    answer = await rejected(house, text)

    assert answer.state == "usage"
    assert "is not an option of" in answer.plain


@pytest.mark.parametrize("text", ["!migrate vm\nfz", "!migrate vm fz\n!migrate owl fz", "!ping\0"])
async def test_a_command_is_one_line(house: House, text: str) -> None:
    answer = await rejected(house, text)

    assert answer.state == "usage"
    assert "A command is one line without control characters." in answer.plain


@pytest.mark.parametrize("name", ["v" * 10_000, "é" * 10_000, "v m" * 5_000])
async def test_a_line_of_ten_thousand_characters_is_cut_in_the_record(
    house: House, name: str
) -> None:
    answer = await rejected(house, f"!migrate {name} fz")

    assert answer.state == "usage"
    assert "longer than 2048 bytes" in answer.plain
    (row,) = house.query("SELECT line FROM jobs WHERE id = ?", answer.status["job"])
    assert len(row["line"].encode()) <= 2048


async def test_a_name_of_two_thousand_characters_is_no_name(house: House) -> None:
    answer = await rejected(house, f"!migrate {'v' * 2000} fz")

    assert answer.state == "usage"
    assert len(answer.plain) < 500


async def test_a_person_without_the_right_is_denied_and_learns_nothing(house: House) -> None:
    there, nowhere = [
        await rejected(house, f"!migrate {name} fz", "apprenti") for name in ("vm", "nothing")
    ]

    assert there.state == nowhere.state == "denied"
    assert there.plain == nowhere.plain
    assert "it needs the right domu.migrate" in there.plain


async def test_an_unknown_person_gets_no_answer_and_no_job(house: House) -> None:
    before = places(await house.world())

    house.say("!migrate vm fz", "stranger")
    pinged = await house.run("!ping")

    assert pinged.plain == "pong"
    assert not house.query("SELECT * FROM jobs WHERE sender = '@stranger:localhost'")
    assert house.query("SELECT * FROM audit WHERE kind = 'denied' AND data LIKE '%stranger%'")
    assert places(await house.world()) == before


async def test_denials_of_one_sender_are_counted_and_still_answered(house: House) -> None:
    lines = [house.say(f"!migrate vm fz --x{n}", "apprenti") for n in range(12)]
    answers = await asyncio.gather(*(house.final(line) for line in lines))

    assert {answer.state for answer in answers} == {"denied"}
    (entries,) = house.query(
        "SELECT COUNT(*) AS count FROM audit WHERE kind = 'denied' AND data LIKE '%apprenti%'"
    )
    assert entries["count"] <= 2


@pytest.mark.parametrize(
    ("fault", "where", "match", "said"),
    [
        ("refuse", "fz", "", "fz refuses connections at 127.0.0.1:"),
        ("hang", "fz", "", "fz did not answer within 4 s."),
        ("garble", "fz", "xl list", "The answer of xl list cannot be read"),
        ("garble", "fy", "xl info", "xl info"),
        ("drop-after-send", "fz", "", "The link to fz broke before it answered."),
        ("refuse", "nols", "", "nols"),
        ("hang", "nols", "", "nols did not come to its prompt within 4 s."),
        ("garble", "nols", "", "array"),
        ("drop-after-send", "nols", "", "nols cannot be reached by telnet."),
    ],
)
async def test_a_device_that_fails_in_the_checks_stops_them(
    house: House, fault: str, where: str, match: str, said: str
) -> None:
    here, there = await house.sides()
    where = {"fz": there, "fy": here}.get(where, where)
    said = said.replace("fz", there)
    await house.fault(fault, where, match)

    answer = await rejected(house, f"!migrate vm {there}")

    assert answer.state == "failed"
    assert said in answer.plain
    assert "\x1b" not in answer.plain
    await house.ask("clear")


async def test_a_host_with_another_key_is_not_spoken_to(house: House, tmp_path: Path) -> None:
    _here, there = await house.sides()
    wrong = tmp_path / "known_hosts"
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    port = house.site["hosts"][there]["port"]
    wrong.write_text(f"[127.0.0.1]:{port} {key}")
    wrong.chmod(0o600)

    def another_key(config: dict[str, Any]) -> None:
        config["hosts"][there]["known_hosts"] = str(wrong)

    house.configure(another_key)
    await house.restart_bot()
    answer = await rejected(house, f"!migrate vm {there}")
    house.configure()
    await house.restart_bot()

    assert answer.state == "failed"
    assert f"{there} shows a host key that is not in its known_hosts file" in answer.plain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("site: [\n", "line 2"),
        ("site: lab\nsite: lab\n", "line 2"),
        ("- a\n- b\n", "nounou:"),
        ("\t\n", "nounou:"),
        ("\x00", "nounou:"),
        ("site: lab\nhosts: 7\n", "nounou:"),
    ],
)
async def test_a_broken_configuration_starts_nothing(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text)

    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bot", "run", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert os.listdir(tmp_path) == [config.name]
