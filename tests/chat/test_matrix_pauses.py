"""However a homeserver fails, it is asked again at a bearable pace, and the loop stays alive.

Pauses are counted and not waited for, so that many failures in a row take no time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from bot.chat.matrix import GRACE, LONGEST_ASKED, MatrixChat, growing_pauses
from bot.core.chat import Post, Text
from bot.core.pulse import Pulse
from tests.chat.homeserver import (
    ALIAS,
    FakeHomeserver,
    Misbehaviour,
    answers,
    hangs,
    hangs_up,
    page,
    raw,
    truncates,
)
from tests.chat.scene import PATIENCE, Scene

FAILURES = 12
SHORTEST, LONGEST = 0.5, 60.0
TROUBLE: dict[str, Misbehaviour] = {
    "401 of a proxy": page(401),
    "401 of a homeserver that is no refused token": answers(401, {"errcode": "M_USER_LOCKED"}),
    "403": answers(403, {"errcode": "M_FORBIDDEN"}),
    "404": page(404),
    "429 without a time": answers(429, {"errcode": "M_LIMIT_EXCEEDED"}),
    "429 of no time at all": answers(429, {}, **{"Retry-After": "0"}),
    "500": answers(500, {"errcode": "M_UNKNOWN"}),
    "502 with a page": page(502),
    "no JSON": page(200),
    "half of the JSON": raw(b'{"next_batch": "9", "roo'),
    "half of the body": truncates,
    "closed": hangs_up,
    "nothing in it": raw(b"{}"),
    "silence": hangs,
}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FakeHomeserver(), tmp_path)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the loop, which take no time."""
    taken: list[float] = []
    sleep, pause = asyncio.sleep, MatrixChat._pause

    async def noted(chat: MatrixChat, seconds: float) -> None:
        taken.append(seconds)
        await pause(chat, seconds)

    monkeypatch.setattr(MatrixChat, "_pause", noted)
    monkeypatch.setattr("asyncio.sleep", lambda seconds: sleep(0))
    return taken


def asked(scene: Scene, endpoint: str) -> int:
    return sum(1 for each in scene.homeserver.asked if each.endswith(endpoint))


#: a login that is refused ends the run instead
CASES = [(where, how) for where in ("/sync", "/login") for how in TROUBLE if how != "403"]


@pytest.mark.parametrize(("endpoint", "how"), [("/sync", "403"), *CASES])
async def test_each_failure_is_followed_by_a_longer_pause(
    scene: Scene, pauses: list[float], endpoint: str, how: str
) -> None:
    trouble = TROUBLE[how]
    scene.homeserver.misbehave(endpoint, *[trouble] * FAILURES)
    limits = {"shortest_pause": SHORTEST, "longest_pause": LONGEST, "request_timeout": 1.0}
    if trouble is hangs:
        limits["request_timeout"] = 0.1

    async with scene.running(**limits):
        await scene.homeserver.say("!ping")
        await scene.got(1)

    # aiohttp itself tries once more where a connection turns out to be closed
    assert len(pauses) == FAILURES or (how == "closed" and len(pauses) >= FAILURES / 2)
    assert asked(scene, endpoint) <= FAILURES + 3
    for pause, whole in zip(pauses, growing(), strict=False):
        assert whole / 2 <= pause <= whole


def growing() -> list[float]:
    return [min(SHORTEST * 2**number, LONGEST) for number in range(FAILURES)]


@pytest.mark.parametrize(
    ("limit", "pause"),
    [
        (answers(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 90_000}), 90.0),
        (answers(429, {}, **{"Retry-After": "90"}), 90.0),
        (answers(429, {}, **{"Retry-After": "999999999"}), LONGEST_ASKED),
        (answers(429, {"retry_after_ms": 1e300}), None),
    ],
)
async def test_a_time_that_the_homeserver_asks_for_is_kept(
    scene: Scene, pauses: list[float], limit: Misbehaviour, pause: float | None
) -> None:
    async with scene.running(shortest_pause=SHORTEST, longest_pause=LONGEST):
        scene.homeserver.misbehave("/sync", limit)
        await scene.homeserver.say("!say 0")
        await scene.homeserver.say("!say 1")
        await scene.got(2)

    assert len(pauses) == 1
    assert pauses[0] == pause or (pause is None and pauses[0] <= SHORTEST)


async def test_something_that_answers_from_memory_instead_of_waiting_is_no_hot_loop(
    scene: Scene, pauses: list[float]
) -> None:
    async with scene.running(shortest_pause=SHORTEST, longest_pause=LONGEST):
        stale = answers(200, {"next_batch": "0"})
        scene.homeserver.misbehave("/sync", *[stale] * FAILURES)
        await scene.homeserver.say("!ping")
        await scene.got(1)

    assert len(pauses) in (FAILURES - 1, FAILURES)
    assert asked(scene, "/sync") <= FAILURES + 3
    assert pauses[-1] >= LONGEST / 2


async def test_a_clock_that_jumps_moves_no_pause(
    scene: Scene, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(range(10**9, -(10**12), -(10**6)))
    monkeypatch.setattr("time.time", lambda: float(next(times)))
    async with scene.running(shortest_pause=SHORTEST, longest_pause=LONGEST):
        scene.homeserver.misbehave("/sync", page(502), page(502))
        await scene.homeserver.say("!say 0")
        await scene.homeserver.say("!say 1")
        await scene.got(2)

    assert len(pauses) == 2
    assert all(pause <= 2 * SHORTEST for pause in pauses)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_loop_whose_tries_fail_is_alive_and_one_that_hangs_is_not(
    scene: Scene, pauses: list[float]
) -> None:
    clock = Clock()
    pulse = Pulse(clock)
    stuck = asyncio.Event()

    async with scene.running(pulse=pulse, request_timeout=5.0) as chat:
        assert pulse.silence == 0.0
        scene.homeserver.misbehave("/sync", *[page(502)] * FAILURES)
        scene.homeserver.patiences.clear()
        await scene.homeserver.say("!say 0", "!say 1")
        await scene.got(2)
        await until(lambda: scene.homeserver.patiences[-1:] == [PATIENCE])
        clock.now += PATIENCE + 5.0 + GRACE  # the longest that the next long poll may take
        assert pulse.alive
        assert pulse.silence == clock.now

        scene.stuck = stuck
        await scene.homeserver.say("!ping")
        await asyncio.wait_for(stuck.wait(), PATIENCE)
        clock.now += PATIENCE + 5.0 + GRACE + 0.1
        assert not pulse.alive
        await chat.send(Post(ALIAS, "t1", Text("pong", "pong")))
        assert not pulse.alive  # speaking is no proof of listening


async def test_a_long_pause_that_the_homeserver_asks_for_is_no_death(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, sleep = Clock(), asyncio.sleep
    pulse = Pulse(clock)
    alive: dict[float, bool] = {}

    async def pause(seconds: float) -> None:
        clock.now += seconds
        alive[seconds] = pulse.alive
        await sleep(0)

    monkeypatch.setattr("asyncio.sleep", pause)
    async with scene.running(pulse=pulse, request_timeout=5.0):
        limit = answers(429, {}, **{"Retry-After": str(int(LONGEST_ASKED))})
        scene.homeserver.misbehave("/sync", limit)
        await scene.homeserver.say("!say 0")
        await scene.homeserver.say("!say 1")
        await scene.got(2)

    assert alive[LONGEST_ASKED]


def test_pauses_grow_to_the_longest_and_differ() -> None:
    pauses = list(islice(growing_pauses(1.0, 60.0), 12))

    for pause, whole in zip(pauses, [1, 2, 4, 8, 16, 32, *[60] * 6], strict=True):
        assert whole / 2 <= pause <= whole
    assert len(set(pauses)) == len(pauses)
