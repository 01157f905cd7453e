"""The chat against a homeserver, or a proxy before it, that misbehaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog

from bot.chat.matrix_login import Credentials
from bot.core.chat import Post, Text
from bot.errors import BotError, ChatRefused, ChatUnavailable, ConfigError, StoreError
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

POST = Post(ALIAS, "t1", Text("pong", "pong"))
DEEP = b"""{"chunk": [
    {"type": "m.room.message", "event_id": "$1", "sender": "@a:b", "content":
        {"msgtype": "m.text", "body": "!say beside"}},
    {"type": "m.room.message", "event_id": "$0", "sender": "@a:b", "content": {"x": %s1%s}}
]}""" % (b'{"a":[' * 9000, b"]}" * 9000)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FakeHomeserver(), tmp_path)


@pytest.mark.parametrize("count", [1, 3, 4, 6, 7, 20])
async def test_a_gap_of_any_length_is_filled_in_order(scene: Scene, count: int) -> None:
    """The homeserver shows three events at a time."""
    lines = [f"!say {number}" for number in range(count)]
    async with scene.running():
        await scene.homeserver.say(*lines)

        assert await scene.got(count) == lines


async def test_a_page_of_the_gap_that_is_empty_does_not_end_it(scene: Scene) -> None:
    scene.homeserver.misbehave("/messages", answers(200, {"chunk": [], "end": "02"}))
    async with scene.running():
        await scene.homeserver.say("!say 0", "!say 1", "!say 2", "!say 3", "!say 4")

        assert await scene.got(5) == [f"!say {number}" for number in range(5)]


SYNC_TROUBLE: list[tuple[str, Misbehaviour]] = [
    ("bad gateway", page(502)),
    ("html instead of json", page(200)),
    ("an error without a body", answers(500, None)),
    ("too many requests", answers(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1})),
    ("impossible patience", answers(429, {"retry_after_ms": 1e300})),
    ("truncated", truncates),
    ("closed", hangs_up),
    ("a list", raw(b"[]")),
    ("half of it", raw(b'{"next_batch": "9", "roo')),
    ("no text", raw(b"\xff\xfe\x00")),
    ("no token", raw(b"{}")),
    ("a token that is a number", raw(b'{"next_batch": 9}')),
    ("a token of half characters", raw(b'{"next_batch": "\\ud800"}')),
    ("refused", answers(403, {"errcode": "M_FORBIDDEN"})),
    ("an error page of a proxy", page(404)),
]


@pytest.mark.parametrize("trouble", [t[1] for t in SYNC_TROUBLE], ids=[t[0] for t in SYNC_TROUBLE])
async def test_trouble_with_the_sync_loses_and_repeats_nothing(
    scene: Scene, trouble: Misbehaviour
) -> None:
    await scene.homeserver.say("!say history")
    scene.homeserver.misbehave("/sync", trouble, trouble)
    async with scene.running():
        scene.homeserver.misbehave("/sync", trouble, trouble)
        await scene.homeserver.say("!say 0")
        await scene.got(1)
        scene.homeserver.misbehave("/messages", trouble, trouble)
        await scene.homeserver.say("!say 1", "!say 2", "!say 3", "!say 4", "!say 5")

        assert await scene.got(6) == [f"!say {number}" for number in range(6)]


async def test_nesting_that_no_parser_survives_hides_only_itself(scene: Scene) -> None:
    scene.homeserver.misbehave("/messages", raw(DEEP))
    async with scene.running():
        await scene.homeserver.say("!say 0", "!say 1", "!say 2", "!say 3")

        assert await scene.got(4) == ["!say beside", "!say 1", "!say 2", "!say 3"]


async def test_a_homeserver_that_does_not_answer_is_asked_again(scene: Scene) -> None:
    scene.homeserver.misbehave("/login", hangs)
    scene.homeserver.misbehave("/sync", hangs)
    async with scene.running(request_timeout=0.2):
        await scene.homeserver.say("!ping")

        assert await scene.got(1) == ["!ping"]


async def test_the_first_question_of_a_life_waits_for_nothing_new(scene: Scene) -> None:
    """What is said while it waited would come in one batch with what was missed."""
    scene.token = "0"
    async with scene.running(sync_timeout=1000.0):
        await scene.batch()


async def test_the_first_question_after_a_failure_waits_for_nothing_new(scene: Scene) -> None:
    async with scene.running(sync_timeout=1000.0):
        await scene.homeserver.say("!say 0")
        await scene.got(1)
        await long_polls(scene, 1)
        scene.homeserver.misbehave("/sync", page(502))
        for number in (1, 2, 3):
            await scene.homeserver.say(f"!say {number}")
            await scene.got(number + 1)
        await long_polls(scene, 2)

    assert scene.homeserver.patiences.count(0.0) == 2


async def long_polls(scene: Scene, count: int) -> None:
    """Return once so many long polls have begun."""
    async with asyncio.timeout(PATIENCE):
        while scene.homeserver.patiences.count(1000.0) < count:  # noqa: ASYNC110 - no event for this
            await asyncio.sleep(0)


async def test_the_homeserver_is_asked_for_more_when_the_first_answer_was_sent(
    scene: Scene,
) -> None:
    async with scene.running(breath=1000.0) as chat:
        await scene.homeserver.say("!ping")
        await scene.got(1)
        asked = len(scene.homeserver.patiences)
        await scene.homeserver.say("!whoami")
        for _turn in range(50):
            await asyncio.sleep(0)
        assert len(scene.homeserver.patiences) == asked

        await chat.send(POST)

        assert await scene.got(2) == ["!ping", "!whoami"]


async def test_where_nothing_is_sent_the_homeserver_is_asked_for_more_all_the_same(
    scene: Scene,
) -> None:
    async with scene.running(breath=0.01):
        for number in (1, 2):
            await scene.homeserver.say("good morning")
            await scene.got(number)


@pytest.mark.parametrize("error", [StoreError(), BotError(), ValueError("a bug of ours")])
async def test_a_batch_that_could_not_be_stored_comes_again(scene: Scene, error: Exception) -> None:
    async with scene.running():
        scene.errors = [error, error]
        await scene.homeserver.say("!ping")

        assert await scene.got(1) == ["!ping"]
        assert scene.errors == []


async def test_a_revoked_token_is_replaced_by_a_login_as_the_same_device(scene: Scene) -> None:
    async with scene.running() as chat:
        scene.homeserver.revoke()

        assert await chat.send(POST) == "$sent-t1"
        await scene.homeserver.say("!ping")
        assert await scene.got(1) == ["!ping"]

    assert [login.get("device_id") for login in scene.homeserver.logins] == [None, "DEVICE"]


async def test_a_restart_logs_in_no_second_time(scene: Scene) -> None:
    async with scene.homeserver.running() as url:
        for _life in range(2):
            chat = scene.chat(url)
            running = asyncio.create_task(chat.run(scene.receive, scene.token))
            assert await chat.send(POST) == "$sent-t1"
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await chat.close()

    assert len(scene.homeserver.logins) == 1
    assert (scene.folder / "matrix-session.json").stat().st_mode & 0o777 == 0o600


async def test_an_unreadable_session_file_means_a_new_login(scene: Scene) -> None:
    (scene.folder / "matrix-session.json").write_text("{torn")

    async with scene.running():
        assert len(scene.homeserver.logins) == 1


async def test_a_configured_token_is_used_as_it_is(scene: Scene) -> None:
    scene.homeserver.tokens.append("made-elsewhere")

    async with scene.running(password=None, token="made-elsewhere") as chat:
        assert await chat.send(POST) == "$sent-t1"

    assert scene.homeserver.logins == []
    assert not (scene.folder / "matrix-session.json").exists()


async def test_a_configured_token_that_is_refused_gives_way_to_the_password(scene: Scene) -> None:
    async with scene.running(token="worthless") as chat:
        assert await chat.send(POST) == "$sent-t1"

    assert len(scene.homeserver.logins) == 1


async def test_neither_password_nor_token_is_a_mistake_of_the_configuration(scene: Scene) -> None:
    async with scene.homeserver.running() as url:
        chat = scene.chat(url, password=None)

        with pytest.raises(ConfigError, match="neither a password nor a token"):
            await chat.run(scene.receive, None)

        await chat.close()


def test_secrets_are_not_printed() -> None:
    assert "hush" not in repr(Credentials("bot", "hush", "hush"))


REFUSALS: list[Misbehaviour] = [
    answers(403, {"errcode": "M_FORBIDDEN", "error": "no"}),
    answers(400, {"errcode": "M_BAD_JSON", "error": "no"}),
    answers(413, {"errcode": "M_TOO_LARGE", "error": "no"}),
    page(413),
]


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_what_the_homeserver_will_never_take_is_refused(
    scene: Scene, refusal: Misbehaviour
) -> None:
    async with scene.running() as chat:
        scene.homeserver.misbehave("/send/", refusal)

        with pytest.raises(ChatRefused):
            await chat.send(POST)


@pytest.mark.parametrize(
    "trouble",
    [
        page(502),
        page(404),
        page(200),
        answers(500, {"errcode": "M_UNKNOWN"}),
        answers(200, {"event_id": 5}),
        answers(429, {"errcode": "M_LIMIT_EXCEEDED"}),
        answers(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 3_600_000}),
        truncates,
    ],
)
async def test_what_may_work_later_is_unavailable_and_works_later(
    scene: Scene, trouble: Misbehaviour
) -> None:
    async with scene.running() as chat:
        scene.homeserver.misbehave("/send/", trouble)

        with pytest.raises(ChatUnavailable):
            await chat.send(POST)

        assert scene.homeserver.asked.count("PUT /rooms/!room/send/m.room.message/t1") == 1
        assert await chat.send(POST) == "$sent-t1"


async def test_a_post_that_gets_no_answer_in_time_is_unavailable(scene: Scene) -> None:
    async with scene.running(request_timeout=0.2) as chat:
        scene.homeserver.misbehave("/send/", hangs)

        with pytest.raises(ChatUnavailable, match="in time"):
            await chat.send(POST)


@pytest.mark.parametrize(
    ("limit", "asked"),
    [
        (answers(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1}), 0.001),
        (answers(429, {"errcode": "M_LIMIT_EXCEEDED"}, **{"Retry-After": "0"}), 0.0),
    ],
)
async def test_a_wait_that_the_homeserver_asks_for_is_left_to_the_outbox(
    scene: Scene, limit: Misbehaviour, asked: float
) -> None:
    async with scene.running() as chat:
        scene.homeserver.misbehave("/send/", limit)

        with pytest.raises(ChatUnavailable) as caught:
            await chat.send(POST)

        assert caught.value.retry_after == asked
        assert scene.homeserver.asked.count("PUT /rooms/!room/send/m.room.message/t1") == 1


async def test_a_homeserver_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    scene = Scene(FakeHomeserver(), tmp_path)
    async with scene.homeserver.running() as url:
        pass
    chat = scene.chat(url, request_timeout=0.2)
    running = asyncio.create_task(chat.run(scene.receive, None))

    with pytest.raises(ChatUnavailable, match="cannot be reached"):
        await chat.send(POST)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await chat.close()


async def test_a_plain_room_is_warned_of_once_a_start(scene: Scene) -> None:
    with structlog.testing.capture_logs() as logs:
        async with scene.running():
            await scene.homeserver.say("!say 0")
            await scene.homeserver.say("!say 1")
            await scene.got(2)

    warnings = [log for log in logs if log["event"] == "matrix.plain_room"]
    assert [(log["room"], log["log_level"]) for log in warnings] == [(ALIAS, "warning")]


async def test_a_receipt_that_fails_holds_nothing_up(scene: Scene) -> None:
    scene.homeserver.misbehave("/receipt/", hangs, page(500))
    async with scene.running(request_timeout=0.5):
        for number in range(5):
            await scene.homeserver.say(f"!say {number}")
            await scene.got(number + 1)

        assert scene.bodies == [f"!say {number}" for number in range(5)]
