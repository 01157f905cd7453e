"""The floor: `/sync`, then a PUT an answer, with no Matrix library.  Run with a settings file.

It asks for 100 events a timeline, which is what a homeserver gives at most by default, and fills no
gap.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from typing import Any
from urllib.parse import quote

import aiohttp

from bench.settings import QUESTION, Settings, answer_to

FILTER = json.dumps({"room": {"timeline": {"limit": 100}}})


class Floor:
    """One account in one room."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._room = quote(settings.room)
        self._headers: dict[str, str] = {}

    async def run(self) -> None:
        """Log in, look round, enter, answer for ever."""
        settings = self._settings
        identifier = {"type": "m.id.user", "user": settings.user}
        login = {"type": "m.login.password", "identifier": identifier}
        entered = await self._ask("POST", "login", login | {"password": settings.password})
        self._headers = {"Authorization": f"Bearer {entered['access_token']}"}
        since = (await self._ask("GET", "sync", timeout="0", filter=FILTER))["next_batch"]
        await self._ask("POST", f"join/{self._room}", {})
        for number in itertools.count():
            news = await self._ask("GET", "sync", timeout="30000", filter=FILTER, since=since)
            since = news["next_batch"]
            room = news.get("rooms", {}).get("join", {}).get(settings.room, {})
            for place, event in enumerate(room.get("timeline", {}).get("events", [])):
                if event["content"].get("body") == QUESTION:
                    await self._say(f"{number}-{place}", answer_to(event["event_id"]))

    async def _say(self, txn: str, content: dict[str, Any]) -> None:
        await self._ask("PUT", f"rooms/{self._room}/send/m.room.message/{txn}", content)

    async def _ask(
        self, method: str, path: str, content: dict[str, Any] | None = None, **query: str
    ) -> dict[str, Any]:
        url = f"{self._settings.url}/_matrix/client/v3/{path}"
        async with self._session.request(
            method, url, json=content, params=query, headers=self._headers
        ) as response:
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer


async def main(settings: Settings) -> None:
    async with aiohttp.ClientSession() as session:
        await Floor(settings, session).run()


if __name__ == "__main__":
    asyncio.run(main(Settings.read(sys.argv[1])))
