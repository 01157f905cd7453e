"""Edits, removals and absences of a real homeserver, as the engine takes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from bot.app import serve
from bot.core.rooms import Rooms
from bot.engine.engine import Engine
from bot.engine.inventory import Inventory
from bot.engine.outbox import Outbox
from bot.engine.owners import Owners
from bot.engine.pins import Pins
from bot.engine.store import Store
from bot.engine.world import Timing, World
from tests.e2e.chat_site import Place
from tests.e2e.client import Client
from tests.engine.alive import POLICY
from tests.engine.toys import Toys

pytestmark = pytest.mark.e2e

EDIT = {"rel_type": "m.replace"}


@asynccontextmanager
async def bot(
    place: Place, nounou: Client, toys: Toys, *, ahead: float = 0.0
) -> AsyncIterator[None]:
    """One life of the engine in the room, its clock so many seconds *ahead*."""

    def clock() -> float:
        return time.time() + ahead

    store, chat, world = Store(place.folder / "store"), place.chat(), World()
    await store.open()
    engine = Engine(
        store=store,
        chat=chat,
        outbox=Outbox(store, chat),
        registry=toys.registry(),
        policy=POLICY,
        world=world,
        inventory=Inventory(world, clock),
        owners=Owners(store.site_id),
        pins=Pins(store, clock),
        # nothing passes a command that works, so that what is behind it waits
        timing=Timing(patience=60.0),
        clock=clock,
        prefix="!",
        rooms=Rooms(place.alias, place.alias, {}),
    )
    serving = asyncio.create_task(serve(engine, place.alias, stop=5.0))
    try:
        await place.entered(nounou)
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await chat.close()
        await store.close()


async def hears(nounou: Client, text: str) -> str:
    """What the bot said with *text* in it, once it did."""
    seen = await nounou.wait_for(lambda seen: text in seen.body)
    return seen.body


async def test_an_edited_command_is_answered_and_not_run(place: Place, nounou: Client) -> None:
    toys = Toys()
    async with bot(place, nounou, toys):
        talk = await nounou.say(place.room_id, "ping")
        fresh = {"msgtype": "m.text", "body": "!change it"}
        relation = {**EDIT, "event_id": talk}
        await nounou.say(
            place.room_id, "* !change it", **{"m.new_content": fresh, "m.relates_to": relation}
        )

        assert await hears(nounou, "Edits") == "✘ Edits are not run, send it again."
        await nounou.say(place.room_id, "!ping")
        await hears(nounou, "pong")

    assert toys.done == []


async def test_a_command_that_is_taken_back_while_it_waits_is_cancelled(
    place: Place, nounou: Client
) -> None:
    toys = Toys()
    async with bot(place, nounou, toys):
        await nounou.say(place.room_id, "!wait long")
        await toys.until("begin long")
        waiting = await nounou.say(place.room_id, "!change it")
        receipt = (place.bot_id, place.room_id)
        await nounou.until(lambda: nounou.receipts.get(receipt) == waiting or None)
        await nounou.ask("PUT", f"rooms/{place.room_id}/redact/{waiting}/t1", {})

        await hears(nounou, "Cancelled before it began, since its message was taken back.")
        toys.gate("long").set()
        await hears(nounou, "waited for long")

    assert "begin it" not in toys.done


async def test_what_was_said_during_a_long_absence_is_listed_and_can_be_released(
    place: Place, nounou: Client
) -> None:
    toys = Toys()
    async with bot(place, nounou, toys):
        await nounou.say(place.room_id, "!ping")
        await hears(nounou, "pong")
    for name in ("one", "two"):
        await nounou.say(place.room_id, f"!change {name}")

    async with bot(place, nounou, toys, ahead=900.0):
        said = await hears(nounou, "I was away")
        assert toys.done == []
        await nounou.say(place.room_id, "!job release 2")
        await hears(nounou, "changed one")

    assert "2 nounou: !change one" in said
    assert "3 nounou: !change two" in said
    assert [each for each in toys.done if "begin" in each] == ["begin one"]
