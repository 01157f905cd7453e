"""How watches run: again and again, bounded in time, and none brings down the bot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from bot.core.alerts import Finding, Severity, Sight
from bot.core.watch import Watch, watch
from bot.engine.engine import Engine
from bot.engine.look import Look
from bot.engine.watching import Watching
from bot.errors import DeviceError
from tests.engine.alive import Bot, Place


def finding(key: str = "a") -> Finding:
    return Finding(key, Severity.WARNING, f"{key} is wrong")


class Eyes:
    """A look that a test scripts: each does the next of *sees*, the last for ever."""

    def __init__(self, *sees: Sight | Exception | None) -> None:
        self.sees = list(sees)
        self.memories: list[dict[str, Any]] = []

    async def __call__(self, look: Look) -> Sight:
        """Look as the test says."""
        self.memories.append(dict(look.memory))
        look.memory["looks"] = look.memory.get("looks", 0) + 1
        seen = self.sees.pop(0) if len(self.sees) > 1 else self.sees[0]
        if seen is None:
            await asyncio.get_running_loop().create_future()
        if isinstance(seen, Exception):
            raise seen
        assert seen is not None
        return seen


def titles(engine: Engine) -> list[str]:
    return [alert.title for alert in engine.alerts.standing]


async def started(bot: Bot) -> Engine:
    # recovery is over once a command is answered
    await bot.ask("!ping")
    return bot.engine


async def test_a_watch_looks_at_once_and_then_at_its_times(place: Place) -> None:
    eyes = Eyes(Sight((finding(),)), Sight())
    place.watches = [watch("eyes", every=60.0)(eyes)]
    async with place.bot() as bot:
        engine = await started(bot)
        await place.later(1)
        assert titles(engine) == ["a is wrong"]

        await place.later(58)
        assert len(eyes.memories) == 1
        await place.later(2)

        assert len(eyes.memories) == 2
        assert titles(engine) == []


async def test_a_new_finding_has_to_be_there_in_several_looks_in_a_row(bot: Bot) -> None:
    there, away = Sight((finding(),)), Sight()
    engine = await started(bot)
    watching = Watching(engine, watch("eyes", every=1.0, looks=2)(Eyes(there, away, there, there)))

    seen = []
    for _look in range(5):
        await watching.once()
        seen.append(titles(engine))

    assert seen == [[], [], [], ["a is wrong"], ["a is wrong"]]


async def test_a_look_that_cannot_be_had_ends_no_alert(bot: Bot) -> None:
    engine = await started(bot)
    eyes = Eyes(Sight((finding(),)), DeviceError("no answer"), Sight())
    watching = Watching(engine, watch("eyes", every=1.0)(eyes))

    await watching.once()
    await watching.once()
    assert titles(engine) == ["a is wrong"]
    await watching.once()

    assert titles(engine) == []
    # and what it noted while it failed is forgotten
    assert eyes.memories[2] == {"looks": 1}


async def test_a_watch_with_a_bug_is_an_alert_and_goes_on(bot: Bot) -> None:
    engine = await started(bot)
    watching = Watching(engine, watch("eyes", every=1.0)(Eyes(KeyError("secret"), Sight())))

    await watching.once()
    assert titles(engine) == ["The watch eyes is broken: KeyError."]
    await watching.once()

    assert titles(engine) == []


async def test_a_look_that_does_not_end_is_ended(bot: Bot, place: Place) -> None:
    engine = await started(bot)
    watching = Watching(engine, watch("eyes", every=1.0)(Eyes(None, Sight())))
    began = place.clock()

    await watching.once()

    assert titles(engine) == ["The watch eyes is broken: it does not come to an end."]
    assert place.clock() - began < place.timing.census_patience + 5
    await watching.once()
    assert titles(engine) == []


async def test_what_a_watch_remembers_outlives_the_bot(place: Place) -> None:
    eyes = Eyes(Sight((finding(),)))
    place.watches = [watch("eyes", every=60.0)(eyes)]
    async with place.bot() as bot:
        await started(bot)
        await place.later(1)
        await bot.killed()
    async with place.bot() as bot:
        engine = await started(bot)
        await place.later(1)

        assert eyes.memories == [{}, {"looks": 1}]
        assert [alert.times for alert in engine.alerts.standing] == [1]


async def test_a_store_that_fails_ends_no_watch(place: Place) -> None:
    eyes = Eyes(Sight((finding(),)))
    place.watches = [watch("eyes", every=60.0)(eyes)]
    async with place.bot() as bot:
        await bot.store.breaks("alerts", "sights")
        engine = await started(bot)
        await place.later(70)
        assert titles(engine) == []
        await bot.store.mend()

        await place.later(60)

        assert titles(engine) == ["a is wrong"]


def test_the_example_for_newcomers_is_a_watch() -> None:
    text = (Path(__file__).parents[2] / "docs" / "watches.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    found: dict[str, object] = {}

    exec(compile(code, "watches.md", "exec", dont_inherit=True), found)

    memory = found["memory"]
    assert isinstance(memory, Watch)
    assert memory.summary == "Dom0s with less than 256 MiB of memory free."
