"""A word that nobody may read reaches nobody: not the room, the record, the log or the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from bot.core.approvals import Approvals, Need
from bot.core.command import Command, command
from bot.core.plan import Line, Plan, PlannedStep, Verdict
from bot.core.policy import Right
from bot.core.render import Lines, Reply
from bot.core.text import MASK
from bot.engine import audit_log, schema
from bot.engine.context import Context
from bot.errors import BotError, DeviceError, OutcomeUnknown, Refused
from bot.params import Secret, Word
from tests.engine.alive import APPRENTI, Bot, Place

SECRET = "hunter2&<3"


@dataclass
class Array:
    """A command that gets a secret, and says it wherever it can."""

    got: list[str] = field(default_factory=list)
    fails: Exception | None = None
    planned: str = "set"

    def command(self) -> Command:
        @command("array password", needs="array.password", risk="changes")
        async def password(ctx: Context, array: Word, new: Secret) -> Reply:
            """Set a password."""
            self.got.append(new)
            async with ctx.step(f"set {new}", changes=True):
                await ctx.progress(f"setting {new}")
            if self.fails is not None:
                raise self.fails
            return Reply(f"it is {new}", f"really {new}", f"not {new}?", body=(Lines([new]),))

        @password.plan
        async def _plan(ctx: Context, array: str, new: str) -> Plan:
            lines = (Line(Verdict.YES, f"{new} is long"),)
            return Plan(lines, (PlannedStep("nols", f"{self.planned} {new}"),), frozenset({"toy"}))

        @password.settle
        async def _settle(ctx: Context, array: str, new: str) -> Reply:
            return Reply("settled")

        return password


@pytest.fixture
def array() -> Array:
    return Array()


@pytest.fixture
async def place(place: Place, array: Array) -> Place:
    place.registry.add(array.command())
    return place


def kept(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("utf-8", "replace")


async def reaches_nobody(bot: Bot, logs: list[Any]) -> None:
    """The first letters are enough: HTML has others in place of the last."""
    await bot.engine.outbox.drained()
    said = [text for each in bot.chat.attempts for text in (each.text.plain, each.text.html)]
    async with bot.store.read() as tx:
        entries = [str(entry.data) for entry in await audit_log.tail(tx, 1000)]
        for table in (schema.jobs, schema.steps, schema.outbox):
            said += [str(row) for row in await tx.execute(select(table))]
    assert "hunter2" not in "\n".join([*said, *entries, *map(str, logs)])


ENDS = [
    None,
    Refused(f"{SECRET} is too short"),
    DeviceError(f"the device does not like {SECRET}"),
    ZeroDivisionError(f"a bug about {SECRET}"),
]


async def test_of_a_plan_that_waits_and_is_shown_again(place: Place) -> None:
    place.approvals = Approvals(also=((Right.parse("array.password"), Need.CONFIRM),))
    async with place.bot() as bot:
        await bot.code(bot.chat.say(f"!array password nols '{SECRET}'"))
        shown = await bot.ask("!job show 1")

    assert f"1. on nols: set {MASK}" in shown.plain
    assert f"{MASK} is long" in shown.plain
    assert "hunter2" not in shown.plain + shown.post.text.html


@pytest.mark.parametrize("fails", ENDS, ids=lambda end: type(end).__name__)
async def test_of_a_command_that_ran_or_failed(
    bot: Bot, array: Array, fails: BotError | None
) -> None:
    array.fails = fails
    with structlog.testing.capture_logs() as logs:
        said = await bot.ask(f"!array password nols '{SECRET}'")
        shown = await bot.ask("!job show 1")
        await bot.ask("!job list")
        await bot.ask("!audit tail 100")
        await reaches_nobody(bot, logs)

    assert array.got == [SECRET]
    assert f"!array password nols {MASK}" in shown.plain
    assert MASK in said.plain or isinstance(fails, ZeroDivisionError)


@pytest.mark.parametrize(
    "line",
    [
        f"!array password nols '{SECRET}' 'too much {SECRET}'",
        f"!array password nols '--{SECRET}'",
        f"!array password nols '{SECRET}",
        f"!array passwort nols '{SECRET}'",
    ],
)
async def test_of_a_line_that_is_wrong(bot: Bot, array: Array, line: str) -> None:
    with structlog.testing.capture_logs() as logs:
        said = await bot.ask(line)
        await bot.ask("!audit tail 100")
        await bot.engine.outbox.drained()

    assert said.status is not None
    assert said.status.state == "usage"
    assert array.got == []
    await reaches_nobody(bot, logs)


async def test_of_a_command_that_was_denied(bot: Bot, array: Array) -> None:
    with structlog.testing.capture_logs() as logs:
        await bot.ask(f"!array password nols '{SECRET}'", APPRENTI)

        await reaches_nobody(bot, logs)


async def test_of_a_stranger(bot: Bot, array: Array) -> None:
    bot.chat.say(f"!array password nols '{SECRET}'", "@stranger:localhost")
    await bot.ask("!ping")

    await reaches_nobody(bot, [])


async def test_of_a_job_whose_end_is_not_known_once_it_is_settled(bot: Bot, array: Array) -> None:
    """Until then the bot needs the whole line, to look at the world again."""
    array.fails = OutcomeUnknown(f"who knows what became of {SECRET}")
    said = await bot.ask(f"!array password nols '{SECRET}'")
    assert said.status is not None
    assert said.status.state == "undetermined"
    assert MASK in said.plain

    await bot.ask("!job settle 1")

    await reaches_nobody(bot, [])
