"""Who rewrites the whole record, head and all, is betrayed by what was said of it before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.audit import Entry, verify
from bot.core.witness import Witness, compare, head_line, line_of, posted, told
from tests.core.test_audit import ROWS, chain, head

Rows = list[tuple[str, dict[str, Any]]]


def hashes(entries: list[Entry]) -> dict[int, str]:
    return {entry.number: entry.hash for entry in entries}


def posts(entries: list[Entry]) -> list[str]:
    """What the room says of each entry, and at the end of the head, newest first."""
    lines = [f"{line_of(entry)} · job 7 · anna: !ping → succeeded" for entry in entries]
    return [head_line(entries[-1].number, entries[-1].hash), *reversed(lines)]


@given(ROWS)
def test_an_untouched_record_agrees_with_its_posts(rows: Rows) -> None:
    entries = chain(rows)

    heard = compare(posted(posts(entries)), hashes(entries))

    assert heard.ok
    assert f"about entries 1 to {len(entries)}." in heard.sentence


@given(ROWS, st.data())
def test_each_rewriting_that_hides_itself_contradicts_a_post(
    rows: Rows, data: st.DataObject
) -> None:
    """The forger seals everything anew, so that the chain and its head are whole."""
    place = data.draw(st.integers(0, len(rows) - 1))
    other = data.draw(st.integers(0, len(rows) - 1))
    new = ("forged", {"by": "mallory"})
    swapped = [*rows]
    swapped[place], swapped[other] = rows[other], rows[place]
    forged = data.draw(
        st.sampled_from(
            [
                [*rows[:place], new, *rows[place + 1 :]],
                rows[:place] + rows[place + 1 :],
                [*rows[:place], new, *rows[place:]],
                rows[:place],
                swapped,
            ]
        )
    )
    before, after = chain(rows), chain(forged)
    assert verify(after, head(after)).ok

    heard = compare(posted(posts(before)), hashes(after))

    assert heard.ok is (hashes(after).items() >= hashes(before).items())
    if not heard.ok:
        assert "#" in heard.sentence


@given(ROWS, st.integers(0, 7))
def test_a_post_of_the_head_alone_betrays_what_was_cut(rows: Rows, kept: int) -> None:
    entries = chain(rows)
    witness = posted([head_line(len(entries), entries[-1].hash)])

    heard = compare(witness, hashes(entries[:kept]))

    assert heard.ok is (kept >= len(entries))
    if not heard.ok:
        assert f"entry {len(entries)} is gone" in heard.sentence


def test_the_sentence_names_the_post_that_contradicts() -> None:
    [entry] = chain([("asked", {})])

    heard = compare([Witness(1, "f" * 12)], hashes([entry]))

    assert heard.sentence == (
        "The record was rewritten: a post says #1 ffffffffffff, entry 1 is another one."
    )


def test_where_nothing_was_said_that_is_said() -> None:
    assert compare([], {}).sentence == "No post tells of the record yet, so none was compared."


@pytest.mark.parametrize(
    "post",
    [
        "There is no command #5 aaaaaaaaaaaa here.",
        "✘ record #5 aaaaaaaaaaaa",
        "⏳ job 1: !help\nrecord #5 aaaaaaaaaaaa",
        "record #5 aaaaaaaaaaaaa",
        "record #5 AAAAAAAAAAAA",
        "record #5 aaaaaaaaaaa",
        "record #5",
        "",
    ],
)
def test_only_what_we_write_ourselves_is_a_witness(post: str) -> None:
    """Else a person could make the bot repeat a lie about the record."""
    assert posted([post]) == []


@pytest.mark.parametrize(
    ("line", "witness"),
    [
        ("#123 0123456789ab", Witness(123, "0123456789ab")),
        ("[10:00] <nounou> record head #9 " + "a" * 64, Witness(9, "a" * 64)),
        ("nounou  record #7 0123456789ab · job 3 · anna: !x → ok", Witness(7, "0123456789ab")),
    ],
)
def test_a_line_that_a_person_copied_is_a_witness_wherever_it_stands(
    line: str, witness: Witness
) -> None:
    assert told(["something else", line, ""]) == [witness]


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    posted([text])
    told(text.splitlines())
