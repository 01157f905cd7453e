"""Edits, removals and absences of a real homeserver, as the engine takes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from bot.app import serve
from bot.core.approvals import Approvals, Need
from bot.core.risk import Risk
from bot.core.rooms import Rooms
from bot.demo.synapse import Synapse
from bot.engine.engine import Engine
from bot.engine.inventory import Inventory
from bot.engine.outbox import Outbox
from bot.engine.owners import Owners
from bot.engine.pins import Pins
from bot.engine.store import Store
from bot.engine.world import Timing, World
from tests.e2e.chat_site import Place
from tests.e2e.client import Client, Seen
from tests.engine.alive import POLICY
from tests.engine.toys import Toys

pytestmark = pytest.mark.e2e

EDIT = {"rel_type": "m.replace"}


@asynccontextmanager
async def bot(
    place: Place, nounou: Client, toys: Toys, *, ahead: float = 0.0, **more: Any
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
        **more,
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


def asking(*reactions: Risk) -> Approvals:
    """Who changes something confirms it, and may do so by one of the *reactions*."""
    return Approvals({Risk.CHANGES: Need.CONFIRM}, reactions=frozenset(reactions))


async def asked(nounou: Client, place: Place) -> Seen:
    """The message that shows the plan of a new command."""
    await nounou.say(place.room_id, "!change it")
    return await nounou.wait_for(lambda seen: "!confirm" in seen.body)


async def test_a_reaction_of_its_asker_confirms_a_plan(place: Place, nounou: Client) -> None:
    toys = Toys()
    async with bot(place, nounou, toys, approvals=asking(Risk.CHANGES)):
        shown = await asked(nounou, place)

        await nounou.react(place.room_id, shown.event_id, "✅\ufe0f")

        await hears(nounou, "changed it")


async def test_the_wrong_sign_or_one_on_the_command_itself_confirms_nothing(
    place: Place, nounou: Client
) -> None:
    toys = Toys()
    async with bot(place, nounou, toys, approvals=asking(Risk.CHANGES)):
        shown = await asked(nounou, place)

        await nounou.react(place.room_id, shown.event_id, "👍")
        await nounou.react(place.room_id, str(shown.content["org.nounou.status"]["command"]), "✅")
        await nounou.say(place.room_id, "!ping")
        await hears(nounou, "pong")

    assert "begin it" not in toys.done


async def test_a_reaction_of_somebody_else_confirms_nothing(
    place: Place, nounou: Client, homeserver: Synapse
) -> None:
    toys = Toys()
    async with (
        Client(homeserver.url, "nounou2", "password") as nounou2,
        bot(place, nounou, toys, approvals=asking(Risk.CHANGES)),
    ):
        await nounou.invite(place.room_id, nounou2.user_id)
        await nounou2.join(place.room_id)
        shown = await asked(nounou, place)

        await nounou2.react(place.room_id, shown.event_id, "✅")
        await hears(nounou, "who asked for job 1, can confirm it")

    assert "begin it" not in toys.done


async def test_a_reaction_does_not_count_where_the_config_does_not_say_so(
    place: Place, nounou: Client
) -> None:
    toys = Toys()
    async with bot(place, nounou, toys, approvals=asking()):
        shown = await asked(nounou, place)

        await nounou.react(place.room_id, shown.event_id, "✅")
        await hears(nounou, "A reaction does not count for this.")

    assert "begin it" not in toys.done
