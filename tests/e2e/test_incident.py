"""An incident played through by two people, each with a client, on a real homeserver."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.demo.synapse import Synapse
from tests.e2e import whole_bot
from tests.e2e.chat_site import Place
from tests.e2e.client import Client, Seen
from tests.e2e.conftest import PASSWORD

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def in_thread(event_id: str) -> dict[str, Any]:
    relation = {"rel_type": "m.thread", "event_id": event_id, "is_falling_back": True}
    return {"m.relates_to": relation | {"m.in_reply_to": {"event_id": event_id}}}


async def answered(client: Client, place: Place, line: str, **more: Any) -> str:
    """The words of the bot's final answer to *line*."""
    event_id = await client.say(place.room_id, line, **more)

    def final(seen: Seen) -> bool:
        status = seen.content.get("org.nounou.status", {})
        return bool(status.get("final")) and status.get("command") == event_id

    return (await client.wait_for(final)).body


async def stands(client: Client, event_id: str, holds: Callable[[str], bool]) -> str:
    """What the message *event_id* says, once that *holds*."""

    def look() -> str | None:
        seen = client.messages.get(event_id)
        return seen.body if seen is not None and holds(seen.body) else None

    return await client.until(look)


async def pinned(client: Client, place: Place) -> list[str]:
    state = await client.ask("GET", f"rooms/{place.room_id}/state/m.room.pinned_events")
    return list(state["pinned"])


async def test_two_people_handle_an_incident_to_its_report(
    homeserver: Synapse, place: Place, nounou: Client
) -> None:
    members = {"nounou": nounou.user_id, "nounou2": "@nounou2:localhost"}
    levels = await nounou.ask("GET", f"rooms/{place.room_id}/state/m.room.power_levels")
    levels["users"][place.bot_id] = 50
    await nounou.set_state(place.room_id, "m.room.power_levels", levels)
    await nounou.invite(place.room_id, "@nounou2:localhost")
    async with (
        Client(homeserver.url, "nounou2", PASSWORD) as second,
        whole_bot.running(place.folder, homeserver.url, place.bot_id, place.alias, members),
    ):
        await second.join(place.room_id)
        await place.entered(nounou)

        said = await answered(nounou, place, "!incident open sev2 mail is down")
        assert said.startswith("✔"), said
        status = await nounou.wait_for(
            lambda seen: "mail is down" in seen.body and "SEV2" in seen.body
        )
        root = status.event_id
        # it is pinned, as the homeserver itself says
        await nounou.until(lambda: None if root not in nounou.messages else True)
        here = in_thread(root)

        await answered(second, place, "!incident join", **here)
        await answered(second, place, "!incident status the disk of mail is full", **here)
        found = await nounou.say(place.room_id, "df says 100 % on /var")
        await second.react(place.room_id, found, "📌")
        await answered(nounou, place, "!incident task empty the spool for nounou2", **here)
        await answered(second, place, "!incident done 1", **here)
        await answered(nounou, place, "!incident handover nounou2", **here)

        seen = await stands(nounou, root, lambda body: "df says 100 %" in body)
        assert "the disk of mail is full" in seen
        await stands(nounou, root, lambda body: "nounou2" in body)
        assert root in await pinned(nounou, place)

        resolved = await answered(second, place, "!incident resolve the spool is emptied", **here)
        assert resolved.startswith("✔"), resolved
        await stands(nounou, root, lambda body: "the spool is emptied" in body)

        await answered(nounou, place, "!incident export", **here)
        report = await nounou.wait_for(
            lambda seen: str(seen.content.get("filename", "")).endswith(".md")
        )
        text = (await nounou.download(report.content["url"])).decode()
        assert "mail is down" in text
        assert "df says 100 %" in text
        data = await nounou.wait_for(
            lambda seen: str(seen.content.get("filename", "")).endswith(".json")
        )
        assert json.loads(await nounou.download(data.content["url"]))
    assert root not in await pinned(nounou, place)
