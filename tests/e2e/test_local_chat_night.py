"""The night on which the homeserver is down: the bot is still there for who is on its host."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.synapse import Synapse
from tests.e2e.client import Client
from tests.e2e.house import traces
from tests.e2e.night import NightHouse

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SCRIPT = "!ping\n!domu list\n!migrate vm {there}\n"


@pytest.fixture
async def synapse(tmp_path: Path) -> AsyncIterator[Synapse]:
    """A homeserver of this test's own, which it may stop."""
    synapse = Synapse(tmp_path / "synapse")
    await synapse.start()
    for user in ("nounou", "bot"):
        await synapse.register(user, "password")
    yield synapse
    await synapse.stop()


async def test_commands_are_done_while_the_homeserver_is_down_and_their_record_comes_later(
    synapse: Synapse, tmp_path: Path
) -> None:
    house = NightHouse(tmp_path / "house", homeserver=synapse.url)
    async with Client(synapse.url, "nounou", "password") as nounou:
        room = await nounou.create_room("nounou", ("@bot:localhost",))
        await house.open()
        await nounou.until(lambda: "@bot:localhost" in nounou.members.get(room, ()) or None)
        await nounou.say(room, "!ping")
        await nounou.wait_for(lambda seen: "pong" in seen.body)
        before = await nounou.token_of_now()
    try:
        _here, there = await house.sides()
        await synapse.stop()

        ended = await house.chat(SCRIPT.format(there=there))

        assert ended.status == 0, ended
        assert ended.out.index("pong") < ended.out.index("redisdead") < ended.out.index("vm runs")
        assert traces(await house.world(), "vm") == [f"{there}/vm"]

        await synapse.start()
        async with Client(synapse.url, "nounou", "password", since=before) as nounou:
            record = await nounou.wait_for(lambda seen: "record" in seen.body, timeout=90)
            assert f"nounou: !migrate vm {there} → succeeded" in record.body
            assert not [seen for seen in nounou.messages.values() if "vm runs" in seen.body]
    finally:
        await house.close()
    assert house.verify().ok


async def test_a_bot_that_starts_without_its_homeserver_is_there_and_stops_in_time(
    tmp_path: Path,
) -> None:
    nobody = "http://127.0.0.1:9"  # discard (RFC 863): nothing listens there
    house = NightHouse(tmp_path / "house", homeserver=nobody)
    await house.open()
    try:
        _here, there = await house.sides()

        ended = await house.chat(SCRIPT.format(there=there))

        assert ended.status == 0, ended
        assert house.query("SELECT * FROM outbox WHERE state = 'waiting'")
        began = time.monotonic()
        await house.stop_bot()
        # three seconds are for what cannot be said (timing.stop); the rest is a busy machine's
        assert time.monotonic() - began < 20
        assert house.bot.returncode == 0
        assert "not everything was said" in house.bot_log
    finally:
        await house.close()
