"""What posts look like as events, and that they always fit into one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.matrix_content import content_of, content_of_file
from bot.core.chat import STATUS_KEY, Post, Status, Text

POST = Post("#r", "t1", Text("pong", "<b>pong</b>"), about="$asked")

#: the homeserver's own fields, ids and signatures take less than this of an event's 65,536 bytes
LARGEST = 60_000

texts = st.builds(
    lambda text, times: text * times,
    st.text(st.characters(), min_size=1, max_size=20),
    st.sampled_from([1, 100, 10_000]),
)


def test_an_answer_is_a_plain_message_of_the_room() -> None:
    assert "m.relates_to" not in content_of(POST)


def test_a_threaded_answer_hangs_under_what_it_is_about_or_under_that_ones_thread() -> None:
    threaded = replace(POST, threaded=True)

    assert content_of(threaded)["m.relates_to"]["event_id"] == "$asked"
    assert content_of(threaded, "$root")["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": "$root",
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": "$asked"},
    }


def test_a_post_under_one_of_the_bots_own_is_in_the_thread_that_this_one_begins() -> None:
    under = replace(POST, about=None, under="$alert")

    assert content_of(under)["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": "$alert",
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": "$alert"},
    }
    # one that answers a command from elsewhere belongs there as well
    assert content_of(replace(POST, under="$alert"))["m.relates_to"]["event_id"] == "$alert"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("incident-7.md", "text/markdown"),
        ("incident-7.JSON", "application/json"),
        ("output.txt", "text/plain"),
        ("", "text/plain"),
    ],
)
def test_a_file_is_of_the_kind_that_its_name_says(name: str, kind: str) -> None:
    file = content_of_file(replace(POST, file=name), None, 3, {"url": "mxc://localhost/1"})

    assert file["info"] == {"mimetype": kind, "size": 3}


def test_an_edit_replaces_the_text_and_has_no_other_relation() -> None:
    edit = content_of(replace(POST, threaded=True, edits="$first"))

    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$first"}
    assert edit["body"] == "* pong"
    assert edit["m.new_content"]["body"] == "pong"
    assert "m.relates_to" not in edit["m.new_content"]


@pytest.mark.parametrize("final", [False, True])
def test_a_client_that_folds_no_edits_shows_of_progress_only_what_is_new(final: bool) -> None:
    text = Text("⏳ job 7: !migrate vm fz\n✔ look (1 s)\n▶ moving vm: 44 %", "<b>…</b>")
    status = Status("$asked", 7, "running", final=final)
    edit = content_of(replace(POST, text=text, edits="$first", status=status))

    assert edit["body"] == ("* " + text.plain if final else "* ▶ moving vm: 44 %")
    assert ("formatted_body" in edit) is final
    assert edit["m.new_content"]["body"] == text.plain
    assert edit["m.new_content"]["formatted_body"] == text.html
    assert edit[STATUS_KEY] == status.content()


def test_only_persons_who_are_called_are_mentioned() -> None:
    assert content_of(POST)["m.mentions"] == {}
    called = content_of(replace(POST, mentions=("@nounou:localhost",)))
    assert called["m.mentions"] == {"user_ids": ["@nounou:localhost"]}


def test_only_what_calls_somebody_is_no_notice() -> None:
    calls = replace(POST, mentions=("@nounou:localhost",), edits="$working")

    assert content_of(POST)["msgtype"] == "m.notice"
    assert content_of(calls)["msgtype"] == content_of(calls)["m.new_content"]["msgtype"] == "m.text"
    assert content_of(calls)["m.mentions"] == {"user_ids": ["@nounou:localhost"]}


def test_html_that_does_not_fit_gives_way_to_the_plain_text() -> None:
    content = content_of(replace(POST, text=Text("plain", "<p>" * 50_000)))

    assert content["body"] == "plain"
    assert "format" not in content
    assert "formatted_body" not in content


def test_a_text_that_does_not_fit_is_cut_between_characters_and_says_so() -> None:
    content = content_of(replace(POST, text=Text("é" * 50_000, "")))

    body, note = content["body"].split("\n")
    assert set(body) == {"é"}
    assert len(body) > 20_000
    assert note == "… (cut here; the whole text has 97.7 KiB)"


@given(texts, texts, st.booleans())
def test_every_post_fits_into_an_event_when_it_is_encrypted_too(
    plain: str, html: str, edits: bool
) -> None:
    """Encryption makes four bytes of three, and adds some of its own."""
    post = replace(POST, text=Text(plain, html), edits="$x" if edits else None, threaded=True)

    content = content_of(post, secret=True)

    sealed = len(json.dumps(content, ensure_ascii=False).encode()) * 4 / 3 + 1000
    assert sealed < LARGEST


@given(texts, texts, st.booleans())
def test_every_post_fits_into_an_event_and_can_be_written_as_utf_8(
    plain: str, html: str, edits: bool
) -> None:
    status = Status("$asked", 1, "running", final=False)
    post = replace(POST, text=Text(plain, html), edits="$x" if edits else None, status=status)

    content = content_of(post)

    assert len(json.dumps(content, ensure_ascii=False).encode()) < LARGEST
    shown = content["m.new_content"] if edits else content
    assert shown[STATUS_KEY] == status.content()
    assert shown["body"]
