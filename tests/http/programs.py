"""Other programs, as the tests play them: they send alerts to a bot and read its answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from bot.core.alerts import Alert
from bot.engine.engine import Engine
from bot.http.server import Listening, listening
from tests.engine.alive import TestedStore

TOKEN = "a-token-of-prometheus"
ALERTMANAGER, PLAIN = "/alerts/alertmanager", "/alerts"
HERE = Listening(
    address="127.0.0.1",
    port=0,
    tokens={"prometheus": TOKEN, "cron": "a-token-of-cron"},
    body_bytes=8 * 2**20,
    requests_a_minute=1200,
    patience=30.0,
    stop=5.0,
)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def error(self) -> str:
        """What the bot says is wrong."""
        return str(json.loads(self.text)["error"])


@dataclass
class Served:
    """A bot with its server, and a program that talks to it."""

    engine: Engine
    store: TestedStore
    port: int
    client: aiohttp.ClientSession

    async def post(self, path: str, body: Any, token: str | None = TOKEN, **more: Any) -> Answer:
        """Send *body*, which is written as JSON where it is not bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.client.post(url, data=data, headers={**headers, **more}) as response:
            return Answer(response.status, dict(response.headers), await response.text())

    def standing(self) -> dict[str, Alert]:
        """The open alerts by key."""
        return {alert.key: alert for alert in self.engine.alerts.standing}


@asynccontextmanager
async def served(engine: Engine, store: TestedStore, **limits: Any) -> AsyncIterator[Served]:
    """The server of *engine* meanwhile, with other *limits* than it has by itself."""
    async with (
        listening(engine, replace(HERE, **limits)) as port,
        aiohttp.ClientSession() as client,
    ):
        yield Served(engine, store, port, client)
