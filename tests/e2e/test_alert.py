"""An alert from another program to its end, on a real homeserver."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
import pytest

from bot.demo.folder import write_private
from tests.e2e import whole_bot
from tests.e2e.chat_site import Place
from tests.e2e.client import Client, Seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def webhook(status: str) -> dict[str, Any]:
    """As Alertmanager sends it, of one alert."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="DiskFull"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "nounou",
        "groupLabels": {"alertname": "DiskFull"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.org:9093",
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": "DiskFull", "instance": "fy:9100", "severity": "critical"},
                "annotations": {"summary": "/var of fy is <b>full</b>"},
                "startsAt": "2026-11-25T03:12:00.123456789Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus.example.org/graph",
                "fingerprint": "b1c2d3e4f5a60718",
            }
        ],
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_an_alert_calls_people_is_acknowledged_by_a_sign_and_ends(
    place: Place, nounou: Client
) -> None:
    token, port = place.folder / "token", free_port()
    write_private(token, "let me in")
    http = {"port": port, "tokens": {"alertmanager": {"file": str(token)}}}
    members = {"nounou": nounou.user_id}
    async with (
        whole_bot.running(place.folder, nounou.url, place.bot_id, place.alias, members, http=http),
        aiohttp.ClientSession() as program,
    ):
        await place.entered(nounou)

        async def tell(status: str, word: str = "let me in") -> int:
            answer = await program.post(
                f"http://127.0.0.1:{port}/alerts/alertmanager",
                json=webhook(status),
                headers={"Authorization": f"Bearer {word}"},
            )
            return answer.status

        def is_told(seen: Seen) -> bool:
            return "is <b>full</b>" in seen.body

        assert await tell("firing", "open sesame") == 401
        assert await tell("firing") == 200
        assert await tell("firing") == 200
        alert = await nounou.wait_for(is_told)
        assert alert.body.startswith("🔥 alert 1: /var of fy is <b>full</b>")
        assert alert.content["m.mentions"] == {"user_ids": [nounou.user_id]}
        assert "&lt;b&gt;full" in alert.content["formatted_body"]

        await nounou.react(place.room_id, alert.event_id, "✅")
        await nounou.wait_for(lambda seen: "acknowledged by nounou" in seen.body)
        assert await tell("resolved") == 200
        await nounou.wait_for(lambda seen: is_told(seen) and "over at" in seen.body)

        assert next(seen.event_id for seen in nounou.messages.values() if is_told(seen)) == (
            alert.event_id
        )
        ready = await program.get(f"http://127.0.0.1:{port}/readyz")
        assert ready.status == 200, await ready.text()
        figures = await program.get(f"http://127.0.0.1:{port}/metrics")
        assert "nounou_alerts_fired_total" in await figures.text()
