"""Reading events: what counts as a person's line, and that nothing whatever raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.matrix_events import (
    encrypts,
    inviter,
    is_join_of,
    leaving,
    may_count,
    members,
    message_of,
    objects,
    present,
    tombstone,
    without_quote,
)
from bot.chat.matrix_rooms import Rooms
from bot.core.chat import Kind, Message, Proof

ME = "@bot:localhost"
ROOM = "#nounou:localhost"
NOUNOU = "@nounou:localhost"


def event(**changes: Any) -> dict[str, Any]:
    """A text message of a person, with *changes*."""
    return {
        "type": "m.room.message",
        "event_id": "$1",
        "sender": "@nounou:localhost",
        "origin_server_ts": 1,
        "content": {"msgtype": "m.text", "body": "!ping"},
        **changes,
    }


def content(**changes: Any) -> dict[str, Any]:
    return event(content={"msgtype": "m.text", "body": "!ping", **changes})


def edit(body: object, target: object = "$0", msgtype: str = "m.text") -> dict[str, Any]:
    fresh = {"msgtype": msgtype, "body": body}
    relation = {"rel_type": "m.replace", "event_id": target}
    return content(body="* !old", **{"m.new_content": fresh, "m.relates_to": relation})


def reaction(**changes: Any) -> dict[str, Any]:
    relation = {"rel_type": "m.annotation", "event_id": "$0", "key": "✅", **changes}
    return event(type="m.reaction", content={"m.relates_to": relation})


def test_a_text_message_of_a_person_is_a_message() -> None:
    assert message_of(event(), ROOM, ME) == Message("$1", ROOM, "@nounou:localhost", "!ping")


@pytest.mark.parametrize(
    "other",
    [
        event(sender=ME),
        event(sender=""),
        event(sender="@two\nlines:localhost"),
        event(sender="nounou"),
        event(sender=7),
        event(event_id=None),
        event(event_id="$" + "x" * 300),
        event(type="m.room.encrypted", unsigned={"redacted_because": {}}),
        event(type="m.reaction"),
        reaction(key=""),
        reaction(key=7),
        reaction(key="x" * 1000),
        reaction(event_id="oops"),
        reaction(event_id=["$0"]),
        reaction(rel_type="m.thread"),
        reaction() | {"sender": ME},
        reaction() | {"unsigned": {"redacted_because": {}}},
        event(state_key=""),
        event(content={}),
        event(content="!ping"),
        event(unsigned={"redacted_because": {}}),
        content(msgtype="m.notice"),
        content(msgtype="m.emote"),
        content(msgtype=["m.text"]),
        content(body=5),
        content(body=""),
        content(body="   "),
        content(body="> <@nounou2:localhost> !migrate vm fz"),
        content(**{"m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}}),
        content(**{"m.relates_to": {"rel_type": "m.replace"}, "m.new_content": "oops"}),
        content(**{"m.new_content": "oops"}),
        content(**{"m.new_content": {"msgtype": "m.text", "body": "!ping"}}),
        edit("!ping", msgtype="m.notice"),
        edit(""),
        edit(7),
        event(type="m.room.redaction"),
        event(type="m.room.redaction", redacts="not an id"),
        event(type="m.room.redaction", redacts=["$0"], content={"redacts": {}}),
        event(type="m.room.redaction", redacts="$0", unsigned={"redacted_because": {}}),
    ],
)
def test_anything_else_is_none(other: dict[str, Any]) -> None:
    assert message_of(other, ROOM, ME) is None


@pytest.mark.parametrize("target", ["$0", "", "oops", 5, None, {}])
def test_an_edit_is_the_new_text_and_names_what_it_replaces(target: object) -> None:
    message = message_of(edit("!ping", target), ROOM, ME)

    named = "$0" if target == "$0" else ""
    assert message == Message("$1", ROOM, NOUNOU, "!ping", Kind.EDIT, target=named)


@pytest.mark.parametrize(
    "place", [{"redacts": "$0"}, {"content": {"redacts": "$0"}}], ids=["old rooms", "new rooms"]
)
def test_a_redaction_names_the_message_that_was_taken_back(place: dict[str, Any]) -> None:
    redaction = event(type="m.room.redaction", **place)

    assert message_of(redaction, ROOM, ME) == Message(
        "$1", ROOM, NOUNOU, kind=Kind.REMOVAL, target="$0"
    )


def test_a_redaction_that_came_encrypted_takes_nothing_back() -> None:
    """A homeserver checks who may take a message back, and this one it could not read."""
    redaction = event(type="m.room.redaction", redacts="$0")

    assert message_of(redaction, ROOM, ME, Proof.SIGNED, "a seal") is None


def test_a_reaction_names_the_message_that_it_stands_on() -> None:
    assert message_of(reaction(), ROOM, ME) == Message(
        "$1", ROOM, NOUNOU, "✅", Kind.REACTION, target="$0"
    )


def test_a_reaction_that_came_encrypted_is_none() -> None:
    """So that a sign never counts for more than a homeserver's word."""
    assert message_of(reaction(), ROOM, ME, Proof.SIGNED, "a seal") is None


def test_what_fills_a_gap_keeps_the_reactions_of_persons_alone() -> None:
    assert may_count(reaction(), ME)
    assert not may_count(reaction() | {"sender": ME}, ME)


def test_a_message_that_was_decrypted_carries_its_proof_and_its_seal() -> None:
    message = message_of(event(), ROOM, ME, Proof.SIGNED, "a seal")

    assert message == Message("$1", ROOM, NOUNOU, "!ping", proof=Proof.SIGNED, seal="a seal")


@pytest.mark.parametrize("odd", [{}, {"content": "oops"}, {"content": {"ciphertext": 5}}])
def test_what_is_still_encrypted_could_not_be_read(odd: dict[str, Any]) -> None:
    message = message_of(event(type="m.room.encrypted", **odd), ROOM, ME)

    assert message == Message("$1", ROOM, NOUNOU, kind=Kind.UNREADABLE)


@pytest.mark.parametrize(
    "relation",
    ["oops", 5, None, [], {}, {"rel_type": {}}, {"rel_type": "m.thread", "event_id": "$0"}],
)
def test_a_relation_that_is_no_edit_does_not_hide_the_line(relation: object) -> None:
    message = message_of(content(**{"m.relates_to": relation}), ROOM, ME)

    assert message is not None
    assert message.body == "!ping"


@pytest.mark.parametrize(
    ("body", "own"),
    [
        ("!ping", "!ping"),
        ("> <@a:b> !rm\n\n!ping", "!ping"),
        ("> <@a:b> one\n> two\n>\n> three\n\n!ping vm\nsecond line", "!ping vm\nsecond line"),
        (">!rm\n!ping", "!ping"),
        ("> one\n\n> two\n\n!ping", "!ping"),
        ("> only a quote", ""),
        (">", ""),
        ("!say a\n> b", "!say a\n> b"),
        (" > no quote", " > no quote"),
        ("", ""),
    ],
)
def test_only_a_persons_own_words_are_left_of_a_reply(body: str, own: str) -> None:
    assert without_quote(body) == own


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n"))), st.text())
def test_no_quoted_line_survives_whatever_it_says(quoted: list[str], own: str) -> None:
    body = "".join(f"> {line}\n" for line in quoted) + "\n" + own if quoted else own

    left = without_quote(body)

    assert not left.startswith(">")
    assert own.endswith(left)


def test_a_body_of_nothing_but_quotes_is_read_in_no_time() -> None:
    assert without_quote(">\n" * 2_000_000 + "!ping") == "!ping"


def test_a_body_longer_than_an_event_can_be_is_cut_and_still_too_long_a_command() -> None:
    message = message_of(content(body="!say " + "x" * 1_000_000), ROOM, ME)

    assert message is not None
    assert 65_536 < len(message.body) < 200_000


def test_half_characters_are_made_storable() -> None:
    message = message_of(content(body="!say \ud800"), ROOM, ME)

    assert message is not None
    assert message.body == "!say ?"


def test_only_the_first_entrance_of_the_bot_itself_is_one() -> None:
    join = event(type="m.room.member", state_key=ME, content={"membership": "join"})
    profile = join | {"unsigned": {"prev_content": {"membership": "join"}}}
    returned = join | {"unsigned": {"prev_content": {"membership": "leave"}}}

    assert is_join_of(join, ME)
    assert is_join_of(returned, ME)
    assert not is_join_of(profile, ME)
    assert not is_join_of(join | {"state_key": "@nounou:localhost"}, ME)
    assert not is_join_of(join | {"content": {"membership": "leave"}}, ME)


def test_who_invites_is_who_sent_the_invitation_to_the_bot_and_nobody_else() -> None:
    invitation = {"membership": "invite", "displayname": "@nounou:localhost"}
    events = [
        "oops",
        {"type": "m.room.member", "state_key": "@x:y", "sender": "@a:b", "content": invitation},
        {"type": "m.room.member", "state_key": ME, "sender": "@c:d", "content": invitation},
    ]

    assert inviter({"invite_state": {"events": events}}, ME) == "@c:d"
    assert inviter({"invite_state": {"events": events[:2]}}, ME) is None
    assert inviter({"invite_state": "oops"}, ME) is None


def test_an_invitation_that_was_put_before_the_true_one_counts_for_nothing() -> None:
    invites = {"type": "m.room.member", "state_key": ME, "content": {"membership": "invite"}}
    events = [invites | {"sender": "@nounou:localhost"}, invites | {"sender": "@stranger:far"}]

    assert inviter({"invite_state": {"events": events}}, ME) == "@stranger:far"


def test_a_message_that_only_looks_like_encryption_encrypts_nothing() -> None:
    assert encrypts({"type": "m.room.encryption", "state_key": "", "content": {}})
    assert not encrypts({"type": "m.room.encryption", "content": {}})
    assert not encrypts({"type": "m.room.encryption", "state_key": "x", "content": {}})


#: the keys and words that our code looks for, so that its branches are reached
KEYS = st.sampled_from(
    """type event_id sender state_key content unsigned msgtype body m.relates_to rel_type redacts
    m.new_content membership prev_content redacted_because invite_state events
    replacement_room rooms join leave invite state timeline""".split()  # noqa: SIM905
)
WORDS = st.sampled_from(
    """m.room.message m.room.member m.room.encryption m.room.tombstone m.room.redaction
    m.room.encrypted @bot:localhost join
    invite m.text m.replace $1 @a:b !a""".split()  # noqa: SIM905
)
anything: st.SearchStrategy[Any] = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=20,
)


def points(**relation: Any) -> tuple[str, str]:
    """The thread that a line with *relation* is in, and what it answers."""
    message = message_of(content(**{"m.relates_to": relation}), ROOM, ME)
    assert message is not None
    assert (message.kind, message.body) == (Kind.LINE, "!ping")
    return message.thread, message.answers


def test_a_line_names_the_thread_that_it_is_in_and_what_a_person_chose_to_answer() -> None:
    reply = {"m.in_reply_to": {"event_id": "$said"}}
    thread = {"rel_type": "m.thread", "event_id": "$root"}

    assert points(**reply) == ("", "$said")
    assert points(**thread) == ("$root", "")
    assert points(**thread, **reply) == ("$root", "$said")
    assert points(**thread, **reply, is_falling_back=False) == ("$root", "$said")


def test_what_old_clients_are_shown_as_an_answer_in_a_thread_is_none() -> None:
    shown = {"m.in_reply_to": {"event_id": "$last"}, "is_falling_back": True}

    assert points(rel_type="m.thread", event_id="$root", **shown) == ("$root", "")


@pytest.mark.parametrize(
    "odd", [None, 7, "", "said", "@a:b", ["$said"], {}, "$" + "x" * 300, "$\n"]
)
def test_what_is_no_event_is_neither_a_thread_nor_answered(odd: object) -> None:
    assert points(rel_type="m.thread", event_id=odd) == ("", "")
    assert points(**{"m.in_reply_to": {"event_id": odd}}) == ("", "")
    assert points(**{"m.in_reply_to": odd}) == ("", "")


def test_an_edit_is_in_no_thread_and_answers_nothing() -> None:
    new = {"msgtype": "m.text", "body": "!ping", "m.relates_to": {"event_id": "$0"}}
    relation = {"rel_type": "m.replace", "event_id": "$0", "m.in_reply_to": {"event_id": "$1"}}
    message = message_of(content(**{"m.new_content": new, "m.relates_to": relation}), ROOM, ME)

    assert message is not None
    assert (message.kind, message.thread, message.answers) == (Kind.EDIT, "", "")


@given(anything)
def test_no_event_whatever_raises(value: Any) -> None:
    message = message_of(value, ROOM, ME)
    is_join_of(value, ME)
    encrypts(value)
    tombstone(value)
    leaving(value, ME)
    present(value)
    inviter(value, ME)
    objects(value)
    members(value)
    rooms = Rooms([ROOM, "!a"])
    rooms.take(value)
    rooms.take_events("!a", [value])

    if message is not None:
        assert message.sender != ME
        json.dumps([message.event_id, message.sender, message.body], ensure_ascii=False).encode()


@given(st.dictionaries(KEYS, anything, max_size=6), st.text(min_size=1))
def test_no_content_of_a_message_raises(odd: dict[str, Any], body: str) -> None:
    text = {"msgtype": "m.text", "body": body}

    message = message_of(event(content=odd | text), ROOM, ME)

    assert (
        message is None
        or message.kind is Kind.EDIT
        or body.encode(errors="replace").decode().endswith(message.body)
    )
