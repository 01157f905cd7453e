"""What the chat sends to a real homeserver, and what it refuses to send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from bot.chat.matrix import MatrixChat
from bot.core.chat import STATUS_KEY, Post, PostKind, Status, Text
from bot.errors import ChatRefused, ChatUnavailable
from tests.e2e.chat_site import Inbox, Place
from tests.e2e.client import Client, Seen

pytestmark = pytest.mark.e2e

PONG = Text("pong <&>", "<b>pong</b> &lt;&amp;&gt;")
ENCRYPTED = {"algorithm": "m.megolm.v1.aes-sha2"}


@pytest.fixture
async def chat(place: Place, nounou: Client) -> AsyncIterator[MatrixChat]:
    """A chat that is in the room."""
    inbox = Inbox()
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        await nounou.say(place.room_id, "!say the bot knows that it is in the room after this")
        await inbox.until(lambda: bool(inbox.messages))
        yield chat


async def seen(client: Client, event_id: str) -> Seen:
    return await client.wait_for(lambda message: message.event_id == event_id)


def two_files(client: Client) -> list[Seen] | None:
    files = [m for m in client.messages.values() if m.content.get("msgtype") == "m.file"]
    return files if len(files) == 2 else None


async def test_a_plain_answer_is_a_notice_with_html(
    chat: MatrixChat, place: Place, nounou: Client
) -> None:
    sent = await chat.send(Post(place.alias, "t1", PONG, about="$whatever"))

    assert (await seen(nounou, sent)).content == {
        "msgtype": "m.notice",
        "body": "pong <&>",
        "format": "org.matrix.custom.html",
        "formatted_body": "<b>pong</b> &lt;&amp;&gt;",
        "m.mentions": {},
    }


async def test_the_same_transaction_makes_one_message_also_after_a_restart(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    post = Post(place.alias, "only-once", PONG)
    async with place.running(inbox) as chat:
        await place.entered(nounou)
        await nounou.say(place.room_id, "!ping")
        await inbox.until(lambda: bool(inbox.messages))
        sent = {await chat.send(post), await chat.send(post)}

    async with place.running(inbox) as chat:
        sent |= {await chat.send(post)}
        last = await chat.send(Post(place.alias, "another", Text("last", "last")))

    await seen(nounou, last)
    assert len(sent) == 1
    assert [m.body for m in nounou.messages.values() if m.sender == place.bot_id] == [
        "pong <&>",
        "last",
    ]


async def test_a_status_travels_with_the_message_and_in_both_places_of_an_edit(
    chat: MatrixChat, place: Place, nounou: Client
) -> None:
    asked = await nounou.say(place.room_id, "!migrate vm fz")
    running = Status(asked, 7, "running", final=False)
    done = Status(asked, 7, "succeeded", final=True, succeeded=True)
    called = ("@nounou:localhost",)

    sent = await chat.send(Post(place.alias, "t1", PONG, asked, threaded=True, status=running))
    await seen(nounou, sent)
    await chat.send(
        Post(
            place.alias,
            "t2",
            Text("done", "<b>done</b>"),
            asked,
            threaded=True,
            edits=sent,
            status=done,
            mentions=called,
        )
    )
    message = await nounou.wait_for(lambda m: m.event_id == sent and bool(m.edits))

    assert message.first[STATUS_KEY] == running.content()
    assert message.first["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": asked,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": asked},
    }
    (edit,) = message.edits
    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": sent}
    assert edit["body"] == "* done"
    assert edit[STATUS_KEY] == edit["m.new_content"][STATUS_KEY] == done.content()
    assert edit["m.new_content"]["body"] == "done"
    assert edit["m.new_content"]["m.mentions"] == {"user_ids": ["@nounou:localhost"]}


async def test_an_answer_to_a_command_typed_in_a_thread_goes_into_that_thread(
    chat: MatrixChat, place: Place, nounou: Client
) -> None:
    root = await nounou.say(place.room_id, "let us move it")
    thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
    asked = await nounou.say(place.room_id, "!migrate vm fz", **thread)

    first = await chat.send(Post(place.alias, "t1", PONG, asked, threaded=True))
    second = await chat.send(Post(place.alias, "t2", PONG, asked, threaded=True))

    for sent in (first, second):
        relation = (await seen(nounou, sent)).content["m.relates_to"]
        assert relation["event_id"] == root
        assert relation["m.in_reply_to"] == {"event_id": asked}
    assert await chat.send(Post(place.alias, "t1", PONG, asked, threaded=True)) == first


@pytest.mark.parametrize("post", [{"threaded": True}, {"edits": "$gone"}], ids=["thread", "edit"])
async def test_words_arrive_also_where_what_they_refer_to_is_gone(
    chat: MatrixChat, place: Place, nounou: Client, post: dict[str, object]
) -> None:
    sent = await chat.send(Post(place.alias, "t1", PONG, "$gone", **post))  # type: ignore[arg-type]

    message = await seen(nounou, sent)
    assert message.body == "pong <&>"
    assert "m.relates_to" not in message.content


async def test_a_text_too_long_for_an_event_is_in_a_file_that_people_can_read(
    chat: MatrixChat, place: Place, nounou: Client
) -> None:
    awkward = Text('ä"\n\0' * 50_000, "<p>" * 100_000)

    sent = await chat.send(Post(place.alias, "t1", awkward))
    await seen(nounou, sent)
    await chat.send(Post(place.alias, "t2", awkward, edits=sent))

    message = await nounou.wait_for(lambda m: m.event_id == sent and bool(m.edits))
    assert message.first["body"].startswith('ä"\n')
    assert message.first["body"].endswith("(the whole text is in the attached file, 244.1 KiB)")
    assert "formatted_body" not in message.first
    assert message.body.endswith("(the whole text is in the attached file, 244.1 KiB)")
    for file in await nounou.until(lambda: two_files(nounou)):
        assert await nounou.download(file.content["url"]) == awkward.plain.encode()


async def test_a_sign_is_put_on_a_message_and_taken_back(
    chat: MatrixChat, place: Place, nounou: Client
) -> None:
    asked = await nounou.say(place.room_id, "!migrate vm fz")
    wait = Post(place.alias, "wait", Text("⏳", "⏳"), asked, kind=PostKind.REACTION)

    first = await chat.send(wait)
    assert await chat.send(wait) == first
    assert await nounou.signs(place.room_id, asked) == ["⏳"]

    await chat.send(Post(place.alias, "t2", Text("", ""), edits=first, kind=PostKind.REMOVAL))
    assert await nounou.signs(place.room_id, asked) == []


async def test_others_see_the_bot_typing_until_it_is_done(
    chat: MatrixChat, place: Place, nounou: Client
) -> None:
    await chat.typing(place.alias, on=True)
    await nounou.until(lambda: place.bot_id in nounou.typing.get(place.room_id, ()) or None)

    await chat.typing(place.alias, on=False)
    await nounou.until(lambda: place.bot_id not in nounou.typing[place.room_id] or None)


async def test_half_characters_do_not_block_the_room(
    chat: MatrixChat, place: Place, nounou: Client
) -> None:
    sent = await chat.send(Post(place.alias, "t1", Text("a\ud800b", "a\ud800b")))

    assert (await seen(nounou, sent)).body == "a?b"


async def test_a_room_of_which_the_configuration_knows_nothing_is_refused(
    chat: MatrixChat, place: Place
) -> None:
    with pytest.raises(ChatRefused, match="not in the configuration"):
        await chat.send(Post("#elsewhere:localhost", "t1", PONG))


async def test_a_room_where_the_bot_is_not_yet_is_unavailable_and_gets_the_post_later(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    alias = f"#later-{place.bot}:localhost"
    post = Post(alias, "t1", PONG)
    other = await nounou.create_room(f"later-{place.bot}")

    async with place.running(inbox, place.alias, alias) as chat:
        with pytest.raises(ChatUnavailable, match="not in the room"):
            await chat.send(post)
        await nounou.invite(other, place.bot_id)
        await place.entered(nounou, other)
        await nounou.say(other, "!ping")
        await inbox.until(lambda: bool(inbox.messages))

        assert (await seen(nounou, await chat.send(post))).room == other


async def test_where_the_bot_may_not_speak_the_post_is_refused(
    chat: MatrixChat, place: Place, nounou: Client
) -> None:
    levels = {"events_default": 50}
    await nounou.set_state(place.room_id, "m.room.power_levels", levels)

    with pytest.raises(ChatRefused, match="refuses"):
        await chat.send(Post(place.alias, "t1", PONG))


async def test_nothing_is_sent_in_clear_into_a_room_that_becomes_encrypted(
    place: Place, nounou: Client
) -> None:
    inbox = Inbox()
    side = await nounou.create_room(f"side-{place.bot}", (place.bot_id,))
    alias = f"#side-{place.bot}:localhost"
    async with place.running(inbox, place.alias, alias) as chat:
        await place.entered(nounou)
        await place.entered(nounou, side)
        await nounou.say(place.room_id, "!ping")
        await inbox.until(lambda: bool(inbox.messages))
        assert await chat.send(Post(place.alias, "t1", PONG))

        await nounou.set_state(place.room_id, "m.room.encryption", ENCRYPTED)
        await nounou.say(side, "!say the bot has seen the encryption after this")
        await inbox.until(lambda: len(inbox.messages) == 2)

        await sealed(place, nounou, await chat.send(Post(place.alias, "t2", PONG)))

    async with place.running(inbox, place.alias, alias) as chat:
        await sealed(place, nounou, await chat.send(Post(place.alias, "t3", PONG)))


async def test_nothing_is_sent_in_clear_into_a_room_that_was_encrypted_while_the_bot_was_away(
    place: Place, nounou: Client
) -> None:
    """The stored token may be newer than the encryption: only a fresh look at the state tells."""
    inbox = Inbox()
    async with place.running(inbox):
        await place.entered(nounou)
    await nounou.set_state(place.room_id, "m.room.encryption", ENCRYPTED)
    inbox.token = await nounou.token_of_now()

    async with place.running(inbox) as chat:
        await sealed(place, nounou, await chat.send(Post(place.alias, "t1", PONG)))


async def sealed(place: Place, nounou: Client, event_id: str) -> None:
    """Nobody but those who have the key can tell what the event says."""
    path = f"rooms/{quote(place.room_id, safe='')}/event/{quote(event_id, safe='')}"
    event = await nounou.ask("GET", path)
    assert event["type"] == "m.room.encrypted"
    assert "pong" not in str(event)


async def test_a_post_waits_for_the_first_look_at_the_rooms(place: Place, nounou: Client) -> None:
    inbox = Inbox()
    async with place.running(inbox):
        await place.entered(nounou)
        await nounou.say(place.room_id, "!ping")
        await inbox.until(lambda: bool(inbox.messages))
    chat = place.chat()

    sending = asyncio.create_task(chat.send(Post(place.alias, "early", PONG)))
    running = asyncio.create_task(chat.run(inbox.receive, inbox.token))

    assert (await seen(nounou, await sending)).body == "pong <&>"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await chat.close()
