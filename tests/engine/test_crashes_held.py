"""``kill -9`` while commands are held, released, cancelled: each runs once and has one end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from bot.core.chat import Kind, Message
from bot.engine import audit_log, jobs
from bot.engine.context import Context, Requeue
from tests.engine.alive import Bot, Place
from tests.engine.toys import Toys
from tests.fakes import NOUNOU, ROOM, Said

LINES = ["!ping", "!change a", "!migrate vm fz", "!change b", "!change c", "!change d"]
RELEASE = "!job release 2 3 5"
CANCEL = "!job cancel 6"


class Story:
    """What a person does about what was held; it goes on where it was when the bot died."""

    def __init__(self, place: Place, missed: list[str]) -> None:
        self.chat = place.chat
        self.missed = missed
        self.release = self.cancel = ""
        self.took_back = False

    async def go_on(self) -> None:
        """Read the list, release some, cancel one, take one back, and hear all answers."""
        await self.chat.until(lambda: bool(self.lists()))
        await self.chat.until(lambda: self.chat.taken_in == len(self.chat.batches))
        self.release = self.release or self.chat.say(RELEASE)
        self.cancel = self.cancel or self.chat.say(CANCEL)
        if not self.took_back:
            self.took_back = True
            last = self.missed[-1]
            self.chat.deliver([Message("$back", ROOM, NOUNOU, kind=Kind.REMOVAL, target=last)])
        for each in (*self.missed, self.release, self.cancel):
            await self.chat.answer(each)

    def lists(self) -> list[Said]:
        return [said for said in self.chat.said() if said.plain.startswith("⏸ I was away")]


async def or_dies(bot: Bot, work: Awaitable[None]) -> bool:
    """Do *work* until it is done, or the bot dies in it; returns whether it died."""
    working, dead = asyncio.ensure_future(work), asyncio.ensure_future(bot.store.dead.wait())
    await asyncio.wait([working, dead], return_when=asyncio.FIRST_COMPLETED)
    for each in (working, dead):
        each.cancel()
    await asyncio.wait([working, dead])
    return bot.store.dead.is_set()


def screws() -> Toys:
    """Each `change` turns a screw, once; after a crash it looks whether it did."""
    toys = Toys()

    def turned(ctx: Context) -> str:
        return f"turned {ctx.job.line.split()[-1]}"

    async def turn(ctx: Context) -> None:
        async with ctx.step("turn the screw", changes=True):
            toys._did(turned(ctx))

    async def look(ctx: Context) -> None:
        if turned(ctx) not in toys.done:
            raise Requeue

    toys.work = dict.fromkeys("abcd", turn)
    toys.recovers = look
    return toys


async def dies_and_comes_back(place: Place, commit: int) -> None:
    toys = screws()
    place.registry = toys.registry()
    async with place.bot() as bot:
        await bot.ask("!ping")
    story = Story(place, place.chat.say_all(LINES))
    await place.later(900)
    async with place.bot(die_after=commit) as bot:
        if await or_dies(bot, story.go_on()):
            await bot.killed()

    async with place.bot() as bot:
        await story.go_on()
        await bot.engine.outbox.drained()
        await each_has_one_end_and_ran_once(bot, story, toys)


async def each_has_one_end_and_ran_once(bot: Bot, story: Story, toys: Toys) -> None:
    states = []
    for each in story.missed:
        said = story.chat.final(each)
        assert said is not None
        assert said.status is not None
        states.append(said.status.state)
    assert states == ["succeeded", "succeeded", "away", "succeeded", "cancelled", "cancelled"]
    assert len(story.lists()) == 1
    # they share no key, so the second may pass while the bot looks after the first
    assert sorted(did for did in toys.done if did.startswith("turned")) == ["turned a", "turned b"]
    assert bot.place.migrations() == []
    async with bot.store.read() as tx:
        entries = await audit_log.tail(tx, 1000)
    assert (await audit_log.verify_all(bot.store)).ok
    assert [e.data["held"] for e in entries if e.kind == "away"] == [[2, 3, 5, 6, 7]]
    assert [e.data["released"] for e in entries if e.kind == "released"] == [[2, 3, 5]]
    assert [e.data["job"] for e in entries if e.kind == "taken back"] == [7]
    ended = [e.data["job"] for e in entries if e.kind == "ended"]
    assert sorted(ended) == sorted(set(ended))


@pytest.mark.parametrize("commit", range(2, 40, 5))
async def test_after_any_commit(place: Place, commit: int) -> None:
    await dies_and_comes_back(place, commit)


@pytest.mark.campaign
@pytest.mark.parametrize("commit", range(2, 45))
async def test_after_every_commit(place: Place, commit: int) -> None:
    await dies_and_comes_back(place, commit)


@pytest.mark.parametrize("commit", range(3, 9))
async def test_when_what_was_there_before_is_held(place: Place, commit: int) -> None:
    """The bot dies with commands that it had not begun, and again while it finds them."""
    toys = Toys()
    place.registry = toys.registry()
    toys.gate("long")
    async with place.bot() as bot:
        first = place.chat.say("!wait long")
        await toys.until("begin long")
        second = place.chat.say("!change it")
        await bot.chat.until(lambda: bot.chat.taken_in == 2)
        await bot.killed()
    await place.later(900)
    toys.gate("long").set()
    before = list(toys.done)

    async with place.bot(die_after=commit) as bot:
        if await or_dies(bot, place.later(60)):
            await bot.killed()
    async with place.bot() as bot:
        await bot.chat.until(lambda: any("from before" in each.plain for each in bot.chat.said()))
        await bot.chat.until(lambda: bot.chat.taken_in == len(bot.chat.batches))
        assert toys.done == before
        await bot.ask("!job release 1 2")
        for each in (first, second):
            assert (await bot.chat.answer(each)).plain != ""
        async with bot.store.read() as tx:
            assert all([(await jobs.get(tx, number)) is not None for number in (1, 2)])

    assert sum("from before" in each.plain for each in place.chat.said()) == 1
    assert toys.done.count("end it") == 1
