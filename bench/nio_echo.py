"""What most bots in Python are: matrix-nio with its defaults, `sync_forever` and a callback.

Run with a settings file.  In an encrypted room it believes and tells everybody: it keeps no record
and asks for no proof.
"""

from __future__ import annotations

import asyncio
import sys

from nio import (  # type: ignore[import-untyped]
    AsyncClient,
    AsyncClientConfig,
    MatrixRoom,
    RoomMessageText,
)

from bench.settings import QUESTION, Settings, answer_to


async def main(settings: Settings) -> None:
    """Log in, look round, enter, answer for ever."""
    client = AsyncClient(
        settings.url,
        settings.user,
        store_path=settings.keys,
        config=AsyncClientConfig(encryption_enabled=bool(settings.keys), pickle_key="bench"),
    )

    async def answer(room: MatrixRoom, event: RoomMessageText) -> None:
        if event.body == QUESTION:
            await client.room_send(
                room.room_id,
                "m.room.message",
                answer_to(event.event_id),
                ignore_unverified_devices=True,
            )

    await client.login(settings.password)
    await client.sync()
    await client.join(settings.room)
    client.add_event_callback(answer, RoomMessageText)
    await client.sync_forever(timeout=30000)


if __name__ == "__main__":
    asyncio.run(main(Settings.read(sys.argv[1])))
