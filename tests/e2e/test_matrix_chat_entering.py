"""Where the chat goes in on a real homeserver, and as whom."""

from __future__ import annotations

import asyncio
import json

import pytest

from bot.demo.synapse import Synapse
from bot.errors import ConfigError
from tests.e2e.chat_site import PATIENCE, Inbox, Place
from tests.e2e.client import Client

pytestmark = pytest.mark.e2e


async def test_the_bot_enters_only_when_somebody_whom_it_knows_invites_it(
    place: Place, nounou: Client, homeserver: Synapse
) -> None:
    inbox = Inbox()
    async with Client(homeserver.url, "stranger", "password") as stranger:
        trap = await stranger.create_room(f"trap-{place.bot}")
        alias = f"#trap-{place.bot}:localhost"
        async with place.running(inbox, place.alias, alias):
            await place.entered(nounou)
            await stranger.invite(trap, place.bot_id)
            await nounou.say(place.room_id, "!say the invitation was seen before this")
            await inbox.until(lambda: len(inbox.messages) == 1)
            assert place.bot_id not in stranger.members[trap]

            await stranger.invite(trap, nounou.user_id)
            await nounou.join(alias)
            await nounou.invite(trap, place.bot_id)

            await place.entered(nounou, trap)


async def test_the_bot_enters_no_room_that_the_configuration_does_not_name(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()

    async with place.running(inbox):
        await place.entered(nounou)
        other = await nounou.create_room("", (place.bot_id,))
        await nounou.say(place.room_id, "!say the invitation was seen before this")
        await inbox.until(lambda: len(inbox.messages) == 1)

        assert place.bot_id not in nounou.members[other]


async def test_a_room_where_the_bot_was_before_the_configuration_is_not_read(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    other = await nounou.create_room(f"other-{place.bot}", (place.bot_id,))
    alias = f"#other-{place.bot}:localhost"
    async with place.running(Inbox(), alias):
        await place.entered(nounou, other)

    async with place.running(inbox):
        await place.entered(nounou)
        await nounou.say(other, "!say elsewhere")
        await nounou.say(place.room_id, "!say here")
        await inbox.until(lambda: bool(inbox.messages))

    assert inbox.bodies == ["!say here"]


async def test_a_room_whose_alias_is_made_later_is_found_without_a_restart(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    alias = f"#late-{place.bot}:localhost"
    other = await nounou.create_room("", (place.bot_id,))

    async with place.running(inbox, place.alias, alias):
        await place.entered(nounou)
        path = f"directory/room/%23late-{place.bot}%3Alocalhost"
        await nounou.ask("PUT", path, {"room_id": other})
        await nounou.say(place.room_id, "!say something that ends the long poll")

        await place.entered(nounou, other)


async def test_a_token_that_was_revoked_is_replaced_and_nothing_is_lost(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    session = place.folder / "matrix-session.json"

    async with place.running(inbox):
        await place.entered(nounou)
        before = json.loads(session.read_text())
        await place.revoke(before["access_token"])
        await nounou.say(place.room_id, "!ping")
        await inbox.until(lambda: bool(inbox.messages))

    after = json.loads(session.read_text())
    assert inbox.bodies == ["!ping"]
    assert after["access_token"] != before["access_token"]
    assert after["device_id"] == before["device_id"]
    assert session.stat().st_mode & 0o777 == 0o600


async def test_a_restart_uses_the_same_device_and_token(place: Place, nounou: Client) -> None:
    inbox = Inbox()
    session = place.folder / "matrix-session.json"
    async with place.running(inbox):
        await place.entered(nounou)
        before = session.read_text()

    async with place.running(inbox):
        assert session.read_text() == before


async def test_a_wrong_password_ends_the_run_with_a_sentence(
    place: Place,
) -> None:
    chat = place.chat(password="wrong")

    with pytest.raises(ConfigError, match=f"refuses the login of {place.bot}"):
        await asyncio.wait_for(chat.run(Inbox().receive, None), PATIENCE)

    await chat.close()


async def test_a_worthless_token_without_a_password_ends_the_run_with_a_sentence(
    place: Place,
) -> None:
    chat = place.chat(password=None, token="worthless")

    with pytest.raises(ConfigError, match=f"refuses the access token of {place.bot}"):
        await asyncio.wait_for(chat.run(Inbox().receive, None), PATIENCE)

    await chat.close()
