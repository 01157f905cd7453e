"""Pictures go where they are wanted, stay for a time, and are taken back once."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from sqlalchemy import select

from bot.core.chat import Picture, Post, Text
from bot.core.render import Reply
from bot.devices.console import Way
from bot.engine import consoles, pictures
from bot.engine.consoles import ConsoleRules
from bot.engine.context import Context
from bot.engine.outbox import put
from bot.engine.schema import outbox
from bot.errors import ChatRefused
from tests.engine import picturing
from tests.engine.alive import EPOCH, Bot, Place
from tests.engine.toys import Toys
from tests.fakes import ROOM

drawn = picturing.drawn
KEEP = 600.0
RULES = ConsoleRules(keep=KEEP)


@pytest.fixture
async def place(place: Place) -> Place:
    """Two pictures come with the answer to `!change it`."""
    toys = Toys()

    async def work(ctx: Context) -> Reply:
        return Reply("done", pictures=[(Picture(f"{n}.png", b"png"), f"<{n}>") for n in (1, 2)])

    toys.work["it"] = work
    place.registry = toys.registry()
    place.chat.encryption[ROOM] = True
    return place


def captions(place: Place) -> list[str]:
    return [said.plain for said in picturing.pictures(place.chat)]


async def shown(bot: Bot) -> None:
    """Ask for the pictures, and wait until all is said."""
    await bot.ask("!change it")
    await bot.engine.outbox.drained()


@pytest.mark.parametrize(
    ("rule", "encrypted", "posted"),
    [
        ("encrypted", True, True),
        ("encrypted", False, False),
        ("encrypted", None, False),
        ("always", False, True),
        ("never", True, False),
    ],
)
async def test_pictures_come_only_where_the_config_wants_them(
    place: Place,
    rule: Literal["encrypted", "always", "never"],
    encrypted: bool | None,
    posted: bool,
) -> None:
    place.chat.encryption.clear()
    if encrypted is not None:
        place.chat.encryption[ROOM] = encrypted
    async with place.bot(console=ConsoleRules(pictures=rule)) as bot:
        await shown(bot)

    assert captions(place) == (["<1>", "<2>"] if posted else [])


async def test_each_picture_is_a_post_of_its_own_in_the_thread_of_who_asked(place: Place) -> None:
    async with place.bot() as bot:
        await shown(bot)

    first, second = (said.post for said in picturing.pictures(place.chat))
    assert first.picture == Picture("1.png", b"png")
    assert first.text == Text("<1>", "&lt;1&gt;")
    assert first.threaded
    assert first.about == second.about == "$m0"
    [answer] = place.chat.about("$m0")[-1:]
    assert list(place.chat.messages).index(answer.event_id) < 2


async def test_a_picture_is_taken_back_once_when_its_time_is_over(place: Place) -> None:
    async with place.bot(console=RULES) as bot:
        await shown(bot)
        await place.later(KEEP - 30)
        assert captions(place) == ["<1>", "<2>"]

        await place.later(60)
        await bot.engine.outbox.drained()

        assert captions(place) == []
        await place.later(KEEP)
    assert len(picturing.removals(place.chat)) == 2


async def test_a_bot_that_was_away_takes_back_what_is_over_when_it_comes_back(
    place: Place,
) -> None:
    async with place.bot(console=RULES) as bot:
        await shown(bot)
        await bot.killed()
    await place.later(2 * KEEP)

    async with place.bot(console=RULES) as bot:
        await place.later(1)
        await bot.engine.outbox.drained()

    assert captions(place) == []
    assert len(picturing.removals(place.chat)) == 2


async def test_what_could_not_be_said_in_its_time_is_never_said(place: Place) -> None:
    async with place.bot(console=RULES) as bot:
        place.chat.down = True
        place.chat.say("!change it")
        await place.later(2 * KEEP)
        place.chat.down = False
        await bot.engine.outbox.drained()
        await place.later(60)

    assert place.chat.final("$m0") is not None
    assert captions(place) == []
    assert picturing.removals(place.chat) == []


async def test_a_picture_that_was_refused_is_not_taken_back(place: Place) -> None:
    def refuse(post: Post) -> None:
        if post.picture is not None:
            raise ChatRefused("too large")

    place.chat.trouble = refuse
    async with place.bot(console=RULES) as bot:
        await shown(bot)
        await place.later(2 * KEEP)

        async with bot.store.read() as tx:
            left = await tx.scalars(select(outbox.c.expires).where(outbox.c.expires.is_not(None)))
            assert list(left) == []
    assert picturing.removals(place.chat) == []


async def test_a_removal_that_is_lost_comes_again(place: Place) -> None:
    async with place.bot(console=RULES) as bot:
        await shown(bot)
        place.chat.down = True
        await place.later(2 * KEEP)
        assert captions(place) == ["<1>", "<2>"]
        place.chat.down = False
        await bot.engine.outbox.drained()

    assert captions(place) == []


async def test_a_picture_is_not_forgotten_before_it_was_taken_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.engine.housekeeping._POSTS_KEPT", 3)
    async with place.bot(console=RULES) as bot:
        await shown(bot)
        for number in range(20):
            async with bot.store.write() as tx:
                await put(tx, Post(ROOM, f"chatter-{number}", Text("chatter", "chatter")))
            bot.engine.outbox.wake()
        await place.later(KEEP + 60)
        await bot.engine.outbox.drained()
        assert captions(place) == []

        await place.later(60)

        async with bot.store.read() as tx:
            kept = await tx.scalars(select(outbox.c.txn).where(outbox.c.txn.contains("-picture-")))
            assert [txn for txn in kept if not txn.endswith("-gone")] == []


async def test_what_the_bot_takes_back_itself_is_nobody_elses_doing(place: Place) -> None:
    async with place.bot(console=RULES, post_head_every=300.0) as bot:
        await shown(bot)
        await place.later(KEEP + 60)
        await bot.engine.outbox.drained()
        assert len(place.chat.taken_back[ROOM]) == 2

        assert "took back" not in (await bot.ask("!audit verify")).plain

        place.chat.take_back(place.chat.said(ROOM)[0])
        assert "took back 1 post" in (await bot.ask("!audit verify")).plain


@pytest.mark.parametrize(
    ("way", "fresh", "says"),
    [
        (Way.LOG, True, "from the host's log · last printed 2027-01-15 07:59:00 UTC"),
        (Way.VIEW, False, "attached, read only · nothing new since 2027-01-15 07:59:00 UTC"),
        (Way.VISIT, True, "attached"),
    ],
)
async def test_a_picture_says_whose_console_it_is_when_by_which_way_and_for_whom(
    bot: Bot, drawn: list[str], way: Way, says: str, *, fresh: bool
) -> None:
    shot = await consoles.shown(
        bot.engine,
        guest="vm/../x",
        host="fy",
        way=way,
        text="login: ",
        printed=EPOCH - 60,
        new=None if fresh else "",
    )
    shot = replace(shot, at=EPOCH)

    picture, caption = await pictures.of(bot.engine, shot, "nounou")

    assert picture.name == "vm_.._x-20270115-080000.png"
    assert caption == f"vm/../x on fy · 2027-01-15 08:00:00 UTC · {says} · for nounou"
    assert drawn == [caption]
