"""Figures, as Prometheus reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.core.alerts import Finding, Severity, Told
from bot.core.chat import Post, Text
from bot.core.clocks import Role, Whose
from bot.core.pulse import Pulse
from bot.engine import outbox
from bot.lab.faults import REFUSE, Fault
from tests.engine.alive import APPRENTI, Bot, Place
from tests.fakes import ROOM
from tests.http.asked import figures, get
from tests.http.programs import served


@pytest.fixture
async def bot(place: Place) -> AsyncIterator[Bot]:
    """A bot that runs."""
    async with place.bot() as bot:
        yield bot


async def test_each_job_counts_once_under_the_right_that_it_needs(bot: Bot) -> None:
    await bot.ask("!ping")
    await bot.ask("!ping")
    await bot.ask("!migrate vm fz", APPRENTI)
    await bot.ask("!no-such-thing")

    found = await figures(bot.engine)

    assert found["nounou_jobs_total", "state=succeeded", "verb=bot.ping"] == 2
    assert found["nounou_jobs_total", "state=failed", "verb=domu.migrate"] == 1
    assert found["nounou_jobs_total", "state=failed", "verb=none"] == 1
    assert found["nounou_job_duration_seconds_count", "verb=bot.ping"] == 2
    assert found["nounou_job_duration_seconds_bucket", "le=+Inf", "verb=bot.ping"] == 2


async def test_a_job_that_is_cancelled_while_it_waits_counts_once(bot: Bot) -> None:
    asked = bot.chat.say("!domu destroy vm")
    await bot.code(asked)
    await bot.ask("!job cancel 1")
    await bot.chat.answer(asked)

    found = await figures(bot.engine)

    assert found["nounou_jobs_total", "state=cancelled", "verb=domu.destroy"] == 1
    assert sum(value for name, value in found.items() if name[0] == "nounou_jobs_total") == 2


async def test_buckets_of_durations_are_cumulative(bot: Bot) -> None:
    for seconds in (0.05, 0.3, 9999.0):
        bot.engine.tally.ended("bot.ping", "succeeded", seconds)

    found = await figures(bot.engine)

    name = "nounou_job_duration_seconds_bucket"
    assert [found[name, f"le={end}", "verb=bot.ping"] for end in ("0.1", "0.5", "7200.0")] == [
        *(1, 2, 2)
    ]
    assert found[name, "le=+Inf", "verb=bot.ping"] == 3
    assert found["nounou_job_duration_seconds_sum", "verb=bot.ping"] == pytest.approx(9999.35)


async def test_calls_of_devices_count_with_how_they_ended(bot: Bot, place: Place) -> None:
    await bot.ask("!domu list")
    place.lab.fault(Fault(REFUSE, "fz"))
    await bot.ask("!domu list")

    found = await figures(bot.engine)

    assert found["nounou_device_calls_total", "device=fy", "result=ok"] >= 4
    assert found["nounou_device_calls_total", "device=fz", "result=unreachable"] >= 1


async def test_alerts_count_by_state_and_severity_and_as_often_as_they_fired(bot: Bot) -> None:
    await bot.ask("!ping")
    worst = Finding("a", Severity.CRITICAL, "the house is on fire")
    await bot.engine.alerts.told("cron", [Told(worst, firing=True)])

    found = await figures(bot.engine)

    assert found["nounou_alerts", "severity=critical", "state=firing"] == 1
    assert found["nounou_alerts", "severity=info", "state=acknowledged"] == 0
    assert found["nounou_alerts_fired_total", "severity=critical", "source=cron"] == 1
    assert found["nounou_incidents_open",] == 0


async def test_private_chats_are_no_label_each(bot: Bot, place: Place) -> None:
    await bot.ask("!ping")
    place.chat.down = True
    async with bot.store.write() as tx:
        for room in ("!one:localhost", "!two:localhost"):
            await outbox.put(tx, Post(room, bot.engine.txn(room), Text("hear", "hear")))

    found = await figures(bot.engine)

    assert found["nounou_outbox_waiting", "room=other"] == 2
    assert not [name for name in found if "room=!one:localhost" in name]
    assert ("nounou_outbox_waiting", f"room={ROOM}") in found
    place.chat.down = False


async def test_jobs_that_wait_are_the_queue(bot: Bot) -> None:
    await bot.code(bot.chat.say("!domu destroy vm"))

    found = await figures(bot.engine)

    assert found["nounou_jobs_open", "state=awaiting approval"] == 1
    assert found["nounou_queue",] == 1
    assert found["nounou_jobs_open", "state=running"] == 0


async def test_the_rest_is_there_too(bot: Bot) -> None:
    await bot.ask("!ping")
    bot.engine.pulse = Pulse(bot.place.clock)
    bot.engine.pulse.heard()

    found = await figures(bot.engine)

    assert found["nounou_info", "version=0.1"] == 1
    assert found["nounou_record_entries",] >= 1
    assert found["nounou_sync_age_seconds",] >= 0
    assert found["nounou_up_seconds",] >= 0
    assert found["nounou_store_readable",] == 1


async def test_a_chat_that_was_never_heard_has_no_age(bot: Bot) -> None:
    bot.engine.pulse = Pulse(bot.place.clock)

    assert ("nounou_sync_age_seconds",) not in await figures(bot.engine)


async def test_figures_are_there_while_the_store_cannot_be_read(bot: Bot) -> None:
    await bot.ask("!ping")
    async with bot.store.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE outbox RENAME TO gone")

    found = await figures(bot.engine)

    assert found["nounou_store_readable",] == 0
    assert found["nounou_jobs_total", "state=succeeded", "verb=bot.ping"] == 1
    async with bot.store.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE gone RENAME TO outbox")


@pytest.mark.parametrize("shown", ["", "Bearer wrong", "Bearer ", "Basic café", "token"])
async def test_whoever_shows_no_token_gets_no_figures(bot: Bot, shown: str) -> None:
    with pytest.raises(web.HTTPUnauthorized):
        await get(bot.engine, "/metrics", "token", Authorization=shown)


async def test_whoever_shows_the_token_gets_them_in_prometheus_own_format(bot: Bot) -> None:
    answer = await get(bot.engine, "/metrics", "token", Authorization="Bearer token")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_the_server_has_the_pages_and_counts_who_reads_them(bot: Bot) -> None:
    async with served(bot.engine, bot.store, metrics_token="token") as there:
        here = f"http://127.0.0.1:{there.port}"
        async with there.client.get(f"{here}/metrics") as answer:
            assert answer.status == 401
        shown = {"Authorization": "Bearer token"}
        for _time in range(2):
            async with there.client.get(f"{here}/metrics", headers=shown) as answer:
                said = await answer.text()
        async with there.client.get(f"{here}/healthz") as answer:
            assert answer.status == 200
        async with there.client.get(f"{here}/readyz") as answer:
            assert answer.status == 200

    assert 'nounou_http_requests_total{path="/metrics",status="200"} 1.0' in said
    assert 'nounou_http_requests_total{path="/metrics",status="401"} 1.0' in said


async def test_bytes_that_are_no_text_are_no_token_either(bot: Bot) -> None:
    async with served(bot.engine, bot.store, metrics_token="token") as there:
        reader, writer = await asyncio.open_connection("127.0.0.1", there.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xe9\r\n\r\n")
        said = await reader.readline()
        writer.close()

    assert said.startswith(b"HTTP/1.1 401 ")


async def test_each_clock_that_was_measured_is_a_gauge_with_what_it_may_be_wrong_by(
    place: Place,
) -> None:
    place.guests = ("vm",)
    async with place.bot() as bot:
        assert not any(name[0].startswith("nounou_clock") for name in await figures(bot.engine))
        sweep = await bot.engine.clocks.everything()

        found = await figures(bot.engine)

    offset = sweep.offset(Whose(Role.GUEST, "vm"))
    assert offset is not None
    labels = ("name=vm", "role=domu")
    assert found["nounou_clock_offset_seconds", *labels] == offset.offset
    assert found["nounou_clock_bound_seconds", *labels] == offset.bound
    assert 0 <= found["nounou_clock_age_seconds",] < 60
    # nobody gets into owl, and the reference is not ahead of itself
    measured = {name for name in found if name[0] == "nounou_clock_offset_seconds"}
    assert {name[1] for name in measured} == {"name=fy", "name=fz", "name=vm"}
