"""The record: whatever anybody changes, removes, moves or cuts off is noticed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.audit import GENESIS, Entry, Verdict, seal, verify

DATA = st.dictionaries(
    st.text(max_size=8),
    st.text(max_size=12) | st.integers() | st.booleans() | st.none(),
    max_size=3,
)
ROWS = st.lists(st.tuples(st.text(max_size=8), DATA), min_size=1, max_size=8)


def chain(rows: list[tuple[str, dict[str, Any]]]) -> list[Entry]:
    entries: list[Entry] = []
    for number, (kind, data) in enumerate(rows, 1):
        previous = entries[-1].hash if entries else GENESIS
        entries.append(seal(number, f"2026-11-23T10:00:{number:02d}", kind, data, previous))
    return entries


def head(entries: list[Entry]) -> tuple[int, str]:
    return (len(entries), entries[-1].hash) if entries else (0, GENESIS)


def test_an_empty_record_is_whole() -> None:
    assert verify([], (0, GENESIS)).ok


@given(ROWS)
def test_an_untouched_record_is_whole(rows: list[tuple[str, dict[str, Any]]]) -> None:
    entries = chain(rows)

    verdict = verify(entries, head(entries))

    assert verdict == Verdict(True, verdict.sentence, len(entries), entries[-1].hash)
    assert f"{len(entries)} entries" in verdict.sentence


@given(ROWS, st.data())
def test_a_change_of_any_field_of_any_entry_is_noticed(
    rows: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    entries = chain(rows)
    place = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(["number", "at", "kind", "data", "previous", "hash"]))
    old = getattr(entries[place], field)
    new = data.draw({"number": st.integers(), "data": DATA}.get(field, st.text(max_size=66)))
    changed = [*entries]
    values: dict[str, Any] = {field: new}
    changed[place] = replace(entries[place], **values)

    assert verify(changed, head(entries)).ok is (_same(new, old))


def _same(new: object, old: object) -> bool:
    """Python takes True for 1 and 1.0 for 1; JSON, and so the hash, does not."""
    return repr(new) == repr(old) or (isinstance(new, dict) and _sorted(new) == _sorted(old))


def _sorted(data: Any) -> list[str]:
    return sorted(f"{key!r}: {value!r}" for key, value in data.items())


@given(ROWS, st.data())
def test_an_entry_that_was_taken_out_is_noticed(
    rows: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    entries = chain(rows)
    place = data.draw(st.integers(0, len(entries) - 1))

    assert not verify(entries[:place] + entries[place + 1 :], head(entries)).ok


@given(ROWS, st.integers(0, 7))
def test_a_record_that_was_cut_is_noticed(
    rows: list[tuple[str, dict[str, Any]]], kept: int
) -> None:
    entries = chain(rows)

    verdict = verify(entries[:kept], head(entries))

    assert verdict.ok is (kept >= len(entries))
    if not verdict.ok:
        assert "cut" in verdict.sentence


@given(st.lists(st.tuples(st.text(max_size=8), DATA), min_size=2, max_size=8), st.randoms())
def test_entries_in_another_order_are_noticed(
    rows: list[tuple[str, dict[str, Any]]], luck: Any
) -> None:
    entries = chain(rows)
    shuffled = [*entries]
    luck.shuffle(shuffled)

    assert verify(shuffled, head(entries)).ok is (shuffled == entries)


def test_a_record_that_was_written_anew_from_its_start_does_not_end_in_the_posted_hash() -> None:
    """Who can write the store can make a new chain; the hashes in the room are what betrays it."""
    rows: list[tuple[str, dict[str, Any]]] = [("asked", {"line": "!a"}), ("ended", {"ok": True})]
    posted = head(chain(rows))

    forged = chain([("asked", {"line": "!b"}), *rows[1:]])

    assert not verify(forged, posted).ok


def test_one_entry_too_many_is_noticed() -> None:
    entries = chain([("asked", {}), ("ended", {})])

    assert not verify(entries, head(entries[:1])).ok


def test_what_was_whole_before_the_change_is_said() -> None:
    entries = chain([("asked", {"line": str(number)}) for number in range(5)])
    entries[3] = replace(entries[3], kind="denied")

    verdict = verify(entries, head(entries))

    assert "entry 4" in verdict.sentence
    assert (verdict.count, verdict.head) == (3, entries[2].hash)


@pytest.mark.parametrize(("one", "two"), [({"a": 1}, {"a": "1"}), ({"a": 1}, {"a": True})])
def test_values_that_look_alike_have_other_hashes(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert seal(1, "", "", one, GENESIS).hash != seal(1, "", "", two, GENESIS).hash


def test_people_compare_a_number_and_a_short_hash() -> None:
    entry = seal(7, "now", "asked", {}, GENESIS)

    assert entry.short == f"#7 {entry.hash[:12]}"
