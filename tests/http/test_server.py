"""The server itself: who may send, how much, how often, and what happens when something breaks."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
from collections.abc import AsyncIterator

import pytest

from bot.core.alerts import Sight
from bot.core.watch import Watch
from bot.errors import ConfigError
from bot.http.server import listening
from tests.engine.alive import Place, opened
from tests.http.programs import ALERTMANAGER, HERE, PLAIN, TOKEN, Answer, Served, served
from tests.http.test_alertmanager import DOCUMENTED

ADDRESSES = pytest.mark.parametrize("path", [ALERTMANAGER, PLAIN])
BODY = {PLAIN: {"name": "a"}, ALERTMANAGER: DOCUMENTED}


@ADDRESSES
@pytest.mark.parametrize("token", [None, "wrong", "", TOKEN + "x", TOKEN[:-1], "\u00e9t\u00e9"])
async def test_who_shows_no_token_that_is_known_is_not_heard(
    bot: Served, path: str, token: str | None
) -> None:
    answer = await bot.post(path, BODY[path], token)

    assert (answer.status, bot.standing()) == (401, {})
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "http.tokens" in answer.error


@pytest.mark.parametrize("header", [f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer ", ""])
async def test_a_token_counts_as_a_bearer_token_only(bot: Served, header: str) -> None:
    assert (await bot.post(PLAIN, {"name": "a"}, None, Authorization=header)).status == 401


async def test_no_token_is_written_to_any_log(
    bot: Served, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        for token in (TOKEN, "a-wrong-one"):
            await bot.post(PLAIN, {"name": "a", "other": 1}, token)

    assert "could not be used" in (said := caplog.text + "".join(capsys.readouterr()))
    assert TOKEN not in said + repr(HERE)
    assert "a-wrong-one" not in said


@ADDRESSES
async def test_a_body_that_is_too_large_is_refused(place: Place, path: str) -> None:
    async with (
        opened(place.folder) as store,
        served(place.engine(store), store, body_bytes=2000) as bot,
    ):
        said = await bot.post(path, {"name": "x" * 4000})
        unsaid = await bot.client.post(
            f"http://127.0.0.1:{bot.port}{path}",
            data=pieces(b" " * 1000, 5),
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

        assert (said.status, unsaid.status) == (413, 413)
        assert said.error == "The body is larger than http.body_bytes, 2000 bytes."


async def pieces(piece: bytes, count: int) -> AsyncIterator[bytes]:
    """A body whose length nobody says beforehand."""
    for _number in range(count):
        yield piece


@pytest.mark.parametrize(("path", "status"), [(ALERTMANAGER, 503), (PLAIN, 408)])
async def test_a_body_that_does_not_arrive_is_given_up(
    place: Place, path: str, status: int
) -> None:
    async with (
        opened(place.folder) as store,
        served(place.engine(store), store, patience=0.05) as bot,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())

        assert (await reader.readline()).split()[1] == str(status).encode()
        assert b"Retry-After: 1" in await reader.readuntil(b"\r\n\r\n")
        writer.close()


@pytest.mark.parametrize(("path", "status"), [(ALERTMANAGER, 503), (PLAIN, 429)])
async def test_who_comes_too_often_waits_and_nobody_else_does(
    place: Place, path: str, status: int
) -> None:
    async with (
        opened(place.folder) as store,
        served(place.engine(store), store, requests_a_minute=3) as bot,
    ):
        answers = [await bot.post(path, BODY[path]) for _time in range(4)]
        other = await bot.post(path, BODY[path], "a-token-of-cron")

    assert [answer.status for answer in answers] == [200, 200, 200, status]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 20
    assert other.status == 200


async def test_wrong_tokens_take_nothing_from_the_right_one(bot: Served) -> None:
    wrong = [await bot.post(PLAIN, {"name": "a"}, "wrong") for _time in range(62)]

    assert {answer.status for answer in wrong} == {401, 429}
    assert (await bot.post(PLAIN, {"name": "a"})).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", PLAIN, 405), ("PUT", ALERTMANAGER, 405), ("POST", "/alerts/x", 404)],
)
async def test_what_is_not_there_is_counted_as_other(
    bot: Served, method: str, path: str, status: int
) -> None:
    async with bot.client.request(method, f"http://127.0.0.1:{bot.port}{path}") as answer:
        assert answer.status == status

    assert bot.engine.tally.requests == {("other", status): 1}


async def test_requests_are_counted_by_what_became_of_them(bot: Served) -> None:
    await bot.post(PLAIN, {"name": "a"})
    await bot.post(PLAIN, {"name": "a"}, None)

    assert bot.engine.tally.requests == {(PLAIN, 200): 1, (PLAIN, 401): 1}


@ADDRESSES
async def test_what_could_not_be_written_down_is_not_taken_and_again_it_is_once(
    bot: Served, path: str
) -> None:
    await bot.store.breaks("alerts")
    broken = await bot.post(path, BODY[path])
    assert (broken.status, broken.headers["Retry-After"]) == (503, "10")

    await bot.store.mend()
    again = [await bot.post(path, BODY[path]) for _time in range(2)]

    assert [answer.status for answer in again] == [200, 200]
    assert [alert.id for alert in bot.engine.alerts.standing] == [1]


async def test_an_alert_that_was_taken_is_there_after_a_crash(place: Place) -> None:
    async with opened(place.folder) as store, served(place.engine(store), store) as bot:
        assert (await bot.post(PLAIN, {"name": "a"})).status == 200
        store.dead.set()

    async with opened(place.folder) as store:
        engine = place.engine(store)
        await engine.alerts.load()
        assert [alert.key for alert in engine.alerts.standing] == ["a"]


@pytest.mark.timeout(240)
async def test_ten_thousand_alerts_come_in_one_body(bot: Served) -> None:
    alerts = [{"name": f"a{number}", "group": f"g{number % 50}"} for number in range(10_000)]

    answer = await bot.post(PLAIN, alerts)
    more = await bot.post(PLAIN, [*alerts, {"name": "one too many"}])

    assert (answer.status, answer.text) == (200, '{"taken": 10000}')
    assert (more.status, len(bot.standing())) == (413, 10_000)


@pytest.mark.timeout(240)
async def test_ten_thousand_alerts_come_in_many_requests_of_many_senders(place: Place) -> None:
    tokens = {f"sender{number}": f"token-{number}" for number in range(20)}
    async with (
        opened(place.folder) as store,
        served(place.engine(store), store, tokens=tokens) as bot,
    ):

        async def send(token: str, part: int) -> Answer:
            # every alert is told twice
            names = [{"name": f"{part // 2}-{number}"} for number in range(50)]
            return await bot.post(PLAIN, names, token)

        answers = await asyncio.gather(
            *(send(token, part) for token in tokens.values() for part in range(20))
        )

        assert {answer.status for answer in answers} == {200}
        assert len(bot.engine.alerts.standing) == 10_000


async def test_a_port_that_is_taken_is_said_at_the_start(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with opened(place.folder) as store:
            with pytest.raises(ConfigError, match="cannot listen on") as raised:
                async with served(place.engine(store), store, port=taken.getsockname()[1]):
                    raise AssertionError

    assert "http.port" in raised.value.hint


async def test_no_program_sends_under_the_name_of_a_watch(place: Place) -> None:
    async def look(_look: object) -> Sight:
        return Sight()

    async with opened(place.folder) as store:
        engine = place.engine(store)
        engine.watches = [Watch("cron", look, 60.0)]
        with pytest.raises(ConfigError, match="cron is the name of a watch"):
            async with listening(engine, HERE):
                raise AssertionError


async def test_the_port_is_free_again_when_it_is_over(place: Place) -> None:
    async with opened(place.folder) as store:
        async with served(place.engine(store), store) as bot:
            port = bot.port
        async with served(place.engine(store), store, port=port) as bot:
            assert (await bot.post(PLAIN, {"name": "a"})).status == 200


async def test_the_room_is_told_of_webhooks_that_cannot_be_used_until_one_can(bot: Served) -> None:
    await bot.post(ALERTMANAGER, {"version": "5", "alerts": []})
    (alert,) = bot.standing().values()
    assert alert.title == (
        "what prometheus sends cannot be used: The webhook's version 5 is not known: 4 is."
    )

    await bot.post(ALERTMANAGER, DOCUMENTED)
    assert [alert.title for alert in bot.standing().values()] == ["fy answers no more"]


async def test_a_packed_body_is_not_unpacked(bot: Served) -> None:
    packed = gzip.compress(b'{"name": "a"}')
    answer = await bot.post(PLAIN, packed, **{"Content-Encoding": "gzip"})

    assert (answer.status, answer.error) == (415, "Send the body as it is, not packed.")


@pytest.mark.parametrize("token", [TOKEN, "wrong"])
@pytest.mark.parametrize("rest", ["Transfer-Encoding: chunked\r\n\r\nzz\r\n", "\x01: x\r\n\r\n"])
async def test_who_speaks_no_http_is_told_so_and_fills_no_log(
    bot: Served, caplog: pytest.LogCaptureFixture, token: str, rest: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
    head = f"POST {PLAIN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    writer.write((head + rest).encode())

    assert (await reader.readline()).split()[1] in (b"400", b"401")
    writer.close()
    assert (await bot.post(PLAIN, {"name": "b"})).status == 200
    assert "Traceback" not in caplog.text


async def test_a_sender_that_goes_away_in_the_middle_harms_nobody(
    bot: Served, caplog: pytest.LogCaptureFixture
) -> None:
    _reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
    head = f"POST {PLAIN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    writer.write(f'{head}Content-Length: 100\r\n\r\n{{"name": "a"}}'.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert (await bot.post(PLAIN, {"name": "b"})).status == 200
    assert set(bot.standing()) == {"b"}
    assert "Traceback" not in caplog.text


async def test_an_open_request_holds_up_the_end_no_longer_than_it_may(place: Place) -> None:
    async with (
        opened(place.folder) as store,
        served(place.engine(store), store, stop=0.05) as bot,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", bot.port)
        head = f"POST {PLAIN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        writer.write(f"{head}Expect: 100-continue\r\nContent-Length: 100\r\n\r\n".encode())
        assert b"100" in await reader.readline()

    assert await asyncio.wait_for(reader.read(), 10.0) == b"\r\n"
    writer.close()
