"""Members of a room who mean ill, the whole bot, a real homeserver: nothing runs, all goes on."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from bot.core.chat import STATUS_KEY
from bot.demo.synapse import Synapse
from tests.chat.whole_bot import bot
from tests.e2e.chat_site import Place
from tests.e2e.client import Client, Refusal, Seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

MARKUP = '<img src=x onerror=alert(1)><a href="https://matrix.to/#/@nounou:localhost">me</a>'
HIDDEN = "\u202e\u200b\u2066\u200d\u00ad"
#: Cyrillic letters that look like ours
LOOK_ALIKE = "!р\u0456ng"
TAGS = {"b", "strong", "em", "i", "code", "pre", "br", "p", "ul", "ol", "li", "span", "div"}


def text(body: object, **more: object) -> dict[str, object]:
    return {"msgtype": "m.text", "body": body, **more}


def relation(value: object) -> dict[str, object]:
    return {"m.relates_to": value}


def nested(depth: int) -> object:
    return {"a": [nested(depth - 1)]} if depth else 1


#: nothing of this may run anything, though some of it is answered
NASTY: list[tuple[str, object]] = [
    ("m.room.message", text("!ping", msgtype="m.notice")),
    ("m.room.message", text("!ping", msgtype="m.emote")),
    ("m.room.message", text("!ping", msgtype={"m": "text"})),
    ("m.room.message", text(["!ping"])),
    ("m.room.message", text({"body": "!ping"})),
    ("m.room.message", text("> <@nounou:localhost> !ping", **relation("oops"))),
    ("m.room.message", text("> !ping\n> !ping\n\nthank you")),
    ("m.room.message", text("!ping", **{"m.new_content": "oops"})),
    ("m.room.message", text("* !ping", **{"m.new_content": text("!ping")})),
    ("m.room.message", text("!ping", **relation({"rel_type": "m.replace"}))),
    ("m.room.message", text("hello !ping")),
    ("m.room.message", text(f"!{HIDDEN}ping")),
    ("m.room.message", text(f"!pi{HIDDEN}ng")),
    ("m.room.message", text(LOOK_ALIKE)),
    ("m.room.message", text("!ping\n!ping")),
    ("m.room.message", text(f"!{MARKUP}")),
    (
        "m.room.message",
        text(f"!x{MARKUP}", formatted_body="!ping", format="org.matrix.custom.html"),
    ),
    ("m.room.message", text(f"!help {MARKUP}")),
    ("m.room.message", text("!x" + "y" * 60_000)),
    ("m.room.message", text("!x", deep=nested(50))),
    ("m.room.message", {}),
    ("m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": [], "session_id": {}}),
    ("m.room.encrypted", relation("oops")),
    ("m.reaction", relation({"rel_type": "m.annotation", "event_id": 7, "key": MARKUP})),
    ("m.room.redaction", {"redacts": {}}),
    ("m.room.member", {"membership": "join"}),
    ("m.room.tombstone", {"replacement_room": "!x"}),
    ("org.example.rubbish", {"a": [None, True, {}]}),
]


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def is_harmless(content: dict[str, Any]) -> bool:
    """Whether all markup in *content* is ours: the few tags that we use, without attributes."""
    reader = Tags()
    reader.feed(str(content.get("formatted_body", "")))
    return all(tag in TAGS and not attrs for tag, attrs in reader.found)


async def answered(client: Client, place: Place, room: str) -> Seen:
    """The final answer to a ``!ping`` of *client*, which goes through as ever."""
    asked = await client.say(room, "!ping")
    return await client.wait_for(
        lambda seen: (
            seen.sender == place.bot_id
            and seen.content.get(STATUS_KEY, {}).get("command") == asked
            and seen.content[STATUS_KEY]["final"]
        )
    )


@pytest.mark.parametrize("who", ["stranger", "apprenti"])
async def test_what_a_member_who_means_ill_sends_runs_nothing_and_stops_nothing(
    place: Place, nounou: Client, homeserver: Synapse, who: str
) -> None:
    async with (
        bot(place.folder, place.url, user=place.bot_id, room=place.alias),
        Client(homeserver.url, who, "password") as villain,
    ):
        await place.entered(nounou)
        await nounou.invite(place.room_id, villain.user_id)
        await villain.join(place.room_id)
        name = {"membership": "join", "displayname": f"@nounou:localhost {MARKUP}"}
        await villain.set_state(place.room_id, "m.room.member", name, villain.user_id)
        sent = {}
        for kind, content in NASTY:
            try:
                sent[await villain.send(place.room_id, content, kind=kind)] = content
            except Refusal:
                continue  # this homeserver knows better
        assert len(sent) >= 20

        pong = await answered(nounou, place, place.room_id)

        assert "pong" in pong.body
        ours = [seen for seen in nounou.messages.values() if seen.sender == place.bot_id]
        statuses = [seen.content[STATUS_KEY] for seen in ours if STATUS_KEY in seen.content]
        ran = [
            sent[each["command"]]
            for each in statuses
            if each["succeeded"] and each["command"] in sent
        ]
        assert ran == []
        assert all(map(is_harmless, (seen.content for seen in ours)))
        assert all(HIDDEN[0] not in json.dumps(seen.content, ensure_ascii=False) for seen in ours)
        if who == "stranger":
            assert ours == [pong]
        else:
            assert any(each["command"] in sent and not each["succeeded"] for each in statuses)


async def test_a_user_whose_id_looks_like_a_members_is_another_person(
    place: Place, nounou: Client, homeserver: Synapse
) -> None:
    """Synapse lets nobody register such a name; in a federation others may."""
    await homeserver.register("n0unou", "password")
    async with (
        bot(place.folder, place.url, user=place.bot_id, room=place.alias),
        Client(homeserver.url, "n0unou", "password") as double,
    ):
        await place.entered(nounou)
        await nounou.invite(place.room_id, double.user_id)
        await double.join(place.room_id)
        name = {"membership": "join", "displayname": "nounou"}
        await double.set_state(place.room_id, "m.room.member", name, double.user_id)
        await double.say(place.room_id, "!ping")

        pong = await answered(nounou, place, place.room_id)

        assert [seen for seen in nounou.messages.values() if seen.sender == place.bot_id] == [pong]
