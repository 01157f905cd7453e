"""What a command carries while it takes its time, how it ended, and who is called at the end."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.chat import PostKind
from bot.core.jobs import ENDED, State
from bot.core.plan import Line, Verdict
from bot.engine import jobs
from bot.engine.context import Context
from bot.errors import Failed, OutcomeUnknown
from tests.engine.alive import APPRENTI, NOUNOU2, Bot, Place
from tests.engine.toys import Toys
from tests.fakes import ROOM


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
async def place(place: Place, toys: Toys) -> Place:
    place.registry = toys.registry()
    return place


async def signs_on(bot: Bot, asked: str) -> list[str]:
    await bot.engine.outbox.drained()
    return bot.chat.signs_on(asked)


async def ended(bot: Bot, line: str, sender: str = NOUNOU2) -> list[str]:
    """What *line* carries once it was answered."""
    asked = bot.chat.say(line, sender)
    await bot.chat.answer(asked)
    return await signs_on(bot, asked)


async def open_jobs(bot: Bot) -> list[jobs.Job]:
    async with bot.store.read() as tx:
        return await jobs.in_states(tx, set(State) - ENDED)


async def step(ctx: Context) -> None:
    async with ctx.step("turn the screw", changes=True):
        pass


async def fails(ctx: Context) -> None:
    async with ctx.step("turn the screw"):
        raise Failed("it broke")


async def lost(ctx: Context) -> None:
    async with ctx.step("turn the screw", changes=True):
        raise OutcomeUnknown("the link was lost")


@pytest.mark.parametrize(
    ("work", "sign"), [(step, "✅"), (fails, "❌"), (lost, "⚠️")], ids=["done", "failed", "lost"]
)
async def test_long_work_says_how_it_ended(bot: Bot, toys: Toys, work: object, sign: str) -> None:
    toys.work["it"] = work  # type: ignore[assignment]

    assert await ended(bot, "!change it") == [sign]


async def test_work_that_takes_its_time_says_so_from_its_first_step_on(
    bot: Bot, toys: Toys
) -> None:
    gate = toys.gate("in the step")

    async def work(ctx: Context) -> None:
        async with ctx.step("turn the screw"):
            await gate.wait()

    toys.work["it"] = work
    asked = bot.chat.say("!change it")
    await bot.chat.until(lambda: bool(bot.chat.signs_on(asked)))
    assert await signs_on(bot, asked) == ["⏳"]

    gate.set()
    await bot.chat.answer(asked)

    assert await signs_on(bot, asked) == ["✅"]


async def test_waiting_for_locks_is_work_that_takes_its_time(bot: Bot, toys: Toys) -> None:
    toys.keys = dict.fromkeys(("one", "two"), frozenset({"the key"}))
    toys.gate("one")
    bot.chat.say("!change one")
    await toys.until("begin one")
    second = bot.chat.say("!change two")
    await bot.chat.until(lambda: bool(bot.chat.signs_on(second)))
    assert await signs_on(bot, second) == ["⏳"]

    await bot.ask("!job cancel 2")
    await bot.chat.answer(second)

    assert await signs_on(bot, second) == ["❌"]
    toys.gate("one").set()


@pytest.mark.parametrize(
    ("line", "sender"),
    [("!change it", APPRENTI), ("!nosuch it", NOUNOU2), ("!fail it", NOUNOU2)],
    ids=["denied", "not understood", "a bug"],
)
async def test_what_fails_at_once_says_so_and_never_that_it_takes_its_time(
    bot: Bot, line: str, sender: str
) -> None:
    assert await ended(bot, line, sender) == ["❌"]
    kinds = [each.kind for each in bot.chat.attempts]
    assert kinds.count(PostKind.REACTION) == 1
    assert PostKind.REMOVAL not in kinds


async def test_what_is_refused_says_so(bot: Bot, toys: Toys) -> None:
    toys.lines = [Line(Verdict.NO, "it is not there")]

    assert await ended(bot, "!change it") == ["❌"]


@pytest.mark.parametrize("line", ["!ping", "!domu show vm", "!change it --dry-run"])
async def test_a_quick_success_is_one_event_and_calls_nobody(bot: Bot, line: str) -> None:
    assert await ended(bot, line) == []
    assert [each.kind for each in bot.chat.attempts] == [PostKind.TEXT]
    assert bot.chat.attempts[0].mentions == ()


async def test_the_end_of_long_work_calls_who_asked_and_nothing_before_it_does(
    bot: Bot, toys: Toys
) -> None:
    toys.work["it"] = step
    asked = bot.chat.say("!change it", NOUNOU2)

    said = await bot.chat.answer(asked)
    await bot.engine.outbox.drained()

    assert said.post.mentions == (NOUNOU2,)
    assert said.post.edits is not None
    calling = [each for each in bot.chat.attempts if each.mentions]
    assert [each.txn for each in calling] == [said.post.txn]


async def test_the_signs_come_after_every_answer_that_waits(bot: Bot, toys: Toys) -> None:
    toys.work["it"] = step
    gate = bot.chat.gates[ROOM] = asyncio.Event()
    asked = bot.chat.say_all(["!change it", "!ping"])
    await bot.chat.until(lambda: len(bot.chat.attempts) == 1)
    while await open_jobs(bot):
        await bot.place.later(1)

    gate.set()
    for each in asked:
        await bot.chat.answer(each)
    await bot.engine.outbox.drained()

    kinds = [each.kind for each in bot.chat.attempts]
    assert kinds == [PostKind.TEXT] * 4 + [PostKind.REACTION, PostKind.REMOVAL, PostKind.REACTION]


async def test_a_bot_that_dies_in_between_leaves_one_sign_in_the_end(
    place: Place, toys: Toys
) -> None:
    gate = toys.gate("in the step")

    async def work(ctx: Context) -> None:
        async with ctx.step("turn the screw"):
            await gate.wait()

    toys.work["it"] = work
    async with place.bot() as bot:
        asked = bot.chat.say("!change it")
        await bot.chat.until(lambda: bool(bot.chat.signs_on(asked)))
        await bot.killed()

    gate.set()
    async with place.bot() as bot:
        await bot.chat.answer(asked)
        assert await signs_on(bot, asked) == ["✅"]
