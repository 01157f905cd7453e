"""Thousands of commands while the homeserver is ended and started again every half minute.

`NOUNOU_SOAK_COMMANDS` says how many; 10,000 take about an hour on two busy cores.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count, cycle
from pathlib import Path

import pytest

from bot.demo.policy import DOMAIN
from bot.engine.audit_file import verify as verify_file
from bot.engine.store import FILE
from tests.soak.site import SPEAKERS, Site

COMMANDS = int(os.environ.get("NOUNOU_SOAK_COMMANDS", "10000"))
#: seconds from one start of the homeserver to its next end
EVERY = float(os.environ.get("NOUNOU_SOAK_RESTART_EVERY", "30"))
#: seconds a command, everything counted, on a machine that many share
SLOWEST = 1.0
#: how many commands each person has under way before the first is answered
AT_A_TIME = 16
#: reads that need no device: that is no test of hosts
LINES = ("!ping", "!whoami", "!ping", "!help ping", "!ping", "!job list", "!nonsense")


async def talk(site: Site, speaker: str, numbers: Iterator[int]) -> None:
    """Say one command after the other, and get not too far ahead of the answers."""
    lines, said = cycle(LINES), 0

    def is_heard() -> bool:
        return said - site.heard.answered[f"@{speaker}:{DOMAIN}"] < AT_A_TIME

    for number in numbers:
        await site.say(speaker, next(lines), f"soak-{number}")
        said += 1
        await site.until(is_heard, within=300.0)


async def restart_again_and_again(site: Site, over: asyncio.Event) -> int:
    """Until it is *over*, roughly and gently in turn; returns how often."""
    for times in count():
        try:
            async with asyncio.timeout(EVERY):
                await over.wait()
        except TimeoutError:
            await site.restart(roughly=times % 2 == 0)
        else:
            return times
    raise AssertionError("counting never ends")


def recorded(state: Path) -> dict[str, int]:
    """How many entries of each kind the record has."""
    with closing(sqlite3.connect(state / FILE)) as connection:
        return dict(connection.execute("SELECT kind, count(*) FROM audit GROUP BY kind"))


@pytest.mark.soak
@pytest.mark.timeout(300 + COMMANDS * SLOWEST)
async def test_no_command_is_lost_or_doubled_while_the_homeserver_comes_and_goes(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    async with site.open():
        over = asyncio.Event()
        restarting = asyncio.create_task(restart_again_and_again(site, over))
        numbers = iter(range(COMMANDS))
        async with asyncio.TaskGroup() as group:
            for speaker in SPEAKERS:
                group.create_task(talk(site, speaker, numbers))
        over.set()
        times = await restarting
        await site.until(lambda: len(set(site.heard.answers)) >= COMMANDS, within=300.0)
    heard = site.heard

    asked = {command for commands in heard.commands.values() for command in commands}
    assert len(asked) == COMMANDS
    assert sorted(heard.answers) == sorted(asked)
    for commands in heard.commands.values():
        theirs = set(commands)
        assert [command for command in heard.answers if command in theirs] == commands
    assert "held" not in heard.states
    assert "Traceback" not in site.bot_log

    kinds = recorded(site.folder.path / "matrix")
    assert (kinds["asked"], kinds["ended"]) == (COMMANDS, COMMANDS)
    verdict = verify_file(site.folder.path / "matrix")
    assert verdict.ok, verdict.sentence
    assert times >= 1
